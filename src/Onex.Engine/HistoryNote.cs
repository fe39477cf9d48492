using Onex.Contracts.Messages;

namespace Onex.Engine;

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
