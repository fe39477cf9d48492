using System.Runtime;

namespace Onex.Contracts.Messages;

/// <summary>Recognises and relieves a lack of memory. It makes no message a dead letter, because other work may have caused it.</summary>
public static class MemoryShortage
{
    /// <summary>Whether a lack of memory caused the exception, even if other exceptions wrap it.</summary>
    public static bool Is(Exception? failure) => failure switch
    {
        null => false,
        OutOfMemoryException => true,
        AggregateException aggregate => aggregate.InnerExceptions.Any(Is),
        _ => Is(failure.InnerException),
    };

    /// <summary>The memory usage, for the log.</summary>
    public static string Describe()
    {
        const long MiB = 1 << 20;
        var now = GC.GetGCMemoryInfo(GCKind.Any);
        return $"{GC.GetTotalMemory(forceFullCollection: false) / MiB} MiB of {now.TotalAvailableMemoryBytes / MiB} MiB in use, "
            + $"{now.TotalCommittedBytes / MiB} MiB committed, {now.FragmentedBytes / MiB} MiB in gaps";
    }

    /// <summary>Releases unused memory at once and compacts the heap. All threads stand still meanwhile.</summary>
    public static void Relieve()
    {
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
