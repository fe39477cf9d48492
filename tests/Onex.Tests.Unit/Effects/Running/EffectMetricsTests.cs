using Onex.Metrics;
using Onex.Persistence.Ledger;
using Onex.Tests.Unit.Effects.Http;
using Onex.Tests.Unit.Metrics;

namespace Onex.Tests.Unit.Effects.Running;

/// <summary>The metrics of attempts, of the ledger and of the gates of connections.</summary>
public sealed class EffectMetricsTests : IAsyncLifetime
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    private readonly OnexMeter _meter = new();
    private MetricReader _reader = null!;
    private HttpTestServer _server = null!;
    private EffectsHarness _effects = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await HttpTestServer.StartAsync();
        _effects = new EffectsHarness(
            $$"""
            connections:
              stock:
                type: http
                url: "{{_server.Address}}"
                concurrency: 1
                breaker: { ratio: 1, calls: 2, within: 30s, pause: 10s }
            """,
            meter: _meter);
        _reader = new MetricReader(_meter);
    }

    public async ValueTask DisposeAsync()
    {
        await _effects.DisposeAsync();
        await _server.DisposeAsync();
        _reader.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public async Task Attempts_are_measured_by_operation_connection_and_outcome()
    {
        var command = Post();
        await _effects.RunAsync(command);
        await _effects.RunAsync(command);
        _server.AnswerWith(422, "text/plain", "");
        await _effects.RunAsync(Post());
        _effects.Ledger.FixedClaim = ClaimResult.Leased.Instance;
        await _effects.Runner.RunAsync(Post(), null, default);
        _effects.Ledger.FixedClaim = new ClaimResult.Expired("It is late.");
        await _effects.Runner.RunAsync(Post(), null, default);

        var counts = _reader.Counts();
        Assert.Equal(1, counts["onex.effect.duration{http.post,stock,completed}"]);
        Assert.Equal(1, counts["onex.effect.duration{http.post,stock,rejected}"]);
        Assert.Equal(5, counts["onex.connection.wait{stock}"]);
        var sums = _reader.Sums();
        Assert.Equal(
            [2, 1, 1, 1],
            ((string[])["granted", "recorded", "leased", "expired"]).Select(result => sums[$"onex.ledger.claims{{{result}}}"]));
    }

    [Fact]
    public async Task Running_and_waiting_commands_are_read_while_they_run_and_wait()
    {
        var answer = new TaskCompletionSource();
        _server.Answer = async context =>
        {
            await answer.Task;
            context.Response.StatusCode = 200;
        };
        var runs = new[] { Post(), Post() }.Select(command => _effects.Runner.RunAsync(command, null, default)).ToList();

        await Eventually.Async(
            () =>
            {
                var now = _reader.Sums();
                return now["onex.connection.running{stock}"] == 1 && now["onex.connection.waiting{stock}"] == 1
                    && now["onex.ledger.leases{}"] == 1;
            },
            _within, () => "one runs and one waits");
        answer.SetResult();
        await Task.WhenAll(runs);

        var sums = _reader.Sums();
        Assert.Equal(
            (0, 0, 0), (sums["onex.connection.running{stock}"], sums["onex.connection.waiting{stock}"], sums["onex.ledger.leases{}"]));
    }

    [Fact]
    public async Task An_open_breaker_and_the_commands_that_it_parks_are_counted()
    {
        _server.AnswerWith(503, "text/plain", "");
        var command = Post();
        await _effects.RunAsync(command);
        Assert.Equal(0, _reader.Sums()["onex.connection.breaker{stock}"]);

        await _effects.Runner.RunAsync(command with { Attempt = 2 }, null, default);
        await _effects.Runner.RunAsync(Post(), null, default);

        var sums = _reader.Sums();
        const double Open = 2;
        Assert.Equal((Open, 2), (sums["onex.connection.breaker{stock}"], sums["onex.connection.parkings{stock}"]));
    }

    private static StepCommand Post() => EffectsHarness.Command("http.post", """{"path":"/x"}""", "stock");
}
