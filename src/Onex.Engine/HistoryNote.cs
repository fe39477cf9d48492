using System.Diagnostics;
using System.Text.Json;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>One entry of a saga's history.</summary>
internal sealed record HistoryNote(HistoryKind Kind, string State, string? Step, DateTimeOffset At, RawJson? Detail);

/// <summary>What an entry of the history is about.</summary>
internal enum HistoryKind
{
    Started,
    StateEntered,
    StepStarted,
    StepRetried,
    StepResent,
    AttemptFailed,
    StepCompleted,
    StepRejected,
    StepFailed,
    CompensationStarted,
    CompensationCompleted,
    Faulted,
    Blocked,
    RequestJoined,
    Ended,
    StepInterrupted,
    StepCancelled,
    Waiting,
    Responded,
    EventAccepted,
    EventBuffered,
    EventDeclined,
    CancelRequested,
    Terminated,
    SlowedDown,
    RetriedByOperator,
    SkippedByOperator,
    Paused,
    Resumed,
}

/// <summary>A value in the details of an entry. It is not boxed.</summary>
internal readonly struct HistoryValue
{
    private readonly JsonValueKind _kind;
    private readonly string? _text;
    private readonly int _number;
    private readonly DateTimeOffset? _at;

    private HistoryValue(JsonValueKind kind, string? text = null, int number = 0, DateTimeOffset? at = null) =>
        (_kind, _text, _number, _at) = (kind, text, number, at);

    public static implicit operator HistoryValue(string? text) => new(JsonValueKind.String, text);

    public static implicit operator HistoryValue(int number) => new(JsonValueKind.Number, number: number);

    public static implicit operator HistoryValue(bool flag) => new(flag ? JsonValueKind.True : JsonValueKind.False);

    public static implicit operator HistoryValue(DateTimeOffset at) => new(JsonValueKind.String, at: at);

    /// <summary>Whether it is a text that is null or empty.</summary>
    public bool IsEmpty => _kind == JsonValueKind.String && _at is null && string.IsNullOrEmpty(_text);

    public void Write(Utf8JsonWriter writer, string name)
    {
        switch (_kind)
        {
            case JsonValueKind.Number:
                writer.WriteNumber(name, _number);
                break;
            case JsonValueKind.True or JsonValueKind.False:
                writer.WriteBoolean(name, _kind == JsonValueKind.True);
                break;
            case var _ when _at is { } at:
                writer.WriteString(name, at);
                break;
            default:
                writer.WriteString(name, _text);
                break;
        }
    }
}

/// <summary>How the kind of an entry is written in the database and in the API.</summary>
internal static class HistoryKindText
{
    /// <summary>The kind as text: <c>state_entered</c>.</summary>
    public static string ToText(this HistoryKind kind) => kind switch
    {
        HistoryKind.Started => "started",
        HistoryKind.StateEntered => "state_entered",
        HistoryKind.StepStarted => "step_started",
        HistoryKind.StepRetried => "step_retried",
        HistoryKind.StepResent => "step_resent",
        HistoryKind.AttemptFailed => "attempt_failed",
        HistoryKind.StepCompleted => "step_completed",
        HistoryKind.StepRejected => "step_rejected",
        HistoryKind.StepFailed => "step_failed",
        HistoryKind.CompensationStarted => "compensation_started",
        HistoryKind.CompensationCompleted => "compensation_completed",
        HistoryKind.Faulted => "faulted",
        HistoryKind.Blocked => "blocked",
        HistoryKind.RequestJoined => "request_joined",
        HistoryKind.Ended => "ended",
        HistoryKind.StepInterrupted => "step_interrupted",
        HistoryKind.StepCancelled => "step_cancelled",
        HistoryKind.Waiting => "waiting",
        HistoryKind.Responded => "responded",
        HistoryKind.EventAccepted => "event_taken",
        HistoryKind.EventBuffered => "event_kept",
        HistoryKind.EventDeclined => "event_refused",
        HistoryKind.CancelRequested => "cancel_asked",
        HistoryKind.Terminated => "terminated",
        HistoryKind.SlowedDown => "slowed_down",
        HistoryKind.RetriedByOperator => "retried_by_operator",
        HistoryKind.SkippedByOperator => "skipped_by_operator",
        HistoryKind.Paused => "paused",
        HistoryKind.Resumed => "resumed",
        _ => throw new UnreachableException(),
    };
}
