using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>The state of a saga. Immutable: every decision makes a new one.</summary>
internal sealed record SagaState
{
    // Longer waits are rows of `timers`. Shorter ones are in the saga's row and in the memory of the consumer of its home partition.
    private static readonly TimeSpan _longWait = TimeSpan.FromMinutes(1);

    /// <summary>The facts that never change after the start.</summary>
    public required SagaFacts Facts { get; init; }

    /// <summary>The current state's name.</summary>
    public required string State { get; init; }

    /// <summary>The status that operators see.</summary>
    public required SagaStatus Status { get; init; }

    /// <summary>The fields of <c>data</c> that are set.</summary>
    public ImmutableDictionary<string, CelValue> Data { get; init; } = ImmutableDictionary<string, CelValue>.Empty;

    /// <summary>The results of completed steps, reduced to the fields that some expression reads.</summary>
    public ImmutableDictionary<string, CelValue> Results { get; init; } = ImmutableDictionary<string, CelValue>.Empty;

    /// <summary>How often each state was entered.</summary>
    public ImmutableDictionary<string, int> Visits { get; init; } = ImmutableDictionary<string, int>.Empty;

    /// <summary>The repeated entries into states since the last event or timer.</summary>
    public ImmutableDictionary<string, IdleEntries> Idle { get; init; } = ImmutableDictionary<string, IdleEntries>.Empty;

    /// <summary>The ids of the steps that an operator skipped. They have no result.</summary>
    public ImmutableSortedSet<string> Skipped { get; init; } = ImmutableSortedSet<string>.Empty.WithComparer(StringComparer.Ordinal);

    /// <summary>While it is paused: the states and branches whose next step runs when it is resumed.</summary>
    public ImmutableArray<HeldSequence> Held { get; init; } = [];

    /// <summary>The index of the current step of the current state, from 0.</summary>
    public int StepIndex { get; init; }

    /// <summary>The branches of the running <c>parallel</c> steps.</summary>
    public ImmutableArray<BranchState> Branches { get; init; } = [];

    /// <summary>The running <c>each</c> steps.</summary>
    public ImmutableArray<EachRun> Eaches { get; init; } = [];

    /// <summary>Commands whose outcome is awaited.</summary>
    public ImmutableArray<Outstanding> Outstanding { get; init; } = [];

    /// <summary>Completed steps that can be compensated, oldest first.</summary>
    public ImmutableArray<Compensable> Undo { get; init; } = [];

    /// <summary>The fault for which it left its normal path, or null.</summary>
    public Fault? Fault { get; init; }

    /// <summary>Whether it has entered a pivot state: from then on nothing is compensated.</summary>
    public bool PastPivot { get; init; }

    /// <summary>The blockages, in the order in which an operator resolves them. Concurrent steps may each add one.</summary>
    public ImmutableArray<Blockage> Blockages { get; init; } = [];

    /// <summary>The blockage to resolve next; null unless the saga is blocked.</summary>
    public Blockage? Blockage => Blockages.IsEmpty ? null : Blockages[0];

    /// <summary>Whether handling a message for it failed, so that it is left alone until an operator retries it.</summary>
    public bool IsSetAside => Blockages.Any(blockage => blockage.Kind == BlockedBy.Handling);

    /// <summary>Why it needs an operator, or null.</summary>
    public string? BlockedBecause => Blockage?.Reason;

    /// <summary>Who paused it, or null.</summary>
    public OperatorRequest? PausedBy { get; init; }

    /// <summary>Who cancelled it, or null. A cancelled saga ends as cancelled, not as failed.</summary>
    public OperatorRequest? CancelledBy { get; init; }

    /// <summary>When it entered the current state.</summary>
    public DateTimeOffset EnteredAt { get; init; }

    /// <summary>When the current state's <c>timeout</c> expires, or null.</summary>
    public DateTimeOffset? StateDueAt { get; init; }

    /// <summary>When the contract's <c>deadline</c> expires. Null without one, past the pivot, and after it has fired.</summary>
    public DateTimeOffset? DeadlineAt { get; init; }

    /// <summary>When the current <c>wait</c> step ends, or null.</summary>
    public DateTimeOffset? WaitUntil { get; init; }

    /// <summary>While it waits: the names of the events that its state accepts, for operators.</summary>
    public ImmutableArray<string> WaitingFor { get; init; } = [];

