using Microsoft.Extensions.Time.Testing;
using Onex.Kafka;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Tests.Unit.Effects;
using Onex.Workers;
using Onex.Workers.Running;

namespace Onex.Tests.Unit.Workers;

/// <summary>What a worker reports of a running computation, and what stops one.</summary>
public sealed class ReportsAndCancelTests
{
    private const string TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);
    private readonly ComputeHarness _harness;
    private readonly StepCommand _command =
        EffectsHarness.Command("delay", """{"ms":600000}""", timeoutMs: 3_600_000) with { Reports = true };

    public ReportsAndCancelTests() => _harness = new ComputeHarness(_time);

    [Fact]
    public void A_computation_reports_that_it_has_begun_after_a_second_and_then_only_the_latest_progress_of_each_second()
    {
        using var run = Sender().For(_command, null);
        Assert.Empty(Sent());

        _time.Advance(_second);
        run.Take(0.1, "a");
        run.Take(0.2, "b");
        _time.Advance(_second);
        _time.Advance(_second);
        run.Take(0.3, new string('x', 600));
        _time.Advance(_second);

        Assert.Equal(
            [("started", null, null), ("progress", 0.2, "b"), ("progress", 0.3, new string('x', 500))],
            Sent().Select(report => (report.Report, report.Progress, report.Text)));
        Assert.All(Sent(), report => Assert.Equal((_command.CommandId, 1, "w1"), (report.CommandId, report.Attempt, report.Worker)));
    }

    [Fact]
    public void A_computation_with_a_heartbeat_timeout_reports_at_once_that_it_has_begun()
    {
        using var run = Sender().For(_command with { HeartbeatMs = 5_000 }, null);

        Assert.Equal("started", Assert.Single(Sent()).Report);
    }

    [Fact]
    public void A_report_continues_the_trace_of_its_command()
    {
        using var run = Sender().For(_command with { HeartbeatMs = 5_000 }, new(TraceParent, "vendor=1"));

        var headers = Assert.Single(_harness.Produced.Records).Headers;
        Assert.Contains(KeyValuePair.Create("traceparent", TraceParent), headers);
        Assert.Contains(KeyValuePair.Create("tracestate", "vendor=1"), headers);
    }

    [Fact]
    public void Nothing_is_reported_to_an_older_orchestrator_or_after_the_end()
    {
        using var old = Sender().For(_command with { Reports = null, HeartbeatMs = 5_000 }, null);
        var run = Sender().For(_command, null);
        run.Dispose();
        run.Take(0.5, null);

        _time.Advance(10 * _second);

        Assert.Empty(Sent());
    }

    [Fact]
    public async Task A_cancelled_computation_ends_without_a_result()
    {
        var running = _harness.HandleAsync(_command);
        Assert.False(running.IsCompleted);

        _harness.Running.Cancel(Cancel(attempt: 1));
        await running.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Empty(_harness.Produced.Records);
    }

    [Fact]
    public async Task A_command_that_was_cancelled_before_it_arrived_is_not_computed_and_its_next_attempt_is()
    {
        _harness.Running.Cancel(Cancel(attempt: 1));

        await _harness.HandleAsync(_command);
        Assert.Empty(_harness.Produced.Records);

        var next = EffectsHarness.Command("hash.sha256", """{"text":"a"}""") with { CommandId = _command.CommandId, Attempt = 2 };
        await _harness.HandleAsync(next);
        Assert.Single(_harness.Produced.Records);
    }

    [Fact]
    public async Task A_copy_that_was_sent_before_the_result_is_not_computed_and_a_later_one_is()
    {
        var command = EffectsHarness.Command("hash.sha256", """{"text":"a"}""");
        var sentFirst = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromMinutes(2));
        await _harness.HandleAsync(command, sentAt: sentFirst);
        var sentAgain = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromMinutes(2));

        await _harness.HandleAsync(command, sentAt: sentAgain);
        Assert.Single(_harness.Produced.Records);

        // The orchestrator sends it again after the result, which was lost, for example with its topic.
        await _harness.HandleAsync(command, sentAt: _time.GetUtcNow());
        Assert.Equal(2, _harness.Produced.Records.Count);
        await _harness.HandleAsync(command with { Attempt = 2 }, sentAt: sentAgain);
        Assert.Equal(3, _harness.Produced.Records.Count);
    }

    [Fact]
    public void Only_the_latest_cancellations_are_remembered()
    {
        var running = new RunningComputes();
        for (var i = 0; i <= RunningComputes.RememberedMax; i++)
        {
            running.Cancel(Cancel(attempt: 1) with { CommandId = new(Guid.CreateVersion7(_time.GetUtcNow())) });
        }

        running.Cancel(Cancel(attempt: 1));

        Assert.Null(running.Begin(_command, sentAt: null));
        Assert.Equal(RunningComputes.RememberedMax, running.RememberedCancellations);
    }

    [Fact]
    public async Task Computations_together_stay_within_their_memory_and_one_that_exceeds_it_runs_alone()
    {
        using var gate = new ComputeGate(slotCount: 3, bytes: 100);
        var token = TestContext.Current.CancellationToken;
        var first = await gate.EnterAsync(60, token);
        var second = gate.EnterAsync(60, token).AsTask();
        var third = gate.EnterAsync(1_000, token).AsTask();
        Assert.False(second.IsCompleted || third.IsCompleted);

        first!.Dispose();
        (await second)!.Dispose();

        Assert.NotNull(await third);
    }

    [Fact]
    public async Task No_more_computations_run_at_a_time_than_there_are_places_and_a_cancelled_one_waits_no_longer()
    {
        using var gate = new ComputeGate(slotCount: 1, bytes: 100);
        using var stop = new CancellationTokenSource();
        using var first = await gate.EnterAsync(1, TestContext.Current.CancellationToken);
        var second = gate.EnterAsync(1, stop.Token).AsTask();
        Assert.False(second.IsCompleted);

        await stop.CancelAsync();

        Assert.Null(await second);
    }

    [Fact]
    public async Task A_closed_gate_returns_commands_that_wait_and_leaves_those_that_run()
    {
        using var gate = new ComputeGate(slotCount: 1, bytes: 100);
        var token = TestContext.Current.CancellationToken;
        using var first = await gate.EnterAsync(1, token);
        var second = gate.EnterAsync(1, token).AsTask();

        gate.Close();

        await Assert.ThrowsAsync<MessageReturnedException>(() => second.WaitAsync(TimeSpan.FromSeconds(30), token));
        await Assert.ThrowsAsync<MessageReturnedException>(() => gate.EnterAsync(1, token).AsTask());
        Assert.Equal(1, gate.Used);
    }

    [Fact]
    public async Task A_command_that_is_read_again_while_it_runs_is_computed_once()
    {
        using var gate = new ComputeGate(slotCount: 2, bytes: 1 << 20);
        var command = _command with { TimeoutMs = int.MaxValue, Reports = null };
        var first = _harness.HandleAsync(command, gate: gate);
        var repeated = _harness.HandleAsync(command, gate: gate);
        Assert.Equal(1, gate.Used);

        var both = Task.WhenAll(first, repeated);
        await Eventually.Async(
            () =>
            {
                // The delay begins on another thread, perhaps after this, so the time must advance more than once.
                _time.Advance(TimeSpan.FromMinutes(10));
                return both.IsCompleted;
            },
            TimeSpan.FromSeconds(30),
            () => "both end");

        Assert.Single(_harness.Produced.Records);
    }

    [Theory]
    [InlineData("csv.parse", """{"text":"#"}""", 60)]
    [InlineData("join", """{"left":["#"],"right":[],"left_key":"item","right_key":"item"}""", 16)]
    [InlineData("sort", """{"items":["#"],"by":[{"ascending":"item"}]}""", 0)]
    public void Memory_is_reserved_for_a_result_that_can_be_larger_than_its_arguments(string operation, string arguments, int perByte)
    {
        var command = EffectsHarness.Command(operation, arguments.Replace("#", new string('x', 10_000), StringComparison.Ordinal));

        var reserved = ComputeRunner.Weight(command, ComputeHarness.CreateOperation(operation)) - command.Weight;

        Assert.Equal(perByte * command.Arguments!.Value.Utf8.Length, reserved);
        var stored = command with { Arguments = null, ArgumentsRef = command.SagaId.Value, ArgumentsBytes = 10_000 };
        Assert.Equal(perByte * 10_000, ComputeRunner.Weight(stored, ComputeHarness.CreateOperation(operation)) - stored.Weight);
    }

    [Theory]
    [InlineData("aggregate", """{"each":"step","fields":{"n":{"count":"true"}}}""")]
    [InlineData("template.render", """{"template":"{% for i in (1..10000) %}{{ i }}{% endfor %}"}""")]
    public async Task Two_computations_whose_arguments_say_little_about_their_memory_run_one_after_the_other_in_a_small_worker(
        string operation, string arguments)
    {
        using var gate = new ComputeGate(slotCount: 2, bytes: 24 << 20);
        var weight = ComputeRunner.Weight(EffectsHarness.Command(operation, arguments), ComputeHarness.CreateOperation(operation));
        var first = await gate.EnterAsync(weight, TestContext.Current.CancellationToken);

        var second = gate.EnterAsync(weight, TestContext.Current.CancellationToken).AsTask();
        Assert.False(second.IsCompleted);
        first!.Dispose();

        Assert.NotNull(await second);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(15)]
    [InlineData(1_800)]
    public void A_silent_worker_loses_its_partitions_within_ten_seconds(int configuredSeconds)
    {
        var address = new EndpointAddress("worker-requests", ["worker-requests"], "workers") { SessionTimeoutMax = WorkersRole.SessionMax };
        var settings = new KafkaSettings
        {
            BootstrapServers = "127.0.0.1:1",
            ClientId = "test",
            SessionTimeout = TimeSpan.FromSeconds(configuredSeconds),
        };

        var (session, heartbeat) = KafkaLog.Session(address, settings);

        // The other members learn of the rebalance with their next heartbeat, and one heartbeat of each member may be late.
        Assert.True(session + (2 * heartbeat) <= TimeSpan.FromSeconds(10), $"{session}, {heartbeat}");
        Assert.True(session > 3 * heartbeat, $"{session}, {heartbeat}");
    }

    private ReportSender Sender() => new(_harness.Produced, _time, "worker-responses", "onex-workers", "w1");

    private StepReport[] Sent() =>
        [.. _harness.Produced.Records.Select(record => JsonSerializer.Deserialize(record.Value.Span, MessageJson.Default.StepReport)!)];

    private StepCancel Cancel(int attempt) => new()
    {
        CommandId = _command.CommandId,
        Attempt = attempt,
        SagaId = _command.SagaId,
        CorrelationId = _command.CorrelationId,
    };
}
