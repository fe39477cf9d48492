using System.Text;
using System.Text.Json.Nodes;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Orchestrator.Engine;
using Onex.Persistence.Sagas;
using Onex.Tests.Unit.Orchestrator.Generated;

namespace Onex.Tests.Unit.Orchestrator;

/// <summary>
/// A world that does to one saga what a script of numbers says: copies of commands that are run late, twice or never, results that are lost,
/// children that end one way or the other, events, timers that come early and late, operators, reloads from the row. What must hold, is looked at
/// after each of it; and once the world turns kind, the saga must end with everything taken back that has to be.
/// </summary>
internal sealed class Chaos(Plan plan, string input = "{}")
{
    private static readonly int[] _statuses = [200, 201, 200, 202];
    private static readonly int[] _refusals = [402, 404, 409];

    private readonly Story _story = new(plan);
    private readonly string[] _events = [.. plan.Events.Keys.Order(StringComparer.Ordinal)];
    private readonly List<string> _log = [];
    private readonly Dictionary<Guid, Entry> _ledger = [];
    private readonly List<CommandToSend> _copies = [];
    private readonly List<StepResultArrived> _results = [];
    private readonly Dictionary<Guid, string> _arguments = [];
    private readonly HashSet<(string, string, Guid, int, int)> _work = [];
    private readonly Dictionary<Guid, Command> _commands = [];
    private readonly Dictionary<Guid, Guid> _firstUndo = [];
    private readonly HashSet<Guid> _keeps = [];
    private readonly HashSet<Guid> _seen = [];
    private bool _started;
    private int _blocked;
    private int _retried;
    private int _ids;
    private int _dice;

    /// <summary>What a call answers that completes; null for something of its type.</summary>
    public Func<CommandToSend, Func<int, int>, string>? Answers { get; init; }

    /// <summary>What an event carries; null for something of its type.</summary>
    public Func<string, Func<int, int>, string>? Payloads { get; init; }

    /// <summary>Whether results that break their type are part of the world.</summary>
    public bool HasTypeFaults { get; init; }

    /// <summary>How much of what has happened is told.</summary>
    public int LogMax { get; init; } = 80;

    /// <summary>After every how many moves all that was read again is compared with what was written.</summary>
    public int ComparedMoves { get; init; } = 1;

    /// <summary>How many things have happened.</summary>
    public int Moves { get; private set; }

    /// <summary>What has happened, the last of it.</summary>
    public string Told => string.Join('\n', _log.TakeLast(LogMax));

    /// <summary>The saga as it is.</summary>
    public SagaState Saga => _story.Saga;

    private bool Ended => Saga.EndedAt is not null;

    private PlanFacts Facts => PlanFacts.Of(plan);

    /// <summary>Does what the script says, then only what is kind.</summary>
    public void Run(ReadOnlySpan<int> script)
    {
        Take(() => _story.Starts(input));
        foreach (var number in script)
        {
            _dice = number / 20;
            Happens(number % 20);
        }

        for (var turn = 0; turn < 3000 && !Ended; turn++)
        {
            _dice = 4 + turn;
            Kindly(turn);
        }

        Assert.True(Ended, $"The saga is stuck: {Waits.Tell(plan, Saga, _story.Now).Sentence}");
        CheckEnd();
    }

    private void Happens(int what)
    {
        switch (what)
        {
            case < 7:
                RunCopy();
                break;
            case < 11:
                DeliverResult();
                break;
            case < 14:
                Wake(early: _dice % 5 == 0);
                break;
            case < 17:
                Tell(_events.Length == 0 ? null : _events[Pick(_events.Length)]);
                break;
            case 17:
                Ask(Pick(4) == 0 ? OperatorCommand.Cancel : OperatorCommand.Retry + Pick(4));
                break;
            case 18 when _copies.Count > 0 && Pick(4) == 0:
                var refused = _copies[Pick(_copies.Count)];
                if (refused.Kind != StepKind.Saga)
                {
                    Deliver(Result(refused, StepOutcome.Undeliverable, null));
                }

                break;
            case 18:
                Take(() => _story.LosesMessages());
                break;
            default:
                _story.After(TimeSpan.FromSeconds(Pick(500)));
                break;
        }
    }

