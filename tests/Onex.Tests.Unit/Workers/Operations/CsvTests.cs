using CsCheck;

namespace Onex.Tests.Unit.Workers.Operations;

public sealed class CsvTests
{
    [Theory]
    [InlineData(
        """{"text":"a,b\r\n1,\"x, \"\"y\"\"\"\r\n\r\n,\"two\nlines\""}""",
        """{"columns":["a","b"],"rows":[{"a":"1","b":"x, \"y\""},{"a":"","b":"two\nlines"}],"count":2}""")]
    [InlineData(
        """{"text":"1;2\n","delimiter":";","columns":["a","b"]}""", """{"columns":["a","b"],"rows":[{"a":"1","b":"2"}],"count":1}""")]
    [InlineData("""{"text":""}""", """{"columns":[],"rows":[],"count":0}""")]
    public Task Rows_are_read(string arguments, string expected) => ComputeHarness.CompletesAsync("csv.parse", arguments, expected);

    [Theory]
    [InlineData("""{"text":"a,b\n1"}""", "line 2 has 1 value for 2 columns")]
    [InlineData("""{"text":"a,a\n1,2"}""", "the column 'a' is there twice")]
    [InlineData("""{"text":"a\nx\"y"}""", "line 2 has a quote in the wrong place")]
    [InlineData("""{"text":"a","delimiter":"||"}""", "'delimiter'")]
    public Task Malformed_text_is_rejected(string arguments, string messagePart) =>
        ComputeHarness.RejectsAsync("csv.parse", arguments, "arguments_invalid", messagePart);

    [Theory]
    [InlineData(
        """{"rows":[{"a":1,"b":"x, \"y\""},{"b":null,"c":[1.5,true]}]}""",
        """{"text":"a,b,c\r\n1,\"x, \"\"y\"\"\",\r\n,,\"[1.5,true]\"\r\n"}""")]
    [InlineData("""{"rows":[{"a":1,"b":2}],"columns":["b"],"delimiter":"\t"}""", """{"text":"b\r\n2\r\n"}""")]
    [InlineData("""{"rows":[{"a":"=1+1"}],"escape_formulas":true}""", """{"text":"a\r\n\"'=1+1\"\r\n"}""")]
    [InlineData("""{"rows":[{"a":"=1+1"}]}""", """{"text":"a\r\n=1+1\r\n"}""")]
    public Task Rows_are_written(string arguments, string expected) => ComputeHarness.CompletesAsync("csv.format", arguments, expected);

    [Fact]
    public async Task Rows_that_are_written_are_read_back_unchanged() =>
        await Gen.Int[0, 8].Select(i => "a,;\"\r\n =ü"[i..(i + 1)]).Array[1, 6].Select(string.Concat).Array[3].Array[1, 10]
            .SampleAsync(async rows =>
            {
                var written = await ComputeHarness.ResultOfAsync(
                    "csv.format", JsonSerializer.Serialize(new { rows = rows.Select(row => new { a = row[0], b = row[1], c = row[2] }) }));
                var read = await ComputeHarness.ResultOfAsync("csv.parse", written);

                using var result = JsonDocument.Parse(read);
                Assert.Equal(
                    rows.SelectMany(row => row),
                    result.RootElement.GetProperty("rows").EnumerateArray().SelectMany(row =>
                        row.EnumerateObject().Select(value => value.Value.GetString()!)));
            }, iter: 200);
}
