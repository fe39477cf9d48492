using System.Text.Json.Nodes;
using Onex.Tests.Unit.Engine.Generated;

namespace Onex.Tests.Unit.Engine;

/// <summary>
/// Runs one saga in a simulated environment whose faults follow a script of numbers: commands that run late, twice or never, lost results,
/// children with any outcome, events, early and late timers, operator commands, and reloads from the row. The invariants are checked after
/// every decision. Once the faults stop, the saga must end, and every step that must be compensated must have been.
/// </summary>
internal sealed partial class FaultInjectionWorld(Plan plan, string input = "{}")
{
    private const int EventTurns = 1000;
    private const int PassesMax = 60;

    private static readonly int[] _statuses = [200, 201, 200, 202];
    private static readonly int[] _rejections = [402, 404, 409];

    private readonly SagaScenario _scenario = new(plan);
    private readonly string[] _events = [.. plan.Events.Keys.Order(StringComparer.Ordinal)];

    // Formatted only when a check fails.
    private readonly List<Func<string>> _log = [];
    private readonly Dictionary<CommandId, LedgerEntry> _ledger = [];
    private readonly List<CommandToSend> _sent = [];
    private readonly List<StepResultArrived> _results = [];
    private readonly Dictionary<CommandId, string> _arguments = [];
    private readonly HashSet<(string Step, StepDirection Direction, CommandId Original, int VisitAndPass, int Item)> _work = [];
    private readonly Dictionary<CommandId, Command> _commands = [];
    private readonly Dictionary<CommandId, CommandId> _firstCompensation = [];
    private readonly HashSet<MessageId> _buffered = [];
    private readonly HashSet<MessageId> _seen = [];
    private readonly HashSet<string> _joined = new(StringComparer.Ordinal);
    private bool _started;
    private bool _isTerminated;
    private int _blockedTurns;
    private int _operatorRetries;
    private int _messages;
    private int _random;

    /// <summary>The result of a completed call; null for a random value of its type.</summary>
    public Func<CommandToSend, Func<int, int>, string>? Answers { get; init; }

    /// <summary>The payload of an event; null for a random value of its type.</summary>
    public Func<string, Func<int, int>, string>? Payloads { get; init; }

    /// <summary>Whether results may violate their type.</summary>
    public bool HasTypeFaults { get; init; }

    /// <summary>Whether services may also return invalid results.</summary>
    public bool HasInvalidResults { get; init; }

    /// <summary>The number of log lines in the report.</summary>
    public int LogMax { get; init; } = 80;

    /// <summary>The number of decisions between two comparisons of the reloaded saga with the stored one.</summary>
    public int CompareEvery { get; init; } = 1;

    /// <summary>The number of decisions.</summary>
    public int Decisions { get; private set; }

    /// <summary>The end of the log.</summary>
    public string Report => string.Join('\n', _log.TakeLast(LogMax).Select(line => line()));

    /// <summary>The current state of the saga.</summary>
    public SagaState Saga => _scenario.Saga;

    private bool Ended => Saga.EndedAt is not null;

    private PlanFacts Facts => PlanFacts.For(plan);

    /// <summary>Runs the script, then continues without faults until the saga ends.</summary>
    public void Run(ReadOnlySpan<int> script)
    {
        Decide(() => _scenario.Starts(input));
        foreach (var number in script)
        {
            _random = number / 20;
            Act(number % 20);
        }

        for (var turn = 0; turn < 3000 && !Ended; turn++)
        {
            _random = 4 + turn;
            ContinueWithoutFaults(turn);
        }

        Assert.True(Ended, $"The saga is stuck: {Waits.Describe(plan, Saga, _scenario.Now).Sentence}");
        CheckEnd();
    }

    private void Act(int action)
    {
        switch (action)
        {
            case < 7:
                RunSentCommand();
                break;
            case < 11:
                DeliverAnyResult();
                break;
            case < 14:
                FireTimer(early: _random % 5 == 0);
                break;
            case < 17:
                SendEvent(_events.Length == 0 ? null : _events[Pick(_events.Length)]);
                break;
            case 17:
                SendOperatorCommand(
                    Pick(4) != 0 ? OperatorCommand.Retry + Pick(4) : Pick(4) == 0 ? OperatorCommand.Terminate : OperatorCommand.Cancel);
                break;
            case 18 when _sent.Count > 0 && Pick(4) == 0:
                var rejected = _sent[Pick(_sent.Count)];
                RejectAtBroker(rejected);
                break;
            case 18:
                Decide(() => _scenario.LosesMessages());
                break;
            case 19 when plan.OnDuplicate == DuplicatePolicy.Join && !Ended && Pick(2) == 0:
                JoinWithAnotherRequest();
                break;
            default:
                _scenario.AdvancesTime(TimeSpan.FromSeconds(Pick(500)));
                break;
        }
    }