    // Someone takes a copy of a command, maybe an old one, and does with it what the ledger allows.
    private void RunCopy()
    {
        if (_copies.Count == 0)
        {
            return;
        }

        var copy = _copies[Pick(2) == 0 ? Pick(_copies.Count) : Math.Max(0, _copies.Count - 1 - Pick(4))];
        if (copy.Detached)
        {
            return;
        }

        if (copy.Kind == StepKind.Saga)
        {
            RunChild(copy, Pick(6));
            return;
        }

        if (copy.Kind == StepKind.Compute)
        {
            _results.Add(Pick(6) == 0 ? Result(copy, StepOutcome.Failed, null) : Result(copy, StepOutcome.Completed, Answer(copy)));
            return;
        }

        var entry = EntryOf(copy.CommandId);
        if (entry.Cancelled || entry.LeasedUntil > _story.Now || copy.NotAfter <= _story.Now)
        {
            return;
        }

        if (entry.Outcome is { } final && (final.Outcome != StepOutcome.Failed || copy.Attempt <= entry.Attempt))
        {
            _results.Add(final);
            return;
        }

        if (copy.Attempt < entry.Attempt)
        {
            return;
        }

        entry.Attempt = copy.Attempt;
        entry.Outcome = null;
        switch (Pick(8))
        {
            case 0 or 1 or 2 or 3:
                Record(entry, Result(copy, StepOutcome.Completed, Answer(copy)));
                break;
            case 4:
                Record(entry, Result(copy, StepOutcome.Rejected, Refusal(copy)));
                break;
            case 5 or 6:
                Record(entry, Result(copy, StepOutcome.Failed, null));
                break;
            default:
                entry.LeasedUntil = _story.Now + TimeSpan.FromSeconds(12);
                break;
        }
    }

    // A saga of its own: it starts once, runs as long as it likes, may be cancelled, and tells its end whenever it is asked again.
    private void RunChild(CommandToSend copy, int how)
    {
        var entry = EntryOf(copy.CommandId);
        if (entry.Outcome is { } told)
        {
            _results.Add(told);
            return;
        }

        var outcome = (copy.Cancels, how) switch
        {
            (true, 0) or (false, 0 or 1 or 2) => Result(copy, StepOutcome.Completed, Answer(copy)),
            (true, 1 or 2 or 3) => Result(copy, StepOutcome.Rejected, null) with { Code = EngineCodes.Cancelled },
            (_, 4) => Result(copy, StepOutcome.Rejected, null) with { Code = "no_carrier" },
            _ => null,
        };
        if (outcome is not null)
        {
            Record(entry, outcome);
        }
    }

    private Entry EntryOf(Guid command) => _ledger.TryGetValue(command, out var known) ? known : _ledger[command] = new Entry();

    private void Record(Entry entry, StepResultArrived result)
    {
        entry.Outcome = result;
        Log("recorded:", result);
        if (Pick(4) != 0)
        {
            _results.Add(result);
        }
    }

    private string Answer(CommandToSend copy)
    {
        if (Answers is not null)
        {
            return Answers(copy, Pick);
        }

        return Typed(copy, _statuses[Pick(_statuses.Length)]);
    }

    // With a body, or without one.
    private string? Refusal(CommandToSend copy) => Answers is not null || Pick(3) == 0 ? null : Typed(copy, _refusals[Pick(_refusals.Length)]);

    private string Typed(CommandToSend copy, int status)
    {
        var step = Facts.Step(copy.Step);
        var made = copy.Direction == StepDirections.Do ? TypedValues.Both(step.ResultType, step.Returns, Pick) : new JsonObject();
        if (copy.Kind == StepKind.Effect && made is JsonObject fields && fields.ContainsKey("status_code"))
        {
            fields["status_code"] = status;
        }

        return made?.ToJsonString() ?? "null";
    }

    private void Log(string what, StepResultArrived result)
    {
        var command = _commands.GetValueOrDefault(result.CommandId);
        _log.Add(
            $"{_story.Now:dd HH:mm:ss} {what} {result.Outcome} #{result.Attempt} of {command?.Direction} {command?.Step}{(command?.Item is { } item ? $"[{item}]" : "")}");
    }

