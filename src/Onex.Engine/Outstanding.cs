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

    /// <summary>That item's value, if it was interrupted and its value cannot be evaluated again.</summary>
    public CelValue? ItemValue { get; init; }

    public required StepDirection Direction { get; init; }

    /// <summary>The attempt that is in flight, or that failed last.</summary>
    public required int Attempt { get; init; }

    public required AttemptPhase Phase { get; init; }

    /// <summary>When the next action on it is due.</summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>When its first attempt was sent. Arguments are evaluated as of then, so that every attempt has the same.</summary>
    public required DateTimeOffset FirstSentAt { get; init; }

    /// <summary>
    /// No attempt may start after this time, because the ledger deletes entries after a while and must still have those that may be
    /// queried.
    /// </summary>
    public DateTimeOffset NotAfter => FirstSentAt + LifeTime;

    /// <summary>Shorter than the retention of the ledger.</summary>
    public static TimeSpan LifeTime => Contracts.Plans.RetryPolicy.Span;

    /// <summary>How often this attempt was sent again because nobody had taken it.</summary>
    public int Resent { get; init; }

    /// <summary>
    /// Whether the saga left the state that sent it. Its outcome is still resolved: it is cancelled in the ledger if no role has claimed
    /// it, and compensated if it completed.
    /// </summary>
    public bool Interrupted { get; init; }

    /// <summary>
    /// Whether it stays done if it was, because the join of its branch did not wait for it and the branch keeps what it has done.
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

    /// <summary>Likewise the arguments of its compensation in case its outcome stays unknown.</summary>
    public RawJson? ArgumentsIfUnknown { get; init; }

    /// <summary>Whether it was rejected for good: only a new command under a new key can do its work.</summary>
    public bool Answered { get; init; }

    /// <summary>Whether any attempt of it took effect, as far as is known. The attempt in flight does not count yet.</summary>
    public Happening Happened { get; init; }

    /// <summary>The latest attempt that is known to have ended without a usable answer; 0 if there is none.</summary>
    public int EndedAttempt { get; init; }

    /// <summary>The last report of the attempt in flight, or null: no worker has reported that it has begun.</summary>
    public AttemptReport? Report { get; init; }

    /// <summary>Whether no attempt of it is in flight, because the latest has ended.</summary>
    public bool IsIdle => Phase == AttemptPhase.BackingOff || (Phase == AttemptPhase.Stuck && EndedAttempt >= Attempt);

    /// <summary>The attempt at which it was interrupted: those that follow only find out its outcome.</summary>
    public int InterruptedAt { get; init; }

    /// <summary>
    /// The arguments of its compensation, if they could be evaluated from an answer that was not usable otherwise; else null.
    /// </summary>
    public RawJson? ArgumentsIfDone { get; init; }

    /// <summary>The command after an attempt that ended without a usable answer.</summary>
    public Outstanding After(AttemptReach reach) => this with
    {
        EndedAttempt = Math.Max(EndedAttempt, Attempt),
        Happened = reach switch
        {
            AttemptReach.Done => Happening.Yes,
            AttemptReach.Sent when Happened == Happening.No => Happening.Unknown,
            _ => Happened,
        },
    };

    /// <summary>Whether no attempt of it was sent yet, because the saga was paused.</summary>
    public bool NeverSent => Phase == AttemptPhase.Held && Attempt == 1 && Resent == 0;

    /// <summary>Whether its due time applies, given whether the saga is paused.</summary>
    public bool RunsWhile(bool paused) => Phase == AttemptPhase.InFlight || (Phase == AttemptPhase.BackingOff && !paused);
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
internal enum Happening
{
    /// <summary>It did not.</summary>
    No,

    /// <summary>It is unknown.</summary>
    Unknown,

    /// <summary>The service says that it did.</summary>
    Yes,
}