    // Another request that joins the saga, or a redelivery of its record.
    private void JoinWithAnotherRequest()
    {
        var source = $"requests/5/{Pick(4)}";
        _joined.Add(source);
        var requester = SagaScenario.Requester(source);
        var now = _scenario.Now;
        _log.Add(() => $"{now:dd HH:mm:ss} joined by {source}");
        Decide(
            () => _scenario.Handles(
                new RequestJoined
                {
                    SagaId = Saga.Facts.SagaId,
                    CausedBy = requester.RequestId,
                    Waiter = new Waiter(requester, IsDuplicate: false)
                }));
    }

    // Like the orchestrator: unclaimed commands are closed in the ledger first, and the orchestrator may crash before it reports the
    // rejection.
    private void RejectAtBroker(CommandToSend copy)
    {
        var isClosed = false;
        if (copy is { Role: CallRole.Effect, Direction: StepDirection.Forward, Detached: false } && copy.NotAfter > _scenario.Now)
        {
            isClosed = _ledger.TryAdd(copy.CommandId, new LedgerEntry { Cancelled = true }) || _ledger[copy.CommandId].Cancelled;
        }

        if (!isClosed || Pick(3) != 0)
        {
            DeliverResult(Result(copy, StepOutcome.Undeliverable, null) with { IsClosed = isClosed || copy.Role == CallRole.Compute });
        }
    }

    // A role receives a sent command, possibly an old copy, and runs it if the ledger allows.
    private void RunSentCommand()
    {
        if (_sent.Count == 0)
        {
            return;
        }

        var copy = _sent[Pick(2) == 0 ? Pick(_sent.Count) : Math.Max(0, _sent.Count - 1 - Pick(4))];
        if (copy.Detached)
        {
            return;
        }

        if (copy.Role == CallRole.Saga)
        {
            RunChild(copy, Pick(6));
            return;
        }

        if (copy.Role == CallRole.Compute)
        {
            _results.Add(Pick(6) == 0 ? Result(copy, StepOutcome.Failed, null) : Result(copy, StepOutcome.Completed, Answer(copy)));
            return;
        }

        var entry = GetOrAddLedgerEntry(copy.CommandId);
        if (entry.Cancelled || entry.LeasedUntil > _scenario.Now || copy.NotAfter <= _scenario.Now)
        {
            return;
        }

        if (entry.Outcome is { } final && !MayRunAgain(entry, copy))
        {
            _results.Add(final);
            return;
        }

        if (copy.Attempt < entry.Attempt)
        {
            return;
        }

        entry.FollowsUnreportedAttempt = entry is { Attempt: > 0, Outcome: null };
        entry.Attempt = copy.Attempt;
        entry.Outcome = null;
        RunAttempt(entry, copy, Pick(16));
    }

    // A service honours idempotency keys: it rejects no call that took effect before under the same key (choice 7). Onex itself may (8).
    private void RunAttempt(LedgerEntry entry, CommandToSend copy, int choice)
    {
        switch (choice)
        {
            case 7 when !entry.TookEffect:
                RecordOutcome(entry, Result(copy, StepOutcome.Rejected, Rejection(copy)) with { Reach = AttemptReach.Answered });
                break;
            case 8:
                RecordOutcome(entry, Result(copy, StepOutcome.Rejected, null) with { Reach = AttemptReach.NotSent });
                break;
            case 9:
                RecordOutcome(entry, Result(copy, StepOutcome.Failed, null) with { Reach = AttemptReach.NotSent });
                break;
            case 10:
                entry.TookEffect |= Pick(2) == 0;
                RecordOutcome(entry, Result(copy, StepOutcome.Failed, null) with { Reach = Pick(2) == 0 ? AttemptReach.Sent : null });
                break;
            case 11:
                RecordOutcome(entry, Result(copy, StepOutcome.Failed, null) with { Reach = AttemptReach.Answered });
                break;
            case 12 when HasInvalidResults:
                entry.TookEffect = true;
                entry.HadInvalidResult = true;
                RecordOutcome(entry, Result(copy, StepOutcome.Failed, null) with { Reach = AttemptReach.Done });
                break;
            case 13 when HasInvalidResults:
                entry.TookEffect = true;
                entry.HadInvalidResult = true;
                RecordOutcome(entry, Result(copy, StepOutcome.Completed, """{"status_code":200,"headers":{},"body":"<html>"}"""));
                break;
            case 14 or 15:
                entry.TookEffect |= Pick(2) == 0;
                entry.LeasedUntil = _scenario.Now + TimeSpan.FromSeconds(12);
                break;
            default:
                entry.TookEffect = true;
                RecordOutcome(entry, Result(copy, StepOutcome.Completed, Answer(copy)));
                break;
        }
    }