    private void DeliverResult()
    {
        if (_results.Count > 0)
        {
            Deliver(_results[Pick(2) == 0 ? _results.Count - 1 : Pick(_results.Count)]);
        }
    }

    private void Deliver(StepResultArrived result)
    {
        Log("arrives:", result);
        Take(() => _story.Takes(result), result);
    }

    // As main does it: the ledger is asked first, what is interrupted is cancelled in it, and an outcome that it knows comes before the timer.
    private void Wake(bool early)
    {
        if (Saga.NextWakeupAt is { } at && at > _story.Now && !early)
        {
            _story.After(at - _story.Now);
        }

        var leases = new Dictionary<Guid, Lease>();
        var cancel = Timers.ToCancel(plan, Saga, _story.Now).ToList();
        foreach (var id in cancel.Concat(Timers.InNeedOfLedger(plan, Saga, _story.Now)).ToList())
        {
            if (!_ledger.TryGetValue(id, out var entry))
            {
                if (!cancel.Contains(id))
                {
                    continue;
                }

                entry = _ledger[id] = new Entry { Cancelled = true };
            }

            var attempt = Saga.Outstanding.First(command => command.CommandId == id).Attempt;
            if (entry.Outcome is { } outcome && (outcome.Outcome != StepOutcome.Failed || outcome.Attempt >= attempt))
            {
                Deliver(outcome);
                return;
            }

            if (entry.Outcome is null)
            {
                leases[id] = new Lease(entry.Attempt, entry.LeasedUntil > _story.Now ? entry.LeasedUntil : null) { Cancelled = entry.Cancelled };
            }
        }

        Take(() => _story.Fires(id => leases.GetValueOrDefault(id)), cancelled: [.. leases.Where(lease => lease.Value.Cancelled).Select(lease => lease.Key)]);
    }

    private void Tell(string? name)
    {
        var id = Pick(6) == 0 && _ids > 0 ? Id(Pick(_ids)) : Id(_ids++);

        // What was seen before, the store refuses.
        if (name is not null && !_seen.Contains(id))
        {
            var payload = Payloads is not null ? Payloads(name, Pick) : TypedValues.Of(plan.Events[name].Data, Pick);
            _log.Add($"{_story.Now:dd HH:mm:ss} told {name} {payload}");
            Take(() => _story.Tells(name, payload, id));
        }
    }

    private static Guid Id(int number) => Identity.OfRequest(Guid.Empty, $"message {number}");

    private void Ask(OperatorCommand command)
    {
        var blockage = Saga.Blockage;

        // Whoever passes over a step takes it upon themselves that its result is missing.
        if (command == OperatorCommand.Skip && !HasTypeFaults && blockage is { Kind: BlockedBy.Step, Step: { } step } && IsRead(step))
        {
            command = OperatorCommand.Retry;
        }

        // An item that was stuck held nobody up; when it is tried again it comes on top.
        _retried += command == OperatorCommand.Retry ? 1 : 0;
        _log.Add($"{_story.Now:dd HH:mm:ss} asked to {command}{(blockage is null ? "" : $": {blockage.Kind} {blockage.Step} {blockage.Reason}")}");
        Take(() => _story.Asks(command, "alice", "because"), skipped: command == OperatorCommand.Skip ? blockage?.CommandId : null);
        if (_story.Last.NotDone is not null)
        {
            Assert.False(_story.Last.Changed);
        }
    }

    private bool IsRead(string id) => Facts.At(id) switch
    {
        CallStep call => call.ResultIsRead || !call.Save.IsEmpty,
        EachStep each => each.ResultIsRead || !each.Save.IsEmpty,
        ParallelStep parallel => parallel.Branches.SelectMany(branch => branch.Steps).Any(step => IsRead(step.Id)),
        SetStep => true,
        _ => false,
    };

