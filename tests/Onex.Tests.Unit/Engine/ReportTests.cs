using Onex.Tests.Unit.Orchestrator.Mapping;

namespace Onex.Tests.Unit.Engine;

/// <summary>Reports of running computations, heartbeats, and the cancellation of computations.</summary>
public sealed class ReportTests
{
    private const string Contract = """
        contract: story
        version: 1.0.0
        input: { type: object }
        initial: computing
        events:
          stop: {}
        states:
          computing:
            steps:
              - { id: seal, compute: hash.sha256, with: { text: a }, timeout: 10m, heartbeat_timeout: 20s, retry: { attempts: 3 } }
            on_event:
              - { event: stop, next: undone }
            next: done
          done: { end: completed }
          undone: { end: failed }
        """;

    private readonly SagaScenario _scenario = new(Contract);

    [Fact]
    public void The_last_report_is_kept_without_a_history_entry_and_why_shows_it()
    {
        _scenario.Starts();
        var entries = _scenario.History.Count;

        _scenario.AdvancesTime(TimeSpan.FromSeconds(1)).Handles(Report(begun: true));
        _scenario.AdvancesTime(TimeSpan.FromSeconds(1)).Handles(Report(progress: 0.251, text: "row 10"));
        _scenario.AdvancesTime(TimeSpan.FromSeconds(1)).Handles(Report(progress: 0.5, text: "row 20"));
        _scenario.Reloads(SagaRowsTests.RoundTrip(_scenario.Plan, _scenario.Saga));

        Assert.Equal(entries, _scenario.History.Count);
        Assert.Contains(
            "step 'seal' is running on w1 (attempt 1 of 3, since 2026-11-24 08:00:01Z), 50 %: row 20 (reported at 2026-11-24 08:00:03Z)",
            Waits.Describe(_scenario.Plan, _scenario.Saga, _scenario.Now).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void The_progress_of_an_effect_is_shown_and_does_not_move_the_time_of_its_next_check()
    {
        var scenario = new SagaScenario(
            """
            contract: story
            version: 1.0.0
            input: { type: object }
            initial: sending
            states:
              sending: { steps: [{ id: get, effect: http.get, connection: outside, with: { path: /a } }], next: done }
              done: { end: completed }
            """);
        scenario.Starts();
        var due = scenario.Saga.NextWakeupAt;
        var report = Report(progress: 0.5, text: "part 2", scenario: scenario);

        Assert.False(scenario.Handles(report with { IsFromWorker = true }).Last.Changed);
        scenario.AdvancesTime(TimeSpan.FromSeconds(1)).Handles(report);

        Assert.Equal(due, scenario.Saga.NextWakeupAt);
        Assert.Contains(
            "step 'get' is running on w1 (attempt 1 of 5, since 2026-11-24 08:00:01Z), 50 %: part 2",
            Waits.Describe(scenario.Plan, scenario.Saga, scenario.Now).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Reports_that_follow_too_fast_change_nothing()
    {
        _scenario.Starts().Handles(Report(begun: true));

        _scenario.AdvancesTime(TimeSpan.FromMilliseconds(100)).Handles(Report(progress: 0.1));

        Assert.False(_scenario.Last.Changed);
    }

    [Fact]
    public void An_attempt_whose_worker_is_silent_has_timed_out_and_is_retried()
    {
        _scenario.Starts().Handles(Report(begun: true));
        _scenario.AdvancesTime(TimeSpan.FromSeconds(15)).Handles(Report(progress: 0.5)).Wakes();

        var failed = Assert.Single(_scenario.Last.History, note => note.Kind == HistoryKind.AttemptFailed);
        Assert.Contains("\"step_timed_out\"", failed.Detail!.Value.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"progress\":\"50 %\"", failed.Detail!.Value.ToString(), StringComparison.Ordinal);
        Assert.Equal(_scenario.Plan.States[0].Name, _scenario.Saga.State);
        Assert.Equal(1, Assert.Single(_scenario.Last.Cancelled).Attempt);

        _scenario.Wakes().Sends("seal#2");
        Assert.Null(_scenario.Saga.Outstanding[0].Report);
    }

    [Fact]
    public void Silence_before_a_worker_begins_does_not_fail_the_attempt()
    {
        _scenario.Starts().AdvancesTime(TimeSpan.FromMinutes(2)).Fires();

        Assert.DoesNotContain(_scenario.History, note => note.Kind == HistoryKind.AttemptFailed);
    }

    [Fact]
    public void A_computation_that_begins_late_has_its_whole_time()
    {
        _scenario.Starts().AdvancesTime(TimeSpan.FromMinutes(9)).Handles(Report(begun: true));
        for (var i = 0; i < 20; i++)
        {
            _scenario.AdvancesTime(TimeSpan.FromSeconds(15)).Handles(Report(progress: 0.1)).Fires().Sends();
        }

        Assert.Equal(1, Assert.Single(_scenario.Saga.Outstanding).Attempt);
    }

    [Fact]
    public void A_second_worker_of_an_attempt_restarts_its_heartbeat()
    {
        _scenario.Starts().Handles(Report(begun: true, worker: "w1"));

        _scenario.AdvancesTime(TimeSpan.FromSeconds(10)).Handles(Report(begun: true, worker: "w2"));

        var report = _scenario.Saga.Outstanding[0].Report!;
        Assert.Equal(("w2", _scenario.Now), (report.Worker, report.StartedAt));
        Assert.Equal(_scenario.Now + TimeSpan.FromSeconds(20), _scenario.Saga.NextWakeupAt);
    }

    [Fact]
    public void Reports_and_failures_of_an_earlier_attempt_are_ignored()
    {
        _scenario.Starts().Handles(Report(begun: true)).Wakes().Wakes().Sends("seal#2");

        Assert.False(_scenario.Handles(Report(progress: 0.9)).Last.Changed);
        Assert.False(_scenario.Fails("seal", attempt: 1).Last.Changed);
    }

    [Fact]
    public void The_result_of_a_computation_is_applied_once_whichever_attempt_reports_it()
    {
        _scenario.Starts().Handles(Report(begun: true)).Wakes().Wakes().Sends("seal#2");
        var late = _scenario.Result("seal", StepOutcome.Completed, """{"hex":"aa"}""", null, attempt: 1);
        var second = _scenario.Result("seal", StepOutcome.Completed, """{"hex":"bb"}""", null, attempt: 2);

        _scenario.Handles(late).IsIn("done", SagaStatus.Completed);
        _scenario.Handles(second);

        Assert.False(_scenario.Last.Changed);
    }

    [Fact]
    public void A_saga_that_leaves_a_running_computation_cancels_it()
    {
        _scenario.Starts().Handles(Report(progress: 0.5));
        var command = _scenario.Saga.Outstanding[0].CommandId;

        _scenario.Receives("stop").IsIn("undone", SagaStatus.Failed);

        Assert.Equal(new CommandToCancel(command, 1, Topic: null), Assert.Single(_scenario.Last.Cancelled));
        Assert.Contains(_scenario.History, note =>
            note.Kind == HistoryKind.StepInterrupted && note.Detail!.Value.ToString().Contains("50 %", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(nameof(OperatorCommand.Cancel))]
    [InlineData(nameof(OperatorCommand.Terminate))]
    public void An_operator_who_ends_a_saga_cancels_its_computation(string command)
    {
        _scenario.Starts().OperatorSends(Enum.Parse<OperatorCommand>(command));

        Assert.Single(_scenario.Last.Cancelled);
    }

    [Fact]
    public void A_completed_computation_is_not_cancelled()
    {
        _scenario.Starts().Completes("seal", """{"hex":"aa"}""").IsIn("done", SagaStatus.Completed);

        Assert.Empty(_scenario.Last.Cancelled);
    }

    [Theory]
    [InlineData("effect: http.get, connection: outside, with: { path: /a }, heartbeat_timeout: 10s", "ONEX1014")]
    [InlineData("compute: hash.sha256, with: { text: a }, heartbeat_timeout: 1s", "ONEX1049")]
    public void A_heartbeat_timeout_is_for_computations_and_leaves_time_for_reports(string step, string code)
    {
        var contract = $$"""
            contract: story
            version: 1.0.0
            input: { type: object }
            initial: a
            states:
              a: { steps: [ { id: s, {{step}} } ], next: done }
              done: { end: completed }
            """;

        Assert.Equal([code], SagaScenario.Compile(contract).Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    private StepReportArrived Report(
        bool begun = false, double? progress = null, string? text = null, string? worker = "w1", SagaScenario? scenario = null) => new()
        {
            SagaId = (scenario ?? _scenario).Saga.Facts.SagaId,
            CausedBy = new((scenario ?? _scenario).Saga.Facts.SagaId.Value),
            CommandId = (scenario ?? _scenario).Saga.Outstanding[0].CommandId,
            Attempt = 1,
            HasBegun = begun,
            Progress = progress,
            Text = text,
            Worker = worker,
        };
}
