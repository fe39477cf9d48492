using Onex.Contracts.Diagnostics;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine.Examples;

/// <summary>
/// Runs one saga through one example. Commands are answered at once; when nothing else can happen, time advances until something is due.
/// </summary>
internal sealed class ExampleRun
{
    private static readonly DateTimeOffset _start = new(2027, 1, 1, 8, 0, 0, TimeSpan.Zero);

    private readonly Plan _plan;
    private readonly ExamplePlan _example;
    private readonly CoverageObserver _coverage;
    private readonly ScriptedSteps _steps;
    private readonly Queue<CommandToSend> _sent = new();
    private readonly ItemRows _items = new();
    private readonly List<HistoryNote> _history = [];
    private readonly List<ExampleProblem> _problems = [];
    private readonly int _decisionsMax;
    private SagaState _saga = null!;
    private DateTimeOffset _now;
    private int _decisions;
    private int _nextEvent;
    private bool _hasStandIn;
    private (DateTimeOffset At, int Visit)? _eventDue;

    private ExampleRun(Plan plan, ExamplePlan example, CoverageObserver coverage, int decisionsMax)
    {
        _decisionsMax = decisionsMax;
        (_plan, _example, _coverage) = (plan, example, coverage);
        _steps = new ScriptedSteps(example);
        _now = example.StartedAt ?? _start;
    }

    public static ExampleResult Run(Plan plan, ExamplePlan example, CoverageObserver coverage, int decisionsMax, out int decisions)
    {
        var run = new ExampleRun(plan, example, coverage, decisionsMax);
        run.RunToEnd();
        decisions = run._decisions;
        if (run._problems.Count == 0)
        {
            run._problems.AddRange(Expectations.Unmet(plan, example, run._saga, run._history, run._now));
        }

        return new ExampleResult(example.Name, run._problems);
    }

    private ExampleEvent? NextEvent => _nextEvent < _example.Events.Length ? _example.Events[_nextEvent] : null;

    private void RunToEnd()
    {
        Decide(Started());
        while (_problems.Count == 0 && _saga is { EndedAt: null, Blockage: null } && !IsWhereItShouldWait())
        {
            if (_decisions > _decisionsMax)
            {
                Report(
                    ExampleProblemKind.Endless, _example.At,
                    $"after {Plural.Format(_decisions, "transition")} the saga is still in state '{_saga.State}'",
                    "Send it an event that ends it, or expect 'waiting: some_state'.");
            }
            else if (!Continue())
            {
                break;
            }
        }

        if (_problems.Count == 0 && NextEvent is { } unsent)
        {
            Report(
                ExampleProblemKind.NotSent, unsent.At,
                $"the saga is never in state '{unsent.State}' when it is this entry's turn: it {HistoryText.Whereabouts(_saga)}",
                HistoryText.Remedy(_history));
        }
    }

    // Performs one action. False if none is possible any more.
    private bool Continue()
    {
        if (SendEvent())
        {
            return true;
        }

        if (_sent.TryDequeue(out var command))
        {
            Answer(command);
            return true;
        }

        var wakeUp = _saga.NextWakeupAt is { } at && at < DateTimeOffset.MaxValue ? at : (DateTimeOffset?)null;
        if (_eventDue is { } until && !(wakeUp <= until.At))
        {
            _now = until.At;
            return true;
        }

        if (wakeUp is null)
        {
            return false;
        }

        _now = wakeUp > _now ? wakeUp.Value : _now;
        Decide(new TimerFired
        {
            SagaId = _saga.Facts.SagaId,
            CausedBy = Identity.Wakeup(_saga.Facts.SagaId, _now),

            // No role has claimed a command that was interrupted before it was answered.
            Leases = Timers.ToCancel(_plan, _saga, _now).ToDictionary(id => id, _ => new Lease(0, null) { Cancelled = true }),
            Items = _items.Wanted(_plan, _saga),
        });
        return true;
    }

    // An event of the example is sent as soon as the saga is in the given state: before the commands in flight are answered, so that it
    // interrupts them. With `after` it is sent when that time has passed.
    private bool SendEvent()
    {
        if (NextEvent is not { } next || _saga.State != next.State || _saga.Leaving is not null)
        {
            return false;
        }

        if (next.After is { } after && _eventDue is null)
        {
            _eventDue = (Times.After(_now, after), _saga.Visit);
        }

        if (_now < _eventDue?.At)
        {
            return false;
        }

        _eventDue = null;
        _nextEvent++;
        if (next.Event is { } name)
        {
            Send(next, name);
        }

        return true;
    }

    // While the example waits to send its event, the saga may leave the state, so that the event cannot be sent.
    private void ReportUnsentEvent()
    {
        if (_eventDue is not { } until
            || NextEvent is not { } next
            || (_saga.State == next.State && _saga.Visit == until.Visit && _saga.EndedAt is null))
        {
            return;
        }

        _eventDue = null;
        _nextEvent++;
        if (next.Event is { } name)
        {
            Report(
                ExampleProblemKind.NotSent, next.At,
                $"the saga leaves state '{next.State}' before {Durations.Format(next.After!.Value)} are over, so that the event '{name}' "
                    + "is not sent",
                HistoryText.Remedy(_history));
        }
    }

