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

    /// <summary>Gives back what nobody uses any more, at once and without gaps. Slow: for when there is no other way.</summary>
    public static void Relieve()
    {
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
