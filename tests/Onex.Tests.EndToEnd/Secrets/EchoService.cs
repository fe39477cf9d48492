using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Onex.Tests.EndToEnd.Secrets;

/// <summary>
/// A service that repeats <c>Authorization</c> and body of each request, in a header and in the body of the response. <c>/echo</c> fails
/// twice before it succeeds, and <c>/refused</c> rejects.
/// </summary>
internal sealed class EchoService : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<string> _received = new();
    private readonly ConcurrentQueue<string> _traces = new();

    private EchoService(WebApplication server, Uri address)
    {
        (_server, Address) = (server, address);
        server.Run(HandleAsync);
    }

    public Uri Address { get; }

    /// <summary>The requests so far: <c>Authorization</c> and body.</summary>
    public IReadOnlyList<string> Received => [.. _received];

    /// <summary>The header <c>traceparent</c> of each request.</summary>
    public IReadOnlyList<string> Traces => [.. _traces];

    public static async Task<EchoService> StartAsync(int? port = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var address = new Uri($"http://127.0.0.1:{port ?? FreePort.Next()}");
        var server = builder.Build();
        server.Urls.Add(address.ToString());
        var service = new EchoService(server, address);
        await server.StartAsync();
        return service;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        await _server.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var seen = $"{context.Request.Headers.Authorization} {await reader.ReadToEndAsync()}";
        _received.Enqueue(seen);
        _traces.Enqueue(context.Request.Headers.TraceParent.ToString());
        var isFailure = context.Request.Path == "/echo" && _received.Count(each => each == seen) <= 2;
        context.Response.StatusCode = isFailure ? 503 : context.Request.Path == "/refused" ? 422 : 200;
        context.Response.Headers["x-echo"] = Uri.EscapeDataString(seen);
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(new JsonObject { ["seen"] = seen }.ToJsonString());
    }
}
