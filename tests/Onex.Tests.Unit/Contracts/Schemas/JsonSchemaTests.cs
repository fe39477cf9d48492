using Onex.Contracts.Schemas;

namespace Onex.Tests.Unit.Contracts.Schemas;

public sealed class JsonSchemaTests
{
    [Theory]
    [InlineData("{type: string}", "\"a\"", "1: must be a string, not an integer")]
    [InlineData("{type: integer}", "3.0", "3.5: must be an integer, not a number")]
    [InlineData("{type: number}", "3", "\"3\": must be a number, not a string")]
    [InlineData("{type: [string, 'null']}", "null", "true: must be null or a string, not a boolean")]
    [InlineData("{type: array}", "[]", "{}: must be an array, not an object")]
    [InlineData("{enum: [a, 1, {b: 2}]}", "{\"b\": 2.0}", "\"c\": must be one of \"a\", 1, {\"b\":2}")]
    [InlineData("{const: null}", "null", "0: must be null")]
    [InlineData("{minimum: 1}", "1", "0: must be at least 1")]
    [InlineData("{maximum: 1}", "1", "1.5: must be at most 1")]
    [InlineData("{exclusiveMinimum: 1}", "1.1", "1: must be more than 1")]
    [InlineData("{exclusiveMaximum: 1}", "0", "1: must be less than 1")]
    [InlineData("{multipleOf: 0.1}", "0.3", "0.35: must be a multiple of 0.1")]
    [InlineData("{multipleOf: 5}", "10", "11: must be a multiple of 5")]
    [InlineData("{minLength: 2}", "\"ab\"", "\"😀\": must have at least 2 characters")]
    [InlineData("{maxLength: 1}", "\"😀\"", "\"ab\": must have at most 1 character")]
    [InlineData("{pattern: '^a+$'}", "\"aa\"", "\"ab\": must match the pattern ^a+$")]
    [InlineData("{minItems: 1}", "[1]", "[]: must have at least 1 item")]
    [InlineData("{maxItems: 1}", "[1]", "[1,2]: must have at most 1 item")]
    [InlineData("{uniqueItems: true}", "[1,2]", "[{\"a\":1},{\"a\":1.0}]: has an item twice")]
    [InlineData("{minProperties: 1}", "{\"a\":1}", "{}: must have at least 1 field")]
    [InlineData("{maxProperties: 1}", "{\"a\":1}", "{\"a\":1,\"b\":1}: must have at most 1 field")]
    [InlineData("{required: [a]}", "{\"a\":null}", "{}: needs 'a'")]
    [InlineData(
        "{properties: {order: {}}, additionalProperties: false}",
        "{\"order\":1}",
        "{\"ordre\":1}: has no field 'ordre'; did you mean 'order'?")]
    [InlineData("{format: uuid}", "\"123e4567-e89b-12d3-a456-426614174000\"", "\"123\": must be a uuid")]
    [InlineData("{format: date-time}", "\"2026-01-02T03:04:05Z\"", "\"2 May\": must be a date-time")]
    [InlineData("{format: date}", "\"2026-02-28\"", "\"2026-02-30\": must be a date")]
    [InlineData("{format: email}", "\"a@b.ch\"", "\"a\": must be an email")]
    [InlineData("{format: whatever}", "\"a\"", null)]
    [InlineData("{anyOf: [{type: string}, {minimum: 3}]}", "4", "2: fits none of the forms that are allowed (anyOf)")]
    [InlineData("{oneOf: [{minimum: 1}, {minimum: 3}]}", "2", "4: fits more than one of the forms that are allowed (oneOf)")]
    [InlineData("{allOf: [{minimum: 1}, {maximum: 3}]}", "2", "4: must be at most 3")]
    [InlineData("{not: {type: string}}", "1", "\"a\": has a form that is not allowed (not)")]
    [InlineData("{$ref: '#/$defs/a', $defs: {a: {type: string}}}", "\"a\"", "1: must be a string, not an integer")]
    [InlineData("true", "1", null)]
    public void A_keyword_accepts_valid_values_and_reports_others(string schema, string valid, string? invalidAndProblem)
    {
        var compiled = Schema(schema);

        Assert.Empty(compiled.Validate(Json(valid), out _));
        if (invalidAndProblem is not null)
        {
            var parts = invalidAndProblem.Split(": ", 2);
            Assert.Equal(new SchemaProblem("", parts[1]), compiled.Validate(Json(parts[0]), out _).Single());
        }
    }

    [Fact]
    public void Every_problem_has_its_position()
    {
        var schema = Schema("{properties: {'a/b': {type: array, items: {required: [x~], properties: {n: {type: integer}}}}}}");

        Assert.Equal(
            ["/a~1b/0 needs 'x~'", "/a~1b/1/n must be an integer, not a string"],
            schema.Validate(Json("""{"a/b": [{}, {"x~": 1, "n": "1"}]}"""), out _).Select(problem => problem.ToString()));
    }

    [Fact]
    public void Numbers_take_the_type_of_the_schema()
    {
        var schema = Schema(
            "{properties: {price: {type: number}, count: {type: integer}, either: {type: [integer, number]}, free: {}, deep: {anyOf: "
                + "[{type: string}, {properties: {n: {type: number}}}]}}}");

        schema.Validate(Json("""{"price": 3, "count": 3.0, "either": 3, "free": 3, "deep": {"n": 1}, "other": 3}"""), out var converted);

        Assert.Equal(
            ["price Double", "count Int", "either Int", "free Int", "deep Map", "other Int"],
            converted.AsMap().Select(entry => $"{entry.Key} {entry.Value.Kind}"));
        Assert.True(converted.TryGetField("deep", out var deep) && deep.TryGetField("n", out var n) && n.Kind == CelKind.Double);
    }

    [Fact]
    public void A_schema_may_reference_itself()
    {
        var tree = Schema("{type: object, properties: {children: {type: array, items: {$ref: '#'}}}, required: [name]}");

        Assert.Empty(tree.Validate(Json("""{"name": "a", "children": [{"name": "b", "children": []}]}"""), out _));
        Assert.Equal("/children/0", tree.Validate(Json("""{"name": "a", "children": [{}]}"""), out _).Single().Pointer);
    }

    [Theory]
    [InlineData("{$ref: '#'}")]
    [InlineData("{anyOf: [{$ref: '#'}, {$ref: '#'}]}")]
    [InlineData("{allOf: [{$ref: '#'}, {$ref: '#'}]}")]
    [InlineData("{not: {not: {$ref: '#'}}}")]
    public void A_value_of_an_endlessly_recursive_schema_is_invalid(string schema) =>
        Assert.NotEmpty(Schema(schema).Validate(Json("1"), out _));

    [Fact]
    public void At_most_twenty_problems_are_reported()
    {
        Assert.Equal(
            20, Schema("{items: {type: string}}").Validate(Json($"[{string.Join(',', Enumerable.Repeat('1', 100))}]"), out _).Count);
    }

    internal static JsonSchema Schema(string yaml) =>
        TestContracts.Compile($"initial: done\nstates:\n  done: {{ end: completed }}\noutput: {yaml}\n").Output!;

    internal static CelValue Json(string text) => CelValue.FromJson(Encoding.UTF8.GetBytes(text));
}
