using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>Adds commands to a decision, which are sent after its commit, and holds back the commands of a paused saga.</summary>
internal static class Commands
{
    /// <summary>How long after its timeout an attempt should have ended: the margin of the lease and some time for transport.</summary>
    public static TimeSpan Grace { get; } = TimeSpan.FromSeconds(7);

    private static readonly TimeSpan _longestDelay = TimeSpan.FromMinutes(5);

    // A child may run for any length of time, and the outbox delivers its result: a resend only covers unforeseen losses.
    private static readonly TimeSpan _longestDelayOfChild = TimeSpan.FromHours(1);

    /// <summary>Adds a command to the saga and, unless the saga is paused, its first attempt to the decision.</summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="id">The command's identity.</param>
    /// <param name="direction">Whether it runs the step or compensates it.</param>
    /// <param name="stepCall">The operation and its arguments.</param>
    /// <param name="retryPass">The retry pass that its identity contains.</param>
    /// <param name="item">The item of an <c>each</c>, or null.</param>
    /// <param name="frozen">Whether the arguments are stored with the command, because the saga has them nowhere else.</param>
    /// <param name="compensatedCommand">The command of the item that it compensates, or null.</param>
    public static void Begin(
        DecisionBuilder decision, CommandId id, StepDirection direction, StepCall stepCall, int retryPass, int? item = null,
        bool frozen = false, CommandId? compensatedCommand = null)
    {
        var paused = decision.Saga.PausedBy is not null;
        var command = new Outstanding
        {
            CommandId = id,
            Step = stepCall.Step.Id,
            Item = item,
            CompensatedCommand = compensatedCommand,
            Arguments = frozen ? stepCall.Arguments : null,
            Direction = direction,
            Attempt = 1,
            Phase = paused ? AttemptPhase.Held : AttemptPhase.InFlight,
            DueAt = decision.Now + stepCall.Timeout + Grace,
            FirstSentAt = decision.Now,
            RetryPass = retryPass,
        };
        decision.Saga = decision.Saga with { Outstanding = decision.Saga.Outstanding.Add(command) };
        if (!paused)
        {
            AddCommand(decision, command, stepCall);
        }
    }

    /// <summary>Compensates a step or a single item that has completed, or may have.</summary>
    public static void Compensate(DecisionBuilder decision, Compensable compensable)
    {
        var stepCall = StepCall.ForCompensation(decision.Facts.Call(compensable.Step), compensable.Arguments);
        Begin(
            decision, compensable.CompensationId, StepDirection.Compensation, stepCall, compensable.RetryPass, compensable.Item,
            compensatedCommand: compensable.Item is null ? null : compensable.CommandId);
        decision.Note(HistoryKind.CompensationStarted, compensable.Step, ("operation", stepCall.Invocation.Operation));
    }

    /// <summary>Sends the same or the next attempt with the arguments of the first. An interrupted child is cancelled instead.</summary>
    public static void SendAgain(DecisionBuilder decision, Outstanding command, int attempt, int resends)
    {
        if (command.Interrupted && decision.Facts.Call(command.Step).Role == CallRole.Saga)
        {
            CancelChild(decision, command);
            return;
        }

        if (StepCall.For(decision, command) is not { } stepCall)
        {
            decision.Block(
                BlockageKindOf(command), $"Step '{command.Step}' cannot be sent again: its arguments cannot be evaluated any more.",
                command.Step, command);
            return;
        }

        var next = command with { Attempt = attempt, Resends = resends, Report = null };
        if (decision.Saga.PausedBy is not null)
        {
            decision.Replace(next with { Phase = AttemptPhase.Held, Resends = Math.Max(resends, 1) });
            return;
        }

        decision.Replace(next with { Phase = AttemptPhase.InFlight, DueAt = decision.Now + DelayBeforeResend(stepCall, resends) });
        AddCommand(decision, next, stepCall);
        if (stepCall.Role == CallRole.Saga)
        {
            return;
        }

        decision.Note(
            attempt == command.Attempt ? HistoryKind.StepResent : HistoryKind.StepRetried,
            command.Step, ("attempt", attempt), ("direction", command.Direction.ToText()));
    }

