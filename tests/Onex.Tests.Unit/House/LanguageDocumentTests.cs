using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Graphs;
using Onex.Contracts.Text;
using Onex.Tests.Unit.Contracts;

namespace Onex.Tests.Unit.House;

/// <summary>
/// <c>docs/contract-language.md</c> agrees with the compiler: every piece of YAML compiles, and every table equals that of the compiler.
/// </summary>
public sealed partial class LanguageDocumentTests
{
    private static readonly string _document = File.ReadAllText(Repository.At("docs", "contract-language.md"));
    private static readonly Keys[] _maps =
        [.. typeof(Keys).GetProperties(BindingFlags.Public | BindingFlags.Static).Select(map => map.GetValue(null)).OfType<Keys>()];

    // States that a piece of YAML may use without defining them.
    private static readonly (string Name, string Body)[] _impliedStates =
        [("done", "end: completed"), ("unwinding", "compensate: all, next: unwound"), ("unwound", "end: failed")];

    public static TheoryData<int> Pieces => [.. Enumerable.Range(0, Yaml().Count(_document))];

    public static TheoryData<string> Maps => [.. _maps.Select(map => map.Where)];

    public static TheoryData<string, string[]> Places => new()
    {
        { "`key`", [.. ExpressionPlace.Key.Names] },
        { "`with`, `wait`, `set`, `fail`", [.. ExpressionPlace.Step.Names] },
        { "`choose`", [.. ExpressionPlace.Step.Names] },
        { "`save`, `reject`, `compensate`", [.. ExpressionPlace.Result.Names] },
        { "an event's rule", [.. ExpressionPlace.Rule(null).Names] },
        { "`compensate` with `when_unknown: run`", [.. ExpressionPlace.UnknownOutcome.Names] },
        { "`output`, `respond`", [.. ExpressionPlace.Output.Names] },
        { "`save` of an `each`", [.. ExpressionPlace.SaveOfEach(null, null).Names] },
        { "`aggregate` of an `each`", [.. ExpressionPlace.Aggregate(CelType.Dyn, CelType.Dyn).Names] },
    };

    public static TheoryData<string, int> Bounds => new()
    {
        { "Bytes of a file", Limits.FileBytesMax },
        { "Levels of nesting", ContractLimits.Default.Depth },
        { "States", ContractLimits.Default.States },
        { "Steps, all states together", ContractLimits.Default.Steps },
        { "Fields of `data`", Limits.DataFieldsMax },
        { "Events", Limits.EventsMax },
        { "Rules of `any_state` or of one `on_event`", Limits.EventRulesMax },
        { "Files that a contract refers to", Limits.ReferencesMax },
        { "Examples", Limits.ExamplesMax },
        { "Attempts of a retry policy", Limits.AttemptsMax },
        { "Branches of a `parallel`", ContractLimits.Default.Branches },
        { "Items of an `each`", ContractLimits.Default.Items },
        { "Calls of an `each` at the same time", Limits.AtOnceMax },
        { "Items whose `results` an expression reads", Limits.ResultsMax },
        { "Aggregates of an `each`", Limits.AggregatesMax },
        { "Characters of a name", Limits.NameLengthMax },
    };

