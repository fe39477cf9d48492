using CsCheck;

namespace Onex.Tests.Unit.Workers.Operations;

public sealed class ListsTests
{
    private static readonly Gen<(string Sku, int Cents)[]> _items =
        Gen.Select(Gen.Int[0, 3].Select(i => "abcd"[i..(i + 1)]), Gen.Int[-50, 50]).Array[0, 40];

    [Theory]
    [InlineData("filter", """{"items":[1,5,3],"where":"item > values.least","values":{"least":2}}""", """{"items":[5,3],"count":2}""")]
    [InlineData("filter", """{"items":["a","b","c"],"where":"index != 1"}""", """{"items":["a","c"],"count":2}""")]
    [InlineData("filter", """{"items":[],"where":"item.x"}""", """{"items":[],"count":0}""")]
    [InlineData("filter", """{"items":[{"a":1.0},{"b":null}],"where":"has(item.a)"}""", """{"items":[{"a":1.0}],"count":1}""")]
    [InlineData("split", """{"items":[1,2,3,4,5],"size":2}""", """{"batches":[[1,2],[3,4],[5]]}""")]
    [InlineData("split", """{"items":[],"size":2}""", """{"batches":[]}""")]
    [InlineData("merge", """{"lists":[[1,2],[],[2]]}""", """{"items":[1,2,2],"count":3}""")]
    [InlineData(
        "merge", """{"lists":[[{"id":1,"n":"a"},{"id":2,"n":"b"}],[{"id":1,"n":"c"},{"id":3,"n":"d"}]],"key":"item.id"}""",
        """{"items":[{"id":1,"n":"c"},{"id":2,"n":"b"},{"id":3,"n":"d"}],"count":3}""")]
    [InlineData(
        "join",
        """{"left":[{"o":1,"c":"x"},{"o":2,"c":"y"},{"o":3}],"right":[{"id":"x"},{"id":"x"}],"left_key":"item.?c","right_key":"item.id"}""",
        """{"rows":[{"left":{"o":1,"c":"x"},"right":{"id":"x"}},{"left":{"o":1,"c":"x"},"right":{"id":"x"}}],"count":2}""")]
    [InlineData(
        "join", """{"left":[1,null],"right":[1.0,null],"left_key":"item","right_key":"item","unmatched":true}""",
        """{"rows":[{"left":1,"right":1.0},{"left":null,"right":null}],"count":2}""")]
    [InlineData(
        "sort",
        """
        {"items":[{"p":2,"n":"b"},{"p":null,"n":"x"},{"p":2,"n":"a"},{"p":1.5,"n":"c"}],
          "by":[{"ascending":"item.p"},{"descending":"item.n"}]}
        """,
        """{"items":[{"p":null,"n":"x"},{"p":1.5,"n":"c"},{"p":2,"n":"b"},{"p":2,"n":"a"}],"count":4}""")]
    // U+1F600 comes after U+FF5E, although its UTF-16 code units do not.
    [InlineData("sort", """{"items":["😀","～","B","a"],"by":[{"descending":"item"}]}""",
        """{"items":["😀","～","a","B"],"count":4}""")]
    public Task A_list_operation_returns_its_result(string operation, string arguments, string expected) =>
        ComputeHarness.CompletesAsync(operation, arguments, expected);

