using Onex.Kafka.Brokers;
using Onex.Kafka.Producing;
using Onex.Persistence;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;
using Onex.Tests.Unit.Effects.Http;

namespace Onex.Tests.Unit.Effects.Running;

public sealed class EffectRunnerTests : IAsyncLifetime
{
    private HttpTestServer _outside = null!;
    private EffectsHarness _bench = null!;

    public async ValueTask InitializeAsync()
    {
        _outside = await HttpTestServer.StartAsync();
        _bench = new EffectsHarness(Connections());
    }

    public async ValueTask DisposeAsync()
    {
        await _bench.DisposeAsync();
        await _outside.DisposeAsync();
    }

    [Fact]
    public async Task The_result_is_produced_to_the_home_partition_with_its_headers()
    {
        var command = Post();

        await _bench.Runner.RunAsync(command, new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=1"), default);

        var record = Assert.Single(_bench.Produced.Records);
        Assert.Equal(("effect-responses", 3, command.CommandId.ToString()), (record.Topic, record.Partition, record.Key));
        var headers = record.Headers.ToDictionary(header => header.Key, header => header.Value);
        Assert.Equal(command.CorrelationId.ToString(), headers["correlation_id"]);
        Assert.Equal(Identity.ResultMessage(command.CommandId, 1).ToString(), headers["message_id"]);
        Assert.Equal(
            ("application/json", "onex-effects", "onex.result", "1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=1"),
            (
                headers["content_type"], headers["source"], headers["event_type"], headers["schema_version"], headers["traceparent"],
                headers["tracestate"]));
    }

    [Fact]
    public async Task A_redelivered_command_is_answered_from_the_ledger_without_a_second_call()
    {
        var command = Post();

        var first = await _bench.RunAsync(command);
        var second = await _bench.RunAsync(command);

        Assert.Equal(first, second);
        Assert.Single(_outside.Requests);
        var ids = _bench.Produced.Records.Select(record => record.Headers.Single(header => header.Key == "message_id").Value);
        Assert.Single(ids.Distinct());
    }

    [Fact]
    public async Task The_next_attempt_of_a_failed_command_uses_the_same_idempotency_key()
    {
        _outside.AnswerWith(503, "text/plain", "");
        var command = Post();
        await _bench.RunAsync(command);
        _outside.AnswerWith(200, "text/plain", "");

        var result = await _bench.RunAsync(command with { Attempt = 2 });

        Assert.Equal((StepOutcomes.Completed, 2), (result.Outcome, result.Attempt));
        Assert.Single(_outside.Requests.Select(request => request.Headers["Idempotency-Key"]).Distinct());
    }

    [Fact]
    public async Task A_leased_or_expired_command_is_neither_run_nor_reported()
    {
        _bench.Ledger.Always = ClaimResult.Leased.Instance;
        await _bench.Runner.RunAsync(Post(), null, default);
        _bench.Ledger.Always = new ClaimResult.Expired("not_after has passed");
        await _bench.Runner.RunAsync(Post(), null, default);

        Assert.Empty(_outside.Requests);
        Assert.Empty(_bench.Produced.Records);
    }

    [Fact]
    public async Task An_outcome_under_a_lost_lease_is_dropped()
    {
        var command = Post();
        _outside.Answer = _ =>
        {
            _bench.Ledger.TakeOver(command.CommandId);
            return Task.CompletedTask;
        };

        await _bench.Runner.RunAsync(command, null, default);

        Assert.Empty(_bench.Produced.Records);
        Assert.Contains(_bench.Logged, line => line.StartsWith("Warning", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http.teleport", "stock", "operation_unknown")]
    [InlineData("http.post", "stok", "connection_unknown")]
    public async Task An_unknown_operation_fails_the_attempt(string operation, string connection, string code)
    {
        var result = await _bench.RunAsync(EffectsHarness.Command(operation, """{"path":"/x"}""", connection));

        Assert.Equal((StepOutcomes.Failed, code), (result.Outcome, result.Code));
    }

    [Fact]
    public async Task Large_arguments_are_loaded_from_the_store()
    {
        var command = EffectsHarness.Command("http.post", null, "stock") with
        {
            ArgumentsRef = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()),
        };
        _bench.Payloads.Payloads[command.ArgumentsRef!.Value] = new SagaPayload(
            command.ArgumentsRef.Value, command.SagaId, "arguments:1", RawJson.FromText("""{"path":"/stored"}"""));

        await _bench.RunAsync(command);

        Assert.Equal("/stored", Assert.Single(_outside.Requests).Target);
    }

    [Fact]
    public async Task A_result_that_the_database_rejects_is_reported_as_a_failure()
    {
        _bench.Ledger.Reject = result => result.Result is null ? null : new InvalidOperationException("22P05");

        var result = await _bench.RunAsync(Post());

        Assert.Equal((StepOutcomes.Failed, "result_invalid"), (result.Outcome, result.Code));
        Assert.Equal(result, _bench.Ledger.Recorded(result.CommandId));
    }

    [Fact]
    public async Task An_outcome_is_retained_during_a_database_outage()
    {
        var rejections = 2;
        _bench.Ledger.Reject = _ => rejections-- > 0 ? new StoreUnavailableException() : null;

        var result = await _bench.RunAsync(Post());

        Assert.Equal(StepOutcomes.Completed, result.Outcome);
        Assert.Single(_outside.Requests);
    }

    [Theory]
    [InlineData(DeliveryStatus.Unavailable, typeof(BrokerUnavailableException))]
    [InlineData(DeliveryStatus.Undeliverable, typeof(InvalidOperationException))]
    public async Task A_produce_failure_of_a_result_is_left_to_the_rider(DeliveryStatus delivery, Type thrown)
    {
        _bench.Produced.Report = new DeliveryReport(delivery, "no");

        var exception = await Record.ExceptionAsync(() => _bench.Runner.RunAsync(Post(), null, default));

        Assert.IsType(thrown, exception);
    }

    [Fact]
    public async Task A_connection_limits_its_concurrent_attempts()
    {
        await using var bench = new EffectsHarness(Connections("concurrency: 2"));
        var gate = new TaskCompletionSource();
        var (inside, most) = (0, 0);
        var full = new TaskCompletionSource();
        _outside.Answer = async _ =>
        {
            var now = Interlocked.Increment(ref inside);
            most = Math.Max(most, now);
            if (now == 2)
            {
                full.TrySetResult();
            }

            await gate.Task;
            Interlocked.Decrement(ref inside);
        };

        var runs = Enumerable.Range(0, 6).Select(_ => bench.Runner.RunAsync(Post(), null, default)).ToArray();
        await full.Task.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
        gate.SetResult();
        await Task.WhenAll(runs);

        Assert.Equal(2, most);
        Assert.Equal(6, bench.Produced.Records.Count);
    }

    private static StepCommand Post() => EffectsHarness.Command("http.post", """{"path":"/x"}""", "stock");

    private string Connections(string more = "timeout: 5s") => $$"""
        connections:
          stock:
            type: http
            url: "{{_outside.Address}}"
            {{more}}
        """;
}
