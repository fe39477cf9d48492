using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Onex.Tests.Fault;

/// <summary>A proxy in front of a service, which works, hangs, answers 503, or does not listen, as a test wants.</summary>
internal sealed class Gateway : IAsyncDisposable
{
    private readonly Uri _service;
    private readonly HttpClient _client = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly CancellationTokenSource _end = new();
    private WebApplication? _server;

    private Gateway(Uri service) => _service = service;

    /// <summary>Where callers reach the service.</summary>
    public Uri Address { get; } = new($"http://127.0.0.1:{FreePort.Next()}");

    /// <summary>What happens to a call.</summary>
    public GatewayMode Mode { get; private set; } = GatewayMode.Gone;

    /// <summary>Starts a proxy that passes calls on.</summary>
    public static async Task<Gateway> StartAsync(Uri service)
    {
        var gateway = new Gateway(service);
        await gateway.SetAsync(GatewayMode.Works);
        return gateway;
    }

    /// <summary>Changes what happens to calls that arrive from now on.</summary>
    public async Task SetAsync(GatewayMode mode)
    {
        Mode = mode;
        if (mode == GatewayMode.Gone)
        {
            await StopAsync();
        }
        else if (_server is null)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            var server = builder.Build();
            server.Urls.Add(Address.ToString());
            server.Run(HandleAsync);
            await server.StartAsync();
            _server = server;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await StopAsync();
        _client.Dispose();
        _end.Dispose();
    }

    private async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _server, null) is { } server)
        {
            await server.StopAsync(new CancellationToken(canceled: true));
            await server.DisposeAsync();
        }
    }

    private async Task HandleAsync(HttpContext context)
    {
        switch (Mode)
        {
            case GatewayMode.Unavailable:
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return;
            case GatewayMode.Hangs:
                await Task.WhenAny(
                    Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted),
                    Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _end.Token));
                return;
        }

        using var request = new HttpRequestMessage(
            new HttpMethod(context.Request.Method), new Uri(_service, context.Request.Path + context.Request.QueryString));
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        request.Content = new ByteArrayContent(body.ToArray());
        request.Content.Headers.TryAddWithoutValidation("Content-Type", context.Request.ContentType);
        request.Headers.TryAddWithoutValidation("Idempotency-Key", context.Request.Headers["Idempotency-Key"].ToString());
        using var response = await _client.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)response.StatusCode;
        context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
        await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}

/// <summary>What happens to a call.</summary>
internal enum GatewayMode
{
    /// <summary>It is passed on.</summary>
    Works,

    /// <summary>The connection is rejected.</summary>
    Gone,

    /// <summary>It is answered with 503.</summary>
    Unavailable,

    /// <summary>It is never answered.</summary>
    Hangs,
}
