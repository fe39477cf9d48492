using System.Diagnostics;
using Onex.Tests.Support;

namespace Onex.Benchmarks.Report;

/// <summary>
/// Measures again what docs/performance.md shows: below a comment <c>bench: COMMAND</c> the document has a block with the output of the
/// command, which this replaces.
/// </summary>
internal static class PerformanceReport
{
    private const string CommentStart = "<!-- bench: ";
    private const string CommentEnd = " -->";
    private const string BlockStart = "```text";
    private const string BlockEnd = "```";

    /// <summary>The name in the document for the folder of <c>--against</c>.</summary>
    private const string Folder = "FOLDER";

    public static async Task<int> RunAsync(string[] options)
    {
        var only = BenchmarkOptions.Text(options, "--only");
        var against = BenchmarkOptions.Text(options, "--against");
        var path = Repository.At("docs", "performance.md");
        List<string> lines = [.. await File.ReadAllLinesAsync(path)];
        for (var i = 0; i < lines.Count; i++)
        {
            if (CommandOf(lines[i]) is not { } command || (only is not null && !command.Contains(only, StringComparison.Ordinal)))
            {
                continue;
            }

            if (command.Contains(Folder, StringComparison.Ordinal) && against is null)
            {
                await Console.Error.WriteLineAsync($"left out, because it needs --against {Folder}: {command}");
                continue;
            }

            await Console.Error.WriteLineAsync($"running: {command}");
            var output = await OutputOfAsync(command.Replace(Folder, against, StringComparison.Ordinal));
            var begin = lines.IndexOf(BlockStart, i) + 1;
            lines.RemoveRange(begin, lines.IndexOf(BlockEnd, begin) - begin);
            lines.InsertRange(begin, output.Trim('\n').Split('\n').Select(line => line.TrimEnd()));

            // After each command, so that a later failure loses nothing.
            await File.WriteAllLinesAsync(path, lines);
        }

        return 0;
    }

    private static string? CommandOf(string line) =>
        line.StartsWith(CommentStart, StringComparison.Ordinal) && line.EndsWith(CommentEnd, StringComparison.Ordinal)
            ? line[CommentStart.Length..^CommentEnd.Length]
            : null;

    // Progress goes to the standard error stream, which is passed through.
    private static async Task<string> OutputOfAsync(string command)
    {
        var start = new ProcessStartInfo("bash")
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(command);
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"'{command}' ended with exit code {process.ExitCode}. Its errors are above.");
    }
}
