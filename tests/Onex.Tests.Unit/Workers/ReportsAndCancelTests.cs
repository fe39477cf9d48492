using Microsoft.Extensions.Time.Testing;
using Onex.Kafka.Producing;
using Onex.Tests.Unit.Effects;
using Onex.Workers.Running;

namespace Onex.Tests.Unit.Workers;

/// <summary>What a worker reports of a running computation, and what stops one.</summary>
public sealed class ReportsAndCancelTests
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);
    private readonly ComputeHarness _harness;
    private readonly StepCommand _command =
        EffectsHarness.Command("delay", """{"ms":600000}""", timeoutMs: 3_600_000) with { Reports = true };

    public ReportsAndCancelTests() => _harness = new ComputeHarness(_time);

    [Fact]
    public void A_computation_reports_that_it_has_begun_after_a_second_and_then_only_the_latest_progress_of_each_second()
    {
        using var run = Sender().For(_command);
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
        using var run = Sender().For(_command with { HeartbeatMs = 5_000 });

        Assert.Equal("started", Assert.Single(Sent()).Report);
    }

    [Fact]
    public void Nothing_is_reported_to_an_older_orchestrator_or_after_the_end()
    {
        using var old = Sender().For(_command with { Reports = null, HeartbeatMs = 5_000 });
        var run = Sender().For(_command);
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
    public async Task A_command_that_was_cancelled_before_it_came_is_not_computed_and_its_next_attempt_is()
    {
        _harness.Running.Cancel(Cancel(attempt: 1));

        await _harness.HandleAsync(_command);
        Assert.Empty(_harness.Produced.Records);

        var next = EffectsHarness.Command("hash.sha256", """{"text":"a"}""") with { CommandId = _command.CommandId, Attempt = 2 };
        await _harness.HandleAsync(next);
        Assert.Single(_harness.Produced.Records);
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

        Assert.Null(running.Begin(_command));
        Assert.Equal(RunningComputes.RememberedMax, running.Remembered);
    }

    [Fact]
    public async Task Computations_together_stay_within_their_memory_and_one_that_exceeds_it_runs_alone()
    {
        using var room = new ComputeRoom(atOnce: 3, bytes: 100);
        var token = TestContext.Current.CancellationToken;
        var first = await room.EnterAsync(60, default, token);
        var second = room.EnterAsync(60, default, token).AsTask();
        var third = room.EnterAsync(1_000, default, token).AsTask();
        Assert.False(second.IsCompleted || third.IsCompleted);

        first!.Dispose();
        (await second)!.Dispose();

        Assert.NotNull(await third);
    }

    [Fact]
    public async Task No_more_computations_run_at_a_time_than_there_are_places_and_a_cancelled_one_waits_no_longer()
    {
        using var room = new ComputeRoom(atOnce: 1, bytes: 100);
        using var stop = new CancellationTokenSource();
        using var first = await room.EnterAsync(1, default, TestContext.Current.CancellationToken);
        var second = room.EnterAsync(1, stop.Token, TestContext.Current.CancellationToken).AsTask();
        Assert.False(second.IsCompleted);

        await stop.CancelAsync();

        Assert.Null(await second);
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