    /// <summary>Sends the commands that were held back. Arguments that were never sent are evaluated again.</summary>
    public static void Release(DecisionBuilder decision)
    {
        foreach (var held in decision.Saga.Outstanding.Where(command => command.Phase == AttemptPhase.Held))
        {
            if (!held.NeverSent)
            {
                SendAgain(decision, held, held.Attempt, held.Resends);
            }
            else if (StepCall.For(decision, held with { FirstSentAt = decision.Now }) is { } stepCall)
            {
                var command = held with
                {
                    Phase = AttemptPhase.InFlight,
                    DueAt = decision.Now + stepCall.Timeout + Grace,
                    FirstSentAt = decision.Now,
                };
                decision.Replace(command);
                AddCommand(decision, command, stepCall);
            }
            else
            {
                decision.Block(
                    BlockageKindOf(held), $"Step '{held.Step}' cannot be sent: its arguments cannot be evaluated any more.",
                    held.Step, held);
            }
        }
    }

    /// <summary>
    /// Resends commands in flight, because their messages may be lost. A resend is the same attempt, so it uses up none. For interrupted
    /// commands the ledger is queried at once. True if that changed anything.
    /// </summary>
    public static bool Resend(DecisionBuilder decision)
    {
        var changed = false;
        foreach (var command in decision.Saga.Outstanding.Where(command => command.Phase == AttemptPhase.InFlight))
        {
            if (!command.Interrupted)
            {
                SendAgain(decision, command, command.Attempt, Math.Max(command.Resends, 1));
                changed = true;
            }
            else if (command.DueAt > decision.Now)
            {
                decision.Replace(command with { DueAt = decision.Now });
                changed = true;
            }
        }

        return changed;
    }

    /// <summary>The kind of blockage that a command causes.</summary>
    public static BlockedBy BlockageKindOf(Outstanding command) =>
        command.Direction == StepDirection.Compensation ? BlockedBy.Compensation
        : command.Interrupted ? BlockedBy.Interrupted
        : BlockedBy.Step;

    /// <summary>Cancels a child that its parent no longer needs, or could not start.</summary>
    public static void CancelChild(DecisionBuilder decision, Outstanding command)
    {
        if (decision.Saga.PausedBy is not null)
        {
            decision.Replace(command with { Phase = AttemptPhase.Held, Resends = Math.Max(command.Resends, 1) });
        }
        else if (StepCall.For(decision, command) is { } stepCall)
        {
            decision.Replace(command with
            {
                Phase = AttemptPhase.InFlight,
                DueAt = decision.Now + DelayBeforeResend(stepCall, command.Resends),
                Resends = command.Resends + 1,
            });
            AddCommand(decision, command, stepCall, cancels: true);
        }
        else
        {
            decision.Block(
                BlockageKindOf(command),
                $"The child of step '{command.Step}' cannot be cancelled: its arguments can no longer be evaluated.",
                command.Step, command);
        }
    }

    private static TimeSpan DelayBeforeResend(StepCall stepCall, int resends)
    {
        var longest = stepCall.Role == CallRole.Saga ? _longestDelayOfChild : _longestDelay;
        var delay = stepCall.Timeout + Grace;
        for (var i = 0; i < resends && delay < longest; i++)
        {
            delay *= 2;
        }

        return delay < longest ? delay : longest + stepCall.Timeout; // never before the attempt has timed out
    }

    private static void AddCommand(DecisionBuilder decision, Outstanding command, StepCall stepCall, bool cancels = false) =>
        decision.AddCommand(new CommandToSend(
            command.CommandId, command.Attempt, command.Step, command.Direction, stepCall.Role, stepCall.Invocation.Operation,
            stepCall.Invocation.Connection, stepCall.Arguments, stepCall.Timeout, command.NotAfter)
        {
            Cancels = cancels,
            Topic = stepCall.Invocation.Topic,
            LimitKey = LimitKey(decision, stepCall.Invocation),
            Heartbeat = stepCall.Heartbeat,
            Once = stepCall.Retry.Attempts == 1 && stepCall.Role is CallRole.Effect or CallRole.Remote,
            CallsAgain = command.TookEffect == TookEffect.Yes && stepCall.Role is CallRole.Effect or CallRole.Remote,
        });

    // A key that cannot be evaluated counts as null, because a limit must not keep a step from being compensated.
    private static string? LimitKey(DecisionBuilder decision, Invocation invocation) =>
        invocation.LimitKey is not { } key ? null
        : ValueJson.TryEvaluate(key, new SagaScope(decision.Plan, decision.Saga, decision.Now), out var value, out _) ? value.ToString()
        : "null";
}
