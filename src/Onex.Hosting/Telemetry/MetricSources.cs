using Onex.Metrics;

namespace Onex.Hosting.Telemetry;

/// <summary>The meters whose metrics are exported.</summary>
internal static class MetricSources
{
    /// <summary>
    /// Their names: Onex itself, the .NET runtime (garbage collector, thread pool, memory and CPU of the process), and the database driver.
    /// Not System.Net.Http, whose labels name every host that an effect calls.
    /// </summary>
    public static string[] All { get; } = [OnexMeter.Name, "System.Runtime", "Npgsql"];
}
