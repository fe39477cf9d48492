using Json.Schema;
using Onex.Contracts.Diagnostics;

namespace Onex.Tests.Unit.Contracts.Schemas;

/// <summary>
/// Validates generated values against generated schemas with Onex and with JsonSchema.Net: both accept the same values. Leaves out patterns
/// that count characters, because JsonSchema.Net counts UTF-16 units, while JSON Schema 2020-12 counts code points (section 6.3.3).
/// <c>FormatTests</c> covers formats.
/// </summary>
public sealed class SchemaOracleTests
{
    private static readonly string[] _scalars =
    [
        "null", "true", "false", "0", "1", "-1", "2", "3", "1.0", "1.5", "-0.5", "1e1", "9007199254740993", "\"\"", "\"a\"", "\"b\"",
        "\"ab\"", "\"1\"",
        "\"\\ud83d\\ude00\"", "\"A_\"",
    ];

    private static readonly string[] _names = ["a", "b", "ab", "\\u00e9"];
    private static readonly string[] _types = ["null", "boolean", "integer", "number", "string", "array", "object"];
    private static readonly string[] _patterns = ["a", "^a", "b$", "^[ab]*$", "^[ab]{2}$", "[^a]", "^a?b?$", "^\\\\w+$", "\\\\d"];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_value_is_valid_exactly_when_another_engine_accepts_it(int seed)
    {
        var random = new Random(seed);
        var (schemas, validValues) = (0, 0);
        for (var i = 0; i < 800; i++)
        {
            var text = Schema(random, 3);
            var compiled = TestContracts.Check(TestContracts.Head + $"initial: done\nstates:\n  done: {{ end: failed }}\noutput: {text}\n");
            if (compiled.Diagnostics.Any(diagnostic => diagnostic.Severity == Severity.Error))
            {
                continue;
            }

            schemas++;
            var ownSchema = compiled.Plans.Single().Output!;
            var otherSchema = JsonSchema.FromText(text);
            for (var j = 0; j < 8; j++)
            {
                var value = Value(random, 2);
                using var json = JsonDocument.Parse(value);
                var problems = ownSchema.Validate(CelValue.FromJson(json.RootElement), out _);
                var isValid = otherSchema.Evaluate(json.RootElement).IsValid;
                Assert.True(
                    problems.Count == 0 == isValid,
                    $"{value} in {text} is {(isValid ? "valid" : "invalid")} in JsonSchema.Net; in Onex: {string.Join("; ", problems)}");
                validValues += isValid ? 1 : 0;
            }
        }

        Assert.True(schemas > 500 && validValues > 1000, $"Only {schemas} schemas and {validValues} valid values were compared.");
    }

    private static string Schema(Random random, int depth)
    {
        if (random.Next(12) == 0)
        {
            return random.Next(3) == 0 ? "false" : "true";
        }

        var keywords = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var count = random.Next(1, 4); count > 0; count--)
        {
            var (name, value) = Keyword(random, depth - 1);
            keywords[name] = value;
        }

        return $"{{{string.Join(", ", keywords.Select(keyword => $"\"{keyword.Key}\": {keyword.Value}"))}}}";
    }

    private static (string Name, string Value) Keyword(Random random, int depth)
    {
        string Inner() => Schema(random, depth);
        string List(int min) => $"[{string.Join(", ", Enumerable.Range(0, random.Next(min, 4)).Select(_ => Inner()))}]";
        string Fields(Func<string> value, string[] names) =>
            $"{{{string.Join(", ", Some(random, names).Select(name => $"\"{name}\": {value()}"))}}}";
        string NameList() => $"[{string.Join(", ", Some(random, _names).Select(name => $"\"{name}\""))}]";
        string Count() => random.Next(4).ToString(System.Globalization.CultureInfo.InvariantCulture);
        string Bound() => Pick(random, ["-1", "0", "1", "1.5", "2", "1e0"]);
        return random.Next(depth > 0 ? 34 : 19) switch
        {
            0 or 1 => ("type", $"\"{Pick(random, _types)}\""),
            2 => ("type", $"[{string.Join(", ", Some(random, _types).DefaultIfEmpty("string").Select(type => $"\"{type}\""))}]"),
            3 => ("enum", $"[{string.Join(", ", Enumerable.Range(0, random.Next(1, 4)).Select(_ => Value(random, 1)))}]"),
            4 => ("const", Value(random, 1)),
            5 => ("multipleOf", Pick(random, ["1", "2", "3", "0.5", "1.5", "2.0"])),
            6 => ("minimum", Bound()),
            7 => ("maximum", Bound()),
            8 => ("exclusiveMinimum", Bound()),
            9 => ("exclusiveMaximum", Bound()),
            10 => ("minLength", Count()),
            11 => ("maxLength", Count()),
            12 => ("pattern", $"\"{Pick(random, _patterns)}\""),
            13 => ("minItems", Count()),
            14 => ("maxItems", Count()),
            15 => ("uniqueItems", random.Next(3) == 0 ? "false" : "true"),
            16 => ("minProperties", Count()),
            17 => ("maxProperties", Count()),
            18 => ("required", NameList()),
            19 => ("items", Inner()),
            20 => ("prefixItems", List(1)),
            21 => ("contains", Inner()),
            22 => ("minContains", Count()),
            23 => ("maxContains", Count()),
            24 => ("properties", Fields(Inner, _names)),
            25 => ("patternProperties", Fields(Inner, _patterns)),
            26 => ("additionalProperties", Inner()),
            27 => ("propertyNames", Inner()),
            28 => ("allOf", List(1)),
            29 => ("anyOf", List(1)),
            30 => ("oneOf", List(1)),
            31 => ("not", Inner()),
            32 => (Pick(random, ["if", "then", "else"]), Inner()),
            _ => random.Next(2) == 0 ? ("dependentRequired", Fields(NameList, _names)) : ("dependentSchemas", Fields(Inner, _names)),
        };
    }

    private static string Value(Random random, int depth) => random.Next(depth > 0 ? 7 : 3) switch
    {
        < 3 => Pick(random, _scalars),
        < 5 => $"[{string.Join(", ", Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth - 1)))}]",
        _ => $"{{{string.Join(", ", Some(random, _names).Select(name => $"\"{name}\": {Value(random, depth - 1)}"))}}}",
    };

    private static string Pick(Random random, string[] from) => from[random.Next(from.Length)];

    private static List<string> Some(Random random, string[] from) => from.Where(_ => random.Next(3) == 0).ToList();
}
