using System.Text.Json;
using Onex.Engine.Examples;

namespace Onex.Runtime.Commands;

/// <summary>Formats the results of a contract's examples as text and JSON.</summary>
internal static class ExamplesView
{
    /// <summary>A line per example, then the coverage.</summary>
    public static IEnumerable<string> Lines(ExamplesReport report)
    {
        yield return $"{report.Plan.Name} {report.Plan.Version}";
        foreach (var example in report.Examples)
        {
            yield return $"  {(example.Problems.Count == 0 ? "ok    " : "failed")}  {TableOutput.EscapeControls(example.Name)}";
        }

        var parts = Parts(report.Coverage).Where(part => part.Value.All > 0).ToList();
        yield return "  covered: " + string.Join(", ", parts.Select(part => $"{part.Value.Covered}/{part.Value.All} {part.Name}"));
        foreach (var (name, part) in parts)
        {
            foreach (var missing in part.Missing)
            {
                yield return $"  not covered: {name}: {TableOutput.EscapeControls(missing)}";
            }
        }
    }

    /// <summary>Writes the results as members of a JSON object.</summary>
    public static void Write(Utf8JsonWriter writer, ExamplesReport report)
    {
        writer.WriteString("contract", report.Plan.Name);
        writer.WriteString("version", report.Plan.Version);
        writer.Objects("examples", report.Examples, example =>
        {
            writer.WriteString("name", example.Name);
            writer.WriteBoolean("ok", example.Problems.Count == 0);
            writer.Texts("problems", example.Problems.Select(problem => problem.What));
        });
        writer.WriteStartObject("coverage");
        foreach (var (name, part) in Parts(report.Coverage))
        {
            writer.WriteStartObject(name);
            writer.WriteNumber("covered", part.Covered);
            writer.WriteNumber("all", part.All);
            writer.Texts("missing", part.Missing);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static IEnumerable<(string Name, CoveredPart Value)> Parts(Coverage coverage) =>
    [
        ("states", coverage.States), ("transitions", coverage.Transitions), ("guards", coverage.Guards),
        ("compensations", coverage.Compensations),
    ];
}
