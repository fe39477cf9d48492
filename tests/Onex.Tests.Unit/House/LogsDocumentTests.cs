using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace Onex.Tests.Unit.House;

/// <summary><c>docs/logs.md</c> lists every log line. Each is a generated method with an id in the range of its project.</summary>
public sealed partial class LogsDocumentTests
{
    // The first id of each project; a range has a thousand ids.
    private static readonly (string Project, int First)[] _ranges =
    [
        ("Onex.Orchestrator", 1000), ("Onex.Effects", 2000), ("Onex.Workers", 3000), ("Onex.Kafka", 4000), ("Onex.Persistence", 5000),
        ("Onex.Hosting", 6000), ("Onex.Runtime", 7000),
    ];

    private const BindingFlags AllMethods =
        BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly List<Line> _lines = [.. Projects().SelectMany(FindLines)];

    [Fact]
    public void The_document_lists_every_log_line_with_its_id()
    {
        var text = new StringBuilder("""
            # Logs

            Every line that Onex itself logs. Generated from the log methods, and compared with them by a test. To update this file, run
            that test with `ONEX_GOLDEN=update`.

            With `ONEX_LOG_FORMAT=json` a line has `timestamp`, `level`, `category` (the class that logs), `message`, and the id as
            `event_id`; lines about a saga have its `saga_id`, `correlation_id` and `contract`. An id keeps its meaning; a text may change.
            Lines without an id come from libraries: ASP.NET Core, MassTransit, Npgsql.

            Each project has a range of a thousand ids.

            """).Append('\n');
        foreach (var (project, first) in _ranges)
        {
            text.Append("## ").Append(project).Append(" (").Append(first).Append(")\n\n");
            text.Append(GeneratedDocument.Table("id | level | message | meaning", _lines.Where(line => line.Project == project)
                .OrderBy(line => line.Id)
                .Select(line => $"{line.Id} | {line.Level} | `{line.Message}` | {GeneratedDocument.Cell(line.Meaning)}")));
            text.Append('\n');
        }

        GeneratedDocument.Verify("logs.md", text.ToString().TrimEnd('\n') + "\n");
    }

    [Fact]
    public void Every_log_line_has_a_unique_id_in_the_range_of_its_project()
    {
        Assert.All(_lines, line =>
        {
            var first = _ranges.Single(range => range.Project == line.Project).First;
            Assert.True(
                line.Id >= first && line.Id < first + 1000, $"{line.Project}: {line.Message}: give it an id from {first} to {first + 999}");
        });
        Assert.Empty(_lines.GroupBy(line => line.Id).Where(group => group.Count() > 1)
            .Select(group => $"{group.Key} is given to {string.Join(" and ", group)}"));
    }

    [Fact]
    public void Every_project_that_logs_has_a_range_of_ids() => Assert.Empty(
        Directory.EnumerateFiles(Repository.At("src"), "*.cs", SearchOption.AllDirectories)
            .Where(
                path => !path.Contains("/obj/", StringComparison.Ordinal) && File.ReadAllText(path).Contains(
                    "[LoggerMessage(", StringComparison.Ordinal))
            .Select(path => Path.GetRelativePath(Repository.At("src"), path).Split('/')[0])
            .Except(_ranges.Select(range => range.Project)));

    [Fact]
    public void Every_log_call_is_a_generated_method() => Assert.Empty(
        Directory.EnumerateFiles(Repository.At("src"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(path => File.ReadLines(path).Select((line, index) => (line, index))
                .Where(entry => DirectLogCall().IsMatch(entry.line))
                .Select(entry => $"{Path.GetRelativePath(Repository.Root, path)}:{entry.index + 1}: "
                    + "log through a [LoggerMessage] method with an id (Log.cs of its project)")));

    private static IEnumerable<(string Project, Assembly Assembly)> Projects() => _ranges.Select(range =>
        (range.Project, Assembly.Load(range.Project == "Onex.Runtime" ? "onex" : range.Project)));

    private static IEnumerable<Line> FindLines((string Project, Assembly Assembly) project) => project.Assembly.GetTypes()
        .SelectMany(type => type.GetMethods(AllMethods))
        .Select(method => (method, attribute: method.GetCustomAttribute<LoggerMessageAttribute>()))
        .Where(found => found.attribute is not null)
        .Select(found => new Line(
            project.Project, found.attribute!.EventId, found.attribute.Level, found.attribute.Message, DocComments.Read(found.method)));

    private sealed record Line(string Project, int Id, LogLevel Level, string Message, string Meaning);

    [GeneratedRegex(
        @"ogger\.Log(Trace|Debug|Information|Warning|Error|Critical)?\(", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DirectLogCall();
}
