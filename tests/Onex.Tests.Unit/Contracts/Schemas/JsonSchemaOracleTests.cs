using System.Collections.ObjectModel;
using System.Reflection;
using System.Text.RegularExpressions;
using Json.Schema;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Yaml;

namespace Onex.Tests.Unit.Contracts.Schemas;

/// <summary>
/// Validates the cases of <see cref="JsonSchemaKeywordTests"/> with the package JsonSchema.Net. The results are the same, except for the
/// exceptions listed here.
/// </summary>
public sealed class JsonSchemaOracleTests
{
    // Why the package gives another result, by a part of the schema or by the instance.
    private static readonly Dictionary<string, string> _exceptions = new(StringComparer.Ordinal)
    {
        ["\"pattern\""] =
            "It matches patterns with .NET, on UTF-16 units. The standard prescribes ECMA-262 (docs/adr/0008-own-pattern-engine.md).",
        ["\"format\":\"ipv4\""] = "It checks a format that Onex ignores.",
        ["[[1,2],[1,2.0]]"] = "It treats 2 and 2.0 as different numbers when it compares lists.",
    };

    private static readonly List<(string Schema, string Instance, bool IsValid)> _cases = [.. Cases()];

    [Fact]
    public void Another_implementation_gives_the_same_result_for_all_other_cases() => Assert.Empty(_cases
        .Where(example => !_exceptions.Keys.Any(part => Contains(example, part)) && Differs(example))
        .Select(example => $"{example.Schema} {example.Instance} {(example.IsValid ? "is valid" : "is invalid")} only in Onex"));

    [Fact]
    public void Every_exception_still_gives_another_result() => Assert.All(
        _exceptions.Keys,
        part => Assert.Contains(_cases, example => Contains(example, part) && Differs(example)));

    private static bool Differs((string Schema, string Instance, bool IsValid) example) =>
        IsValid(example.Schema, example.Instance) != example.IsValid;

    private static bool Contains((string Schema, string Instance, bool IsValid) example, string part) =>
        example.Schema.Contains(part, StringComparison.Ordinal) || example.Instance == part;

    // Null if the package cannot use the schema, because .NET does not accept a pattern in it.
    private static bool? IsValid(string schema, string instance)
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
    private static IEnumerable<(string Schema, string Instance, bool IsValid)> Cases()
    {
        var theory = typeof(JsonSchemaKeywordTests).GetMethod(
            nameof(JsonSchemaKeywordTests.A_keyword_accepts_valid_values_and_rejects_others))!;
        foreach (var row in theory.GetCustomAttributesData().Where(attribute => attribute.AttributeType == typeof(InlineDataAttribute)))
        {
            var cells = ((ReadOnlyCollection<CustomAttributeTypedArgument>)row.ConstructorArguments[0].Value!)
                .Select(cell => (string)cell.Value!)
                .ToList();
            var schema = YamlReader.Read(new SourceFile("schema.yaml", cells[0]), depthMax: 64)!.ToValue().ToString();
            foreach (var (instances, isValid) in ((string, bool)[])[(cells[1], true), (cells[2], false)])
            {
                foreach (var instance in instances.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                {
                    yield return (schema, instance.Replace('\'', '"'), isValid);
                }
            }
        }
    }
}
