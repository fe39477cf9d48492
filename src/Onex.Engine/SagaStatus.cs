using System.Diagnostics;

namespace Onex.Engine;

/// <summary>What a saga is doing, as operators see it.</summary>
public enum SagaStatus
{
    /// <summary>A command is in flight, or will be retried.</summary>
    Running,

    /// <summary>Waits for an event or for a time, or has just requested rows of items.</summary>
    Waiting,

    /// <summary>Compensates completed steps.</summary>
    Compensating,

    /// <summary>Cannot continue without an operator.</summary>
    Blocked,

    /// <summary>An operator paused it.</summary>
    Paused,

    /// <summary>Completed.</summary>
    Completed,

    /// <summary>Failed, or an operator terminated it.</summary>
    Failed,

    /// <summary>An operator or its parent cancelled it.</summary>
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

    /// <summary>The status with that text. A check constraint allows only known ones.</summary>
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
        _ => throw new InvalidOperationException($"'{text}' is not a saga status."),
    };
}
