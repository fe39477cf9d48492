using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Onex.Tests.Unit.Effects.Http;

/// <summary>The keys of a connection for TLS, HTTP/2 and proxies, against real servers.</summary>
public sealed class HttpConnectionTests : IDisposable
{
    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData("1.1", "HTTP/1.1")]
    [InlineData("2", "HTTP/2")]
    public async Task A_service_is_verified_and_sees_the_clients_certificate(string version, string expected)
    {
        await using var server = await HttpTestServer.StartAsync(HttpProtocols.Http1AndHttp2, _certificates.ServerFile);
        server.Answer = context =>
        {
            context.Response.Headers["x-seen"] = $"{context.Request.Protocol} {context.Connection.ClientCertificate?.Subject}";
            return Task.CompletedTask;
        };
        await using var withAuthority = Harness(
            server.Address, $"http_version: '{version}', ca_file: {_certificates.CaFile}, client_certificate: {_certificates.ClientFile}");
        await using var withoutAuthority = Harness(
            server.Address, $"http_version: '{version}', client_certificate: {_certificates.ClientFile}");
        var command = EffectsHarness.Command("http.post", """{"path":"/a","body":1}""", "service");

        var seen = await withAuthority.RunAsync(command);
        var rejected = await withoutAuthority.RunAsync(command);

        Assert.Equal($"{expected} CN=client", Headers(seen).GetProperty("x-seen").GetString());
        Assert.Equal((StepOutcomes.Failed, "connection_failed", StepReaches.NotSent), (rejected.Outcome, rejected.Code, rejected.Reach));
    }

    [Theory]
    [InlineData("url: 'https://127.0.0.1:1', ", false)]
    [InlineData("", true)]
    public async Task An_allowed_host_sees_the_clients_certificate_only_if_the_connection_has_no_base_address(string url, bool isSeen)
    {
        await using var allowed = await HttpTestServer.StartAsync(HttpProtocols.Http1, _certificates.ServerFile);
        await using var effects = new EffectsHarness(
            $$"""
            connections:
              service:
                { type: http, {{url}}allow: [127.0.0.1],
                  ca_file: {{_certificates.CaFile}}, client_certificate: {{_certificates.ClientFile}} }
            """);

        var result = await effects.RunAsync(EffectsHarness.Command("http.get", $$"""{"url":"{{allowed.Address}}x"}""", "service"));

        Assert.Equal(isSeen ? StepOutcomes.Completed : StepOutcomes.Failed, result.Outcome);
        Assert.Equal(isSeen ? 1 : 0, allowed.Requests.Count);
    }

    [Fact]
    public async Task Http_2_is_spoken_without_tls_and_an_attempt_without_an_answer_may_have_been_sent()
    {
        await using var server = await HttpTestServer.StartAsync(HttpProtocols.Http2);
        server.Answer = context => context.Response.WriteAsync(context.Request.Protocol);
        await using var effects = Harness(server.Address, "http_version: '2'");

        var result = await effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/a"}""", "service"));
        server.Answer = context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        var lost = await effects.RunAsync(EffectsHarness.Command("http.post", """{"path":"/b","body":1}""", "service"));

        Assert.Equal("HTTP/2", JsonElement.Parse(result.Result!.Value.Utf8.Span).GetProperty("body").GetString());
        Assert.Equal((StepOutcomes.Failed, StepReaches.Sent), (lost.Outcome, lost.Reach));
        Assert.Single(server.Requests, request => request.Target == "/b");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Requests_go_through_the_proxy_of_the_connection_and_only_to_hosts_that_it_names(bool isTls)
    {
        await using var server = isTls
            ? await HttpTestServer.StartAsync(HttpProtocols.Http1, _certificates.ServerFile)
            : await HttpTestServer.StartAsync();
        await using var proxy = new Proxy();
        await using var effects = Harness(
            server.Address,
            $"proxy: 'http://onex:pass@127.0.0.1:{proxy.Port}', allow: [10.0.0.0/8], "
            + $"ca_file: {_certificates.CaFile}, client_certificate: {_certificates.ClientFile}");

        var result = await effects.RunAsync(EffectsHarness.Command("http.post", """{"path":"/a","body":1}""", "service"));
        var rejected = await effects.RunAsync(EffectsHarness.Command("http.get", """{"url":"http://elsewhere.example/"}""", "service"));

        Assert.Equal((StepOutcomes.Completed, null), (result.Outcome, result.Code));
        Assert.Equal("/a", Assert.Single(server.Requests).Target);
        Assert.StartsWith(
            isTls ? $"CONNECT 127.0.0.1:{server.Address.Port} " : $"POST {server.Address}a ", proxy.Lines.Last(), StringComparison.Ordinal);
        Assert.Equal((StepOutcomes.Rejected, "address_refused"), (rejected.Outcome, rejected.Code));
    }

    private static EffectsHarness Harness(Uri address, string keys) =>
        new($"connections: {{ service: {{ type: http, url: '{address}', {keys} }} }}");

    private static JsonElement Headers(StepResult result)
    {
        Assert.True(result.Outcome == StepOutcomes.Completed, $"{result.Code}: {result.Message}");
        return JsonElement.Parse(result.Result!.Value.Utf8.Span).GetProperty("headers");
    }

    /// <summary>A proxy for plain requests and tunnels to 127.0.0.1.</summary>
    private sealed class Proxy : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _loop;

        public Proxy()
        {
            _listener.Start();
            _loop = AcceptAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public List<string> Lines { get; } = [];

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _loop;
        }

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    _ = ServeAsync(await _listener.AcceptTcpClientAsync());
                }
            }
            catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException)
            {
            }
        }

        private async Task ServeAsync(TcpClient client)
        {
            using var caller = client;
            var stream = client.GetStream();
            var head = new StringBuilder();
            var buffer = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(buffer) > 0)
            {
                head.Append((char)buffer[0]);
            }

            var line = head.ToString().Split("\r\n")[0];
            lock (Lines)
            {
                Lines.Add(line);
            }

            var target = line.Split(' ')[1];
            var isTunnel = line.StartsWith("CONNECT ", StringComparison.Ordinal);
            using var server = new TcpClient();
            var port = isTunnel ? int.Parse(target.Split(':')[1], CultureInfo.InvariantCulture) : new Uri(target).Port;
            await server.ConnectAsync(IPAddress.Loopback, port);
            var serverStream = server.GetStream();
            if (isTunnel)
            {
                await stream.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray());
            }
            else
            {
                var path = new Uri(target).PathAndQuery;
                await serverStream.WriteAsync(Encoding.ASCII.GetBytes(head.ToString().Replace(target, path, StringComparison.Ordinal)));
            }

            await Task.WhenAny(stream.CopyToAsync(serverStream), serverStream.CopyToAsync(stream));
        }
    }
}
