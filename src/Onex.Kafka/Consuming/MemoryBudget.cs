namespace Onex.Kafka.Consuming;

/// <summary>
/// How much of the process's memory each of those may use that hold much of it. The memory is what the collector may use: in a container a part of
/// the container's limit. See <see cref="Onex.Contracts.Messages.JsonWeight"/> for what weighs how much.
/// </summary>
/// <param name="heapBytes">What the collector may use.</param>
public sealed class MemoryBudget(long heapBytes)
{
    private const long MiB = 1 << 20;

    /// <summary>That of this process.</summary>
    public static MemoryBudget OfProcess() => new(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>Bytes of values that an endpoint reads ahead.</summary>
    public long Intake { get; } = Math.Clamp(heapBytes / 16, MiB, 64 * MiB);

    /// <summary>The weight of messages, and of the sagas that they are for, that main decides on at a time. One alone may weigh more.</summary>
    public long Batch { get; } = Math.Clamp(heapBytes / 5, MiB, 512 * MiB);

    /// <summary>The weight of sagas that main keeps for their next message.</summary>
    public long Cache { get; } = Math.Clamp(heapBytes / 10, MiB, 1024 * MiB);

    /// <summary>Bytes of messages that wait for the broker.</summary>
    public long Unsent { get; } = Math.Clamp(heapBytes / 12, MiB, 256 * MiB);

    /// <summary>The weight of commands that a role runs at a time. One alone may weigh more.</summary>
    public long Commands { get; } = Math.Clamp(heapBytes / 5, MiB, 1024 * MiB);

    /// <summary>Bytes of results, as they arrive, that the attempts of a role hold at a time. Each byte of JSON with small parts costs some twenty, until the result is recorded.</summary>
    public long Results { get; } = Math.Clamp(heapBytes / 96, MiB, 128 * MiB);

    /// <summary>Bytes that one result may have.</summary>
    public int LargestResult { get; } = (int)Math.Clamp(heapBytes / 48, MiB, 50 * MiB);

    /// <summary>The weight of requests that main takes over HTTP at a time. One alone may weigh more.</summary>
    public long Calls { get; } = Math.Clamp(heapBytes / 10, MiB, 512 * MiB);

    /// <summary>Bytes that the broker's client holds in each direction, outside the collector's memory.</summary>
    public int Client { get; } = (int)Math.Clamp(heapBytes / 24, 2 * MiB, 16 * MiB);
}
