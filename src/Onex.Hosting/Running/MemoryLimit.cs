namespace Onex.Hosting.Running;

/// <summary>
/// Limits the memory of the garbage collector. By default it may use three quarters of a container's limit. In a small container the rest
/// of the process needs more than the last quarter, so the kernel would kill the process.
/// </summary>
public static class MemoryLimit
{
    private const long MiB = 1 << 20;

    // The memory outside the heap: code, stacks, and the clients of Kafka and PostgreSQL. Measured in an idle role, plus the buffers that
    // the client of Kafka fills under load.
    private const long Rest = 155 * MiB;

    private static readonly string[] _overrides =
        ["DOTNET_GCHeapHardLimit", "DOTNET_GCHeapHardLimitPercent", "COMPlus_GCHeapHardLimit", "COMPlus_GCHeapHardLimitPercent"];

    /// <summary>
    /// Lowers the collector's limit to that of <see cref="For"/>. Call it before anything large is allocated. A limit that the environment
    /// sets stays as it is.
    /// </summary>
    public static void Apply()
    {
        var defaultLimit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var limit = For(defaultLimit);
        if (limit < defaultLimit && !_overrides.Any(name => Environment.GetEnvironmentVariable(name) is not null))
        {
            AppContext.SetData("GCHeapHardLimit", (ulong)limit);
            GC.RefreshMemoryLimit();
        }
    }

    /// <summary>
    /// The collector's limit: 85 % of the container's limit minus the rest of the process, at least 48 MiB and at most the default.
    /// </summary>
    /// <param name="defaultLimit">The limit by default: three quarters of the container's.</param>
    public static long For(long defaultLimit) =>
        Math.Min(defaultLimit, Math.Max(48 * MiB, (long)(defaultLimit / 0.75 * 0.85) - Rest));
}
