using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Onex.Hosting;
using Onex.Hosting.Http;
using Onex.Hosting.Settings;

namespace Onex.Tests.Unit.Hosting;

/// <summary>The host of a role.</summary>
public sealed class OnexHostTests
{
    [Fact]
    public async Task A_call_that_does_not_end_is_aborted_when_the_host_stops()
    {
        var port = FreePort.Next();
        var settings = SettingsReader.Read(
            new Dictionary<string, string>
            {
                ["ONEX_HTTP_PORT"] = port.ToString(CultureInfo.InvariantCulture),
                ["CONTRACTS_DIR"] = Repository.At("contracts"),
            },
            Repository.Root).Settings!;
        var builder = OnexHost.CreateBuilder(settings);
        var endpoint = new EndlessEndpoint();
        builder.Services.AddSingleton<IHttpEndpoints>(endpoint);
        using var stop = new CancellationTokenSource();
        var running = builder.RunAsync(TextWriter.Null, stop.Token);
        using var http = new HttpClient();
        var call = CallAsync();
        await endpoint.Called.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        await stop.CancelAsync();
        Assert.Equal(OnexHost.Stopped, await running.WaitAsync(TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<HttpRequestException>(() => call);

        async Task CallAsync()
        {
            while (true)
            {
                try
                {
                    await http.GetAsync(new Uri($"http://localhost:{port}/endless"), TestContext.Current.CancellationToken);
                    return;
                }
                catch (HttpRequestException) when (!endpoint.Called.Task.IsCompleted)
                {
                    // The host does not listen yet.
                    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
                }
            }
        }
    }

    private sealed class EndlessEndpoint : IHttpEndpoints
    {
        public TaskCompletionSource Called { get; } = new();

        public void Map(IEndpointRouteBuilder endpoints) => endpoints.MapGet("/endless", http =>
        {
            Called.SetResult();
            return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, http.RequestAborted);
        });
    }
}