    /// <summary>The state that it enters when all interrupted commands are resolved, or null.</summary>
    public Departure? Leaving { get; init; }

    /// <summary>Buffered events: they wait for a state that accepts them. In order of arrival.</summary>
    public ImmutableArray<BufferedEvent> Early { get; init; } = [];

    /// <summary>The response of a <c>respond</c> step, or null. After one, the end sends no second response.</summary>
    public RawJson? Response { get; init; }

    /// <summary>
    /// Whether it waits for more than a minute, or for an event or an operator. Its wake-up is then a row of <c>timers</c>.
    /// </summary>
    public bool Parked => NextWakeupAt is not { } at || at - UpdatedAt > _longWait;

    /// <summary>Further requests that receive its response.</summary>
    public ImmutableArray<Waiter> Waiters { get; init; } = [];

    /// <summary>The output of the end as JSON, after it has ended.</summary>
    public RawJson? Output { get; init; }

    /// <summary>The time of its last transition. The engine's <c>now</c> never decreases within a saga.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it ended, or null.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How often the current state was entered, including this time.</summary>
    public int Visit => Visits.GetValueOrDefault(State);

    /// <summary>
    /// Whether its own timers run: the state's timeout, the deadline, a <c>wait</c>. They stand still while it is blocked, paused or
    /// resolving interrupted commands.
    /// </summary>
    public bool TimersRun => EndedAt is null && Blockage is null && PausedBy is null && Leaving is null;

    /// <summary>The time of its next wake-up, or null.</summary>
    public DateTimeOffset? NextWakeupAt
    {
        get
        {
            if (EndedAt is not null || IsSetAside)
            {
                return null;
            }

            DateTimeOffset? at = null;
            foreach (var command in Outstanding)
            {
                at = command.RunsWhile(PausedBy is not null) ? Earlier(at, command.DueAt) : at;
            }

            // The senders of expired events are answered in time, whatever the status of the saga.
            foreach (var kept in Early)
            {
                at = Earlier(at, kept.ExpiresAt);
            }

            // It needs rows from the store, which are read without waiting.
            if (PausedBy is null
                && Blockage is null
                && (Eaches.Any(run => run.Gathering) || Undo.Any(undo => undo.Items is { Fetching: true })))
            {
                at = Earlier(at, UpdatedAt);
            }

            // Commands in flight are resolved first, each at its own time.
            if (Leaving is { At: { } leaves } && Outstanding.IsEmpty && PausedBy is null && Blockage is null)
            {
                at = Earlier(at, leaves);
            }

            if (!TimersRun)
            {
                return at;
            }

            foreach (var branch in Branches)
            {
                at = Earlier(at, branch.WaitUntil);
            }

            // The deadline does not apply to a saga that compensates.
            return Earlier(Earlier(at, Earlier(StateDueAt, WaitUntil)), Status == SagaStatus.Compensating ? null : DeadlineAt);
        }
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other ?? one : one;
}

/// <summary>The state that a saga enters after its interrupted commands are resolved and compensated.</summary>
/// <param name="Next">The state.</param>
internal sealed record Departure(string Next)
{
    /// <summary>Whether a failure leads there.</summary>
    public bool Failed { get; init; }

    /// <summary>The earliest time to enter the state, because the contract is in a cycle without progress; null for at once.</summary>
    public DateTimeOffset? At { get; init; }
}

/// <summary>Entries into a state since the last event or timer: see <see cref="Cycles"/>.</summary>
/// <param name="Count">How many there were, one after the other, with the same data and results.</param>
/// <param name="Failures">How many a failure led to.</param>
/// <param name="Mark">A hash of the data and the results at the last entry.</param>
internal sealed record IdleEntries(int Count, int Failures, string Mark);

/// <summary>A state or branch whose next step runs when the saga is resumed.</summary>
/// <param name="Key">The <see cref="Sequence.Key"/> of the state or branch.</param>
/// <param name="RetryPass">The retry pass of the step that runs next.</param>
internal sealed record HeldSequence(string Key, int RetryPass);

/// <summary>One branch of a running <c>parallel</c> step.</summary>
/// <param name="Parallel">The step's id.</param>
/// <param name="Branch">Which of its branches, from 0.</param>
internal sealed record BranchState(string Parallel, int Branch)
{
    /// <summary>The index of its current step, from 0.</summary>
    public int Index { get; init; }

