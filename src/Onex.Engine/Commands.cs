using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>Sends commands, and holds back the commands of a paused saga.</summary>
internal static class Commands
{
    // The lease's margin and some transport time, after which an attempt should have ended.
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(7);
    private static readonly TimeSpan _longestSilence = TimeSpan.FromMinutes(5);

    // A child may run for any time, and its end is in an outbox: this inquiry only covers unforeseen losses.
    private static readonly TimeSpan _childSilence = TimeSpan.FromHours(1);

    /// <summary>Sends a command for the first time.</summary>
    /// <param name="transition">The current decision.</param>
    /// <param name="id">The command's identity.</param>
    /// <param name="direction">See <see cref="StepDirections"/>.</param>
    /// <param name="stepCall">The operation and its arguments.</param>
    /// <param name="retryPass">0, or how often an operator retried the step after a final answer.</param>
    /// <param name="item">The item of an <c>each</c>, or null.</param>
    /// <param name="frozen">Whether the arguments are stored with the command, because nothing else keeps them.</param>
    public static void Send(
        Transition transition, CommandId id, string direction, StepCall stepCall, int retryPass, int? item = null, bool frozen = false)
    {
        var paused = transition.Saga.PausedBy is not null;
        var command = new Outstanding
        {
            CommandId = id,
            Step = stepCall.Step.Id,
            Item = item,
            Arguments = frozen ? stepCall.Arguments : null,
            Direction = direction,
            Attempt = 1,
            Phase = paused ? AttemptPhase.Held : AttemptPhase.InFlight,
            DueAt = transition.Now + stepCall.Timeout + _grace,
            FirstSentAt = transition.Now,
            RetryPass = retryPass,
        };
        transition.Saga = transition.Saga with { Outstanding = transition.Saga.Outstanding.Add(command) };
        if (!paused)
        {
            Emit(transition, command, stepCall);
        }
    }

    /// <summary>Compensates a completed step.</summary>
    public static void Compensate(Transition transition, Compensable undo)
    {
        var stepCall = StepCall.Compensating(transition.Facts.Step(undo.Step), undo.Arguments);
        Send(transition, undo.CompensationId, StepDirections.Compensate, stepCall, undo.RetryPass, undo.Item);
        transition.Note(HistoryKinds.CompensationStarted, undo.Step, ("operation", stepCall.Invocation.Operation));
    }

    /// <summary>Sends the same or the next attempt with the arguments of the first.</summary>
    public static void SendAgain(Transition transition, Outstanding command, int attempt, int resent)
    {
        if (command.Interrupted && transition.Facts.Step(command.Step).Role == CallRole.Saga)
        {
            CancelChild(transition, command);
            return;
        }

        if (StepCall.Of(transition, command) is not { } stepCall)
        {
            transition.Block(
                BlockedByWhat(command), $"Step '{command.Step}' cannot be sent again: its arguments can no longer be evaluated.",
                command.Step, command);
            return;
        }

        var next = command with { Attempt = attempt, Resent = resent };
        if (transition.Saga.PausedBy is not null)
        {
            transition.Replace(next with { Phase = AttemptPhase.Held, Resent = Math.Max(resent, 1) });
            return;
        }

        transition.Replace(next with { Phase = AttemptPhase.InFlight, DueAt = transition.Now + Silence(stepCall, resent) });
        Emit(transition, next, stepCall);
        if (stepCall.Role == CallRole.Saga)
        {
            return;
        }

        transition.Note(
            attempt == command.Attempt ? HistoryKinds.StepResent : HistoryKinds.StepRetried,
            command.Step, ("attempt", attempt), ("direction", command.Direction));
    }

    /// <summary>Sends the commands that were held back. Arguments of commands that were never sent are evaluated as of now.</summary>
    public static void Release(Transition transition)
    {
        foreach (var held in transition.Saga.Outstanding.Where(command => command.Phase == AttemptPhase.Held))
        {
            if (!held.NeverSent)
            {
                SendAgain(transition, held, held.Attempt, held.Resent);
            }
            else if (StepCall.Of(transition, held with { FirstSentAt = transition.Now }) is { } stepCall)
            {
                var command = held with
                {
                    Phase = AttemptPhase.InFlight,
                    DueAt = transition.Now + stepCall.Timeout + _grace,
                    FirstSentAt = transition.Now,
                };
                transition.Replace(command);
                Emit(transition, command, stepCall);
            }
            else
            {
                transition.Block(
                    BlockedByWhat(held), $"Step '{held.Step}' cannot be sent: its arguments can no longer be evaluated.",
                    held.Step, held);
            }
        }
    }

    /// <summary>
    /// Resends commands in flight, because their messages may be lost. It is the same attempt, so no attempt is used up. For interrupted
    /// commands the ledger is queried at once.
    /// </summary>
    public static bool Resend(Transition transition)
    {
        var changed = false;
        foreach (var command in transition.Saga.Outstanding.Where(command => command.Phase == AttemptPhase.InFlight))
        {
            if (!command.Interrupted)
            {
                SendAgain(transition, command, command.Attempt, Math.Max(command.Resent, 1));
                changed = true;
            }
            else if (command.DueAt > transition.Now)
            {
                transition.Replace(command with { DueAt = transition.Now });
                changed = true;
            }
        }

        return changed;
    }

    /// <summary>The kind of blockage that a command causes.</summary>
    public static BlockedBy BlockedByWhat(Outstanding command) =>
        command.Direction == StepDirections.Compensate ? BlockedBy.Compensation
        : command.Interrupted ? BlockedBy.Interrupted
        : BlockedBy.Step;

    /// <summary>Cancels a child that its parent no longer needs. The request is repeated until the child has ended.</summary>
    public static void CancelChild(Transition transition, Outstanding command)
    {
        if (transition.Saga.PausedBy is not null)
        {
            transition.Replace(command with { Phase = AttemptPhase.Held, Resent = Math.Max(command.Resent, 1) });
        }
        else if (StepCall.Of(transition, command) is { } stepCall)
        {
            transition.Replace(command with
            {
                Phase = AttemptPhase.InFlight,
                DueAt = transition.Now + Silence(stepCall, command.Resent),
                Resent = command.Resent + 1,
            });
            Emit(transition, command, stepCall, cancels: true);
        }
        else
        {
            transition.Block(
                BlockedByWhat(command),
                $"The child of step '{command.Step}' cannot be cancelled: its arguments can no longer be evaluated.",
                command.Step, command);
        }
    }

    private static TimeSpan Silence(StepCall stepCall, int resent)
    {
        var longest = stepCall.Role == CallRole.Saga ? _childSilence : _longestSilence;
        var silence = stepCall.Timeout + _grace;
        for (var i = 0; i < resent && silence < longest; i++)
        {
            silence *= 2;
        }

        return silence < longest ? silence : longest + stepCall.Timeout;
    }

    private static void Emit(Transition transition, Outstanding command, StepCall stepCall, bool cancels = false) =>
        transition.Emit(new CommandToSend(
            command.CommandId, command.Attempt, command.Step, command.Direction, stepCall.Role, stepCall.Invocation.Operation,
            stepCall.Invocation.Connection, stepCall.Arguments, stepCall.Timeout, command.NotAfter)
        {
            Cancels = cancels,
            AsksAgain = command.Happened == Happening.Yes && stepCall.Role == CallRole.Effect,
        });
}
