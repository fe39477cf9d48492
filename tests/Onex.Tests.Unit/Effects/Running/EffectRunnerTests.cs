using Onex.Kafka.Brokers;
using Onex.Kafka.Producing;
using Onex.Persistence;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;
using Onex.Tests.Unit.Effects.Http;

namespace Onex.Tests.Unit.Effects.Running;

public sealed class EffectRunnerTests : IAsyncLifetime
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

    [Fact]
    public async Task The_result_is_produced_to_the_home_partition_with_its_headers()
    {
        var command = Post();

        await _effects.Runner.RunAsync(command, new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=1"), default);

        var record = Assert.Single(_effects.Produced.Records);
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

        var first = await _effects.RunAsync(command);
        var second = await _effects.RunAsync(command);

        Assert.Equal(first, second);
        Assert.Single(_server.Requests);
        var ids = _effects.Produced.Records.Select(record => record.Headers.Single(header => header.Key == "message_id").Value);
        Assert.Single(ids.Distinct());
    }

    [Fact]
    public async Task The_next_attempt_of_a_failed_command_uses_the_same_idempotency_key()
    {
        _server.AnswerWith(503, "text/plain", "");
        var command = Post();
        await _effects.RunAsync(command);
        _server.AnswerWith(200, "text/plain", "");

        var result = await _effects.RunAsync(command with { Attempt = 2 });

        Assert.Equal((StepOutcomes.Completed, 2), (result.Outcome, result.Attempt));
        Assert.Single(_server.Requests.Select(request => request.Headers["Idempotency-Key"]).Distinct());
    }

    [Fact]
    public async Task A_leased_or_expired_command_is_neither_run_nor_reported()
    {
        _effects.Ledger.FixedClaim = ClaimResult.Leased.Instance;
        await _effects.Runner.RunAsync(Post(), null, default);
        _effects.Ledger.FixedClaim = new ClaimResult.Expired("not_after has passed");
        await _effects.Runner.RunAsync(Post(), null, default);

        Assert.Empty(_server.Requests);
        Assert.Empty(_effects.Produced.Records);
    }

    [Fact]
    public async Task An_outcome_under_a_lost_lease_is_dropped()
    {
        var command = Post();
        _server.Answer = _ =>
        {
            _effects.Ledger.ClaimElsewhere(command.CommandId);
            return Task.CompletedTask;
        };

        await _effects.Runner.RunAsync(command, null, default);

        Assert.Empty(_effects.Produced.Records);
        Assert.Contains(_effects.Logged, line => line.StartsWith("Warning", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http.teleport", "stock", "operation_unknown")]
    [InlineData("http.post", "stok", "connection_unknown")]
    public async Task An_unknown_operation_or_connection_fails_the_attempt(string operation, string connection, string code)
    {
        var result = await _effects.RunAsync(EffectsHarness.Command(operation, """{"path":"/x"}""", connection));

        Assert.Equal((StepOutcomes.Failed, code), (result.Outcome, result.Code));
    }

    [Fact]
    public async Task Large_arguments_are_loaded_from_the_store()
    {
        var command = EffectsHarness.Command("http.post", null, "stock") with
        {
            ArgumentsRef = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()),
        };
        _effects.Payloads.Payloads[command.ArgumentsRef!.Value] = new SagaPayload(
            command.ArgumentsRef.Value, command.SagaId, "arguments:1", RawJson.FromText("""{"path":"/stored"}"""));

        await _effects.RunAsync(command);

        Assert.Equal("/stored", Assert.Single(_server.Requests).Target);
    }

    [Fact]
    public async Task A_result_that_the_database_rejects_is_reported_as_a_failure()
    {
        _effects.Ledger.Reject = result => result.Result is null ? null : new InvalidOperationException("It cannot be stored.");

        var result = await _effects.RunAsync(Post());

        Assert.Equal((StepOutcomes.Failed, "result_invalid"), (result.Outcome, result.Code));
        Assert.Equal(result, _effects.Ledger.Recorded(result.CommandId));
    }

    [Fact]
    public async Task An_outcome_is_retained_during_a_database_outage()
    {
        var rejections = 2;
        _effects.Ledger.Reject = _ => rejections-- > 0 ? new StoreUnavailableException() : null;

        var result = await _effects.RunAsync(Post());

        Assert.Equal(StepOutcomes.Completed, result.Outcome);
        Assert.Single(_server.Requests);
    }

    [Fact]
    public async Task An_outcome_is_recorded_although_the_process_begins_to_stop()
    {
        using var stop = new CancellationTokenSource();
        var rejections = 1;
        _effects.Ledger.Reject = _ =>
        {
            stop.Cancel();
            return rejections-- > 0 ? new StoreUnavailableException() : null;
        };
        var command = Post();

        await _effects.Runner.RunAsync(command, null, stop.Token);

        Assert.Equal(StepOutcomes.Completed, _effects.Ledger.Recorded(command.CommandId)?.Outcome);
    }

    [Fact]
    public async Task A_cancellation_that_is_not_ours_fails_the_attempt()
    {
        var command = Post() with { Arguments = null, ArgumentsRef = Guid.CreateVersion7(DateTimeOffset.UnixEpoch) };
        _effects.Payloads.Failure = new TaskCanceledException();

        var result = await _effects.RunAsync(command);

        Assert.Equal((StepOutcomes.Failed, "operation_failed", StepReaches.NotSent), (result.Outcome, result.Code, result.Reach));
    }

    [Theory]
    [InlineData(DeliveryStatus.Unavailable, typeof(BrokerUnavailableException))]
    [InlineData(DeliveryStatus.Undeliverable, typeof(InvalidOperationException))]
    public async Task A_produce_failure_of_a_result_is_left_to_the_rider(DeliveryStatus delivery, Type thrown)
    {
        _effects.Produced.Report = new DeliveryReport(delivery, "no");

        var exception = await Record.ExceptionAsync(() => _effects.Runner.RunAsync(Post(), null, default));

        Assert.IsType(thrown, exception);
    }

    [Fact]
    public async Task A_connection_limits_its_concurrent_attempts()
    {
        await using var effects = new EffectsHarness(Connections("concurrency: 2"));
        var release = new TaskCompletionSource();
        var (running, maximum) = (0, 0);
        var bothRunning = new TaskCompletionSource();
        _server.Answer = async _ =>
        {
            var now = Interlocked.Increment(ref running);
            maximum = Math.Max(maximum, now);
            if (now == 2)
            {
                bothRunning.TrySetResult();
            }

            await release.Task;
            Interlocked.Decrement(ref running);
        };

        var runs = Enumerable.Range(0, 6).Select(_ => effects.Runner.RunAsync(Post(), null, default)).ToArray();
        await bothRunning.Task.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
        release.SetResult();
        await Task.WhenAll(runs);

        Assert.Equal(2, maximum);
        Assert.Equal(6, effects.Produced.Records.Count);
    }

    private static StepCommand Post() => EffectsHarness.Command("http.post", """{"path":"/x"}""", "stock");

    private string Connections(string more = "timeout: 5s") => $$"""
        connections:
          stock:
            type: http
            url: "{{_server.Address}}"
            {{more}}
        """;
}
