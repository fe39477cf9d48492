using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Operations;

namespace Onex.Engine;

/// <summary>A command whose outcome is awaited.</summary>
internal sealed record Outstanding
{
    public required CommandId CommandId { get; init; }

    public required string Step { get; init; }

    /// <summary>The item of an <c>each</c> that it is for, from 0, or null.</summary>
    public int? Item { get; init; }

    /// <summary>The value of that item, if the command was interrupted and the value cannot be evaluated again; else null.</summary>
    public CelValue? ItemValue { get; init; }

    public required StepDirection Direction { get; init; }

    /// <summary>The attempt that is in flight, or that failed last.</summary>
    public required int Attempt { get; init; }

    public required AttemptPhase Phase { get; init; }

    /// <summary>When the next action on it is due.</summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>When its first attempt was sent. Arguments are evaluated as of then, so that every attempt has the same.</summary>
    public required DateTimeOffset FirstSentAt { get; init; }

    /// <summary>No attempt may start after this time: the ledger deletes old entries and must still have those that are queried.</summary>
    public DateTimeOffset NotAfter => FirstSentAt + LifeTime;

    /// <summary>Shorter than the retention of the ledger.</summary>
    public static TimeSpan LifeTime => Contracts.Plans.RetryPolicy.Span;

    /// <summary>How often this attempt was sent again because no role had claimed it.</summary>
    public int Resends { get; init; }

    /// <summary>
    /// Whether the saga left the state that sent it. Its outcome is still resolved: it is cancelled in the ledger if no role has claimed
    /// it, and compensated if it completed.
    /// </summary>
    public bool Interrupted { get; init; }

    /// <summary>
    /// Whether it is not compensated although it was interrupted: the join did not wait for its branch, and the branch keeps its effects.
    /// </summary>
    public bool Kept { get; init; }

    /// <summary>How often an operator retried it after a final answer.</summary>
    public int RetryPass { get; init; }

    /// <summary>The number of attempts that no longer count, because an operator allowed more.</summary>
    public int AttemptsBefore { get; init; }

    /// <summary>When an operator retried it, or when it was interrupted while it was stuck.</summary>
    public DateTimeOffset? RetriedAt { get; init; }

    /// <summary>Its arguments, if the values that they are computed from have changed; else null.</summary>
    public RawJson? Arguments { get; init; }

    /// <summary>Likewise the arguments with which it is compensated if its outcome stays unknown.</summary>
    public RawJson? ArgumentsIfUnknown { get; init; }

    /// <summary>Whether its outcome cannot change any more: only a new command under a new key can do its work.</summary>
    public bool IsFinal { get; init; }

    /// <summary>Whether any ended attempt of it took effect. The attempt in flight does not count.</summary>
    public TookEffect TookEffect { get; init; }

    /// <summary>The latest attempt that is known to have ended without a usable answer; 0 if there is none.</summary>
    public int EndedAttempt { get; init; }

    /// <summary>The last report of the attempt in flight, or null: no worker has reported that it has begun.</summary>
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

    /// <summary>Whether no attempt of it was sent yet, because the saga was paused.</summary>
    public bool NeverSent => Phase == AttemptPhase.Held && Attempt == 1 && Resends == 0;

    /// <summary>Whether <see cref="DueAt"/> leads to a wake-up: a paused saga starts no further attempts.</summary>
    public bool DueTimeApplies(bool paused) => Phase == AttemptPhase.InFlight || (Phase == AttemptPhase.BackingOff && !paused);
}

/// <summary>The phase of a command's attempt.</summary>
internal enum AttemptPhase
{
    /// <summary>It was sent; <see cref="Outstanding.DueAt"/> is when the orchestrator looks up its outcome.</summary>
    InFlight,

    /// <summary>The attempt failed; <see cref="Outstanding.DueAt"/> is when the next one is sent.</summary>
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

    /// <summary>The service says that it did.</summary>
    Yes,
}