    private void Kindly(int turn)
    {
        if (Saga.PausedBy is not null && Saga.Blockage is null)
        {
            Ask(OperatorCommand.Resume);
        }
        else if (Saga.Blockage is { } blockage)
        {
            Ask(blockage.Kind == BlockedBy.Way || ++_blocked % 2 == 1 ? OperatorCommand.Retry : OperatorCommand.Skip);
        }
        else if (Saga.Outstanding.Where(command => command.Phase == AttemptPhase.InFlight).Select(KindAnswer).FirstOrDefault(answer => answer is not null) is { } answer)
        {
            Deliver(answer);
        }
        else if (!Saga.WaitingFor.IsEmpty && (Saga.NextWakeupAt is null || turn % 4 == 3))
        {
            Tell(Saga.WaitingFor[Pick(Saga.WaitingFor.Length)]);
        }
        else
        {
            Wake(early: false);
        }
    }

    // What becomes of a command in flight, if anything can before time goes on.
    private StepResultArrived? KindAnswer(Outstanding command)
    {
        var entry = EntryOrNull(command.CommandId) ?? new Entry();
        var copy = _copies.Last(copy => copy.CommandId == command.CommandId);
        if (entry.Outcome is { Outcome: StepOutcome.Completed or StepOutcome.Rejected } final)
        {
            return final;
        }

        if (copy.Kind == StepKind.Saga)
        {
            if (command.Interrupted && !copy.Cancels)
            {
                return null;
            }

            var told = copy.Cancels
                ? Result(copy, StepOutcome.Rejected, null) with { Code = EngineCodes.Cancelled }
                : Result(copy, StepOutcome.Completed, KindResult(copy));
            EntryOf(command.CommandId).Outcome = told;
            return told;
        }

        if (entry.Cancelled
            || entry.LeasedUntil > _story.Now
            || copy.Attempt < command.Attempt
            || (entry.Outcome is null && command.NotAfter <= _story.Now))
        {
            return null;
        }

        if (copy.Kind == StepKind.Compute)
        {
            return Result(copy, StepOutcome.Completed, KindResult(copy));
        }

        entry = EntryOf(command.CommandId);
        if (entry.Outcome is null || (entry.Outcome.Outcome == StepOutcome.Failed && entry.Attempt < copy.Attempt))
        {
            entry.Attempt = copy.Attempt;
            entry.Outcome = Result(copy, StepOutcome.Completed, KindResult(copy));
        }

        return entry.Outcome;
    }

    private Entry? EntryOrNull(Guid command) => _ledger.GetValueOrDefault(command);

    private string KindResult(CommandToSend copy) => Answers is not null ? $$"""{"ref":"{{copy.Step}}"}""" : Typed(copy, 200);

    private StepResultArrived Result(CommandToSend copy, StepOutcome outcome, string? result) => new()
    {
        SagaId = Saga.Facts.SagaId,
        CausedBy = Identity.Result(copy.CommandId, copy.Attempt, outcome.ToString()),
        CommandId = copy.CommandId,
        Attempt = copy.Attempt,
        Outcome = outcome,
        Result = result is null ? null : CelValue.FromJson(Encoding.UTF8.GetBytes(result)),
        Code = outcome == StepOutcome.Completed ? null : Answers is not null || outcome != StepOutcome.Rejected ? "some_code" : $"http_{_refusals[Pick(_refusals.Length)]}",
        Message = outcome == StepOutcome.Completed ? null : "Because.",
    };

    private void Take(Action happens, StepResultArrived? result = null, HashSet<Guid>? cancelled = null, Guid? skipped = null)
    {
        var before = _started ? Saga : null;
        _started = true;
        happens();
        Moves++;
        if (skipped is { } passed && _story.Last.NotDone is null)
        {
            _commands[passed].Skipped = true;
        }

        _log.AddRange(_story.Last.History.Select(note => $"{note.At:dd HH:mm:ss}   {note.Kind} {note.State} {note.Step} {note.Detail}"));
        CheckTypes();
        CheckCommands();
        foreach (var command in Saga.Outstanding)
        {
            if (_commands.TryGetValue(command.CommandId, out var known))
            {
                known.Interrupted |= command.Interrupted;
            }
        }

        if (before is not null)
        {
            CheckMove(before);
            CheckForgotten(before, result, cancelled ?? [], skipped);
            CheckTakenBack(before);
        }

        CheckState();

        // Half of the time the row is read again before the next message.
        if (_dice % 2 == 0)
        {
            var there = Saga;
            _story.Reloads(SagaRowsTests.There_and_back(plan, there));
            if (Moves % ComparedMoves == 0)
            {
                Assert.Equal(Orchestrator.Told.Of(there), Orchestrator.Told.Of(Saga));
            }
        }
    }

