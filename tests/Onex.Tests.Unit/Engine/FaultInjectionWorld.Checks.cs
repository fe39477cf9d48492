using Onex.Tests.Unit.Orchestrator.Mapping;

namespace Onex.Tests.Unit.Engine;

/// <summary>The invariants after each decision and at the end.</summary>
internal sealed partial class FaultInjectionWorld
{
    private void Decide(
        Action act, StepResultArrived? result = null, HashSet<CommandId>? cancelled = null, HashSet<CommandId>? skipped = null)
    {
        var before = _started ? Saga : null;
        _started = true;
        act();
        Decisions++;
        foreach (var id in _scenario.Last.WhyNotDone is null && skipped is not null ? skipped : [])
        {
            _commands[id].Skipped = true;
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

        // A command that is removed or compensated in the decision that interrupts it shows that only in the history.
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

                // The entry names the step and not the item, so any item of the step may be the interrupted one.
                if (command.Item is null)
                {
                    known.Interrupted = true;
                }
                else
                {
                    known.MayBeInterrupted = true;
                }
            }
        }

        if (before is not null)
        {
            CheckDecision(before);
            CheckRemovedCommands(before, result, cancelled ?? [], skipped ?? []);
            CheckCompensated(before);
            CheckPauseAndCancel(before);
        }

        CheckState();

