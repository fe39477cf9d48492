using System.Diagnostics;

namespace Onex.Tests.Support;

/// <summary>
/// Stops what tests started and registered here, even if the test process is killed: a shell waits for the end of its input, which the
/// kernel closes with this process, and then runs the given clean-up.
/// </summary>
public static class Reaper
{
    private const string Script =
        """
        trap '' INT TERM HUP
        declare -A commands
        while IFS=$'\t' read -r id command; do
          if [ -n "$command" ]; then commands[$id]=$command; else unset "commands[$id]"; fi
        done
        for id in "${!commands[@]}"; do eval "${commands[$id]}"; done >/dev/null 2>&1
        """;

    private static readonly Lock _gate = new();
    private static Process? _shell;
    private static int _ids;

    /// <summary>Runs a shell command when this process ends for any reason. Returns the id for its cancellation.</summary>
    public static string AtExit(string command)
    {
        var id = $"c{Interlocked.Increment(ref _ids)}";
        Send($"{id}\t{command}");
        return id;
    }

    /// <summary>Kills a process when this process ends for any reason. Returns the id for its cancellation.</summary>
    public static string KillAtExit(int pid) => AtExit($"kill -KILL {pid}");

    /// <summary>Cancels a registered command.</summary>
    public static void Remove(string id) => Send($"{id}\t");

    private static void Send(string line)
    {
        lock (_gate)
        {
            _shell ??= Process.Start(
                new ProcessStartInfo("/bin/bash", ["-c", Script]) { UseShellExecute = false, RedirectStandardInput = true })
                ?? throw new InvalidOperationException("bash did not start.");
            _shell.StandardInput.WriteLine(line);
            _shell.StandardInput.Flush();
        }
    }
}
