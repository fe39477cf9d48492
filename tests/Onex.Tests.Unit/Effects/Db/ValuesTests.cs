using System.Text.Encodings.Web;
using Onex.Effects.Db;

namespace Onex.Tests.Unit.Effects.Db;

/// <summary>Converts values of the database to JSON and back, without a server.</summary>
public sealed class ValuesTests
{
    private const uint Text = 25;
    private const uint Int4Array = 1007;
    private const uint TextArray = 1009;
    private const uint BoxArray = 1020;
    private const uint JsonbArray = 3807;
    private const uint ByteaArray = 1001;
    private const uint Pair = 20_001;
    private const uint PairArray = 20_002;
    private const uint Positive = 20_003;
    private const uint Box = 603;

    private static readonly TypeCatalogue _types = new(new DbType[]
    {
        new(TypeOids.Int4, "integer", 0, 0, ',', []),
        new(Text, "text", 0, 0, ',', []),
        new(TypeOids.Bytea, "bytea", 0, 0, ',', []),
        new(TypeOids.Jsonb, "jsonb", 0, 0, ',', []),
        new(Box, "box", 0, 0, ';', []),
        new(Int4Array, "integer[]", 0, TypeOids.Int4, ',', []),
        new(TextArray, "text[]", 0, Text, ',', []),
        new(BoxArray, "box[]", 0, Box, ';', []),
        new(JsonbArray, "jsonb[]", 0, TypeOids.Jsonb, ',', []),
        new(ByteaArray, "bytea[]", 0, TypeOids.Bytea, ',', []),
        new(Pair, "pair", 0, 0, ',', [("left", TypeOids.Int4), ("right", TextArray)]),
        new(PairArray, "pair[]", 0, Pair, ',', []),
        new(Positive, "positive", TypeOids.Int4, 0, ',', []),
    }.ToDictionary(type => type.Oid));

