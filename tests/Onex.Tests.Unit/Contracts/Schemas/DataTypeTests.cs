using Onex.Contracts.Schemas;

namespace Onex.Tests.Unit.Contracts.Schemas;

public sealed class DataTypeTests
{
    [Theory]
    [InlineData("string", "\"a\"", CelKind.String)]
    [InlineData("bool", "true", CelKind.Bool)]
    [InlineData("int", "3.0", CelKind.Int)]
    [InlineData("double", "3", CelKind.Double)]
    [InlineData("bytes", "\"YWI=\"", CelKind.Bytes)]
    [InlineData("timestamp", "\"2026-01-02T03:04:05+01:00\"", CelKind.Timestamp)]
    [InlineData("duration", "\"90s\"", CelKind.Duration)]
    [InlineData("any", "{}", CelKind.Map)]
    [InlineData("int?", "null", CelKind.Null)]
    [InlineData("int?", "1", CelKind.Int)]
    [InlineData("list(map(double?))", "[{\"a\": 1}]", CelKind.List)]
    [InlineData("{ a: int, b: list({ c: string }) }", "{\"a\": 1, \"b\": [{\"c\": \"x\"}], \"d\": 1}", CelKind.Map)]
    public void A_value_is_converted_to_its_type(string type, string json, CelKind kind)
    {
        Assert.True(Type(type).TryConvert(Json(json), out var converted, out _));
        Assert.Equal(kind, converted.Kind);
    }

    [Theory]
    [InlineData("string", "1", "must be string, not an integer")]
    [InlineData("int", "1.5", "must be int, not a number")]
    [InlineData("timestamp", "\"today\"", "must be timestamp, not a string")]
    [InlineData("list(int)", "[1, \"a\"]", "/1 must be int, not a string")]
    [InlineData("map(list(int))", "{\"a\": [null]}", "/a/0 must be int, not null")]
    [InlineData("{ a: { b: int } }", "{\"a\": {}}", "/a needs 'b' (int)")]
    [InlineData("{ a: int }", "3", "must be an object, not an integer")]
    public void A_value_of_another_type_is_reported_with_its_position(string type, string json, string expected)
    {
        Assert.False(Type(type).TryConvert(Json(json), out _, out var problem));
        Assert.Equal(expected, problem!.ToString());
    }

    [Fact]
    public void A_missing_optional_field_becomes_null_and_undeclared_fields_are_kept()
    {
        Assert.True(Type("{ a: int? }").TryConvert(Json("""{"b": 1}"""), out var converted, out _));

        Assert.Equal(["a Null", "b Int"], converted.AsMap().Select(entry => $"{entry.Key} {entry.Value.Kind}"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("list")]
    [InlineData("list(int")]
    [InlineData("int)")]
    [InlineData("int int")]
    [InlineData("{ a int }")]
    [InlineData("{ a: int")]
    [InlineData("map(string, int)")]
    public void An_invalid_type_is_an_error(string text)
    {
        Assert.False(DataTypeReader.TryParse(text, out _, out var problem));
        Assert.NotEmpty(problem);
    }

    [Fact]
    public void Excessive_nesting_is_an_error()
    {
        Assert.False(DataTypeReader.TryParse(string.Concat(Enumerable.Repeat("list(", 100_000)), out _, out var problem));
        Assert.Equal("it is nested too deep", problem);
    }

    private static DataType Type(string text) => DataTypeReader.Parse(text);

    private static CelValue Json(string text) => CelValue.FromJson(Encoding.UTF8.GetBytes(text));
}