        // The saga is reloaded from its row before half of the messages.
        if (_random % 2 == 0)
        {
            var stored = Saga;
            _scenario.Reloads(SagaRowsTests.RoundTrip(plan, stored));
            if (Decisions % CompareEvery == 0)
            {
                Assert.Equal(Orchestrator.Mapping.StateText.From(stored), Orchestrator.Mapping.StateText.From(Saga));
            }
        }
    }

    // Codes, and fragments of reasons for a blockage, that only a type error causes.
    private static readonly byte[][] _typeFaults =
    [
        .. new[]
        {
            StepCodes.ExpressionFailed, StepCodes.ResultInvalid, StepCodes.OutputInvalid, "evaluated any more",
            "completed, but the arguments",
        }.Select(System.Text.Encoding.UTF8.GetBytes),
    ];

    // A contract that compiles never fails with a type error.
    private void CheckTypes()
    {
        if (HasTypeFaults || HasInvalidResults)
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

    private void CheckDecision(SagaState before)
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

        // A buffered event was recorded when it arrived; it leaves the buffer exactly once, applied or declined.
        Assert.All(decision.Seen, id => Assert.True(_seen.Add(id)));
        Assert.All(Saga.BufferedEvents, buffered => Assert.Contains(buffered.MessageId, _seen));
        foreach (var buffered in Saga.BufferedEvents.Where(buffered => _buffered.Add(buffered.MessageId)))
        {
            Assert.Contains(buffered.MessageId, decision.Seen);
        }

        Assert.All(
            decision.Declined,
            rejection => Assert.DoesNotContain(Saga.BufferedEvents, buffered => buffered.MessageId == rejection.Event.MessageId));
    }

    // A paused saga sends no commands and no events. It answers only requesters that join after its response, and enters only compensating
    // states. A cancelled saga only compensates and ends.
    private void CheckPauseAndCancel(SagaState before)
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
            _sent.Add(sent);
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
                    var original = sent.Direction == StepDirection.Forward ? default : RecordCompensation(sent.Step, sent.CommandId);
                    var visit = sent.Direction == StepDirection.Forward ? command.Visit : 0;
                    Assert.True(
                        _work.Add((sent.Step, sent.Direction, original, visit * 1000 + outstanding.RetryPass, command.Item ?? -1)),
                        $"'{sent.Step}' was commanded twice.");
                }
            }
            else
            {
                // A detached child that is started again under the same key starts nothing, whatever its input.
                if (sent.Detached)
                {
                    continue;
                }
            }

            Assert.Equal(_arguments[sent.CommandId], arguments);
        }
    }

    // Finds the command that a compensation belongs to, and records the compensation with it.
    private CommandId RecordCompensation(string step, CommandId compensation)
    {
        if (!_firstCompensation.TryGetValue(compensation, out var original))
        {
            original = _commands
                .Where(entry => entry.Value.Direction == StepDirection.Forward && entry.Value.Step == step)
                .FirstOrDefault(entry =>
                    Enumerable.Range(1, PassesMax).Any(pass => Identity.Compensation(entry.Key, pass) == compensation)).Key;
        }

        Assert.NotEqual(default, original);
        _commands[original].Compensations.Add(compensation);
        return original;
    }

    // A command leaves the saga with its outcome, by cancellation in the ledger, without remaining attempts, or by an operator command.
    private void CheckRemovedCommands(SagaState before, StepResultArrived? result, HashSet<CommandId> cancelled, HashSet<CommandId> skipped)
    {
        foreach (var removed in before.Outstanding.Where(command => !Saga.Outstanding.Any(other => other.CommandId == command.CommandId)))
        {
            if (!_commands.TryGetValue(removed.CommandId, out var known)
                || (result?.CommandId == removed.CommandId
                    && (result.Outcome == StepOutcome.Rejected || result.Reached == AttemptReach.Done))
                || cancelled.Contains(removed.CommandId)
                || skipped.Contains(removed.CommandId))
            {
                continue;
            }

            known.Abandoned = true;
            known.Expired |= removed.NotAfter <= _scenario.Now;

            // The command did not take effect, or its effect is recorded for compensation.
            if (removed.IsIdle && removed.TookEffect is TookEffect.No or TookEffect.Yes)
            {
                continue;
            }

            if (known.Role == CallRole.Compute || removed.IsFinal || before.PastPivot || !CanBeCompensated(removed.Step) || Ended)
            {
                continue;
            }

            Assert.True(
                _scenario.Last.History.Any(note =>
                    note.Kind is HistoryKind.StepFailed or HistoryKind.RetriedByOperator
                        or HistoryKind.AttemptFailed or HistoryKind.StepRejected
                    && (note.Step == removed.Step || note.Step is null)),
                $"'{removed.Step}' was dropped while it was {removed.Phase}.");
        }
    }

    private bool CanBeCompensated(string step) => Facts.Call(step).Compensation is not null;

    // Marks the commands of dropped branches. Nothing is compensated without a reason, and a saga that leaves its compensating state has
    // compensated every completed step.
    private void CheckCompensated(SagaState before)
    {
        foreach (
            var dropped in Saga.Branches.Where(
                branch => branch.Phase == BranchPhase.Dropped && !Facts.Parallel(branch.Parallel).Branches[branch.Branch].Keep))
        {
            foreach (var (_, command) in _commands.Where(entry =>
                entry.Value.Direction == StepDirection.Forward
                && entry.Value.Visit == Saga.Visit
                && Facts.StateOf(entry.Value.Step) == Saga.State
                && Facts.SequenceOf(entry.Value.Step).IsWithin(dropped.Parallel, dropped.Branch)))
            {
                command.Dropped = true;
            }
        }

        // A join may be satisfied and its state left in one decision; then only the pending compensations show which branches were dropped.
        foreach (var compensable in Saga.Compensables.Where(compensable =>
            compensable.MustCompensate
            && Facts.SequenceOf(compensable.Step).EnclosingBranches.Any(branch => Facts.Parallel(branch.Parallel).Join != Join.All)))
        {
            foreach (var command in _commands.Values.Where(command =>
                command.Direction == StepDirection.Forward && command.Step == compensable.Step && command.Visit == compensable.Visit
                && (command.Item == compensable.Item || compensable.Items is not null)))
            {
                command.Dropped = true;
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
                        || done.MayBeInterrupted
                        || done.Dropped
                        || _scenario.Last.History.Any(note => plan.State(note.State).Kind == StateKind.Compensating),
                $"'{sent.Step}' is compensated although nothing has failed.");
        }

        var leftCompensating = _scenario.Last.History.SkipWhile(note => plan.State(note.State).Kind != StateKind.Compensating)
            .Any(note => plan.State(note.State).Kind != StateKind.Compensating)
            || (plan.State(before.State).Kind == StateKind.Compensating && Saga.State != before.State);
        if (leftCompensating && !Saga.PastPivot && !_isTerminated)
        {
            foreach (var (id, _) in _commands.Where(entry => entry.Value.Direction == StepDirection.Forward).ToList())
            {
                CheckCompensatedOnce(id);
            }
        }
    }

    private void CheckCompensatedOnce(CommandId id)
    {
        var command = _commands[id];
        var outcome = FindLedgerEntry(id)?.Outcome;
        var compensation = Facts.Call(command.Step).Compensation;
        var mustBeCompensated = FindLedgerEntry(id)?.TookEffect == true
            && command.Role != CallRole.Compute
            && compensation is not null
            && (outcome is null || !IsRejected(command, outcome));
        var times = command.Compensations.Count(compensation => FindLedgerEntry(compensation)?.Outcome?.Reached == AttemptReach.Done
            || _results.Any(result => result.CommandId == compensation && result.Outcome == StepOutcome.Completed));
        var expected = mustBeCompensated ? 1 : 0;
        var excused = command.Skipped
            || (compensation is { WhenUnknown: WhenUnknown.AssumeNotDone } && (
                command.Abandoned || HasInvalidResults || outcome?.Outcome != StepOutcome.Completed))
            || command.Expired
            || command.Compensations.Any(compensation => _commands.TryGetValue(compensation, out var passed) && passed.Skipped);

        // Compensated once although it did not happen, because its outcome was unknown at that time.
        var harmless = times == 1 && compensation is { WhenUnknown: WhenUnknown.Run }
            && (command.Abandoned || outcome is not { Outcome: StepOutcome.Rejected, Reached: AttemptReach.Answered });

        // An operator repeated a compensation whose key was too old, which is possible only under a new key.
        harmless |= times > expected
            && times - expected <= command.Compensations.Count(sent => _commands.TryGetValue(sent, out var old) && old.Expired);

        // A later rejection does not revoke an earlier success of the service.
        harmless |= times == 1 && FindLedgerEntry(id)?.HadInvalidResult == true;
        Assert.True(
            times == expected || (excused && times <= 1) || harmless,
            $"'{command.Step}'{(command.Item is { } item ? $"[{item}]" : "")} ({outcome?.Outcome}) was compensated {times} times instead "
                + $"of {expected}.");
    }

    private bool IsRejected(Command command, StepResultArrived outcome) => outcome.Result is { } result
        && Facts.Call(command.Step).Reject.Any(rule =>
        rule.When.Evaluate(new SagaScope(plan, Saga, _scenario.Now, result)) is { Kind: CelKind.Bool } holds && holds.AsBool());

    private void CheckState()
    {
        if (Ended)
        {
            Assert.Empty(Saga.Outstanding);
            Assert.Empty(Saga.BufferedEvents);
            Assert.Empty(Saga.Compensables);
            Assert.Empty(Saga.Branches);
            Assert.Empty(Saga.EachRuns);
            Assert.Null(Saga.NextWakeupAt);
            return;
        }

        Assert.NotEqual(StateKind.End, plan.State(Saga.State).Kind);
        Assert.True(
            Saga.NextWakeupAt is not null || !Saga.WaitingFor.IsEmpty || Saga.Status is SagaStatus.Blocked or SagaStatus.Paused,
            $"Nothing will ever happen to the saga in '{Saga.State}'.");
        Assert.Equal(Saga.Blockage is not null, Saga.Status == SagaStatus.Blocked);
        Assert.Equal(Saga.Outstanding.Length, Saga.Outstanding.Select(command => command.CommandId).Distinct().Count());
        Assert.All(Saga.Compensables, compensable => Assert.False(Saga.PastPivot, compensable.Step));
        Assert.All(
            Saga.Outstanding.Where(command => command.Phase == AttemptPhase.Stuck),
            command => Assert.Contains(Saga.Blockages, blockage => blockage.CommandId == command.CommandId));
        foreach (var each in Saga.EachRuns)
        {
            var atOnce = ((EachStep)Facts.Step(each.Step)).AtOnce;
            var inFlight = Saga.Outstanding.Where(command =>
                command.Step == each.Step && command is { Direction: StepDirection.Forward, Interrupted: false }
                    && command.Phase != AttemptPhase.Stuck).ToList();
            Assert.True(
                inFlight.Count <= atOnce + _operatorRetries, $"'{each.Step}' has {inFlight.Count} calls in flight instead of {atOnce}.");
            Assert.Equal(inFlight.Count, inFlight.Select(command => command.Item).Distinct().Count());
            Assert.True(each.Completed + each.Failed <= each.Next && each.Next <= each.Total);
        }
    }

    private void CheckEnd()
    {
        Assert.Empty(Timers.ToCancel(plan, Saga, _scenario.Now));

        // Each requester gets exactly one response: that of a `respond` step, or that of the end.
        Assert.Equal(
            _joined.Append("requests/3/17").Order(StringComparer.Ordinal),
            _scenario.Answers.Select(answer => answer.To.Source).Order(StringComparer.Ordinal));

        // Dropped and interrupted steps before the pivot are compensated whatever the end of the saga.
        if (!Saga.PastPivot && !_isTerminated)
        {
            foreach (
                var (id, command) in _commands.Where(
                    entry => entry.Value is { Direction: StepDirection.Forward } command && (command.Interrupted || command.Dropped)))
            {
                if (!IsKept(command))
                {
                    CheckCompensatedOnce(id);
                }
            }
        }
    }

    private bool IsKept(Command command) =>
        !command.Dropped
        && Facts.SequenceOf(command.Step).EnclosingBranches
            .Any(branch => Facts.Parallel(branch.Parallel).Branches[branch.Branch].Keep);

    // A linear congruential generator, so that the same script leads to the same run.
    private int Pick(int below)
    {
        _random = (int)(((uint)_random * 1_103_515_245u) + 12_345u) & 0x7FFF_FFFF;
        return _random / 7 % below;
    }

    private sealed class LedgerEntry
    {
        public int Attempt { get; set; }

        public DateTimeOffset LeasedUntil { get; set; }

        public bool Cancelled { get; set; }

        // Whether the last attempt followed one whose outcome was never recorded.
        public bool FollowsUnreportedAttempt { get; set; }

        // Whether any attempt took effect, whatever was reported.
        public bool TookEffect { get; set; }

        // Whether a 2xx with an invalid result was among its responses.
        public bool HadInvalidResult { get; set; }

        public StepResultArrived? Outcome { get; set; }
    }

    // What the checks record about a sent command. It may be interrupted if another item of its step was. It is dropped with its branch,
    // skipped by an operator, abandoned if the saga removes it without a final outcome, and expired if it was then too old to be sent.
    private sealed record Command(string Step, StepDirection Direction, CallRole Role, int? Item, int Visit)
    {
        public bool Interrupted { get; set; }

        public bool MayBeInterrupted { get; set; }

        public bool Dropped { get; set; }

        public bool Skipped { get; set; }

        public bool Abandoned { get; set; }

        public bool Expired { get; set; }

        public HashSet<CommandId> Compensations { get; } = [];
    }
}
