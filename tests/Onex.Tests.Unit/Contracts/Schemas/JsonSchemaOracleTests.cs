using System.Collections.ObjectModel;
using System.Reflection;
using System.Text.RegularExpressions;
using Json.Schema;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Yaml;

namespace Onex.Tests.Unit.Contracts.Schemas;

/// <summary>
/// Validates the cases of the keyword tests with the package JsonSchema.Net: the results are equal, except for the cases named here.
/// </summary>
public sealed class JsonSchemaOracleTests
{
    // Keyed by a part of the schema or of the instance.
    private static readonly Dictionary<string, string> _excused = new(StringComparer.Ordinal)
    {
        ["\"pattern\""] =
            "its patterns are .NET's, on UTF-16 units; those of the standard are ECMA-262's (docs/adr/0008-own-pattern-engine.md)",
        ["\"format\":\"ipv4\""] = "it checks a format that we leave to readers",
        ["[[1,2],[1,2.0]]"] = "it takes 2 and 2.0 for different numbers when it compares lists",
    };

    private static readonly List<(string Schema, string Instance, bool Fits)> _cases = [.. Cases()];

    [Fact]
    public void Another_implementation_agrees_on_all_cases() => Assert.Empty(_cases
        .Where(example => !_excused.Keys.Any(part => Contains(example, part)) && Fits(example.Schema, example.Instance) != example.Fits)
        .Select(example => $"{example.Schema} {example.Instance}: we say {(example.Fits ? "it fits" : "it does not")}"));

    [Fact]
    public void Every_excused_case_still_differs() => Assert.All(
        _excused.Keys,
        part => Assert.Contains(_cases, example => Contains(example, part) && Fits(example.Schema, example.Instance) != example.Fits));

    private static bool Contains((string Schema, string Instance, bool Fits) example, string part) =>
        example.Schema.Contains(part, StringComparison.Ordinal) || example.Instance == part;

    private static bool? Fits(string schema, string instance)
    {
        try
        {
            using var document = JsonDocument.Parse(instance);
            return Json.Schema.JsonSchema.FromText(schema, new BuildOptions { SchemaRegistry = new SchemaRegistry() })
                .Evaluate(document.RootElement, new EvaluationOptions { RequireFormatValidation = true })
                .IsValid;
        }
        catch (RegexParseException)
        {
            return null;
        }
    }

    // The rows of the theory: a schema in YAML, and valid and invalid instances, separated by blanks.
    private static IEnumerable<(string Schema, string Instance, bool Fits)> Cases()
    {
        var theory = typeof(JsonSchemaKeywordTests).GetMethod(
            nameof(JsonSchemaKeywordTests.A_keyword_accepts_valid_values_and_rejects_others))!;
        foreach (var row in theory.GetCustomAttributesData().Where(attribute => attribute.AttributeType == typeof(InlineDataAttribute)))
        {
            var cells = ((ReadOnlyCollection<CustomAttributeTypedArgument>)row.ConstructorArguments[0].Value!)
                .Select(cell => (string)cell.Value!)
                .ToList();
            var schema = YamlReader.Read(new SourceFile("schema.yaml", cells[0]), depthMax: 64)!.ToValue().ToString();
            foreach (var (instances, fits) in ((string, bool)[])[(cells[1], true), (cells[2], false)])
            {
                foreach (var instance in instances.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                {
                    yield return (schema, instance.Replace('\'', '"'), fits);
                }
            }
        }
    }
}
