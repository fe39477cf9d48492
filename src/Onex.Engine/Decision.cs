using System.Collections.Immutable;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>What follows from an event. Nothing has happened yet: the router commits the decision, then carries it out.</summary>
/// <param name="State">The saga afterwards.</param>
/// <param name="Changed">Whether anything follows at all; false for a duplicate or a late message.</param>
/// <param name="Commands">The commands to send to roles.</param>
/// <param name="Answers">The responses to send to clients.</param>
/// <param name="History">What happened, in order.</param>
internal sealed record Decision(
    SagaState State,
    bool Changed,
    ImmutableArray<CommandToSend> Commands,
    ImmutableArray<Answer> Answers,
    ImmutableArray<HistoryNote> History)
{
    /// <summary>
    /// Declined events. Their senders are answered with the reason. With <see cref="Changed"/> they leave with the commit, because they
    /// were buffered.
    /// </summary>
    public ImmutableArray<DeclinedEvent> Rejections { get; init; } = [];

    /// <summary>The ids of messages that were accepted or buffered for the first time.</summary>
    public ImmutableArray<MessageId> Seen { get; init; } = [];

    /// <summary>Domain events that leave with the commit.</summary>
    public ImmutableArray<EventToPublish> Published { get; init; } = [];

    /// <summary>The outcomes of items of an <c>each</c>.</summary>
    public ImmutableArray<SagaItem> Items { get; init; } = [];

    /// <summary>Why an operator's command was not carried out, for people; null if it was, or if there was none.</summary>
    public string? NotDone { get; init; }

    /// <summary>Nothing follows.</summary>
    public static Decision Nothing(SagaState state) => new(state, false, [], [], []);
}

/// <summary>An event that is not accepted.</summary>
/// <param name="Requester">Who sent it.</param>
/// <param name="Event">The event as it was buffered or arrived.</param>
/// <param name="Code">See <see cref="ErrorCodes"/>.</param>
/// <param name="Error">The reason and the remedy, for people.</param>
/// <param name="IsDead">Whether it also goes to the dead-letter topic, because no state can accept it or because it expired.</param>
internal sealed record DeclinedEvent(Requester Requester, BufferedEvent Event, string Code, string Error, bool IsDead);

/// <summary>One attempt to be sent.</summary>
internal sealed record CommandToSend(
    CommandId CommandId,
    int Attempt,
    string Step,
    string Direction,
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
    /// For an effect: whether the service is called although an earlier attempt completed, because its answer could not be used.
    /// </summary>
    public bool AsksAgain { get; init; }

    /// <summary>For a child saga: whether nobody waits for its end.</summary>
    public bool Detached { get; init; }
}

/// <summary>One domain event to be published.</summary>
/// <param name="Step">The step that emits it.</param>
/// <param name="Topic">The topic.</param>
/// <param name="Key">The record's key.</param>
/// <param name="Value">The record's value.</param>
internal sealed record EventToPublish(string Step, string Topic, string Key, RawJson Value);

/// <summary>One response to be sent.</summary>
/// <param name="To">The request that it answers.</param>
/// <param name="Status">See <see cref="ResponseStatus"/>: how the saga ended.</param>
/// <param name="IsDuplicate">Whether it is answered as a duplicate.</param>
/// <param name="Output">The end's output, or null.</param>
/// <param name="Fault">The fault of a failed end, or null.</param>
internal sealed record Answer(Requester To, string Status, bool IsDuplicate, RawJson? Output, Fault? Fault)
{
    /// <summary>Where the output is stored.</summary>
    public Guid? OutputRef { get; init; }
}

/// <summary>One entry of a saga's history.</summary>
internal sealed record HistoryNote(string Kind, string State, string? Step, DateTimeOffset At, RawJson? Detail);

/// <summary>Values of <see cref="HistoryNote.Kind"/>.</summary>
internal static class HistoryKinds
{
    public const string Started = "started";
    public const string StateEntered = "state_entered";
    public const string StepStarted = "step_started";
    public const string StepRetried = "step_retried";
    public const string StepResent = "step_resent";
    public const string AttemptFailed = "attempt_failed";
    public const string StepCompleted = "step_completed";
    public const string StepRejected = "step_rejected";
    public const string StepFailed = "step_failed";
    public const string CompensationStarted = "compensation_started";
    public const string CompensationCompleted = "compensation_completed";
    public const string Faulted = "faulted";
    public const string Blocked = "blocked";
    public const string RequestJoined = "request_joined";
    public const string Ended = "ended";
    public const string StepInterrupted = "step_interrupted";
    public const string StepCancelled = "step_cancelled";
    public const string Waiting = "waiting";
    public const string Responded = "responded";
    public const string EventTaken = "event_taken";
    public const string EventKept = "event_kept";
    public const string EventRefused = "event_refused";
    public const string CancelAsked = "cancel_asked";
    public const string Terminated = "terminated";
    public const string SlowedDown = "slowed_down";
    public const string RetriedByOperator = "retried_by_operator";
    public const string SkippedByOperator = "skipped_by_operator";
    public const string Paused = "paused";
    public const string Resumed = "resumed";
}