    /// <summary>Its phase.</summary>
    public BranchPhase Phase { get; init; }

    /// <summary>When its current <c>wait</c> step ends, or null.</summary>
    public DateTimeOffset? WaitUntil { get; init; }

    /// <summary>The retry pass: 0 at first, incremented each time that an operator retries the branch.</summary>
    public int RetryPass { get; init; }
}

/// <summary>The phase of a branch.</summary>
internal enum BranchPhase
{
    /// <summary>Its steps run.</summary>
    Running,

    /// <summary>All its steps are done.</summary>
    Completed,

    /// <summary>One of its steps has failed for good.</summary>
    Failed,

    /// <summary>The join does not wait for it.</summary>
    Lost,
}

/// <summary>A running <c>each</c> step. It holds counters only: the items are rows of their own.</summary>
/// <param name="Step">The step's id.</param>
/// <param name="Total">How many items there are.</param>
internal sealed record EachRun(string Step, int Total)
{
    /// <summary>The index of the first item without a command.</summary>
    public int Next { get; init; }

    /// <summary>How many items have completed.</summary>
    public int Completed { get; init; }

    /// <summary>How many have failed for good.</summary>
    public int Failed { get; init; }

    /// <summary>The present values of the aggregates, in their order; empty before the first item.</summary>
    public ImmutableArray<CelValue> Totals { get; init; } = [];

    /// <summary>Why an aggregate could not be computed, or null.</summary>
    public string? Broken { get; init; }

    /// <summary>The items, unless they can be computed again from the input alone.</summary>
    public CelValue? Items { get; init; }

    /// <summary>Whether all items are done and only their rows are needed, to compute what the step saves.</summary>
    public bool Gathering { get; init; }
}

/// <summary>Why a saga is blocked.</summary>
/// <param name="Kind">What the saga is blocked by.</param>
/// <param name="Step">The step that is concerned, or null.</param>
/// <param name="CommandId">The command, or null. Outstanding (<see cref="AttemptPhase.Stuck"/>) unless its result was final.</param>
/// <param name="RetryPass">The command's retry pass.</param>
/// <param name="At">Since when.</param>
/// <param name="Reason">The reason, for people.</param>
internal sealed record Blockage(BlockedBy Kind, string? Step, CommandId? CommandId, int RetryPass, DateTimeOffset At, string Reason)
{
    /// <summary>The item of an <c>each</c> that is concerned, or null.</summary>
    public int? Item { get; init; }

    /// <summary>For <see cref="BlockedBy.Unknown"/>: how the step fails if an operator says that it was not done.</summary>
    public string? Code { get; init; }

    /// <summary>The same for people.</summary>
    public string? Failure { get; init; }
}

/// <summary>What a saga can be blocked by.</summary>
internal enum BlockedBy
{
    /// <summary>A step that nothing catches, or that cannot be sent.</summary>
    Step,

    /// <summary>A compensation.</summary>
    Compensation,

    /// <summary>An interrupted step whose outcome is unknown, or that cannot be compensated.</summary>
    Interrupted,

    /// <summary>
    /// A step that has failed for good although it is unknown whether it took effect, or although it did and cannot be compensated.
    /// </summary>
    Unknown,

    /// <summary>No transition is possible: no guard holds, an end has no output, or the contract is in a cycle without progress.</summary>
    Way,

    /// <summary>A message that Onex itself could not handle: the saga is set aside, and nothing wakes it.</summary>
    Handling,
}

/// <summary>What an operator did to a saga, and why.</summary>
/// <param name="By">Who.</param>
/// <param name="Reason">Why, or null.</param>
/// <param name="At">When.</param>
internal sealed record OperatorRequest(string By, string? Reason, DateTimeOffset At);

/// <summary>The facts of a saga that never change after its start.</summary>
internal sealed record SagaFacts
{
    public required SagaId SagaId { get; init; }

    public required string Contract { get; init; }

    public required string ContractVersion { get; init; }

    public required string ContractHash { get; init; }

    public required int HomePartition { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The request that started it.</summary>
    public required Requester Requester { get; init; }

    public string? BusinessKey { get; init; }

    public required CelValue Input { get; init; }
}

/// <summary>A request, as far as its response is concerned.</summary>
internal sealed record Requester
{
    /// <summary>The request's identity.</summary>
    public required MessageId RequestId { get; init; }

    public required Guid CorrelationId { get; init; }