    // If it compiles, it runs: what is well-typed never fails by its type.
    private void CheckTypes()
    {
        if (HasTypeFaults)
        {
            return;
        }

        foreach (var note in _story.Last.History)
        {
            var detail = note.Detail?.ToString() ?? "";
            Assert.False(
                detail.Contains(EngineCodes.ExpressionFailed, StringComparison.Ordinal)
                || detail.Contains(EngineCodes.ResultInvalid, StringComparison.Ordinal)
                || detail.Contains(EngineCodes.OutputInvalid, StringComparison.Ordinal)
                || detail.Contains("worked out", StringComparison.Ordinal),
                $"A type fault at run time: {detail}");
        }
    }

    private void CheckMove(SagaState before)
    {
        var decision = _story.Last;
        Assert.True(Saga.UpdatedAt >= before.UpdatedAt);
        if (!decision.Changed)
        {
            Assert.Same(before, Saga);
            Assert.Empty(decision.Commands);
            Assert.Empty(decision.History);
            Assert.Empty(decision.Seen);
        }

        // What is kept was seen when it came; it leaves by being taken or by being refused, and never twice.
        Assert.All(decision.Seen, id => Assert.True(_seen.Add(id)));
        Assert.All(Saga.Early, kept => Assert.Contains(kept.MessageId, _seen));
        foreach (var kept in Saga.Early.Where(kept => _keeps.Add(kept.MessageId)))
        {
            Assert.Contains(kept.MessageId, decision.Seen);
        }

        Assert.All(decision.Refusals, refusal => Assert.DoesNotContain(Saga.Early, kept => kept.MessageId == refusal.Event.MessageId));
    }

    private void CheckCommands()
    {
        foreach (var sent in _story.Last.Changed ? _story.Last.Commands : [])
        {
            Assert.True(Saga.PausedBy is null || sent.Detached, $"'{sent.Step}' was sent while the saga is paused.");
            _copies.Add(sent);
            var arguments = sent.Arguments.ToString();
            if (_arguments.TryAdd(sent.CommandId, arguments))
            {
                Assert.Equal(1, sent.Attempt);
                if (sent.Detached)
                {
                    continue;
                }

                var outstanding = Saga.Outstanding.FirstOrDefault(other => other.CommandId == sent.CommandId);
                var command = _commands[sent.CommandId] = new Command(sent.Step, sent.Direction, sent.Kind, outstanding?.Item, Saga.Visits[Facts.StateOf(sent.Step)]);
                if (sent.Direction == StepDirections.Do)
                {
                    _firstUndo[Identity.Compensation(sent.CommandId)] = sent.CommandId;
                }

                if (outstanding is not null)
                {
                    var whose = sent.Direction == StepDirections.Do ? Guid.Empty : Undone(sent.Step, sent.CommandId);
                    var visit = sent.Direction == StepDirections.Do ? command.Visit : 0;
                    Assert.True(
                        _work.Add((sent.Step, sent.Direction, whose, visit * 1000 + outstanding.Round, command.Item ?? -1)),
                        $"'{sent.Step}' was commanded twice.");
                }
            }
            else
            {
                // A second start under the same key is no start.
                if (sent.Detached)
                {
                    continue;
                }
            }

            Assert.Equal(_arguments[sent.CommandId], arguments);
        }
    }

    // Which command a compensation is for.
    private Guid Undone(string step, Guid compensation)
    {
        if (!_firstUndo.TryGetValue(compensation, out var whose))
        {
            whose = _commands
                .Where(entry => entry.Value.Direction == StepDirections.Do && entry.Value.Step == step)
                .FirstOrDefault(entry => Enumerable.Range(1, 60).Any(round => Identity.Compensation(entry.Key, round) == compensation)).Key;
        }

        Assert.NotEqual(Guid.Empty, whose);
        _commands[whose].Compensations.Add(compensation);
        return whose;
    }