    [Theory]
    [MemberData(nameof(Pieces))]
    public void Every_YAML_example_compiles_without_diagnostics(int index)
    {
        var compilation = TestContracts.Check(Complete(Piece(index)));

        Assert.Equal("", string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));
    }

    [Fact]
    public void The_drawing_matches_the_example_before_it()
    {
        var path = Repository.At("docs", "contract-language.md");
        var example = Yaml().Matches(_document[.._document.IndexOf("```mermaid", StringComparison.Ordinal)])[^1].Groups["text"].Value;
        var drawing = $"```mermaid\n{ContractGraph.Mermaid(TestContracts.Check(example).Plans.Single())}```";
        if (Repository.Updating)
        {
            File.WriteAllText(path, Drawing().Replace(File.ReadAllText(path), _ => drawing));
        }

        Assert.Contains(drawing, File.ReadAllText(path), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Maps))]
    public void Key_tables_match_the_editor_schema(string where)
    {
        var expected = _maps.Single(map => map.Where == where).All.Select(
            key => ($"`{key.Name}`", $"{(key.Required ? "Required. " : "")}{key.Description}"));
        if (Repository.Updating)
        {
            var path = Repository.At("docs", "contract-language.md");
            var head = $"| {ToMarkdown(where)} | |\n| --- | --- |\n";
            var text = File.ReadAllText(path);
            var start = text.IndexOf(head, StringComparison.Ordinal) + head.Length;
            var end = text.IndexOf("\n\n", start, StringComparison.Ordinal) + 1;
            File.WriteAllText(
                path, text[..start] + string.Concat(expected.Select(row => $"| {row.Item1} | {row.Item2} |\n")) + text[end..]);
        }

        Assert.Equal(expected, Rows(where));
    }

    [Fact]
    public void Planned_features_are_listed() =>
        Assert.Equal(
            _maps.SelectMany(map => map.Unsupported).Distinct().Order(StringComparer.Ordinal),
            Rows("not yet").SelectMany(row => Names(row.First)).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Places))]
    public void The_documented_names_in_scope_are_those_that_can_be_read(string place, string[] expected) =>
        Assert.Equal(expected, Names(Rows("in").Single(row => row.First == place).Second));

    [Theory]
    [MemberData(nameof(Bounds))]
    public void A_documented_limit_is_that_of_the_compiler(string name, int limit) =>
        Assert.Equal(limit.ToString("N0", CultureInfo.InvariantCulture), Rows("what").Single(row => row.First == name).Second);

    [Theory]
    [InlineData("saga")]
    [InlineData("fault")]
    public void The_documented_fields_of_a_name_are_those_of_the_checker(string name)
    {
        // The remedy for an unknown field lists the known ones.
        var unknown = Read($"{name}.nothing").Diagnostics.Single();
        var fields = Rows($"field of `{name}`").ToList();

        Assert.All(fields, field => Assert.Empty(Read($"{name}.{Names(field.First).Single()}").Diagnostics));
        Assert.Equal(
            fields.SelectMany(field => Names(field.First)),
            Identifier().Matches(unknown.Remedy[(unknown.Remedy.LastIndexOf(':') + 1)..]).Select(match => match.Value));

        static Compilation Read(string expression) => TestContracts.Check(
            TestContracts.Head
                + "initial: work\nstates:\n  work: { steps: [{ fail: { code: broken, message: it broke } }], catch: [{ next: out }] }\n"
            + $"  out: {{ end: completed, output: {{ value: \"${{{expression}}}\" }} }}\n");
    }

    [Fact]
    public void Every_table_is_compared_with_the_compiler() => Assert.Empty(
        Header().Matches(_document).Select(match => match.Groups["what"].Value)
            .Except([.. _maps.Select(map => ToMarkdown(map.Where)), "not yet", "in", "what", "field of `saga`", "field of `fault`"]));

    private static string Piece(int index) => Yaml().Matches(_document)[index].Groups["text"].Value;

    // A piece omits the head, and may omit the implied states.
    private static string Complete(string piece)
    {
        if (piece.StartsWith("contract:", StringComparison.Ordinal)
            || piece.StartsWith("# yaml-language-server:", StringComparison.Ordinal))
        {
            return piece;
        }

        var text = new StringBuilder(TestContracts.Head).Append(piece);
        foreach (var (name, state) in _impliedStates)
        {
            var isUsed = text.ToString().Contains($"next: {name}", StringComparison.Ordinal);
            if (isUsed && !piece.Contains($"\n  {name}:", StringComparison.Ordinal))
            {
                text.Append(CultureInfo.InvariantCulture, $"  {name}: {{ {state} }}\n");
            }
        }

        return text.ToString();
    }

    private static IEnumerable<(string First, string Second)> Rows(string title)
    {
        var lines = _document.Split('\n');
        var header = Enumerable.Range(0, lines.Length - 1).FirstOrDefault(
            line => lines[line].StartsWith(
                $"| {ToMarkdown(title)} |", StringComparison.Ordinal) && lines[line + 1].StartsWith("| ---", StringComparison.Ordinal), -1);
        Assert.True(header >= 0, $"There is no table '| {ToMarkdown(title)} |'.");
        return lines.Skip(header + 2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Split('|'))
            .Select(cells => (cells[1].Trim(), cells[2].Trim()));
    }

    // A message quotes with apostrophes, a document with backticks.
    private static string ToMarkdown(string text) => Quoted().Replace(text, "`${name}`");

    private static IEnumerable<string> Names(string cell) => Code().Matches(cell).Select(match => match.Groups["name"].Value);

    [GeneratedRegex(
        @"^```yaml\n(?<text>(?:.*\n)*?)```$", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Yaml();

    [GeneratedRegex(@"^```mermaid\n(?:.*\n)*?```$", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Drawing();

    [GeneratedRegex(@"^\| (?<what>.+?) \|.*\n\| ---", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Header();

    [GeneratedRegex("`(?<name>[^`]+)`", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Code();

    [GeneratedRegex("[a-z_]+", RegexOptions.NonBacktracking)]
    private static partial Regex Identifier();

    [GeneratedRegex(@"'(?<name>\w+)'", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Quoted();
}
