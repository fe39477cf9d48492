using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Tests.Unit.Orchestrator.Mapping;

namespace Onex.Tests.Unit.Engine;

/// <summary>What must hold after each of it, and at the end.</summary>
internal sealed partial class FaultInjectionWorld
{
    private void Take(
        Action happens, StepResultArrived? result = null, HashSet<CommandId>? cancelled = null, HashSet<CommandId>? skipped = null)
    {
        var before = _started ? Saga : null;
        _started = true;
        happens();
        Moves++;
        foreach (var passed in _scenario.Last.NotDone is null ? skipped ?? [] : [])
        {
            _commands[passed].Skipped = true;
        }

        _log.AddRange(
            _scenario.Last.History.Select(note => (Func<string>)(() => $"{note.At:dd HH:mm:ss}   {note.Kind} {note.State} {note.Step} "
                + $"{note.Detail}")));
        CheckTypes();
        CheckCommands();
        foreach (var command in Saga.Outstanding)
        {
            if (_commands.TryGetValue(command.CommandId, out var known))
            {
                known.Interrupted |= command.Interrupted;
            }
        }

        // What is known already may be compensated in the very move that interrupts it.
        foreach (var note in _scenario.Last.History.Where(note => note.Kind == HistoryKind.StepInterrupted))
        {
            foreach (
                var command in before?.Outstanding.Where(
                    command => command.Step == note.Step && command.Direction == StepDirection.Forward) ?? [])
            {
                if (!_commands.TryGetValue(command.CommandId, out var known))
                {
                    continue;
                }

                // The note names the step alone: an item that was over before, by its result or its lapse, may be the reason for the
                // others' end.
                if (command.Item is null)
                {
                    known.Interrupted = true;
                }
                else
                {
                    known.PerhapsInterrupted = true;
                }
            }
        }

        if (before is not null)
        {
            CheckMove(before);
            CheckForgotten(before, result, cancelled ?? [], skipped ?? []);
            CheckCompensated(before);
            CheckStops(before);
        }

        CheckState();

        // Half of the time the row is read again before the next message.
        if (_dice % 2 == 0)
        {
            var there = Saga;
            _scenario.Reloads(SagaRowsTests.There_and_back(plan, there));
            if (Moves % ComparedMoves == 0)
            {
                Assert.Equal(Orchestrator.Mapping.StateText.From(there), Orchestrator.Mapping.StateText.From(Saga));
            }
        }
    }

    private static readonly byte[][] _typeFaults =
    [
        .. new[]
        {
            StepCodes.ExpressionFailed, StepCodes.ResultInvalid, StepCodes.OutputInvalid, "evaluated any more",
            "completed, but the arguments",
        }.Select(System.Text.Encoding.UTF8.GetBytes),
    ];

    // If it compiles, it runs: what is well-typed never fails by its type.
    private void CheckTypes()
    {
        if (HasTypeFaults || HasUnusableAnswers)
        {
            return;
        }

        foreach (var note in _scenario.Last.History)
        {
            if (note.Detail is { } detail && _typeFaults.Any(fault => detail.Utf8.Span.IndexOf(fault) >= 0))
            {
                Assert.Fail($"A type fault at run time: {detail}");
            }
        }
    }

    private void CheckMove(SagaState before)
    {
        var decision = _scenario.Last;
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

        Assert.All(
            decision.Rejections, rejection => Assert.DoesNotContain(Saga.Early, kept => kept.MessageId == rejection.Event.MessageId));
    }

    // A paused saga stands still. One that was cancelled compensates and ends, and does nothing else.
    private void CheckStops(SagaState before)
    {
        var entered = _scenario.Last.History.Where(note => note.Kind == HistoryKind.StateEntered).ToList();
        if (before.PausedBy is not null && Saga.PausedBy is not null)
        {
            Assert.Empty(_scenario.Last.Commands);
            Assert.Empty(_scenario.Last.Published);
            Assert.All(_scenario.Last.Answers, answer => Assert.NotNull(before.Response));
            Assert.All(entered, note => Assert.Equal(StateKind.Compensating, plan.State(note.State).Kind));
        }

        if (before.CancelledBy is not null && !_isTerminated)
        {
            Assert.NotNull(Saga.CancelledBy);
            Assert.All(entered, note => Assert.NotEqual(StateKind.Ordinary, plan.State(note.State).Kind));
            Assert.True(!Ended || Saga.Status == SagaStatus.Cancelled, $"The saga was cancelled and ended {Saga.Status}.");
        }
    }

