namespace Onex.Kafka.Consuming;

/// <summary>
/// The limits of the components that hold much memory, as parts of what the garbage collector may use; in a container, that is a part of
/// the container's limit. The parts need not add up to the whole. <see cref="Onex.Contracts.Messages.JsonWeight"/> defines the weights.
/// </summary>
/// <param name="heapBytes">Bytes that the garbage collector may use.</param>
public sealed class MemoryBudget(long heapBytes)
{
    private const long MiB = 1 << 20;

    /// <summary>The budget of this process.</summary>
    public static MemoryBudget ForProcess() => new(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>Bytes of record values that an endpoint has in flight.</summary>
    public long Intake { get; } = Math.Clamp(heapBytes / 16, MiB, 64 * MiB);

    /// <summary>
    /// The weight of one batch of messages with their sagas. The orchestrator decides on one batch while it commits another. A single
    /// message may weigh more.
    /// </summary>
    public long Batch { get; } = Math.Clamp(heapBytes / 8, MiB, 512 * MiB);

    /// <summary>The weight of the sagas that the orchestrator caches.</summary>
    public long Cache { get; } = Math.Clamp(heapBytes / 10, MiB, 1024 * MiB);

    /// <summary>Bytes of the orchestrator's messages that the broker has not acknowledged.</summary>
    public long Unsent { get; } = Math.Clamp(heapBytes / 12, MiB, 256 * MiB);

    /// <summary>The weight of commands that a role runs at a time. A single one may weigh more.</summary>
    public long Commands { get; } = Math.Clamp(heapBytes / 5, MiB, 1024 * MiB);

    /// <summary>
    /// Bytes of results, as received, that the attempts of the effects role hold at a time; one attempt at a time may exceed it. A byte of
    /// JSON with many small values costs about twenty bytes until the result is recorded.
    /// </summary>
    public long Results { get; } = Math.Clamp(heapBytes / 96, MiB, 128 * MiB);

    /// <summary>The largest result of an effect, in bytes.</summary>
    public int LargestResult { get; } = (int)Math.Clamp(heapBytes / 48, MiB, 50 * MiB);

    /// <summary>The weight of the HTTP requests that the orchestrator handles at a time. A single one may weigh more.</summary>
    public long Calls { get; } = Math.Clamp(heapBytes / 10, MiB, 512 * MiB);

    /// <summary>Bytes that a Kafka consumer holds outside the managed heap; a producer holds at least twice as many.</summary>
    public int Client { get; } = (int)Math.Clamp(heapBytes / 24, 2 * MiB, 16 * MiB);
}
