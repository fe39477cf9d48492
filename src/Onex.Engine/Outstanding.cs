using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Operations;

namespace Onex.Engine;

/// <summary>A command whose outcome is awaited, or blocks the saga.</summary>
internal sealed record Outstanding
{
    public required CommandId CommandId { get; init; }

    public required string Step { get; init; }

    /// <summary>The item of an <c>each</c> that it is for, from 0, or null.</summary>
    public int? Item { get; init; }

    /// <summary>The value of that item, if the command was interrupted and the value cannot be evaluated again; else null.</summary>
    public CelValue? ItemValue { get; init; }

    /// <summary>The command of the item that it compensates. Null for other commands, and in rows of older versions.</summary>
    public CommandId? CompensatedCommand { get; init; }

    public required StepDirection Direction { get; init; }

    /// <summary>The latest attempt: in flight, held back, or ended.</summary>
    public required int Attempt { get; init; }

    public required AttemptPhase Phase { get; init; }

    /// <summary>When the next action on it is due.</summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>
    /// When its first attempt was sent, or was due if it is held back. Arguments are evaluated as of then, so that every attempt has the
    /// same.
    /// </summary>
    public required DateTimeOffset FirstSentAt { get; init; }

    /// <summary>No attempt may start after this time: the ledger deletes old entries and must still have those that are queried.</summary>
    public DateTimeOffset NotAfter => FirstSentAt + LifeTime;

    /// <summary>Shorter than the retention of the ledger.</summary>
    public static TimeSpan LifeTime => Contracts.Plans.RetryPolicy.Span;

    /// <summary>
    /// How often this attempt, or the child's cancellation, was sent again since its last report; at least 1 if it was held back, except
    /// for a first attempt (<see cref="NeverSent"/>).
    /// </summary>
    public int Resends { get; init; }

    /// <summary>
    /// Whether the saga left the state or ended the branch that sent it. Its outcome is still resolved: it is cancelled in the ledger if no
    /// role has claimed it, and recorded for its compensation if it completed.
    /// </summary>
    public bool Interrupted { get; init; }

    /// <summary>
    /// Whether it is compensated only if the saga compensates its other steps: the join did not wait for its branch, which keeps effects.
    /// </summary>
    public bool Kept { get; init; }

    /// <summary>The retry pass that its identity contains: above 0 if an operator retried its step, branch or compensation.</summary>
    public int RetryPass { get; init; }

    /// <summary>The number of attempts that no longer count: an operator retried it, or it was interrupted while it was stuck.</summary>
    public int AttemptsBefore { get; init; }

    /// <summary>When an operator retried it, or when it was interrupted while it was stuck.</summary>
    public DateTimeOffset? RetriedAt { get; init; }

    /// <summary>Its arguments, if they could not be evaluated again later; else null.</summary>
    public RawJson? Arguments { get; init; }

    /// <summary>The arguments of its compensation, stored with <see cref="Arguments"/> for <c>when_unknown: run</c>; else null.</summary>
    public RawJson? ArgumentsIfUnknown { get; init; }

    /// <summary>Whether no further attempt helps: only a new command under a new key can do its work.</summary>
    public bool IsFinal { get; init; }

    /// <summary>Whether any ended attempt of it took effect. The attempt in flight does not count.</summary>
    public TookEffect TookEffect { get; init; }

    /// <summary>The latest attempt that is known to have ended without a usable answer; 0 if there is none.</summary>
    public int EndedAttempt { get; init; }

    /// <summary>The last report of the attempt in flight, or null if none has arrived.</summary>
    public AttemptReport? Report { get; init; }

    /// <summary>Whether no attempt of it is in flight, because the latest has ended.</summary>
    public bool IsIdle => Phase == AttemptPhase.BackingOff || (Phase == AttemptPhase.Stuck && EndedAttempt >= Attempt);

    /// <summary>The attempt during which it was interrupted; later attempts only find out its outcome. 0 if it was not.</summary>
    public int InterruptedAttempt { get; init; }

    /// <summary>
    /// The arguments of its compensation, if they could be evaluated from an answer that was not usable otherwise; else null.
    /// </summary>
    public RawJson? ArgumentsIfDone { get; init; }

    /// <summary>The command after an attempt that ended without a usable answer.</summary>
    public Outstanding After(AttemptReach reach) => this with
    {
        EndedAttempt = Math.Max(EndedAttempt, Attempt),
        TookEffect = reach switch
        {
            AttemptReach.Done => TookEffect.Yes,
            AttemptReach.Sent when TookEffect == TookEffect.No => TookEffect.Unknown,
            _ => TookEffect,
        },
    };

    /// <summary>Whether nothing of it was sent yet, because the saga was paused when its first attempt was due.</summary>
    public bool NeverSent => Phase == AttemptPhase.Held && Attempt == 1 && Resends == 0;

    /// <summary>Whether <see cref="DueAt"/> leads to a wake-up: a paused saga starts no further attempts.</summary>
    public bool DueTimeApplies(bool paused) => Phase == AttemptPhase.InFlight || (Phase == AttemptPhase.BackingOff && !paused);
}

/// <summary>The phase of a command's attempt.</summary>
internal enum AttemptPhase
{
    /// <summary>It was sent; <see cref="Outstanding.DueAt"/> is when the orchestrator looks up its outcome.</summary>
    InFlight,

    /// <summary>The attempt has ended; <see cref="Outstanding.DueAt"/> is when the next one is sent.</summary>
    BackingOff,

    /// <summary>It is held back, because the saga is paused.</summary>
    Held,

    /// <summary>It blocks the saga until an operator acts or its outcome arrives.</summary>
    Stuck,
}

/// <summary>Whether a command took effect.</summary>
internal enum TookEffect
{
    /// <summary>It did not.</summary>
    No,

    /// <summary>It is unknown.</summary>
    Unknown,

    /// <summary>It did.</summary>
    Yes,
}