    [Theory]
    [InlineData("filter", """{"items":[1],"where":"item +"}""", "arguments_invalid", "'where' is not an expression")]
    [InlineData("filter", """{"items":[1,"a"],"where":"item > 0"}""", "expression_failed", "'where' of item 1: ")]
    [InlineData("filter", """{"items":[1],"where":"item"}""", "expression_failed", "'where' of item 0: its value must be a bool")]
    [InlineData("filter", """{"items":7,"where":"item"}""", "arguments_invalid", "$.items")]
    [InlineData("split", """{"items":[1],"size":0}""", "arguments_invalid", "'size'")]
    [InlineData("sort", """{"items":[1],"by":[]}""", "arguments_invalid", "at least one key")]
    [InlineData("sort", """{"items":[1],"by":[{}]}""", "arguments_invalid", "either 'ascending' or 'descending'")]
    [InlineData(
        "sort", """{"items":[null,1,"a"],"by":[{"ascending":"item"}]}""",
        "expression_failed", "item 2: its value has no order with that of item 1 (string, int)")]
    [InlineData("aggregate", """{"items":[1],"fields":{"a":{}}}""", "arguments_invalid", "'fields.a' needs exactly one function")]
    [InlineData("aggregate", """{"items":[1],"fields":{"a":{"sum":"1","count":"true"}}}""", "arguments_invalid", "exactly one function")]
    [InlineData("aggregate", """{"items":[1],"fields":{"a":{"median":"item"}}}""", "arguments_invalid", "$.fields.a.median")]
    [InlineData(
        "aggregate", """{"items":[1],"by":{"a":"1"},"fields":{"a":{"sum":"1"}}}""",
        "arguments_invalid", "'a' is a name in 'by' and in 'fields'")]
    [InlineData("aggregate", """{"items":[1,"1e3"],"fields":{"a":{"sum":"item"}}}""", "expression_failed", "'fields.a.sum' of item 1")]
    [InlineData("aggregate", """{"items":[1,"x"],"fields":{"a":{"max":"item"}}}""", "expression_failed", "no order")]
    [InlineData(
        "aggregate", """{"items":[1,true],"fields":{"a":{"min":"item"}}}""",
        "expression_failed", "must be a number or text, not bool")]
    [InlineData(
        "aggregate", """{"items":[9223372036854775807,9223372036854775807,9223372036854775807],"fields":{"a":{"sum":"item"}}}""",
        "expression_failed", "more than 64 bits")]
    public Task Arguments_that_cannot_be_computed_are_rejected(string operation, string arguments, string code, string messagePart) =>
        ComputeHarness.RejectsAsync(operation, arguments, code, messagePart);

    [Fact]
    public Task A_list_is_aggregated_by_groups_and_as_a_whole() => ComputeHarness.CompletesAsync(
        "aggregate",
        """
        {
          "items": [
            {"sku":"a","price":"10.10","n":2}, {"sku":"b","price":"0.30","n":5},
            {"sku":"a","price":"9.95","n":3}, {"sku":"b","price":null,"n":1}
          ],
          "by": {"sku":"item.sku"},
          "fields": {
            "cents":{"sum":"item.price"}, "mean":{"average":"item.price"}, "least":{"min":"item.price"}, "most":{"max":"item.price"},
            "many":{"count":"item.n > values.many"}, "first":{"first":"item.n"}, "last":{"last":"item.n"}, "n":{"distinct":"item.n % 2"}
          },
          "values": {"many":2}
        }
        """,
        """
        {
          "groups": [
            {"sku":"a","cents":"20.05","mean":"10.025","least":"9.95","most":"10.10","many":1,"first":2,"last":3,"n":[0,1]},
            {"sku":"b","cents":"0.30","mean":"0.30","least":"0.30","most":"0.30","many":1,"first":5,"last":1,"n":[1]}
          ],
          "total": {"cents":"20.35","mean":"6.78333333","least":"0.30","most":"10.10","many":2,"first":2,"last":1,"n":[0,1]}
        }
        """);

    [Theory]
    [InlineData("[]", """{"sum":0,"average":null,"min":null,"max":null,"distinct":[],"first":null,"last":null}""")]
    [InlineData("[0.1,0.2]", """{"sum":0.3,"average":0.15,"min":0.1,"max":0.2,"distinct":[0.1,0.2],"first":0.1,"last":0.2}""")]
    [InlineData(
        """["-0.05","0.1"]""",
        """{"sum":"0.05","average":"0.025","min":"-0.05","max":"0.1","distinct":["-0.05","0.1"],"first":"-0.05","last":"0.1"}""")]
    [InlineData("""["9","10",8]""", """{"sum":"27","average":"9","min":8,"max":"10","distinct":["9","10",8],"first":"9","last":8}""")]
    [InlineData("[1,2,2]", """{"sum":5,"average":1.6666666666666667,"min":1,"max":2,"distinct":[1,2],"first":1,"last":2}""")]
    [InlineData(
        "[1e300,1.0,-1e300]",
        """{"sum":1.0,"average":0.3333333333333333,"min":-1e300,"max":1e300,"distinct":[1e300,1.0,-1e300],"first":1e300,"last":-1e300}""")]
    public async Task Aggregates_are_exact(string items, string expected)
    {
        var functions = new[] { "sum", "average", "min", "max", "distinct", "first", "last" };
        var fields = string.Join(',', functions.Select(function => $$"""
            "{{function}}":{"{{function}}":"item"}
            """));

        await ComputeHarness.CompletesAsync(
            "aggregate", $$$"""{"items":{{{items}}},"fields":{{{{fields}}}}}""", $$$"""{"groups":[],"total":{{{expected}}}}""");
    }

