using System.Collections.Immutable;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>The state of a saga. Immutable: every decision makes a new one.</summary>
internal sealed record SagaState
{
    // Longer waits are rows of `timers`. Shorter ones are in the saga's row and in the memory of the consumer of its home partition.
    private static readonly TimeSpan _longWait = TimeSpan.FromMinutes(1);

    public required SagaFacts Facts { get; init; }

    public required string State { get; init; }

    public required SagaStatus Status { get; init; }

    /// <summary>The fields of <c>data</c> that are set.</summary>
    public ImmutableDictionary<string, CelValue> Data { get; init; } = ImmutableDictionary<string, CelValue>.Empty;

    /// <summary>The latest results of completed steps by the step's id, reduced to the fields that some expression reads.</summary>
    public ImmutableDictionary<string, CelValue> Results { get; init; } = ImmutableDictionary<string, CelValue>.Empty;

    /// <summary>How often each state was entered.</summary>
    public ImmutableDictionary<string, int> Visits { get; init; } = ImmutableDictionary<string, int>.Empty;

    /// <summary>The repeated entries into states since the last event, timer or operator's command.</summary>
    public ImmutableDictionary<string, IdleEntries> Idle { get; init; } = ImmutableDictionary<string, IdleEntries>.Empty;

    /// <summary>The ids of the steps that an operator ever skipped, which explains a missing result.</summary>
    public ImmutableSortedSet<string> Skipped { get; init; } = ImmutableSortedSet<string>.Empty.WithComparer(StringComparer.Ordinal);

    /// <summary>While it is paused: the states and branches whose next step runs when it is resumed.</summary>
    public ImmutableArray<HeldSequence> Held { get; init; } = [];

    /// <summary>The index of the current step of the current state, from 0.</summary>
    public int StepIndex { get; init; }

    /// <summary>The branches of the running <c>parallel</c> steps.</summary>
    public ImmutableArray<BranchState> Branches { get; init; } = [];

    public ImmutableArray<EachRun> EachRuns { get; init; } = [];

    public ImmutableArray<Outstanding> Outstanding { get; init; } = [];

    /// <summary>Steps that have completed, or may have, and can be compensated, oldest first.</summary>
    public ImmutableArray<Compensable> Compensables { get; init; } = [];

    /// <summary>The fault that made it leave its normal path, or null.</summary>
    public Fault? Fault { get; init; }

    /// <summary>Whether it has entered a pivot state: from then on nothing is compensated.</summary>
    public bool PastPivot { get; init; }

    /// <summary>The blockages, in the order in which an operator resolves them. Concurrent steps may each add one.</summary>
    public ImmutableArray<Blockage> Blockages { get; init; } = [];

    /// <summary>The blockage to resolve next; null unless the saga is blocked.</summary>
    public Blockage? Blockage => Blockages.IsEmpty ? null : Blockages[0];

    /// <summary>Whether Onex could not handle one of its messages, so that no timer wakes it until an operator acts.</summary>
    public bool IsUnhandled => Blockages.Any(blockage => blockage.Kind == BlockedBy.Handling);

    /// <summary>Why it needs an operator, or null.</summary>
    public string? BlockedBecause => Blockage?.Reason;

    /// <summary>Who paused it, or null.</summary>
    public OperatorRequest? PausedBy { get; init; }

    /// <summary>Who cancelled it, or null. A cancelled saga ends as cancelled, not as failed.</summary>
    public OperatorRequest? CancelledBy { get; init; }

    public DateTimeOffset EnteredAt { get; init; }

    /// <summary>When the current state's <c>timeout</c> expires, or null.</summary>
    public DateTimeOffset? StateDueAt { get; init; }

    /// <summary>When the contract's <c>deadline</c> expires. Null without one, past the pivot, and after it has fired.</summary>
    public DateTimeOffset? DeadlineAt { get; init; }

    /// <summary>When the current <c>wait</c> step of the state itself ends, or null. Those of branches are in the branches.</summary>
    public DateTimeOffset? WaitUntil { get; init; }

    /// <summary>While it waits: the names of the events that its state accepts, for operators.</summary>
    public ImmutableArray<string> WaitingFor { get; init; } = [];

    /// <summary>The state that it will enter, if it has left its own and cannot enter the next at once; else null.</summary>
    public Departure? Leaving { get; init; }

    /// <summary>Buffered events: they wait for a state that accepts them. In order of arrival.</summary>
    public ImmutableArray<BufferedEvent> BufferedEvents { get; init; } = [];

    /// <summary>The response of a <c>respond</c> step, or null. After one, the end sends no second response.</summary>
    public RawJson? Response { get; init; }

    /// <summary>
    /// Whether its next wake-up, if any, is more than a minute after its last transition, and so is a row of <c>timers</c>. Not related to
    /// parked commands.
    /// </summary>
    public bool Parked => NextWakeupAt is not { } at || at - UpdatedAt > _longWait;

    /// <summary>Further requests that receive its response.</summary>
    public ImmutableArray<Waiter> Waiters { get; init; } = [];

    /// <summary>The output of the end as JSON, after it has ended; null if it has none.</summary>
    public RawJson? Output { get; init; }

    /// <summary>The time of its last transition. The engine's <c>now</c> never decreases within a saga.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How often the current state was entered, including this time.</summary>
    public int Visit => Visits.GetValueOrDefault(State);

    /// <summary>
    /// Whether its own timers may fire: the state's timeout, the deadline, a <c>wait</c>. While it is blocked, paused or leaving a state,
    /// they do not; those that fall due meanwhile fire afterwards.
    /// </summary>
    public bool TimersRun => EndedAt is null && Blockage is null && PausedBy is null && Leaving is null;

    /// <summary>The time of its next wake-up, or null.</summary>
    public DateTimeOffset? NextWakeupAt
    {
        get
        {
            if (EndedAt is not null || IsUnhandled)
            {
                return null;
            }

            DateTimeOffset? at = null;
            foreach (var command in Outstanding)
            {
                at = command.DueTimeApplies(PausedBy is not null) ? Times.Earlier(at, command.DueAt) : at;
            }

            // The senders of expired events are answered in time, even while the saga is blocked or paused.
            foreach (var buffered in BufferedEvents)
            {
                at = Times.Earlier(at, buffered.ExpiresAt);
            }

            // It needs rows of the store, so it wakes up at once.
            if (PausedBy is null
                && Blockage is null
                && (EachRuns.Any(run => run.Gathering) || Compensables.Any(compensable => compensable.Items is { Fetching: true })))
            {
                at = Times.Earlier(at, UpdatedAt);
            }

            // Commands in flight are resolved first, each at its own time.
            if (Leaving is { At: { } leaves } && Outstanding.IsEmpty && PausedBy is null && Blockage is null)
            {
                at = Times.Earlier(at, leaves);
            }

            if (!TimersRun)
            {
                return at;
            }

            foreach (var branch in Branches)
            {
                at = Times.Earlier(at, branch.WaitUntil);
            }

            // The deadline does not apply to a saga that compensates.
            at = Times.Earlier(at, Times.Earlier(StateDueAt, WaitUntil));
            return Status == SagaStatus.Compensating ? at : Times.Earlier(at, DeadlineAt);
        }
    }
}
