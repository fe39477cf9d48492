using System.Text.RegularExpressions;

namespace Onex.Tests.Unit.House;

/// <summary>Rules that no analyzer checks. Each message names the file, the line and the replacement.</summary>
public sealed partial class SourceTests
{
    private const int LinesMax = 600;

    private static readonly string[] _folders = ["src", "tests", "migrations", "benchmarks", "demo"];

    [Fact]
    public void No_file_is_longer_than_the_limit() => Assert.Empty(
        Sources()
            .Where(path => !path.Contains("/Migrations/", StringComparison.Ordinal))
            .Select(path => (Path: path, Lines: File.ReadLines(Repository.At(path)).Count()))
            .Where(file => file.Lines > LinesMax)
            .Select(file => $"{file.Path}:{file.Lines}: over {LinesMax} lines: split it by what it does"));

    [Fact]
    public void Every_TODO_names_its_issue() => Assert.Empty(
        Sources().SelectMany(path => File.ReadLines(Repository.At(path))
            .Select((line, index) => (line, index))
            .Where(entry => LeftToDo().IsMatch(entry.line))
            .Select(entry => $"{path}:{entry.index + 1}: name the issue (#12), or do it")));

    [Fact]
    public void Bus_usage_telemetry_is_disabled()
    {
        var busFiles = Sources()
            .Where(path => path.StartsWith("src/", StringComparison.Ordinal))
            .Select(path => (Path: path, Text: File.ReadAllText(Repository.At(path))))
            .Where(file => file.Text.Contains(".AddMassTransit", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(busFiles);
        Assert.All(busFiles, file => Assert.True(
            file.Text.Contains(
                ".DisableUsageTelemetry()", StringComparison.Ordinal), $"{file.Path}: add DisableUsageTelemetry() to the bus"));
    }

    // "1 contracts" is wrong English. Use Plural.Format for a count that may be 1, or put it behind the words: "live sagas (1)".
    [Fact]
    public void A_counted_noun_is_singular_or_plural() => Assert.Empty(
        Sources().Where(path => path.StartsWith("src/", StringComparison.Ordinal)).SelectMany(path => File.ReadLines(Repository.At(path))
            .Select((line, index) => (line, index))
            .Where(entry => CountedWord().IsMatch(entry.line))
            .Select(entry => $"{path}:{entry.index + 1}: write Plural.Format(count, \"word\") instead of a count and its plural")));

    private static IEnumerable<string> Sources() => _folders
        .Select(folder => Repository.At(folder))
        .Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        .Select(path => Path.GetRelativePath(Repository.Root, path))
        .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    // Split, so that this line does not match itself.
    [GeneratedRegex("\\b(TO" + "DO|FIX" + "ME)\\b(?!.*#[0-9])", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LeftToDo();

    [GeneratedRegex(
        """\{[^{}"]*(\.Count|\.Length|Count\(\)|(?<![A-Za-z])Count|(?<![A-Za-z])[Cc]ount|Sagas)\} """
            + """(more |other |live )?[a-z]+s\b(?<! (is|was|has|does|needs|stays|waits))""",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 5000)]
    private static partial Regex CountedWord();
}
