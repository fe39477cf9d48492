using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Metrics;

namespace Onex.Orchestrator.Routing;

/// <summary>Counts what committed decisions did to sagas and their steps.</summary>
internal sealed class SagaMetrics
{
    internal static readonly MetricLabel Status = MetricLabel.Create("status", "completed", "failed", "cancelled");

    internal static readonly MetricLabel Outcome = MetricLabel.Create("outcome", "completed", "rejected", "failed");

    internal static readonly Metric Started =
        Metric.Counter("onex.saga.started", "{saga}", "Sagas that were started.", MetricLabel.Contract);

    internal static readonly Metric Ended =
        Metric.Counter("onex.saga.ended", "{saga}", "Sagas that ended.", MetricLabel.Contract, Status);

    internal static readonly Metric Duration = Metric.Histogram(
        "onex.saga.duration", "s", Metric.LongSeconds, "Time from the start of a saga to its end.", MetricLabel.Contract, Status);

    internal static readonly Metric Transitions = Metric.Counter(
        "onex.saga.transitions", "{transition}", "Committed transitions, by the state that they led to.",
        MetricLabel.Contract, MetricLabel.State);

    internal static readonly Metric StepDuration = Metric.Histogram(
        "onex.step.duration", "s", Metric.LongSeconds,
        "Time from the first attempt of a step to its outcome, including the waits between attempts. Steps with 'each' or "
        + "'parallel', and those without attempts, such as waits, are not measured.",
        MetricLabel.Contract, MetricLabel.State, MetricLabel.Step, Outcome);

    internal static readonly Metric Attempts = Metric.Counter(
        "onex.step.attempts", "{attempt}",
        "Commands of steps that were sent: attempts and resends, also of compensations, and cancellations of child sagas.",
        MetricLabel.Contract, MetricLabel.Step, MetricLabel.Operation);

    internal static readonly Metric Retries = Metric.Counter(
        "onex.step.retries", "{attempt}", "Attempts that followed a failed one.", MetricLabel.Contract, MetricLabel.Step);

    internal static readonly Metric Compensations = Metric.Counter(
        "onex.step.compensations", "{compensation}", "Compensations that began.", MetricLabel.Contract, MetricLabel.Step);

    internal static readonly Metric Blocked = Metric.Counter(
        "onex.saga.blockages", "{blockage}", "How often a saga became blocked.", MetricLabel.Contract, MetricLabel.State);

    private readonly BoundedCounter _started;
    private readonly BoundedCounter _ended;
    private readonly BoundedHistogram _duration;
    private readonly BoundedCounter _transitions;
    private readonly BoundedHistogram _stepDuration;
    private readonly BoundedCounter _attempts;
    private readonly BoundedCounter _retries;
    private readonly BoundedCounter _compensations;
    private readonly BoundedCounter _blocked;

    public SagaMetrics(OnexMeter meter)
    {
        _started = meter.Counter(Started);
        _ended = meter.Counter(Ended);
        _duration = meter.Histogram(Duration);
        _transitions = meter.Counter(Transitions);
        _stepDuration = meter.Histogram(StepDuration);
        _attempts = meter.Counter(Attempts);
        _retries = meter.Counter(Retries);
        _compensations = meter.Counter(Compensations);
        _blocked = meter.Counter(Blocked);
    }

    /// <summary>Adds the contracts, states, steps, topics and events of plans to the allowed values of their labels.</summary>
    public static void AddLabelValues(OnexMeter meter, IReadOnlyCollection<Plan> plans)
    {
        meter.AddLabelValues(MetricLabel.Contract, plans.Select(plan => plan.Name));
        meter.AddLabelValues(MetricLabel.State, plans.SelectMany(plan => plan.States).Select(state => state.Name));
        meter.AddLabelValues(
            MetricLabel.Step, plans.SelectMany(plan => plan.States).SelectMany(state => state.AllSteps).Select(step => step.Id));
        meter.AddLabelValues(
            MetricLabel.Topic,
            plans.SelectMany(plan => plan.States).SelectMany(state => state.AllSteps).OfType<EmitStep>().Select(step => step.Topic));
        meter.AddLabelValues(
            MetricLabel.Operation,
            plans.SelectMany(plan => plan.Events.Keys.Select(name => $"{plan.Name}.{name}").Prepend(plan.Name)));
    }

    /// <summary>Counts a committed decision that changed its saga; <paramref name="before"/> is null if it started the saga.</summary>
    public void Committed(Decision decision, SagaState? before)
    {
        if (!_transitions.Enabled)
        {
            return;
        }

        var saga = decision.State;
        var contract = saga.Facts.Contract;
        _transitions.Add(1, contract, saga.State);
        if (before is null)
        {
            _started.Add(1, contract);
        }

        if (saga.EndedAt is { } ended && before?.EndedAt is null)
        {
            var status = saga.Status.ToText();
            _ended.Add(1, contract, status);
            _duration.Record((ended - saga.Facts.StartedAt).TotalSeconds, contract, status);
        }

        foreach (var command in decision.Commands)
        {
            _attempts.Add(1, contract, command.Step, command.Operation);
        }

        foreach (var note in decision.History)
        {
            Count(note, contract, before);
        }
    }

    private void Count(HistoryNote note, string contract, SagaState? before)
    {
        switch (note.Kind)
        {
            case HistoryKind.StepRetried:
                _retries.Add(1, contract, note.Step);
                break;
            case HistoryKind.CompensationStarted:
                _compensations.Add(1, contract, note.Step);
                break;
            case HistoryKind.Blocked:
                _blocked.Add(1, contract, note.State);
                break;
            case HistoryKind.StepCompleted:
                StepEnded(note, contract, before, "completed");
                break;
            case HistoryKind.StepRejected:
                StepEnded(note, contract, before, "rejected");
                break;
            case HistoryKind.StepFailed:
                StepEnded(note, contract, before, "failed");
                break;
        }
    }

    // Records only steps with a single command, of any number of attempts: not waits, 'each', 'parallel', or steps that end at once.
    private void StepEnded(HistoryNote note, string contract, SagaState? before, string outcome)
    {
        var command = before?.Outstanding.FirstOrDefault(
            sent => sent.Step == note.Step && sent.Direction == StepDirection.Forward && sent.Item is null);
        if (command is not null)
        {
            _stepDuration.Record((note.At - command.FirstSentAt).TotalSeconds, contract, note.State, note.Step, outcome);
        }
    }
}
