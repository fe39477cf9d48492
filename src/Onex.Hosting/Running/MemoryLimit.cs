namespace Onex.Hosting.Running;

/// <summary>
/// What of the process's memory the collector may use. In a container that is three quarters of the container's limit unless it is told otherwise, and
/// of a small container more than what all the rest of the process leaves: the kernel would kill it.
/// </summary>
public static class MemoryLimit
{
    private const long MiB = 1 << 20;

    // Code, stacks, and the clients of Kafka and PostgreSQL: what a role has used at rest, and room for the broker's client.
    private const long Rest = 155 * MiB;

    private static readonly string[] _ownWords =
        ["DOTNET_GCHeapHardLimit", "DOTNET_GCHeapHardLimitPercent", "COMPlus_GCHeapHardLimit", "COMPlus_GCHeapHardLimitPercent"];

    /// <summary>
    /// Lowers the collector's limit so that the process stays below 85 % of its container's. Before anything large is made; whoever has set a limit of
    /// his own keeps it.
    /// </summary>
    public static void Apply()
    {
        var usual = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (Of(usual) is var limit && limit < usual && !_ownWords.Any(word => Environment.GetEnvironmentVariable(word) is not null))
        {
            AppContext.SetData("GCHeapHardLimit", (ulong)limit);
            GC.RefreshMemoryLimit();
        }
    }

    /// <summary>The limit for what the collector would use: 85 % of the container's limit, of which it is three quarters, without the rest.</summary>
    public static long Of(long usual) => Math.Min(usual, Math.Max(48 * MiB, (long)(usual / 0.75 * 0.85) - Rest));
}
