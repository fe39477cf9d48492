using Onex.Metrics;
using Onex.Persistence.Ledger;
using Onex.Tests.Unit.Effects.Http;
using Onex.Tests.Unit.Metrics;

namespace Onex.Tests.Unit.Effects.Running;

/// <summary>What attempts, the ledger and the gates of connections add to the metrics.</summary>
public sealed class EffectMetricsTests : IAsyncLifetime
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    private readonly OnexMeter _meter = new();
    private MetricReader _reader = null!;
    private HttpTestServer _outside = null!;
    private EffectsHarness _bench = null!;

    public async ValueTask InitializeAsync()
    {
        _outside = await HttpTestServer.StartAsync();
        _bench = new EffectsHarness(
            $$"""
            connections:
              stock:
                type: http
                url: "{{_outside.Address}}"
                concurrency: 1
                breaker: { ratio: 1, calls: 2, within: 30s, pause: 10s }
            """,
            meter: _meter);
        _reader = new MetricReader(_meter);
    }

    public async ValueTask DisposeAsync()
    {
        await _bench.DisposeAsync();
        await _outside.DisposeAsync();
        _reader.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public async Task Attempts_are_measured_by_operation_connection_and_outcome()
    {
        var command = Post();
        await _bench.RunAsync(command);
        await _bench.RunAsync(command);
        _outside.AnswerWith(422, "text/plain", "");
        await _bench.RunAsync(Post());
        _bench.Ledger.Always = ClaimResult.Leased.Instance;
        await _bench.Runner.RunAsync(Post(), null, default);
        _bench.Ledger.Always = new ClaimResult.Expired("It is late.");
        await _bench.Runner.RunAsync(Post(), null, default);

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
        _outside.Answer = async call =>
        {
            await answer.Task;
            call.Response.StatusCode = 200;
        };
        var runs = new[] { Post(), Post() }.Select(command => _bench.Runner.RunAsync(command, null, default)).ToList();

        await Eventually.Async(
            () => _reader.Sums() is var now && now["onex.connection.running{stock}"] == 1 && now["onex.connection.waiting{stock}"] == 1
                && now["onex.ledger.leases{}"] == 1,
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
        _outside.AnswerWith(503, "text/plain", "");
        var command = Post();
        await _bench.RunAsync(command);
        Assert.Equal(0, _reader.Sums()["onex.connection.breaker{stock}"]);

        await _bench.Runner.RunAsync(command with { Attempt = 2 }, null, default);
        await _bench.Runner.RunAsync(Post(), null, default);

        var sums = _reader.Sums();
        Assert.Equal((2, 2), (sums["onex.connection.breaker{stock}"], sums["onex.connection.parkings{stock}"]));
    }

    private static StepCommand Post() => EffectsHarness.Command("http.post", """{"path":"/x"}""", "stock");
}