    // A command leaves the saga with its outcome, cancelled by the ledger, when its attempts are used up, or by an operator's hand.
    private void CheckForgotten(SagaState before, StepResultArrived? result, HashSet<Guid> cancelled, Guid? skipped)
    {
        foreach (var gone in before.Outstanding.Where(command => !Saga.Outstanding.Any(other => other.CommandId == command.CommandId)))
        {
            if (!_commands.TryGetValue(gone.CommandId, out var known)
                || (result?.CommandId == gone.CommandId && result.Outcome is StepOutcome.Completed or StepOutcome.Rejected)
                || cancelled.Contains(gone.CommandId)
                || skipped == gone.CommandId)
            {
                continue;
            }

            known.GivenUp = true;
            if (known.Kind == StepKind.Compute || gone.Answered || before.PastPivot || !CanBeTakenBack(gone.Step) || Ended)
            {
                continue;
            }

            Assert.True(
                _story.Last.History.Any(note =>
                    note.Kind is HistoryKinds.StepFailed or HistoryKinds.RetriedByOperator or HistoryKinds.AttemptFailed or HistoryKinds.StepRejected
                    && (note.Step == gone.Step || note.Step is null)),
                $"'{gone.Step}' was forgotten while it was {gone.Phase}.");
        }
    }

    private bool CanBeTakenBack(string step) => Facts.Step(step).Compensation is not null;

    // Whenever a saga has taken back, everything is taken back.
    private void CheckTakenBack(SagaState before)
    {
        foreach (var lost in Saga.Branches.Where(branch => branch.Phase == BranchPhase.Lost && !Facts.Parallel(branch.Parallel).Branches[branch.Branch].Keep))
        {
            foreach (var (_, command) in _commands.Where(entry =>
                entry.Value.Direction == StepDirections.Do
                && entry.Value.Visit == Saga.Visit
                && Facts.StateOf(entry.Value.Step) == Saga.State
                && Facts.SequenceOf(entry.Value.Step).IsWithin(lost.Parallel, lost.Branch)))
            {
                command.Lost = true;
            }
        }

        foreach (var sent in _story.Last.Commands.Where(sent => sent.Direction == StepDirections.Compensate && _story.Last.Changed))
        {
            var done = _commands.Values.FirstOrDefault(command => command.Compensations.Contains(sent.CommandId));
            Assert.True(
                done is null || plan.State(before.State).Kind == StateKind.Compensating || plan.State(Saga.State).Kind == StateKind.Compensating
                    || done.Interrupted || done.Lost || _story.Last.History.Any(note => plan.State(note.State).Kind == StateKind.Compensating),
                $"'{sent.Step}' is taken back although nothing has failed.");
        }

        var left = _story.Last.History.SkipWhile(note => plan.State(note.State).Kind != StateKind.Compensating).Any(note => plan.State(note.State).Kind != StateKind.Compensating)
            || (plan.State(before.State).Kind == StateKind.Compensating && Saga.State != before.State);
        if (left && !Saga.PastPivot)
        {
            foreach (var (id, _) in _commands.Where(entry => entry.Value.Direction == StepDirections.Do).ToList())
            {
                CheckTakenBackOnce(id, must: true);
            }
        }
    }

    private void CheckTakenBackOnce(Guid id, bool must)
    {
        var command = _commands[id];
        var outcome = EntryOrNull(id)?.Outcome;
        var compensation = Facts.Step(command.Step).Compensation;
        var completed = outcome?.Outcome == StepOutcome.Completed && command.Kind != StepKind.Compute && compensation is not null && !IsRejected(command, outcome);
        var times = command.Compensations.Count(undo => EntryOrNull(undo)?.Outcome?.Outcome == StepOutcome.Completed
            || _results.Any(result => result.CommandId == undo && result.Outcome == StepOutcome.Completed));
        var wants = completed && must ? 1 : 0;
        var excused = command.Skipped
            || (command.GivenUp && compensation is not { WhenUnknown: true })
            || command.Compensations.Any(undo => _commands.TryGetValue(undo, out var passed) && passed.Skipped);

        // Taken back once although it had not happened: nobody could tell then.
        var harmless = times == 1 && compensation is { WhenUnknown: true } && command.GivenUp;
        Assert.True(
            times == wants || (excused && times <= 1) || harmless,
            $"'{command.Step}'{(command.Item is { } item ? $"[{item}]" : "")} ({outcome?.Outcome}) was taken back {times} times instead of {wants}.");
    }

