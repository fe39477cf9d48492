using System.Runtime;

namespace Onex.Contracts.Messages;

/// <summary>
/// Lack of memory. It says nothing of the message at which it was met: that is tried again, alone if need be, and never given up for it.
/// </summary>
public static class MemoryShortage
{
    /// <summary>Whether that is what failed, whoever wrapped it.</summary>
    public static bool Is(Exception? failure) => failure switch
    {
        null => false,
        OutOfMemoryException => true,
        AggregateException several => several.InnerExceptions.Any(Is),
        _ => Is(failure.InnerException),
    };

    /// <summary>How full it is, for the log.</summary>
    public static string Describe()
    {
        const long MiB = 1 << 20;
        var now = GC.GetGCMemoryInfo(GCKind.Any);
        return $"{GC.GetTotalMemory(forceFullCollection: false) / MiB} MiB of {now.TotalAvailableMemoryBytes / MiB} MiB in use, "
            + $"{now.TotalCommittedBytes / MiB} MiB committed, {now.FragmentedBytes / MiB} MiB in gaps";
    }

    /// <summary>Gives back what nobody uses any more, at once and without gaps. Slow: for when there is no other way.</summary>
    public static void Relieve()
    {
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
