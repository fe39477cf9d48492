using System.Diagnostics;

namespace Onex.Engine;

/// <summary>What a saga is doing, as operators see it.</summary>
public enum SagaStatus
{
    /// <summary>A step is in flight, or about to be tried again.</summary>
    Running,

    /// <summary>Waits for an event or for time.</summary>
    Waiting,

    /// <summary>Takes back what was done.</summary>
    Compensating,

    /// <summary>Cannot go on without an operator.</summary>
    Blocked,

    /// <summary>An operator stopped it for a while.</summary>
    Paused,

    /// <summary>Ended well.</summary>
    Completed,

    /// <summary>Ended badly.</summary>
    Failed,

    /// <summary>Ended by an operator.</summary>
    Cancelled,
}

/// <summary>How a status is written in the database, in logs and in the API.</summary>
public static class SagaStatusText
{
    /// <summary>The status as text: <c>running</c>.</summary>
    public static string ToText(this SagaStatus status) => status switch
    {
        SagaStatus.Running => "running",
        SagaStatus.Waiting => "waiting",
        SagaStatus.Compensating => "compensating",
        SagaStatus.Blocked => "blocked",
        SagaStatus.Paused => "paused",
        SagaStatus.Completed => "completed",
        SagaStatus.Failed => "failed",
        SagaStatus.Cancelled => "cancelled",
        _ => throw new UnreachableException(),
    };

    /// <summary>The status of that text, which a check constraint keeps to the known ones.</summary>
    public static SagaStatus Parse(string text) => text switch
    {
        "running" => SagaStatus.Running,
        "waiting" => SagaStatus.Waiting,
        "compensating" => SagaStatus.Compensating,
        "blocked" => SagaStatus.Blocked,
        "paused" => SagaStatus.Paused,
        "completed" => SagaStatus.Completed,
        "failed" => SagaStatus.Failed,
        "cancelled" => SagaStatus.Cancelled,
        _ => throw new InvalidOperationException($"'{text}' is no status of a saga."),
    };
}