    private void Send(ExampleEvent next, string name)
    {
        var requester = Requester($"event {_nextEvent}");
        var decision = Decide(new ExternalEvent
        {
            SagaId = _saga.Facts.SagaId,
            CausedBy = requester.RequestId,
            Event = name,
            Data = next.Data,
            Requester = requester,
        });
        var declined = decision.Declined.FirstOrDefault(rejection => rejection.Event.MessageId == requester.RequestId);
        if (declined is not null && !next.Declined)
        {
            Report(
                ExampleProblemKind.NotAsExpected,
                next.At,
                $"the event '{name}' is declined ({declined.Code}): {HistoryText.WithoutId(declined.Error, _saga)}",
                "Add 'refused: true' if that is what the example shows.");
        }
        else if (declined is null && next.Declined)
        {
            Report(ExampleProblemKind.NotAsExpected, next.At, $"the event '{name}' is not declined", HistoryText.Remedy(_history));
        }
    }

    private void Answer(CommandToSend command)
    {
        // A detached child is not part of the example.
        if (command.Detached)
        {
            return;
        }

        if (command.Cancels)
        {
            Decide(ScriptedSteps.Cancelled(command, _saga.Facts.SagaId));
            return;
        }

        // The command is interrupted and counts as unclaimed: the next wake-up cancels it.
        if (!_steps.Has(command)
            && _saga.Outstanding.Any(outstanding => outstanding.CommandId == command.CommandId && outstanding.Interrupted))
        {
            return;
        }

        var result = _steps.Answer(command, _saga.Facts.SagaId, out var problem);
        if (problem is not null)
        {
            var name = ScriptedSteps.NameOf(command);
            Report(ExampleProblemKind.NotAsExpected, _example.Scripts[name].At, $"the script of '{name}' {problem}", "Fix the script.");
            return;
        }

        Decide(result);
    }

    private Decision Decide(SagaEvent message)
    {
        var decision = SagaEngine.Decide(_plan, message is SagaStarted ? null : _saga, message, _now, _coverage);
        _decisions++;
        _saga = decision.State;
        _items.Keep(decision.Items);
        foreach (var command in decision.Commands)
        {
            _sent.Enqueue(command);
        }

        foreach (var note in decision.History)
        {
            _history.Add(note);
            _coverage.Record(note);
        }

        ReportUnsentEvent();
        _hasStandIn |= message is StepResultArrived { IsStandIn: true };
        if (_hasStandIn)
        {
            ReportUnscripted(decision);
        }

        return decision;
    }

    // The error of an expression that reads an unscripted result says so. It can be in any text in which the engine reports errors.
    private void ReportUnscripted(Decision decision)
    {
        var details = decision.History.Select(note => note.Detail?.ToString())
            .Append(_saga.BlockedBecause)
            .Concat(decision.Declined.Select(rejection => rejection.Error))
            .Append(Expectations.WhyNoOutput(_plan, _saga, _now));
        if (details.OfType<string>().Select(HistoryText.Unscripted).OfType<string>().FirstOrDefault() is { } step)
        {
            _problems.Clear();
            Report(
                ExampleProblemKind.NotScripted, _example.At, $"it reads what step '{step}' returns: {ScriptedSteps.Missing(step)}",
                $"Add '{step}: {{ ... }}' under 'steps' of the example.");
        }
    }

    // If the run did not stop here, time would advance to the timeout of the state.
    private bool IsWhereItShouldWait() =>
        NextEvent is null && _sent.Count == 0
        && _saga.Outstanding.IsEmpty && _saga.EachRuns.IsEmpty && _saga.State == _example.Expect.Waiting;

    private SagaStarted Started()
    {
        var requester = Requester("request");
        var id = new SagaId(Identity.OfRequest(requester.RequestId, "saga"));
        return new SagaStarted
        {
            SagaId = id,
            CausedBy = new(id.Value),
            Facts = new SagaFacts
            {
                SagaId = id,
                Contract = _plan.Name,
                ContractVersion = _plan.Version,
                ContractHash = _plan.Hash,
                HomePartition = 0,
                StartedAt = _now,
                Input = _example.Input,
                Requester = requester,
            },
        };
    }

    // Its ids depend on the example alone, so that every run is the same.
    private Requester Requester(string what)
    {
        var source = $"example {_example.Name}, {what}";
        return new Requester
        {
            RequestId = new(Identity.OfRequest(default, source)),
            CorrelationId = Identity.OfRequest(default, $"{source}, correlation"),
            Operation = _plan.Name,
            Source = source,
        };
    }

    private void Report(ExampleProblemKind kind, Contracts.Diagnostics.SourceSpan at, string what, string remedy) =>
        _problems.Add(new ExampleProblem(kind, at, _example.Name, what, remedy));
}
