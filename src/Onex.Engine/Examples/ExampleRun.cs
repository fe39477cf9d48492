using Onex.Contracts.Diagnostics;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine.Examples;

/// <summary>
/// One saga that goes through one example. What it sends is answered at once; when nothing else can happen, time goes on to the next thing that
/// is due.
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
    private bool _standsIn;
    private (DateTimeOffset At, int Visit)? _until;

    private ExampleRun(Plan plan, ExamplePlan example, CoverageObserver coverage, int decisionsMax)
    {
        _decisionsMax = decisionsMax;
        (_plan, _example, _coverage) = (plan, example, coverage);
        _steps = new ScriptedSteps(example);
        _now = example.StartedAt ?? _start;
    }

    /// <summary>Runs an example to where it ends.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="example">The example.</param>
    /// <param name="coverage">Who remembers what it goes through.</param>
    /// <param name="decisionsMax">How much may happen in it.</param>
    /// <param name="decisions">How much has.</param>
    public static ExampleResult Run(Plan plan, ExamplePlan example, CoverageObserver coverage, int decisionsMax, out int decisions)
    {
        var run = new ExampleRun(plan, example, coverage, decisionsMax);
        run.Play();
        decisions = run._decisions;
        if (run._problems.Count == 0)
        {
            run._problems.AddRange(Expectations.Unmet(plan, example, run._saga, run._history, run._now));
        }

        return new ExampleResult(example.Name, run._problems);
    }

    private ExampleEvent? Waiting => _nextEvent < _example.Events.Length ? _example.Events[_nextEvent] : null;

    private void Play()
    {
        Take(Started());
        while (_problems.Count == 0 && _saga is { EndedAt: null, Blockage: null } && !IsWhereItShouldWait())
        {
            if (_decisions > _decisionsMax)
            {
                Report(
                    ExampleProblemKind.Endless, _example.At, $"after {Plural.Format(_decisions, "transition")} the saga is still in state '{_saga.State}'",
                    "Send it an event that ends it, or expect 'waiting: some_state'.");
            }
            else if (!Continue())
            {
                break;
            }
        }

        if (_problems.Count == 0 && Waiting is { } left)
        {
            Report(
                ExampleProblemKind.NotSent, left.At,
                $"the saga is never in state '{left.State}' when it is this entry's turn: it {HistoryText.Whereabouts(_saga)}",
                HistoryText.Remedy(_history));
        }
    }

    // One thing happens. False if nothing can happen any more.
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
        if (_until is { } until && !(wakeUp <= until.At))
        {
            _now = until.At;
            return true;
        }

        if (wakeUp is null)
        {
            return false;
        }

        _now = wakeUp > _now ? wakeUp.Value : _now;
        Take(new TimerFired
        {
            SagaId = _saga.Facts.SagaId,
            CausedBy = Identity.Wakeup(_saga.Facts.SagaId, _now),

            // What was interrupted before it was answered had not been taken by anyone.
            Leases = Timers.ToCancel(_plan, _saga, _now).ToDictionary(id => id, _ => new Lease(0, null) { Cancelled = true }),
            Items = _items.Wanted(_plan, _saga),
        });
        return true;
    }

    // What the example sends comes as soon as the saga is where it is to come: before the steps that are on their way are answered, so that it
    // interrupts them; with `after`, when that time is over.
    private bool SendEvent()
    {
        if (Waiting is not { } next)
        {
            return false;
        }

        if (_saga.State != next.State || _saga.Leaving is not null)
        {
            return false;
        }

        if (next.After is { } after && _until is null)
        {
            _until = (Times.After(_now, after), _saga.Visit);
        }

        if (_now < _until?.At)
        {
            return false;
        }

        _until = null;
        _nextEvent++;
        if (next.Event is { } name)
        {
            Send(next, name);
        }

        return true;
    }

    // Time that goes by may end the state, which may be what the example is about; an event that was to come after it does not come then.
    private void SeeWhetherItLeft()
    {
        if (_until is not { } until || Waiting is not { } next || (_saga.State == next.State && _saga.Visit == until.Visit && _saga.EndedAt is null))
        {
            return;
        }

        _until = null;
        _nextEvent++;
        if (next.Event is { } name)
        {
            Report(
                ExampleProblemKind.NotSent, next.At,
                $"the saga leaves state '{next.State}' before {Durations.Format(next.After!.Value)} are over, so that the event '{name}' is not sent",
                HistoryText.Remedy(_history));
        }
    }

    private void Send(ExampleEvent next, string name)
    {
        var requester = Requester($"event {_nextEvent}");
        var refused = Take(new ExternalEvent { SagaId = _saga.Facts.SagaId, CausedBy = requester.RequestId, Event = name, Data = next.Data, Requester = requester })
            .Rejections.FirstOrDefault(rejection => rejection.Event.MessageId == requester.RequestId);
        if (refused is not null && !next.Refused)
        {
            Report(ExampleProblemKind.NotAsExpected, next.At, $"the event '{name}' is refused ({refused.Code}): {HistoryText.WithoutId(refused.Error, _saga)}", "Add 'refused: true' if that is what the example shows.");
        }
        else if (refused is null && next.Refused)
        {
            Report(ExampleProblemKind.NotAsExpected, next.At, $"the event '{name}' is not refused", HistoryText.Remedy(_history));
        }
    }

    private void Answer(CommandToSend command)
    {
        // A contract that it starts and does not wait for concerns nobody here.
        if (command.Detached)
        {
            return;
        }

        if (command.Cancels)
        {
            Take(ScriptedSteps.Cancelled(command, _saga.Facts.SagaId));
            return;
        }

        // Nobody has taken it: the ledger cancels it.
        if (!_steps.Has(command) && _saga.Outstanding.Any(outstanding => outstanding.CommandId == command.CommandId && outstanding.Interrupted))
        {
            return;
        }

        var result = _steps.Answer(command, _saga.Facts.SagaId, out var problem);
        if (problem is not null)
        {
            var name = ScriptedSteps.NameOf(command);
            Report(ExampleProblemKind.NotAsExpected, _example.Scripts[name].At, $"the script of '{name}' {problem}", "Put the script right.");
            return;
        }

        Take(result);
    }

    private Decision Take(SagaEvent message)
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
            _coverage.Saw(note);
        }

        SeeWhetherItLeft();
        _standsIn |= message is StepResultArrived { IsStandIn: true };
        if (_standsIn)
        {
            FindUnscripted(decision);
        }

        return decision;
    }

    // An expression that reads what is not scripted says so in its error, and that stands wherever the engine tells what went wrong.
    private void FindUnscripted(Decision decision)
    {
        var details = decision.History.Select(note => note.Detail?.ToString())
            .Append(_saga.BlockedBecause)
            .Concat(decision.Rejections.Select(rejection => rejection.Error))
            .Append(Expectations.WhyNoOutput(_plan, _saga, _now));
        foreach (var step in details.OfType<string>().Select(HistoryText.Unscripted).OfType<string>().Take(1))
        {
            _problems.Clear();
            Report(
                ExampleProblemKind.NotScripted, _example.At, $"it reads what step '{step}' returns: {ScriptedSteps.Missing(step)}",
                $"Add '{step}: {{ ... }}' under 'steps' of the example.");
        }
    }

    // Time would go on to the state's own timeout.
    private bool IsWhereItShouldWait() =>
        Waiting is null && _sent.Count == 0 && _saga.Outstanding.IsEmpty && _saga.Eaches.IsEmpty && _example.Expect.Waiting == _saga.State;

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

    // Always the same for the same example, so that ids that are made from them are too.
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
