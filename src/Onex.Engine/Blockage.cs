using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>One reason why a saga is blocked.</summary>
/// <param name="Kind">What the saga is blocked by.</param>
/// <param name="Step">The step that blocks it, or null.</param>
/// <param name="CommandId">The command, or null. It is stuck, or was removed because its step got a final answer or cannot be sent.</param>
/// <param name="RetryPass">The command's retry pass.</param>
/// <param name="At">Since when.</param>
/// <param name="Reason">The reason, for people.</param>
internal sealed record Blockage(BlockedBy Kind, string? Step, CommandId? CommandId, int RetryPass, DateTimeOffset At, string Reason)
{
    /// <summary>The item of an <c>each</c> that blocks it, or null.</summary>
    public int? Item { get; init; }

    /// <summary>
    /// The code of the step's failure, if the step took effect or may have; else null. If <see cref="BlockedBy.Unknown"/> is skipped, the
    /// step fails with it.
    /// </summary>
    public string? Code { get; init; }

    /// <summary>The message that belongs to <see cref="Code"/>, for people, or null.</summary>
    public string? Failure { get; init; }
}

/// <summary>What a saga can be blocked by.</summary>
internal enum BlockedBy
{
    /// <summary>A step whose failure no rule catches, that cannot be sent, or that completed and cannot be compensated.</summary>
    Step,

    /// <summary>A compensation.</summary>
    Compensation,

    /// <summary>An interrupted step whose outcome is unknown, or that cannot be compensated or sent again.</summary>
    Interrupted,

    /// <summary>
    /// A step that has failed for good although it is unknown whether it took effect, or although it did and cannot be compensated.
    /// </summary>
    Unknown,

    /// <summary>No transition is possible: no guard holds, a guard or an output fails, or there is a cycle without progress.</summary>
    Transition,

    /// <summary>A message that Onex itself could not handle: no timer wakes the saga.</summary>
    Handling,
}
