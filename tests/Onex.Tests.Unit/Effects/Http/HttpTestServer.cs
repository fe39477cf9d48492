using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Onex.Tests.Unit.Effects.Http;

/// <summary>A real HTTP server on loopback that gives the answers of a test and records the requests.</summary>
public sealed class HttpTestServer : IAsyncDisposable
{
    private readonly WebApplication _server;

    private HttpTestServer(WebApplication server) => _server = server;

    public sealed record ReceivedRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body);

    public ConcurrentQueue<ReceivedRequest> Requests { get; } = new();

    public Func<HttpContext, Task> Answer { get; set; } = _ => Task.CompletedTask;

    public Uri Address { get; private set; } = null!;

    /// <param name="protocols">The HTTP versions that it accepts.</param>
    /// <param name="certificate">The file of its certificate, for TLS that demands a certificate of the client; or null.</param>
    public static async Task<HttpTestServer> StartAsync(HttpProtocols protocols = HttpProtocols.Http1, string? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, 0, listening =>
            {
                listening.Protocols = protocols;
                if (certificate is not null)
                {
                    listening.UseHttps(https =>
                    {
                        https.ServerCertificate = X509Certificate2.CreateFromPemFile(certificate);
                        https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                        https.AllowAnyClientCertificate();
                    });
                }
            });
        });
        var server = builder.Build();
        var testServer = new HttpTestServer(server);
        server.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            var body = await reader.ReadToEndAsync();
            var target = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
            testServer.Requests.Enqueue(new ReceivedRequest(
                context.Request.Method,
                target,
                context.Request.Headers.ToDictionary(
                    header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
                body));
            await testServer.Answer(context);
        });
        await server.StartAsync();
        testServer.Address = new Uri(server.Urls.Single());
        return testServer;
    }

    public void AnswerWith(int status, string contentType, string body) => Answer = context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        return context.Response.WriteAsync(body);
    };

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
