using System.Collections.Immutable;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>What follows from a message to a saga. Nothing has happened yet: the router commits the decision, then acts on it.</summary>
/// <param name="State">The saga afterwards.</param>
/// <param name="Changed">Whether to commit it. If not, at most <see cref="Declined"/> and <see cref="WhyNotDone"/> are set.</param>
/// <param name="Commands">The commands to send to roles.</param>
/// <param name="Answers">The responses to send to requesters: clients and parent sagas.</param>
/// <param name="History">What happened, in order.</param>
internal sealed record Decision(
    SagaState State,
    bool Changed,
    ImmutableArray<CommandToSend> Commands,
    ImmutableArray<Answer> Answers,
    ImmutableArray<HistoryNote> History)
{
    /// <summary>
    /// Declined events: the one that arrived, and buffered ones. Their senders are answered with the reason: with the commit if the saga is
    /// <see cref="Changed"/>, else at once.
    /// </summary>
    public ImmutableArray<DeclinedEvent> Declined { get; init; } = [];

    /// <summary>The ids of the events that were accepted or buffered on arrival.</summary>
    public ImmutableArray<MessageId> Seen { get; init; } = [];

    /// <summary>The computations whose results are no longer needed, so that workers need not run them.</summary>
    public ImmutableArray<CommandToCancel> Cancelled { get; init; } = [];

    /// <summary>Domain events that leave with the commit.</summary>
    public ImmutableArray<EventToPublish> Published { get; init; } = [];

    /// <summary>The new outcomes of items of <c>each</c> steps.</summary>
    public ImmutableArray<SagaItem> Items { get; init; } = [];

    /// <summary>Why an operator's command was not carried out, for people; null if it was, or if there was none.</summary>
    public string? WhyNotDone { get; init; }

    public static Decision Nothing(SagaState state) => new(state, false, [], [], []);
}

/// <summary>An event that is not accepted.</summary>
/// <param name="Requester">Who sent it.</param>
/// <param name="Event">The event as it was buffered or arrived.</param>
/// <param name="Code">See <see cref="ErrorCodes"/>.</param>
/// <param name="Error">The reason and the remedy, for people.</param>
/// <param name="BecomesDeadLetter">Whether it also becomes a dead letter: no state can accept it, it expired, or the saga ended.</param>
internal sealed record DeclinedEvent(Requester Requester, BufferedEvent Event, string Code, string Error, bool BecomesDeadLetter);

/// <summary>One attempt to be sent, or the start or cancellation of a child.</summary>
internal sealed record CommandToSend(
    CommandId CommandId,
    int Attempt,
    string Step,
    StepDirection Direction,
    CallRole Role,
    string Operation,
    string? Connection,
    RawJson Arguments,
    TimeSpan Timeout,
    DateTimeOffset NotAfter)
{
    /// <summary>For a child saga (<see cref="CallRole.Saga"/>): whether it is cancelled instead of started.</summary>
    public bool Cancels { get; init; }

    /// <summary>
    /// For an effect, also a remote one: whether the service is called although an earlier attempt took effect, because its answer could
    /// not be used.
    /// </summary>
    public bool CallsAgain { get; init; }

    /// <summary>For a compute: how long it may be silent after it has begun, or null.</summary>
    public TimeSpan? Heartbeat { get; init; }

    /// <summary>For an effect, also a remote one: whether the step's policy allows one attempt only.</summary>
    public bool Once { get; init; }

    /// <summary>The value for which the connection's limits are counted separately, as JSON; or null.</summary>
    public string? LimitKey { get; init; }

    /// <summary>The topic of a remote worker, without the configured prefix; or null.</summary>
    public string? Topic { get; init; }

    /// <summary>For a child saga: whether nobody waits for its end.</summary>
    public bool Detached { get; init; }
}

/// <summary>A computation whose result is no longer needed.</summary>
/// <param name="CommandId">The command.</param>
/// <param name="Attempt">The latest attempt to stop.</param>
/// <param name="Topic">The topic of a remote worker, without the configured prefix; or null.</param>
internal sealed record CommandToCancel(CommandId CommandId, int Attempt, string? Topic);

/// <summary>One domain event to be published.</summary>
internal sealed record EventToPublish(string Step, string Topic, string Key, RawJson Value);

/// <summary>One response to be sent.</summary>
/// <param name="To">The request that it answers.</param>
/// <param name="Status"><see cref="ResponseStatus.Success"/> or <see cref="ResponseStatus.Error"/>.</param>
/// <param name="IsDuplicate">Whether it is answered as a duplicate.</param>
/// <param name="Output">The output of the end, or the payload of a <c>respond</c> step; or null.</param>
/// <param name="Fault">The fault of a failed end, or null.</param>
internal sealed record Answer(Requester To, string Status, bool IsDuplicate, RawJson? Output, Fault? Fault)
{
    /// <summary>The id of the payload that stores the output, which a parent gets if the output is too large; null with an error.</summary>
    public Guid? OutputRef { get; init; }
}