    public required string Operation { get; init; }

    /// <summary>The position of its record.</summary>
    public required string Source { get; init; }

    public Guid? EnvelopeId { get; init; }

    /// <summary>A hash of its content, or null if it is not known.</summary>
    public Guid? RequestHash { get; init; }

    public string? ReplyTo { get; init; }

    /// <summary>For an event: which saga its sender named, or null.</summary>
    public RequestTarget? Target { get; init; }

    /// <summary>The parent saga, or null. The response is the outcome of the parent's step.</summary>
    public ParentLink? Parent { get; init; }

    /// <summary>Headers that are carried through, name to text.</summary>
    public ImmutableSortedDictionary<string, string> Headers { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The request's unknown fields, or null.</summary>
    public RawJson? Extra { get; init; }

    /// <summary>Whether nobody waits for a response, because Onex itself started the saga: none is sent.</summary>
    public bool Silent { get; init; }
}

/// <summary>The step of the parent saga that started a saga.</summary>
/// <param name="SagaId">The parent saga.</param>
/// <param name="CommandId">The step's command.</param>
/// <param name="Attempt">Its attempt.</param>
/// <param name="HomePartition">The home partition of the parent.</param>
/// <param name="Awaits">Whether the step waits for the end.</param>
internal sealed record ParentLink(SagaId SagaId, CommandId CommandId, int Attempt, int HomePartition, bool Awaits);

/// <summary>Another request that receives a saga's response.</summary>
/// <param name="Requester">The request.</param>
/// <param name="IsDuplicate">Whether it is a duplicate of the saga's own request, and is answered as one.</param>
internal sealed record Waiter(Requester Requester, bool IsDuplicate);

/// <summary>Why a saga left its ordinary path.</summary>
internal sealed record Fault(string Code, string Message, string? Step, DateTimeOffset At);

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

/// <summary>A command whose outcome is awaited.</summary>
internal sealed record Outstanding
{
    public required CommandId CommandId { get; init; }

    public required string Step { get; init; }

    /// <summary>The item of an <c>each</c> that it is for, from 0, or null.</summary>
    public int? Item { get; init; }

    /// <summary>That item's value, if it was interrupted and its value cannot be evaluated again.</summary>
    public CelValue? ItemValue { get; init; }

    /// <summary>See <see cref="StepDirections"/>.</summary>
    public required string Direction { get; init; }

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

/// <summary>An event that waits for a state that accepts it.</summary>
/// <param name="MessageId">Its identity.</param>
/// <param name="Event">Its name.</param>
/// <param name="Data">Its payload.</param>
/// <param name="Requester">Who is answered if the event is declined.</param>
/// <param name="ReceivedAt">When it arrived.</param>
/// <param name="ExpiresAt">When it expires.</param>
internal sealed record BufferedEvent(
    MessageId MessageId, string Event, CelValue Data, Requester Requester, DateTimeOffset ReceivedAt, DateTimeOffset ExpiresAt);

/// <summary>A completed step that can be compensated.</summary>
/// <param name="Step">The step's id.</param>
/// <param name="State">The state it ran in.</param>
/// <param name="CommandId">The command that completed.</param>
/// <param name="Arguments">The compensation's arguments, evaluated when the step completed.</param>
internal sealed record Compensable(string Step, string State, CommandId CommandId, RawJson Arguments)
{
    /// <summary>Which visit of that state.</summary>
    public int Visit { get; init; }

    /// <summary>The item of an <c>each</c>, if this is a single item; else null.</summary>
    public int? Item { get; init; }

    /// <summary>For all completed items of an <c>each</c>, whose arguments are in their rows; else null.</summary>
    public ItemCompensation? Items { get; init; }

    /// <summary>Whether it is compensated in any case: it was interrupted, or the join of its branch did not wait for it.</summary>
    public bool Lost { get; init; }

    /// <summary>How often an operator retried its compensation after a final answer.</summary>
    public int RetryPass { get; init; }

    /// <summary>The command that compensates it.</summary>
    public CommandId CompensationId => Identity.Compensation(CommandId, RetryPass);
}

/// <summary>How far the completed items of an <c>each</c> are compensated: from the last to the first.</summary>
/// <param name="Below">The lowest index whose compensation was sent.</param>
/// <param name="Fetching">Whether the rows of the next ones are requested.</param>
internal sealed record ItemCompensation(int Below, bool Fetching);