    [Theory]
    [InlineData(TypeOids.Bool, "t", "true")]
    [InlineData(TypeOids.Int8, "-9223372036854775808", "-9223372036854775808")]
    [InlineData(TypeOids.Oid, "4294967295", "4294967295")]
    [InlineData(TypeOids.Float8, "5", "5.0")]
    [InlineData(TypeOids.Float8, "-0", "-0.0")]
    [InlineData(TypeOids.Float8, "1.7976931348623157e+308", "1.7976931348623157e+308")]
    [InlineData(TypeOids.Float8, "1e-05", "1e-05")]
    [InlineData(TypeOids.Float4, "NaN", "\"NaN\"")]
    [InlineData(TypeOids.Float4, "-Infinity", "\"-Infinity\"")]
    [InlineData(TypeOids.Numeric, "12.50", "12.50")]
    [InlineData(TypeOids.Numeric, "9223372036854775807", "9223372036854775807")]
    [InlineData(TypeOids.Numeric, "9223372036854775808", "\"9223372036854775808\"")]
    [InlineData(TypeOids.Numeric, "9999999999.99999", "9999999999.99999")]
    [InlineData(TypeOids.Numeric, "99999999999.99999", "\"99999999999.99999\"")]
    [InlineData(TypeOids.Numeric, "0.0000000000000000000000000123456789012345", "0.0000000000000000000000000123456789012345")]
    [InlineData(TypeOids.Numeric, "-0.1234567890123456", "\"-0.1234567890123456\"")]
    [InlineData(TypeOids.Numeric, "NaN", "\"NaN\"")]
    [InlineData(TypeOids.Numeric, "Infinity", "\"Infinity\"")]
    [InlineData(TypeOids.Bytea, "\\x00ff10", "\"AP8Q\"")]
    [InlineData(TypeOids.Bytea, "\\x", "\"\"")]
    [InlineData(TypeOids.Json, " {\"a\": 1, \"a\": 2}", " {\"a\": 1, \"a\": 2}")]
    [InlineData(TypeOids.Json, "\"\\u0000\\ud800\"", "\"\\uFFFD\\uFFFD\"")]
    [InlineData(TypeOids.Timestamp, "2024-02-29 12:34:56.789", "\"2024-02-29T12:34:56.789\"")]
    [InlineData(TypeOids.Timestamp, "0044-03-15 00:00:00 BC", "\"0044-03-15 00:00:00 BC\"")]
    [InlineData(TypeOids.TimestampTz, "2024-02-29 12:34:56+00", "\"2024-02-29T12:34:56Z\"")]
    [InlineData(TypeOids.TimestampTz, "2024-02-29 12:34:56.5-03:30", "\"2024-02-29T12:34:56.5-03:30\"")]
    [InlineData(TypeOids.TimestampTz, "2024-02-29 12:34:56+02", "\"2024-02-29T12:34:56+02:00\"")]
    [InlineData(TypeOids.TimestampTz, "infinity", "\"infinity\"")]
    [InlineData(TypeOids.TimestampTz, "12024-02-29 12:34:56+00", "\"12024-02-29 12:34:56+00\"")]
    [InlineData(Int4Array, "{}", "[]")]
    [InlineData(Int4Array, "{1,NULL,-3}", "[1,null,-3]")]
    [InlineData(Int4Array, "[-1:0]={1,2}", "[1,2]")]
    [InlineData(Int4Array, "{{1,2},{3,4}}", "[[1,2],[3,4]]")]
    [InlineData(
        TextArray,
        "{plain,\"a,b\",\"{}\",\"\",NULL,\"NULL\",\"q\\\"\\\\\"}",
        "[\"plain\",\"a,b\",\"{}\",\"\",null,\"NULL\",\"q\\\"\\\\\"]")]
    [InlineData(BoxArray, "{(1,1),(0,0);(2,2),(0,0)}", "[\"(1,1),(0,0)\",\"(2,2),(0,0)\"]")]
    [InlineData(JsonbArray, "{\"{\\\"a\\\": [1]}\",NULL}", "[{\"a\": [1]},null]")]
    [InlineData(Pair, "(1,\"{a,\"\"b c\"\"}\")", "{\"left\":1,\"right\":[\"a\",\"b c\"]}")]
    [InlineData(Pair, "(,)", "{\"left\":null,\"right\":null}")]
    [InlineData(PairArray, "{\"(1,\\\"{a,b}\\\")\",NULL}", "[{\"left\":1,\"right\":[\"a\",\"b\"]},null]")]
    [InlineData(Positive, "7", "7")]
    [InlineData(99_999u, "whatever {it (is", "\"whatever {it (is\"")]
    [InlineData(Pair, "(1,2,3)", "\"(1,2,3)\"")]
    [InlineData(Int4Array, "{1,2", "\"{1,2\"")]
    [InlineData(Int4Array, "[0:1]", "\"[0:1]\"")]
    public void A_database_value_has_one_JSON_form(uint type, string text, string json) => Assert.Equal(json, Json(type, text));

    [Fact]
    public void JSON_nested_too_deeply_is_returned_as_text()
    {
        var deepest = new string('[', 59) + new string(']', 59);

        Assert.Equal(deepest, Json(TypeOids.Jsonb, deepest));
        Assert.Equal($"\"[{deepest}]\"", Json(TypeOids.Jsonb, $"[{deepest}]"));
    }

    [Fact]
    public void An_array_around_JSON_counts_as_a_level()
    {
        var deepest = new string('[', 58) + new string(']', 58);

        Assert.Equal($"[{deepest}]", Json(JsonbArray, $"{{{deepest}}}"));
        Assert.Equal($"[\"[{deepest}]\"]", Json(JsonbArray, $"{{[{deepest}]}}"));
        Assert.Equal($"[[\"{deepest}\"]]", Json(JsonbArray, $"{{{{{deepest}}}}}"));
    }

