using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Onex.Hosting.Health;

namespace Onex.Hosting;

/// <summary>Listens while the role cannot be composed yet: see <see cref="OnexHost.ListenWhileStartingAsync"/>.</summary>
public sealed class StartingHost : IAsyncDisposable
{
    private static readonly TimeSpan _closeMax = TimeSpan.FromSeconds(1);

    private readonly WebApplication _app;

    internal StartingHost(WebApplication app) => _app = app;

    /// <summary>Sets what the start waits for, and why.</summary>
    public void WaitFor(string what) => _app.Services.GetRequiredService<RoleHealth>().WaitsFor = what;

    /// <summary>Releases the port.</summary>
    public async ValueTask DisposeAsync()
    {
        using (var closing = new CancellationTokenSource(_closeMax))
        {
            await _app.StopAsync(closing.Token);
        }

        await _app.DisposeAsync();
    }
}