    private bool IsRejected(Command command, StepResultArrived outcome) => outcome.Result is { } result && Facts.Step(command.Step).Reject.Any(rule =>
        rule.When.Evaluate(new SagaScope(plan, Saga, _story.Now, result)) is { Kind: CelKind.Bool } holds && holds.AsBool());

    private void CheckState()
    {
        if (Ended)
        {
            Assert.Empty(Saga.Outstanding);
            Assert.Empty(Saga.Early);
            Assert.Empty(Saga.Undo);
            Assert.Empty(Saga.Branches);
            Assert.Empty(Saga.Eaches);
            Assert.Null(Saga.NextWakeupAt);
            return;
        }

        Assert.NotEqual(StateKind.End, plan.State(Saga.State).Kind);
        Assert.True(
            Saga.NextWakeupAt is not null || !Saga.WaitingFor.IsEmpty || Saga.Status is SagaStatus.Blocked or SagaStatus.Paused,
            $"Nothing will ever happen to the saga in '{Saga.State}'.");
        Assert.Equal(Saga.Blockage is not null, Saga.Status == SagaStatus.Blocked);
        Assert.Equal(Saga.Outstanding.Length, Saga.Outstanding.Select(command => command.CommandId).Distinct().Count());
        Assert.All(Saga.Undo, undo => Assert.False(Saga.PastPivot, undo.Step));
        Assert.All(
            Saga.Outstanding.Where(command => command.Phase == AttemptPhase.Stuck),
            command => Assert.Contains(Saga.Blockages, blockage => blockage.CommandId == command.CommandId));
        foreach (var each in Saga.Eaches)
        {
            var most = ((EachStep)Facts.At(each.Step)).AtOnce;
            var mine = Saga.Outstanding.Where(command =>
                command.Step == each.Step && command is { Direction: StepDirections.Do, Interrupted: false } && command.Phase != AttemptPhase.Stuck).ToList();
            Assert.True(mine.Count <= most + _retried, $"'{each.Step}' has {mine.Count} calls in flight instead of {most}.");
            Assert.Equal(mine.Count, mine.Select(command => command.Item).Distinct().Count());
            Assert.True(each.Completed + each.Failed <= each.Next && each.Next <= each.Total);
        }
    }

    private void CheckEnd()
    {
        Assert.Empty(Timers.ToCancel(plan, Saga, _story.Now));

        // One logical response, or none besides that of `respond`.
        Assert.Single(_story.Answers);

        // What had lost or was interrupted before the pivot is taken back however the saga ends.
        if (!Saga.PastPivot)
        {
            foreach (var (id, command) in _commands.Where(entry => entry.Value is { Direction: StepDirections.Do } command && (command.Interrupted || command.Lost)))
            {
                if (!IsKept(command))
                {
                    CheckTakenBackOnce(id, must: true);
                }
            }
        }
    }

    private bool IsKept(Command command) => !command.Lost && Facts.SequenceOf(command.Step).Lanes.Any(lane => Facts.Parallel(lane.Parallel).Branches[lane.Branch].Keep);

    private int Pick(int below)
    {
        _dice = (int)(((uint)_dice * 1_103_515_245u) + 12_345u) & 0x7FFF_FFFF;
        return _dice / 7 % below;
    }

    private sealed class Entry
    {
        public int Attempt { get; set; }

        public DateTimeOffset LeasedUntil { get; set; }

        public bool Cancelled { get; set; }

        public StepResultArrived? Outcome { get; set; }
    }

    // What is known of a command that was sent.
    private sealed record Command(string Step, string Direction, StepKind Kind, int? Item, int Visit)
    {
        public bool Interrupted { get; set; }

        public bool Lost { get; set; }

        public bool Skipped { get; set; }

        public bool GivenUp { get; set; }

        public HashSet<Guid> Compensations { get; } = [];
    }
}