    [Theory]
    [InlineData(TypeOids.Int4, "5", "5")]
    [InlineData(TypeOids.Int4, "5.0", "5")]
    [InlineData(TypeOids.Int4, "5e2", "500")]
    [InlineData(TypeOids.Int4, "5.5", "5.5")]
    [InlineData(TypeOids.Int4, "\"7\"", "7")]
    [InlineData(TypeOids.Int4, "null", null)]
    [InlineData(TypeOids.Bool, "true", "true")]
    [InlineData(TypeOids.Numeric, "123456789012345678901234567890.123", "123456789012345678901234567890.123")]
    [InlineData(Text, "\"a\\u00e9\"", "aé")]
    [InlineData(TypeOids.Jsonb, "\"a\"", "\"a\"")]
    [InlineData(TypeOids.Jsonb, "[1, null]", "[1, null]")]
    [InlineData(TypeOids.Jsonb, "null", null)]
    [InlineData(TypeOids.Bytea, "\"AP8Q\"", "\\x00ff10")]
    [InlineData(Int4Array, "[]", "{}")]
    [InlineData(Int4Array, "[1, 2.0, null]", "{\"1\",\"2\",NULL}")]
    [InlineData(Int4Array, "[[1, 2], [3, 4]]", "{{\"1\",\"2\"},{\"3\",\"4\"}}")]
    [InlineData(TextArray, "[\"NULL\", \"a,\\\"\\\\\", \"\"]", "{\"NULL\",\"a,\\\"\\\\\",\"\"}")]
    [InlineData(BoxArray, "[\"((1,1),(0,0))\", null]", "{\"((1,1),(0,0))\";NULL}")]
    [InlineData(JsonbArray, "[[1], {\"a\": \"b\"}]", "{\"[1]\",\"{\\\"a\\\": \\\"b\\\"}\"}")]
    [InlineData(ByteaArray, "[\"AP8Q\"]", "{\"\\\\x00ff10\"}")]
    [InlineData(Pair, "{\"right\": [\"a b\"], \"left\": 1}", "(\"1\",\"{\\\"a b\\\"}\")")]
    [InlineData(Pair, "{\"left\": null}", "(,)")]
    [InlineData(Positive, "3.0", "3")]
    public void A_JSON_value_has_one_database_form(uint type, string json, string? text) =>
        Assert.Equal((text, null), ParameterText.From(JsonElement.Parse(json), type, _types));

    [Theory]
    [InlineData(TypeOids.Int4, "[1]", "is a list, which integer does not accept")]
    [InlineData(Text, "{}", "is an object, which text does not accept")]
    [InlineData(TypeOids.Bytea, "\"no base64!\"", "is not base64, the JSON form of bytea")]
    [InlineData(Text, "\"\\ud800\"", "contains an unpaired surrogate")]
    [InlineData(Text, "\"a\\u0000\"", "contains U+0000, which PostgreSQL does not accept")]
    [InlineData(ByteaArray, "[\"hidden\"]", "has an element that is not base64, the JSON form of bytea")]
    [InlineData(Pair, "{\"hidden\": 1}", "has a key that pair does not have: left, right")]
    [InlineData(Pair, "{\"left\": {}}", "has a field 'left' that is an object, which integer does not accept")]
    public void A_failed_conversion_is_reported_without_the_value(uint type, string json, string problem) =>
        Assert.Equal((null, problem), ParameterText.From(JsonElement.Parse(json), type, _types));

    [Theory]
    [InlineData("SELECT 1", null)]
    [InlineData("(SELECT 1)", null)]
    [InlineData("/* COMMIT */ -- COMMIT\n SELECT 1", null)]
    [InlineData("/* a /* nested */ comment */ commit", "COMMIT")]
    [InlineData(" ;;\n--x\r\nRollback", "ROLLBACK")]
    [InlineData("begin", "BEGIN")]
    [InlineData("COPY t TO STDOUT", "COPY")]
    [InlineData("PREPARE TRANSACTION 'x'", "PREPARE")]
    [InlineData("committee", null)]
    [InlineData("  /* nothing */ ", "no statement")]
    [InlineData("/* not ended", "no statement")]
    [InlineData("-- not ended", "no statement")]
    public void Statements_that_would_end_the_transaction_are_rejected(string sql, string? expected)
    {
        var problem = StatementRules.FindProblem(sql);

        Assert.Equal(expected is null, problem is null);
        Assert.Contains(expected ?? "", problem ?? "", StringComparison.Ordinal);
    }

    private static string Json(uint type, string text)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            ColumnJson.Write(writer, _types, type, text);
        }

        // Throws unless the text is JSON.
        using var parsed = JsonDocument.Parse(stream.ToArray());
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
