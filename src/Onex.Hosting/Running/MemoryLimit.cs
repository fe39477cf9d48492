namespace Onex.Hosting.Running;

/// <summary>
/// Limits the memory of the garbage collector. By default it may use three quarters of a container's limit, which in a small container is
/// more than the rest of the process leaves, so the kernel would kill the process.
/// </summary>
public static class MemoryLimit
{
    private const long MiB = 1 << 20;

    // Code, stacks, and the clients of Kafka and PostgreSQL: the measured use of an idle role, and room for the broker's client.
    private const long Rest = 155 * MiB;

    private static readonly string[] _overrides =
        ["DOTNET_GCHeapHardLimit", "DOTNET_GCHeapHardLimitPercent", "COMPlus_GCHeapHardLimit", "COMPlus_GCHeapHardLimitPercent"];

    /// <summary>
    /// Lowers the collector's limit so that the process stays below 85 % of its container's. Call it before anything large is allocated. A
    /// limit that the environment sets is kept.
    /// </summary>
    public static void Apply()
    {
        var usual = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (For(usual) is var limit && limit < usual && !_overrides.Any(name => Environment.GetEnvironmentVariable(name) is not null))
        {
            AppContext.SetData("GCHeapHardLimit", (ulong)limit);
            GC.RefreshMemoryLimit();
        }
    }

    /// <summary>
    /// The collector's limit: 85 % of the container's limit minus the rest of the process. The default limit is three quarters of the
    /// container's.
    /// </summary>
    public static long For(long usual) => Math.Min(usual, Math.Max(48 * MiB, (long)(usual / 0.75 * 0.85) - Rest));
}
