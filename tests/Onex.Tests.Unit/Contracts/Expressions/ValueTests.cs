using System.Buffers;
using System.Globalization;
using CsCheck;

namespace Onex.Tests.Unit.Contracts.Expressions;

public class ValueTests
{
    [Theory]
    [InlineData("4533000000000000000000.0")]
    [InlineData("4533000000000000000000.00")]
    [InlineData("4.533E+21")]
    public void A_number_halfway_between_two_doubles_rounds_to_even_in_any_notation(string json) =>
        Assert.Equal(4.533e21, CelValue.FromJson(Encoding.UTF8.GetBytes(json)).AsDouble());

    [Theory]
    [InlineData("null")]
    [InlineData("9223372036854775807")]
    [InlineData("-9223372036854775808")]
    [InlineData("1.0")]
    [InlineData("-0.0")]
    [InlineData("0.1")]
    [InlineData("1E+100")]
    [InlineData("5E-324")]
    [InlineData("""{"b":1,"a":[true,false,null,"text \" \\ \n",{}]}""")]
    [InlineData("\"ä 😀 <>&'+\"")]
    public void JSON_survives_a_round_trip(string json) => Assert.Equal(json, Json(CelValue.FromJson(Encoding.UTF8.GetBytes(json))));

    [Theory]
    [InlineData("1", CelKind.Int)]
    [InlineData("1.0", CelKind.Double)]
    [InlineData("1e2", CelKind.Double)]
    [InlineData("9223372036854775808", CelKind.Uint)]
    [InlineData("18446744073709551616", CelKind.Double)]
    public void A_JSON_number_without_fraction_and_exponent_is_an_int_if_it_fits(string json, CelKind kind) =>
        Assert.Equal(kind, CelValue.FromJson(Encoding.UTF8.GetBytes(json)).Kind);

    [Fact]
    public void Every_finite_double_survives_a_round_trip() => Gen.Double.Where(double.IsFinite).Sample(number =>
    {
        var back = CelValue.FromJson(Encoding.UTF8.GetBytes(Json(CelValue.Double(number))));
        return back.Kind == CelKind.Double && BitConverter.DoubleToInt64Bits(back.AsDouble()) == BitConverter.DoubleToInt64Bits(number);
    });

    [Fact]
    public void Times_and_bytes_convert_to_JSON()
    {
        var time = new DateTimeOffset(2030, 1, 31, 13, 0, 0, 250, TimeSpan.FromHours(1));
        Assert.Equal("\"2030-01-31T12:00:00.25Z\"", Json(CelValue.Timestamp(time)));
        Assert.Equal(time, CelValue.Timestamp(time).AsTimestamp());
        Assert.Equal("\"-90.5s\"", Json(CelValue.Duration(TimeSpan.FromSeconds(-90.5))));
        Assert.Equal(TimeSpan.FromSeconds(-90.5), CelValue.Duration(TimeSpan.FromSeconds(-90.5)).AsDuration());
        Assert.Equal("\"/w==\"", Json(CelValue.Bytes([0xFF])));
        Assert.Equal("18446744073709551615", Json(CelValue.Uint(ulong.MaxValue)));
        Assert.Equal(DateTimeOffset.MinValue, CelValue.Timestamp(DateTimeOffset.MinValue).AsTimestamp());
        Assert.Equal(DateTimeOffset.MaxValue, CelValue.Timestamp(DateTimeOffset.MaxValue).AsTimestamp());
    }

    [Theory]
    [InlineData("0.0 / 0.0", "NaN has no JSON")]
    [InlineData("[1.0 / 0.0]", "Infinity has no JSON")]
    [InlineData("{'a': int}", "a type has no JSON")]
    [InlineData("optional.of(1)", "an optional has no JSON")]
    [InlineData("{1: 'a', '1': 'b'}", "two keys of the map are \"1\" in JSON")]
    [InlineData("1 / 0", "division by zero")]
    public void A_value_without_a_JSON_form_is_an_error(string text, string reason)
    {
        using var writer = new Utf8JsonWriter(new ArrayBufferWriter<byte>());
        Assert.False(ExpressionTests.Parse(text).Evaluate(Scope.Empty).TryWriteJson(writer, out var problem));
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("{\"\\udc00\": 1}")]
    [InlineData("[1")]
    [InlineData("")]
    public void JSON_that_is_not_a_value_is_an_error(string json) => Assert.True(CelValue.FromJson(Encoding.UTF8.GetBytes(json)).IsError);

    [Fact]
    public void JSON_that_is_nested_too_deep_is_an_error()
    {
        static string Deep(int levels) => new string('[', levels) + new string(']', levels);
        Assert.Equal(Deep(512), Json(CelValue.FromJson(Encoding.UTF8.GetBytes(Deep(512)))));
        Assert.True(CelValue.FromJson(Encoding.UTF8.GetBytes(Deep(513))).IsError);
        using var document = JsonDocument.Parse(Deep(5_000), new JsonDocumentOptions { MaxDepth = 5_000 });
        Assert.True(CelValue.FromJson(document.RootElement).IsError);
    }

    [Fact]
    public void The_last_of_equal_keys_wins_and_the_order_is_kept()
    {
        var map = CelValue.FromJson("""{"z":1,"a":2,"z":3}"""u8);
        Assert.Equal("""{"z":3,"a":2}""", Json(map));
        Assert.True(map.TryGetField("z", out var value));
        Assert.Equal(3, value.AsInt());
        Assert.False(map.TryGetField("y", out _));
        Assert.False(CelValue.Int(1).TryGetField("y", out _));
    }

    [Fact]
    public void A_large_map_finds_each_of_its_keys()
    {
        var map = CelValue.Map(
            Enumerable.Range(0, 1_000).Select(i => KeyValuePair.Create("k" + i.ToString(CultureInfo.InvariantCulture), CelValue.Int(i))));
        Assert.All(
            Enumerable.Range(0, 1_000),
            i => Assert.True(map.TryGetField("k" + i.ToString(CultureInfo.InvariantCulture), out var value) && value.AsInt() == i));
        Assert.Equal(1_000, map.AsMap().Count());
    }

    [Fact]
    public void Equal_values_have_equal_hashes()
    {
        CelValue[] ones = [CelValue.Int(1), CelValue.Uint(1), CelValue.Double(1)];
        Assert.Single(ones.Distinct());
        Assert.Equal(CelValue.Double(0.0).GetHashCode(), CelValue.Double(-0.0).GetHashCode());
        Assert.Equal(CelValue.Double(double.NaN), CelValue.Double(double.NaN));
        Assert.Equal(CelValue.FromJson("""{"a":[1]}"""u8), CelValue.FromJson("""{"a":[1.0]}"""u8));
    }

    [Fact]
    public void Reading_a_value_as_the_wrong_type_throws()
    {
        Assert.Throws<InvalidOperationException>(() => CelValue.Int(1).AsString());
        Assert.Throws<InvalidOperationException>(() => CelValue.Null.AsList());
        Assert.Equal(CelKind.Null, default(CelValue).Kind);
    }

    private static string Json(CelValue value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (
            var writer = new Utf8JsonWriter(
                buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            Assert.True(value.TryWriteJson(writer, out var problem), problem);
        }

        // Even the relaxed encoder escapes characters above U+FFFF.
        return Encoding.UTF8.GetString(buffer.WrittenSpan).Replace("\\uD83D\\uDE00", "😀", StringComparison.Ordinal);
    }
}