    private void CheckCommands()
    {
        foreach (var sent in _scenario.Last.Changed ? _scenario.Last.Commands : [])
        {
            Assert.True(Saga.PausedBy is null, $"'{sent.Step}' was sent while the saga is paused.");
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
                var command = _commands[sent.CommandId] = new Command(
                    sent.Step, sent.Direction, sent.Role, outstanding?.Item, Saga.Visits[Facts.StateOf(sent.Step)]);
                if (sent.Direction == StepDirection.Forward)
                {
                    _firstCompensation[Identity.Compensation(sent.CommandId)] = sent.CommandId;
                }

                if (outstanding is not null)
                {
                    var whose = sent.Direction == StepDirection.Forward ? default : Undone(sent.Step, sent.CommandId);
                    var visit = sent.Direction == StepDirection.Forward ? command.Visit : 0;
                    Assert.True(
                        _work.Add((sent.Step, sent.Direction, whose, visit * 1000 + outstanding.RetryPass, command.Item ?? -1)),
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
    private CommandId Undone(string step, CommandId compensation)
    {
        if (!_firstCompensation.TryGetValue(compensation, out var whose))
        {
            whose = _commands
                .Where(entry => entry.Value.Direction == StepDirection.Forward && entry.Value.Step == step)
                .FirstOrDefault(entry => Enumerable.Range(1, 60).Any(round => Identity.Compensation(entry.Key, round) == compensation)).Key;
        }

        Assert.NotEqual(default, whose);
        _commands[whose].Compensations.Add(compensation);
        return whose;
    }

    // A command leaves the saga with its outcome, cancelled by the ledger, when its attempts are used up, or by an operator's hand.
    private void CheckForgotten(SagaState before, StepResultArrived? result, HashSet<CommandId> cancelled, HashSet<CommandId> skipped)
    {
        foreach (var gone in before.Outstanding.Where(command => !Saga.Outstanding.Any(other => other.CommandId == command.CommandId)))
        {
            if (!_commands.TryGetValue(gone.CommandId, out var known)
                || (result?.CommandId == gone.CommandId && (result.Outcome == StepOutcome.Rejected || result.Reached == AttemptReach.Done))
                || cancelled.Contains(gone.CommandId)
                || skipped.Contains(gone.CommandId))
            {
                continue;
            }

            known.GivenUp = true;
            known.Expired |= gone.NotAfter <= _scenario.Now;

            // It has not happened, or what it did is remembered.
            if (gone.IsIdle && gone.Happened is Happening.No or Happening.Yes)
            {
                continue;
            }

            if (known.Role == CallRole.Compute || gone.Answered || before.PastPivot || !CanBeCompensated(gone.Step) || Ended)
            {
                continue;
            }

            Assert.True(
                _scenario.Last.History.Any(note =>
                    note.Kind is HistoryKind.StepFailed or HistoryKind.RetriedByOperator
                        or HistoryKind.AttemptFailed or HistoryKind.StepRejected
                    && (note.Step == gone.Step || note.Step is null)),
                $"'{gone.Step}' was forgotten while it was {gone.Phase}.");
        }
    }

    private bool CanBeCompensated(string step) => Facts.Step(step).Compensation is not null;

    // Whenever a saga has compensated, everything is compensated.
    private void CheckCompensated(SagaState before)
    {
        foreach (
            var lost in Saga.Branches.Where(
                branch => branch.Phase == BranchPhase.Lost && !Facts.Parallel(branch.Parallel).Branches[branch.Branch].Keep))
        {
            foreach (var (_, command) in _commands.Where(entry =>
                entry.Value.Direction == StepDirection.Forward
                && entry.Value.Visit == Saga.Visit
                && Facts.StateOf(entry.Value.Step) == Saga.State
                && Facts.SequenceOf(entry.Value.Step).IsWithin(lost.Parallel, lost.Branch)))
            {
                command.Lost = true;
            }
        }

        // A join may be satisfied and its state left in one move: then only the pending compensations show which branches lost.
        foreach (var undo in Saga.Undo.Where(undo =>
            undo.Lost && Facts.SequenceOf(undo.Step).Lanes.Any(lane => Facts.Parallel(lane.Parallel).Join != Join.All)))
        {
            foreach (var command in _commands.Values.Where(command =>
                command.Direction == StepDirection.Forward && command.Step == undo.Step && command.Visit == undo.Visit
                && (command.Item == undo.Item || undo.Items is not null)))
            {
                command.Lost = true;
            }
        }

        foreach (var sent in _scenario.Last.Commands.Where(sent => sent.Direction == StepDirection.Compensation && _scenario.Last.Changed))
        {
            var done = _commands.Values.FirstOrDefault(command => command.Compensations.Contains(sent.CommandId));
            Assert.True(
                done is null
                    || plan.State(before.State).Kind == StateKind.Compensating
                    || plan.State(Saga.State).Kind == StateKind.Compensating
                    || done.Interrupted
                        || done.PerhapsInterrupted
                        || done.Lost
                        || _scenario.Last.History.Any(note => plan.State(note.State).Kind == StateKind.Compensating),
                $"'{sent.Step}' is compensated although nothing has failed.");
        }

        var left = _scenario.Last.History.SkipWhile(note => plan.State(note.State).Kind != StateKind.Compensating)
            .Any(note => plan.State(note.State).Kind != StateKind.Compensating)
            || (plan.State(before.State).Kind == StateKind.Compensating && Saga.State != before.State);
        if (left && !Saga.PastPivot && !_isTerminated)
        {
            foreach (var (id, _) in _commands.Where(entry => entry.Value.Direction == StepDirection.Forward).ToList())
            {
                CheckCompensatedOnce(id, must: true);
            }
        }
    }

    private void CheckCompensatedOnce(CommandId id, bool must)
    {
        var command = _commands[id];
        var outcome = EntryOrNull(id)?.Outcome;
        var compensation = Facts.Step(command.Step).Compensation;
        var completed = EntryOrNull(id)?.Happened == true
            && command.Role != CallRole.Compute
            && compensation is not null
            && (outcome is null || !IsRejected(command, outcome));
        var times = command.Compensations.Count(undo => EntryOrNull(undo)?.Outcome?.Reached == AttemptReach.Done
            || _results.Any(result => result.CommandId == undo && result.Outcome == StepOutcome.Completed));
        var wants = completed && must ? 1 : 0;
        var excused = command.Skipped
            || (compensation is { WhenUnknown: WhenUnknown.AssumeNotDone } && (
                command.GivenUp || HasUnusableAnswers || outcome?.Outcome != StepOutcome.Completed))
            || command.Expired
            || command.Compensations.Any(undo => _commands.TryGetValue(undo, out var passed) && passed.Skipped);

        // Compensated once although it had not happened: its outcome was unknown then.
        var harmless = times == 1 && compensation is { WhenUnknown: WhenUnknown.Run }
            && (command.GivenUp || outcome is not { Outcome: StepOutcome.Rejected, Reached: AttemptReach.Answered });

        // Nor does a later answer that `reject` declines revoke what the service has said before.
        harmless |= times == 1 && EntryOrNull(id)?.NotUnderstood == true;
        Assert.True(
            times == wants || (excused && times <= 1) || harmless,
            $"'{command.Step}'{(command.Item is { } item ? $"[{item}]" : "")} ({outcome?.Outcome}) was compensated {times} times instead "
                + $"of {wants}.");
    }

    private bool IsRejected(Command command, StepResultArrived outcome) => outcome.Result is { } result
        && Facts.Step(command.Step).Reject.Any(rule =>
        rule.When.Evaluate(new SagaScope(plan, Saga, _scenario.Now, result)) is { Kind: CelKind.Bool } holds && holds.AsBool());

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
                command.Step == each.Step && command is { Direction: StepDirection.Forward, Interrupted: false }
                    && command.Phase != AttemptPhase.Stuck).ToList();
            Assert.True(mine.Count <= most + _retried, $"'{each.Step}' has {mine.Count} calls in flight instead of {most}.");
            Assert.Equal(mine.Count, mine.Select(command => command.Item).Distinct().Count());
            Assert.True(each.Completed + each.Failed <= each.Next && each.Next <= each.Total);
        }
    }

    private void CheckEnd()
    {
        Assert.Empty(Timers.ToCancel(plan, Saga, _scenario.Now));

        // One logical response to each who asked, be it that of `respond`.
        Assert.Equal(
            _joined.Append("requests/3/17").Order(StringComparer.Ordinal),
            _scenario.Answers.Select(answer => answer.To.Source).Order(StringComparer.Ordinal));

        // What had lost or was interrupted before the pivot is compensated however the saga ends.
        if (!Saga.PastPivot && !_isTerminated)
        {
            foreach (
                var (id, command) in _commands.Where(
                    entry => entry.Value is { Direction: StepDirection.Forward } command && (command.Interrupted || command.Lost)))
            {
                if (!IsKept(command))
                {
                    CheckCompensatedOnce(id, must: true);
                }
            }
        }
    }

    private bool IsKept(Command command) =>
        !command.Lost && Facts.SequenceOf(command.Step).Lanes.Any(lane => Facts.Parallel(lane.Parallel).Branches[lane.Branch].Keep);

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

        public bool TakenOver { get; set; }

        // The truth, whoever may know it.
        public bool Happened { get; set; }

        // A 2xx whose result nobody understood was among its answers.
        public bool NotUnderstood { get; set; }

        public StepResultArrived? Outcome { get; set; }
    }

    // What is known of a command that was sent.
    private sealed record Command(string Step, StepDirection Direction, CallRole Role, int? Item, int Visit)
    {
        public bool Interrupted { get; set; }

        public bool PerhapsInterrupted { get; set; }

        public bool Lost { get; set; }

        public bool Skipped { get; set; }

        public bool GivenUp { get; set; }

        public bool Expired { get; set; }

        public HashSet<CommandId> Compensations { get; } = [];
    }
}
