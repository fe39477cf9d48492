using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>A process has begun an attempt, or reports how far it is.</summary>
internal sealed record StepReportArrived : SagaEvent
{
    public required CommandId CommandId { get; init; }

    public required int Attempt { get; init; }

    /// <summary>Whether it came from the topic of the workers' results, which others than Onex may write.</summary>
    public bool IsFromWorker { get; init; }

    /// <summary>Whether a process has just begun the attempt; else it reports progress.</summary>
    public required bool HasBegun { get; init; }

    /// <summary>How much is done, from 0 to 1; null if it is not known.</summary>
    public double? Progress { get; init; }

    /// <summary>What is being done, for people, or null.</summary>
    public string? Text { get; init; }

    /// <summary>The process that runs it, for people, or null.</summary>
    public string? Worker { get; init; }
}
