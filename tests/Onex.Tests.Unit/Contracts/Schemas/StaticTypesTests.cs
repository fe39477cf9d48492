using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Schemas;

namespace Onex.Tests.Unit.Contracts.Schemas;

public sealed class StaticTypesTests
{
    private static readonly string[] _types = ["integer", "number", "[integer, number]", "[number, 'null']"];
    private static readonly string[] _numbers = ["3", "3.0", "3.5"];

    [Theory]
    [InlineData("{type: number, allOf: [{type: integer}]}", "double")]
    [InlineData("{type: integer, allOf: [{type: number}]}", "int")]
    [InlineData("{type: integer, anyOf: [{type: number}]}", "int")]
    [InlineData("{type: integer, $ref: '#/$defs/a', $defs: {a: {type: number}}}", "int")]
    [InlineData("{allOf: [{type: number}, {type: number}]}", "double")]
    [InlineData("{allOf: [{type: number}, {type: integer}]}", "dyn")]
    [InlineData("{allOf: [{type: integer}], anyOf: [{type: number}]}", "dyn")]
    [InlineData("{type: [integer, number]}", "dyn")]
    public void A_number_has_the_type_of_its_schema_if_no_part_may_convert_it(string schema, string type) =>
        Assert.Equal(type, StaticTypes.From(JsonSchemaTests.Schema(schema)).ToString());

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_valid_value_has_the_static_type_of_its_schema(int seed)
    {
        var random = new Random(seed);
        var valid = 0;
        for (var i = 0; i < 5_000; i++)
        {
            var defs = string.Join(", ", new[] { "number", "list", "object" }.Select(kind => $"{kind}: {Generate(random, kind, 1, null)}"));
            var text = Generate(random, "object", 3, defs);
            var schema = JsonSchemaTests.Schema(text);
            var value = Value(random, "object");
            if (schema.Validate(JsonSchemaTests.Json(value), out var converted).Count == 0)
            {
                valid++;
                var type = StaticTypes.From(schema);
                Assert.True(HasType(type, converted), $"{value} becomes {converted}, which is not of the type of {text}");
            }
        }

        Assert.True(valid > 500, $"Only {valid} values are valid.");
    }

    private static bool HasType(CelType type, CelValue value) => type switch
    {
        CelType.Basic basic => value.Kind == basic.Kind,
        CelType.ListOf list => value.Kind == CelKind.List && value.AsList().All(item => HasType(list.Item, item)),
        CelType.ObjectOf { Shape: var shape } => value.Kind == CelKind.Map
            && value.AsMap().All(field => shape.Find(field.Key) is not { } known || HasType(known, field.Value)),
        CelType.Nullable nullable => value.IsNull || HasType(nullable.Value, value),
        _ => true,
    };

    private static string Value(Random random, string kind) => kind switch
    {
        "number" => _numbers[random.Next(_numbers.Length)],
        "list" => $"[{Value(random, "number")}, {Value(random, "number")}]",
        _ => $$"""{"a": {{Value(random, "number")}}, "b": {{Value(random, "number")}}, "list": {{Value(random, "list")}}}""",
    };

    // A schema of values of that kind; with definitions if they are given.
    private static string Generate(Random random, string kind, int depth, string? defs)
    {
        var keys = new List<string>();
        if (defs is not null)
        {
            keys.Add($"$defs: {{{defs}}}");
        }

        AddRarely("$ref", () => $"'#/$defs/{kind}'");
        foreach (var keyword in depth > 0 ? ["allOf", "anyOf", "oneOf"] : Array.Empty<string>())
        {
            AddRarely(keyword, () => $"[{Part(kind)}{(random.Next(2) == 0 ? $", {Part(kind)}" : "")}]");
        }

        if (depth > 0)
        {
            AddRarely("if", () => $"{Part(kind)}, then: {Part(kind)}");
        }

        switch (kind)
        {
            case "number" when random.Next(3) > 0:
                keys.Add($"type: {_types[random.Next(_types.Length)]}");
                break;
            case "list":
                keys.Add($"type: array, items: {Part("number")}");
                break;
            case "object":
                keys.Add("type: object");
                if (random.Next(3) > 0)
                {
                    keys.Add($"properties: {{a: {Part("number")}, list: {Part("list")}}}");
                }

                AddRarely("patternProperties", () => $"{{'^{"ab"[random.Next(2)]}$': {Part("number")}}}");
                AddRarely("additionalProperties", () => Part("number"));
                AddRarely("dependentSchemas", () => $"{{b: {Part(kind)}}}");
                break;
        }

        return $"{{{string.Join(", ", keys)}}}";

        string Part(string of) => Generate(random, of, depth - 1, null);

        void AddRarely(string key, Func<string> value)
        {
            if (random.Next(5) == 0)
            {
                keys.Add($"{key}: {value()}");
            }
        }
    }
}
