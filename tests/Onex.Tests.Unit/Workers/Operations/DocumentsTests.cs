namespace Onex.Tests.Unit.Workers.Operations;

public sealed class DocumentsTests
{
    [Theory]
    // RFC 6902, appendix A.
    [InlineData("""{"foo":"bar"}""", """[{"op":"add","path":"/baz","value":"qux"}]""", """{"foo":"bar","baz":"qux"}""")]
    [InlineData("""{"foo":["bar","baz"]}""", """[{"op":"add","path":"/foo/1","value":"qux"}]""", """{"foo":["bar","qux","baz"]}""")]
    [InlineData("""{"baz":"qux","foo":"bar"}""", """[{"op":"remove","path":"/baz"}]""", """{"foo":"bar"}""")]
    [InlineData("""{"foo":["bar","qux","baz"]}""", """[{"op":"remove","path":"/foo/1"}]""", """{"foo":["bar","baz"]}""")]
    [InlineData("""{"baz":"qux","foo":"bar"}""", """[{"op":"replace","path":"/baz","value":"boo"}]""", """{"baz":"boo","foo":"bar"}""")]
    [InlineData(
        """{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}""",
        """[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]""",
        """{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}""")]
    [InlineData(
        """{"foo":["all","grass","cows","eat"]}""", """[{"op":"move","from":"/foo/1","path":"/foo/3"}]""",
        """{"foo":["all","cows","eat","grass"]}""")]
    [InlineData(
        """{"baz":"qux","foo":["a",2,"c"]}""", """[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]""",
        """{"baz":"qux","foo":["a",2,"c"]}""")]
    [InlineData("""{"foo":["bar"]}""", """[{"op":"add","path":"/foo/-","value":["abc","def"]}]""", """{"foo":["bar",["abc","def"]]}""")]
    [InlineData("""{"/":9,"~1":10}""", """[{"op":"test","path":"/~01","value":10},{"op":"remove","path":"/~1"}]""", """{"~1":10}""")]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"","value":null}]""", "null")]
    [InlineData("""{"a":{"b":1}}""", """[{"op":"copy","from":"/a","path":"/c"},{"op":"replace","path":"/a/b","value":2}]""",
        """{"a":{"b":2},"c":{"b":1}}""")]
    public Task A_patch_changes_the_value(string value, string patch, string expected) => ComputeHarness.CompletesAsync(
        "json.patch", $$"""{"value":{{value}},"patch":{{patch}}}""", $$$"""{"value":{{{expected}}}}""");

    [Theory]
    [InlineData("""{"baz":"qux"}""", """[{"op":"test","path":"/baz","value":"bar"}]""", "patch_failed", "operation 0")]
    [InlineData("""{"foo":"bar"}""", """[{"op":"add","path":"/baz/bat","value":"qux"}]""", "patch_failed", "nothing at 'baz'")]
    [InlineData("""{"a":[1]}""", """[{"op":"add","path":"/a/2","value":1}]""", "patch_failed", "nothing at '2'")]
    [InlineData("""{"a":[1]}""", """[{"op":"remove","path":"/a/00"}]""", "patch_failed", "nothing at '00'")]
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"/b","value":1}]""", "patch_failed", "nothing at 'b'")]
    [InlineData("""{"a":{"b":1}}""", """[{"op":"move","from":"/a","path":"/a/b"}]""", "arguments_invalid", "'path' lies inside 'from'")]
    [InlineData("{}", """[{"op":"spread","path":""}]""", "arguments_invalid", "'op' must be")]
    [InlineData("{}", """[{"op":"add","path":"a","value":1}]""", "arguments_invalid", "begin with '/'")]
    [InlineData("{}", """[{"op":"add","path":"/a"}]""", "arguments_invalid", "'value' is missing")]
    [InlineData("{}", """[{"op":"remove","path":""}]""", "patch_failed", "cannot be removed")]
    public Task A_patch_that_does_not_fit_is_rejected(string value, string patch, string code, string messagePart) =>
        ComputeHarness.RejectsAsync("json.patch", $$"""{"value":{{value}},"patch":{{patch}}}""", code, messagePart);

    [Fact]
    public async Task Copies_of_copies_are_bounded_in_number_and_depth()
    {
        var doubling = string.Join(',', Enumerable.Repeat("""{"op":"copy","from":"","path":"/-"}""", 40));
        var nesting = string.Join(',', Enumerable.Range(0, 8).Select(i => $$"""
            {"op":"copy","from":"","path":"{{string.Concat(Enumerable.Repeat("/0", 1 << i))}}"}
            """));

        await ComputeHarness.RejectsAsync(
            "json.patch", $$"""{"value":[{{string.Join(',', Enumerable.Repeat("1", 1_000))}}],"patch":[{{doubling}}]}""",
            "result_too_large", "the result is larger than");
        await ComputeHarness.RejectsAsync("json.patch", $$"""{"value":[0],"patch":[{{nesting}}]}""", "patch_failed", "nested deeper");
    }

    [Theory]
    // RFC 7396, appendix A.
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""["a","b"]""", """["c","d"]""", """["c","d"]""")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("""[1,2]""", """{"a":"b","c":null}""", """{"a":"b"}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    public Task A_merge_patch_changes_the_value(string value, string patch, string expected) => ComputeHarness.CompletesAsync(
        "json.merge", $$"""{"value":{{value}},"patch":{{patch}}}""", $$$"""{"value":{{{expected}}}}""");

    [Theory]
    [InlineData("""{"type":"object","required":["a"]}""", """{"a":1}""", """{"valid":true,"problems":[]}""")]
    [InlineData("true", "1", """{"valid":true,"problems":[]}""")]
    [InlineData("""{"pattern":"\\A\\x{61}\\z"}""", "\"a\"", """{"valid":true,"problems":[]}""")]
    [InlineData("""{"$ref":"#/$defs/n","$defs":{"n":{"type":"integer"}}}""", "1", """{"valid":true,"problems":[]}""")]
    public Task A_valid_value_has_no_problems(string schema, string value, string expected) =>
        ComputeHarness.CompletesAsync("validate", $$"""{"value":{{value}},"schema":{{schema}}}""", expected);

    [Fact]
    public async Task An_invalid_value_has_problems_with_their_places()
    {
        using var result = JsonDocument.Parse(await ComputeHarness.ResultOfAsync(
            "validate",
            """
            {
              "value":{"lines":[{"n":1},{"n":"x"}]},
              "schema":{"properties":{"lines":{"items":{"properties":{"n":{"type":"integer"}}}}}}
            }
            """));

        Assert.False(result.RootElement.GetProperty("valid").GetBoolean());
        var problem = Assert.Single(result.RootElement.GetProperty("problems").EnumerateArray());
        Assert.Equal("/lines/1/n", problem.GetProperty("pointer").GetString());
    }

    [Theory]
    [InlineData("""{"type":"objekt"}""", "'schema': ")]
    [InlineData("""{"requird":["a"]}""", "requird")]
    [InlineData("""{"$ref":"other.json"}""", "refers to itself only")]
    [InlineData("7", "'schema': ")]
    public Task A_wrong_schema_is_rejected(string schema, string messagePart) =>
        ComputeHarness.RejectsAsync("validate", $$"""{"value":1,"schema":{{schema}}}""", "arguments_invalid", messagePart);
}
