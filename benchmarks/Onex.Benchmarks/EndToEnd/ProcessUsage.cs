using System.Globalization;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>What a process has used so far, from <c>/proc</c>.</summary>
/// <param name="CpuSeconds">User and system time.</param>
/// <param name="PeakMegabytes">The most memory that it ever had resident.</param>
internal sealed record ProcessUsage(double CpuSeconds, double PeakMegabytes)
{
    private const double TicksPerSecond = 100;

    public static ProcessUsage Of(int pid)
    {
        // The name, in brackets, may hold spaces: count from behind it.
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var ticks = double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture);
        var peak = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        var kilobytes = double.Parse(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        return new ProcessUsage(ticks / TicksPerSecond, kilobytes / 1024);
    }
}