    // The rule of the effect ledger.
    private static bool MayRunAgain(LedgerEntry entry, CommandToSend copy) => copy.Attempt > entry.Attempt
        && (entry.Outcome!.Outcome == StepOutcome.Failed || (entry.Outcome.Outcome == StepOutcome.Completed && copy.CallsAgain));

    // A child saga: it starts once, runs for any time, may be cancelled, and responds with its outcome to every repeated command.
    private void RunChild(CommandToSend copy, int choice)
    {
        var entry = GetOrAddLedgerEntry(copy.CommandId);
        if (entry.Outcome is { } reported)
        {
            _results.Add(reported);
            return;
        }

        var outcome = (copy.Cancels, choice) switch
        {
            (true, 0) or (false, 0 or 1 or 2) => Result(copy, StepOutcome.Completed, Answer(copy)),
            (true, 1 or 2 or 3) => Result(copy, StepOutcome.Rejected, null) with { Code = StepCodes.Cancelled },
            (_, 4) => Result(copy, StepOutcome.Rejected, null) with { Code = "no_carrier" },
            _ => null,
        };
        if (outcome is not null)
        {
            entry.TookEffect = outcome.Outcome == StepOutcome.Completed;
            RecordOutcome(entry, outcome);
        }
    }

    private LedgerEntry GetOrAddLedgerEntry(CommandId command) =>
        _ledger.TryGetValue(command, out var known) ? known : _ledger[command] = new LedgerEntry();

