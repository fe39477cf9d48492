using System.Globalization;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>What a process has used so far, from <c>/proc</c>.</summary>
/// <param name="CpuSeconds">User and system time.</param>
/// <param name="PeakMebibytes">The peak of its resident memory.</param>
internal sealed record ProcessUsage(double CpuSeconds, double PeakMebibytes)
{
    private const double TicksPerSecond = 100;

    // Indexes of fields that ReadStat returns. The children are those that have ended.
    private const int ParentId = 1;
    private const int UserTicks = 11;
    private const int SystemTicks = 12;
    private const int ChildUserTicks = 13;
    private const int ChildSystemTicks = 14;

    private static readonly string[] _socketTables = ["/proc/net/tcp", "/proc/net/tcp6"];

    public static ProcessUsage Read(int pid)
    {
        var fields = ReadStat(pid)!;
        var peak = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        var kibibytes = double.Parse(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        return new ProcessUsage(Ticks(fields, UserTicks, SystemTicks) / TicksPerSecond, kibibytes / 1024);
    }

    /// <summary>
    /// CPU seconds of a process and of all its children, including ended ones: the usage of a database server, which has a process per
    /// connection.
    /// </summary>
    public static double CpuSecondsOfTree(int pid)
    {
        var ticks = ReadStat(pid) is { } parent ? Ticks(parent, UserTicks, SystemTicks, ChildUserTicks, ChildSystemTicks) : 0;
        foreach (var child in Pids().Where(other => other != pid))
        {
            if (ReadStat(child) is { } fields && fields[ParentId] == pid.ToString(CultureInfo.InvariantCulture))
            {
                ticks += Ticks(fields, UserTicks, SystemTicks);
            }
        }

        return ticks / TicksPerSecond;
    }

    /// <summary>The process on this machine that listens on a TCP port; null if there is none, or if it belongs to another user.</summary>
    public static int? FindListener(int port)
    {
        // Columns of a socket table: the local address is 1, the state 3, the inode 9.
        const string Listening = "0A";
        var sockets = _socketTables.Where(File.Exists).SelectMany(File.ReadLines)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length > 9 && fields[3] == Listening && fields[1].EndsWith($":{port:X4}", StringComparison.Ordinal))
            .Select(fields => $"socket:[{fields[9]}]")
            .ToHashSet();
        return Pids().Where(pid => Sockets(pid).Any(sockets.Contains)).Select(pid => (int?)pid).FirstOrDefault();
    }

    private static IEnumerable<int> Pids() => Directory.EnumerateDirectories("/proc")
        .Select(path => int.TryParse(Path.GetFileName(path), out var pid) ? pid : 0)
        .Where(pid => pid > 0);

    private static List<string> Sockets(int pid)
    {
        try
        {
            return [.. Directory.EnumerateFiles($"/proc/{pid}/fd").Select(file => new FileInfo(file).LinkTarget ?? "")];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // The fields behind the name, which is in brackets and may contain spaces. Null for a process that has ended.
    private static string[]? ReadStat(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static double Ticks(string[] fields, params int[] indexes) =>
        indexes.Sum(index => double.Parse(fields[index], CultureInfo.InvariantCulture));
}
