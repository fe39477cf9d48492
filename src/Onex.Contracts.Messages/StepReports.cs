namespace Onex.Contracts.Messages;

/// <summary>
/// Reports that a role runs an attempt, and how far it is. Keyed by <see cref="CommandId"/>, on the partition of the result. It is sent
/// only for a command with <see cref="StepCommand.Reports"/>, and at most once a second.
/// </summary>
public sealed record StepReport
{
    /// <summary>The command that is running.</summary>
    public required CommandId CommandId { get; init; }

    /// <summary>The attempt that is running. Reports of earlier attempts are ignored.</summary>
    public required int Attempt { get; init; }

    /// <summary>The saga that waits for it.</summary>
    public required SagaId SagaId { get; init; }

    /// <summary>The correlation id of the saga's request.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary><c>started</c> or <c>progress</c>.</summary>
    public required string Report { get; init; }

    /// <summary>How much is done, from 0 to 1. Absent if it is not known.</summary>
    public double? Progress { get; init; }

    /// <summary>What is being done, for people, without secrets: at most 500 characters.</summary>
    public string? Text { get; init; }

    /// <summary>The name of the process that runs the attempt, for people.</summary>
    public string? Worker { get; init; }
}

/// <summary>Values of <see cref="StepReport.Report"/>.</summary>
public static class StepReportKinds
{
    /// <summary>A process has begun the attempt.</summary>
    public const string Started = "started";

    /// <summary>The attempt makes progress. It also counts as <c>started</c>, because that report may be lost.</summary>
    public const string Progress = "progress";
}

/// <summary>
/// Asks workers to stop running a command whose result is no longer needed. Keyed by <see cref="CommandId"/>. Every worker reads all
/// partitions of the topic; one that does not run the command remembers it, in case the command is still to come.
/// </summary>
public sealed record StepCancel
{
    /// <summary>The command to stop. No result of it is needed, and one that is sent is ignored.</summary>
    public required CommandId CommandId { get; init; }

    /// <summary>The latest attempt to stop. A later attempt of the same command runs.</summary>
    public required int Attempt { get; init; }

    /// <summary>The saga that no longer waits for it.</summary>
    public required SagaId SagaId { get; init; }

    /// <summary>The correlation id of the saga's request.</summary>
    public required Guid CorrelationId { get; init; }
}