    private void RecordOutcome(LedgerEntry entry, StepResultArrived result)
    {
        // Like the effect runner: the previous lease holder may have sent the request.
        if (entry.FollowsUnreportedAttempt && (
            result.Reached == AttemptReach.NotSent || result is { Outcome: StepOutcome.Failed, Reached: AttemptReach.Answered }))
        {
            result = result with { Reach = AttemptReach.Sent };
        }

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

    private string? Rejection(CommandToSend copy) =>
        Answers is not null || Pick(3) == 0 ? null : Typed(copy, _rejections[Pick(_rejections.Length)]);

    private string Typed(CommandToSend copy, int status)
    {
        var step = Facts.Call(copy.Step);
        var value = copy.Direction == StepDirection.Forward
            ? TypedValues.CreateForBoth(step.ResultType, step.Returns, Pick)
            : new JsonObject();
        if (copy.Role == CallRole.Effect && value is JsonObject fields && fields.ContainsKey("status_code"))
        {
            fields["status_code"] = status;
        }

        return value?.ToJsonString() ?? "null";
    }

    private void Log(string what, StepResultArrived result)
    {
        var command = _commands.GetValueOrDefault(result.CommandId);
        var now = _scenario.Now;
        _log.Add(() =>
            $"{now:dd HH:mm:ss} {what} {result.Outcome} #{result.Attempt} of {command?.Direction} "
                + $"{command?.Step}{(command?.Item is { } item ? $"[{item}]" : "")}");
    }

    private void DeliverAnyResult()
    {
        if (_results.Count > 0)
        {
            DeliverResult(_results[Pick(2) == 0 ? _results.Count - 1 : Pick(_results.Count)]);
        }
    }

    private void DeliverResult(StepResultArrived result)
    {
        Log("arrives:", result);
        Decide(() => _scenario.Handles(result), result);
    }

    // Like the orchestrator: it queries the ledger first, cancels interrupted commands there, and delivers a known outcome before the
    // timer.
    private void FireTimer(bool early)
    {
        if (Saga.NextWakeupAt is { } at && at > _scenario.Now && !early)
        {
            _scenario.AdvancesTime(at - _scenario.Now);
        }

        var leases = new Dictionary<CommandId, Lease>();
        var reported = new List<StepResultArrived>();
        var cancel = Timers.ToCancel(plan, Saga, _scenario.Now).ToList();
        foreach (var id in cancel.Concat(Timers.ToLookUp(plan, Saga, _scenario.Now)).ToList())
        {
            if (!_ledger.TryGetValue(id, out var entry))
            {
                if (!cancel.Contains(id))
                {
                    continue;
                }

                entry = _ledger[id] = new LedgerEntry { Cancelled = true };
            }

            var attempt = Saga.Outstanding.First(command => command.CommandId == id).Attempt;
            if (entry.Outcome is { } outcome && (outcome.Outcome != StepOutcome.Failed || outcome.Attempt >= attempt))
            {
                reported.Add(outcome);
            }
            else if (entry.Outcome is null)
            {
                leases[id] = new Lease(
                    entry.Attempt, entry.LeasedUntil > _scenario.Now ? entry.LeasedUntil : null)
                { Cancelled = entry.Cancelled };
            }
        }

        foreach (var outcome in reported.TakeWhile(_ => !Ended))
        {
            DeliverResult(outcome);
        }

        if (Ended)
        {
            return;
        }

        Decide(
            () => _scenario.Fires(id => leases.GetValueOrDefault(id)),
            cancelled: [.. leases.Where(lease => lease.Value.Cancelled).Select(lease => lease.Key)]);
    }

    private void SendEvent(string? name)
    {
        var id = Pick(6) == 0 && _messages > 0 ? Id(Pick(_messages)) : Id(_messages++);

        // The store rejects a processed message.
        if (name is not null && !_seen.Contains(id))
        {
            var payload = Payloads is not null ? Payloads(name, Pick) : TypedValues.Create(plan.Events[name].Data, Pick);
            var now = _scenario.Now;
            _log.Add(() => $"{now:dd HH:mm:ss} sends {name} {payload}");
            Decide(() => _scenario.Receives(name, payload, id));
        }
    }

    private static MessageId Id(int number) => new(Identity.OfRequest(default, $"message {number}"));

    private void SendOperatorCommand(OperatorCommand command)
    {
        var blockage = Saga.Blockage;

        // A skip of a step whose result is read would lead to a type fault, so this operator retries such a step.
        if (command == OperatorCommand.Skip && !HasTypeFaults && blockage is { Kind: BlockedBy.Step, Step: { } step } && IsRead(step))
        {
            command = OperatorCommand.Retry;
        }

        // A blocked item does not count against the concurrency limit; a retried one exceeds it.
        _operatorRetries += command == OperatorCommand.Retry ? 1 : 0;
        _isTerminated |= command == OperatorCommand.Terminate && !Ended;
        var now = _scenario.Now;
        _log.Add(
            () => $"{now:dd HH:mm:ss} operator sends "
                + $"{command}{(blockage is null ? "" : $": {blockage.Kind} {blockage.Step} {blockage.Reason}")}");
        HashSet<CommandId> skipped = command != OperatorCommand.Skip ? []
            : blockage is null ? [
                .. Saga.Outstanding.Where(
                    other => other is { Interrupted: true, Direction: StepDirection.Forward }).Select(other => other.CommandId)]
            : blockage.CommandId is { } passed ? [passed]
            : [];
        Decide(() => _scenario.OperatorSends(command, "alice", "because"), skipped: skipped);
        if (_scenario.Last.WhyNotDone is not null)
        {
            Assert.False(_scenario.Last.Changed);
        }
        else if (command == OperatorCommand.Terminate)
        {
            Assert.Equal((SagaStatus.Failed, StepCodes.Terminated), (Saga.Status, Saga.Fault?.Code));
            Assert.All(_scenario.Last.Commands, sent => Assert.True(sent.Cancels));
        }
    }

    private bool IsRead(string id) => Facts.Step(id) switch
    {
        CallStep call => call.ResultIsRead || !call.Save.IsEmpty,
        EachStep each => each.ResultIsRead || !each.Save.IsEmpty,
        ParallelStep parallel => parallel.Branches.SelectMany(branch => branch.Steps).Any(step => IsRead(step.Id)),
        SetStep => true,
        _ => false,
    };

    private void ContinueWithoutFaults(int turn)
    {
        if (Saga.PausedBy is not null && Saga.Blockage is null)
        {
            SendOperatorCommand(OperatorCommand.Resume);
        }
        else if (Saga.Blockage is { } blockage)
        {
            SendOperatorCommand(
                blockage.Kind == BlockedBy.Transition || ++_blockedTurns % 2 == 1 ? OperatorCommand.Retry : OperatorCommand.Skip);
        }
        else if (
            Saga.Outstanding.Where(
                command => command.Phase == AttemptPhase.InFlight).Select(RunWithoutFaults)
                    .FirstOrDefault(answer => answer is not null) is { } answer)
        {
            DeliverResult(answer);
        }
        // An event may lead back to an earlier state, possibly for ever. After some turns events are sent only if nothing else can happen.
        else if (!Saga.WaitingFor.IsEmpty && (Saga.NextWakeupAt is null || (turn % 4 == 3 && turn < EventTurns)))
        {
            SendEvent(Saga.WaitingFor[Pick(Saga.WaitingFor.Length)]);
        }
        else
        {
            FireTimer(early: false);
        }
    }

    // Runs a command in flight as a role without faults. Null if it has no outcome at the current time.
    private StepResultArrived? RunWithoutFaults(Outstanding command)
    {
        var entry = FindLedgerEntry(command.CommandId) ?? new LedgerEntry();
        var copy = _sent.Last(copy => copy.CommandId == command.CommandId);
        if (entry.Outcome is { Outcome: StepOutcome.Completed or StepOutcome.Rejected } final && !MayRunAgain(entry, copy))
        {
            // The outcome may have been reported before and does not answer an attempt that repeats the request; the wake-up of the saga
            // queries the ledger.
            return copy.Role == CallRole.Effect && final.Attempt < command.Attempt && command.NotAfter <= _scenario.Now ? null : final;
        }

        if (copy.Role == CallRole.Saga)
        {
            if (command.Interrupted && !copy.Cancels)
            {
                return null;
            }

            var reported = copy.Cancels
                ? Result(copy, StepOutcome.Rejected, null) with { Code = StepCodes.Cancelled }
                : Result(copy, StepOutcome.Completed, FaultFreeResult(copy));
            GetOrAddLedgerEntry(command.CommandId).Outcome = reported;
            GetOrAddLedgerEntry(command.CommandId).TookEffect = reported.Outcome == StepOutcome.Completed;
            return reported;
        }

        if (entry.Cancelled
            || entry.LeasedUntil > _scenario.Now
            || copy.Attempt < command.Attempt
            || (entry.Outcome is null && command.NotAfter <= _scenario.Now))
        {
            return null;
        }

        if (copy.Role == CallRole.Compute)
        {
            return Result(copy, StepOutcome.Completed, FaultFreeResult(copy));
        }

        entry = GetOrAddLedgerEntry(command.CommandId);
        if (entry.Outcome is null || MayRunAgain(entry, copy))
        {
            entry.TookEffect = true;
            entry.Attempt = copy.Attempt;
            entry.Outcome = Result(copy, StepOutcome.Completed, FaultFreeResult(copy));
        }

        return entry.Outcome;
    }

    private LedgerEntry? FindLedgerEntry(CommandId command) => _ledger.GetValueOrDefault(command);

    private string FaultFreeResult(CommandToSend copy) => Answers is not null ? $$"""{"ref":"{{copy.Step}}"}""" : Typed(copy, 200);

    private StepResultArrived Result(CommandToSend copy, StepOutcome outcome, string? result) => new()
    {
        SagaId = Saga.Facts.SagaId,
        CausedBy = Identity.Result(copy.CommandId, copy.Attempt, outcome.ToString()),
        CommandId = copy.CommandId,
        Attempt = copy.Attempt,
        Outcome = outcome,
        Result = result is null ? null : CelValue.FromJson(Encoding.UTF8.GetBytes(result)),
        Code = outcome == StepOutcome.Completed
            ? null
            : Answers is not null || outcome != StepOutcome.Rejected
            ? "some_code"
            : $"http_{_rejections[Pick(_rejections.Length)]}",
        Message = outcome == StepOutcome.Completed ? null : "Because.",
    };
}