    [Fact]
    public Task A_small_average_has_all_digits_of_a_double()
    {
        var zeros = string.Concat(Enumerable.Repeat(",0", 699));
        return ComputeHarness.CompletesAsync(
            "aggregate", $$$$"""{"items":[1{{{{zeros}}}}],"fields":{"a":{"average":"item"}}}""",
            """{"groups":[],"total":{"a":0.0014285714285714286}}""");
    }

    [Fact]
    public Task Text_that_is_no_number_has_a_least_and_a_greatest_value_by_code_point() => ComputeHarness.CompletesAsync(
        "aggregate", """{"items":["10","9","x1"],"fields":{"a":{"min":"item"},"b":{"max":"item"}}}""",
        """{"groups":[],"total":{"a":"10","b":"x1"}}""");

    [Fact]
    public async Task Groups_are_those_of_Linq() => await _items.SampleAsync(async items =>
    {
        var result = await RunAsync<AggregateOutput>(
            "aggregate",
            new
            {
                items = items.Select(item => new { sku = item.Sku, cents = item.Cents, text = $"{item.Cents / 100m:0.00}" }),
                by = new { sku = "item.sku" },
                fields = new
                {
                    sum = new { sum = "item.cents" },
                    exact = new { sum = "item.text" },
                    least = new { min = "item.cents" },
                    count = new { count = "item.cents > 0" },
                },
            });

        Assert.Equal(
            items.GroupBy(item => item.Sku).Select(group => (
                group.Key, (long)group.Sum(item => item.Cents), $"{group.Sum(item => item.Cents) / 100m:0.00}",
                (long)group.Min(item => item.Cents), (long)group.Count(item => item.Cents > 0))),
            result.Groups.Select(group => (group.Sku, group.Sum, group.Exact, group.Least, group.Count)));
    }, iter: 100);

    [Fact]
    public async Task The_order_is_that_of_Linq() => await _items.SampleAsync(async items =>
    {
        var result = await RunAsync<SortOutput>(
            "sort",
            new
            {
                items = items.Select((item, i) => new { sku = item.Sku, cents = item.Cents, place = i }),
                by = new object[] { new { descending = "item.sku" }, new { ascending = "item.cents" } },
            });

        Assert.Equal(
            items.Select((item, i) => (item.Sku, item.Cents, Place: i))
                .OrderByDescending(item => item.Sku, StringComparer.Ordinal).ThenBy(item => item.Cents),
            result.Items.Select(item => (item.Sku, item.Cents, item.Place)));
    }, iter: 100);

    [Fact]
    public async Task Rows_are_those_of_a_join_of_Linq() => await Gen.Select(_items, _items).SampleAsync(async (left, right) =>
    {
        var result = await RunAsync<JoinOutput>(
            "join",
            new
            {
                left = left.Select(item => new { sku = item.Sku, cents = item.Cents }),
                right = right.Select(item => new { sku = item.Sku, cents = item.Cents }),
                left_key = "item.sku",
                right_key = "item.sku",
            });

        Assert.Equal(
            left.Join(right, item => item.Sku, item => item.Sku, (l, r) => (l, r)),
            result.Rows.Select(row => ((row.Left.Sku, row.Left.Cents), (row.Right.Sku, row.Right.Cents))));
    }, iter: 50);

    private static async Task<T> RunAsync<T>(string operation, object arguments) =>
        JsonSerializer.Deserialize<T>(
            await ComputeHarness.ResultOfAsync(operation, JsonSerializer.Serialize(arguments)), JsonSerializerOptions.Web)!;

    private sealed record Item(string Sku, int Cents, int Place);

    private sealed record Group(string Sku, long Sum, string Exact, long Least, long Count);

    private sealed record AggregateOutput(Group[] Groups);

    private sealed record SortOutput(Item[] Items);

    private sealed record Row(Item Left, Item Right);

    private sealed record JoinOutput(Row[] Rows);
}
