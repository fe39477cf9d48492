using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Onex.Persistence.Ledger;
using Onex.Tests.Unit.Effects.Http;

namespace Onex.Tests.Unit.Effects.Running;

/// <summary>How far an attempt came: not sent, sent, answered, or done with an unusable response.</summary>
public sealed class AttemptReachTests : IAsyncLifetime
{
    private HttpTestServer _server = null!;
    private EffectsHarness _effects = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await HttpTestServer.StartAsync();
        _effects = new EffectsHarness(Connections());
    }

    public async ValueTask DisposeAsync()
    {
        await _effects.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(200, null)]
    [InlineData(404, StepReaches.Answered)]
    [InlineData(429, StepReaches.Answered)]
    [InlineData(503, StepReaches.Answered)]
    [InlineData(500, StepReaches.Sent)]
    [InlineData(502, StepReaches.Sent)]
    [InlineData(504, StepReaches.Sent)]
    public async Task An_HTTP_status_determines_the_reach_of_an_attempt(int status, string? reach)
    {
        _server.AnswerWith(status, "text/plain", "");

        Assert.Equal(reach, (await _effects.RunAsync(Post())).Reach);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("http://no-such-host.invalid")]
    public async Task A_connection_that_cannot_be_opened_means_not_sent(string url)
    {
        await using var effects = new EffectsHarness($"connections: {{ stock: {{ type: http, url: '{url}' }} }}");

        var result = await effects.RunAsync(Post());

        Assert.Equal(("connection_failed", StepReaches.NotSent), (result.Code, result.Reach));
    }

    [Theory]
    [InlineData("this is no TLS\r\n", "connection_failed")]
    [InlineData("", "step_timed_out")]
    public async Task An_attempt_without_a_secure_connection_means_not_sent(string handshake, string code)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var accepted = listener.AcceptTcpClientAsync();
        await using var effects = new EffectsHarness(
            $"connections: {{ stock: {{ type: http, url: 'https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}' }} }}");
        var run = effects.RunAsync(Post(timeoutMs: handshake.Length == 0 ? 300 : 30_000));
        using var client = await accepted;
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(handshake));

        var result = await run;

        Assert.Equal((code, StepReaches.NotSent), (result.Code, result.Reach));
    }

    [Fact]
    public async Task A_response_timeout_leaves_the_outcome_unknown()
    {
        // The second request uses the socket of the first one.
        Assert.Null((await _effects.RunAsync(Post())).Reach);
        _server.Answer = context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);

        var result = await _effects.RunAsync(Post(timeoutMs: 300));

        Assert.Equal(("step_timed_out", StepReaches.Sent), (result.Code, result.Reach));
    }

    [Fact]
    public async Task A_connection_lost_before_the_response_leaves_the_outcome_unknown()
    {
        _server.Answer = context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };

        Assert.Equal(StepReaches.Sent, (await _effects.RunAsync(Post())).Reach);
    }

    [Fact]
    public async Task A_2xx_with_a_truncated_body_happened_and_keeps_its_status()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var accepted = listener.AcceptTcpClientAsync();
        await using var effects = new EffectsHarness(
            $"connections: {{ stock: {{ type: http, url: 'http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}' }} }}");
        var run = effects.RunAsync(Post());
        using var client = await accepted;
        _ = await client.GetStream().ReadAsync(new byte[1]);
        await client.GetStream().WriteAsync("HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\nhalf"u8.ToArray());
        client.Client.Shutdown(SocketShutdown.Send);

        var result = await run;

        Assert.Equal((StepOutcomes.Failed, "connection_lost", StepReaches.Done), (result.Outcome, result.Code, result.Reach));
        Assert.Contains("201", result.Result.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_2xx_whose_body_times_out_happened()
    {
        _server.Answer = async context =>
        {
            context.Response.ContentLength = 1000;
            await context.Response.WriteAsync("half");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        };

        var result = await _effects.RunAsync(Post(timeoutMs: 500));

        Assert.Equal((StepOutcomes.Failed, "step_timed_out", StepReaches.Done), (result.Outcome, result.Code, result.Reach));
    }

    [Fact]
    public async Task A_result_that_cannot_be_stored_happened()
    {
        _effects.Ledger.Reject = result => result.Result is null ? null : new InvalidOperationException("It cannot be stored.");

        Assert.Equal(StepReaches.Done, (await _effects.RunAsync(Post())).Reach);
    }

    [Fact]
    public async Task A_completed_effect_whose_result_the_broker_rejects_happened()
    {
        _server.AnswerWith(200, "text/plain", new string('x', 3000));
        _effects.Produced.LengthMax = 2000;

        await _effects.Runner.RunAsync(Post(), null, TestContext.Current.CancellationToken);

        var sent = JsonSerializer.Deserialize(_effects.Produced.Records.Last().Value.Span, MessageJson.Default.StepResult)!;
        Assert.Equal((StepOutcomes.Rejected, "result_undeliverable", StepReaches.Done), (sent.Outcome, sent.Code, sent.Reach));
    }

    [Theory]
    [InlineData("http.teleport", "stock")]
    [InlineData("http.post", "stok")]
    public async Task An_unknown_operation_or_connection_means_not_sent(string operation, string connection) =>
        Assert.Equal(
            StepReaches.NotSent, (await _effects.RunAsync(EffectsHarness.Command(operation, """{"path":"/x"}""", connection))).Reach);

    [Theory]
    [InlineData(503, StepReaches.Sent)]
    [InlineData(404, StepReaches.Answered)]
    public async Task An_attempt_after_a_lease_without_an_outcome_never_reports_that_nothing_was_sent(int status, string reach)
    {
        _effects.Ledger.FixedClaim = new ClaimResult.Granted(Guid.Empty) { FollowsUnrecordedLease = true };
        _server.AnswerWith(status, "text/plain", "");
        var command = Post();
        _effects.Ledger.ClaimElsewhere(command.CommandId, Guid.Empty);

        Assert.Equal(reach, (await _effects.RunAsync(command)).Reach);
    }

    private static StepCommand Post(int timeoutMs = 30_000) => EffectsHarness.Command("http.post", """{"path":"/x"}""", "stock", timeoutMs);

    private string Connections(string more = "timeout: 30s") => $$"""
        connections:
          stock:
            type: http
            url: "{{_server.Address}}"
            {{more}}
        """;
}
