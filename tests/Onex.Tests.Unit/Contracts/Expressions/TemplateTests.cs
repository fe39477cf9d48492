namespace Onex.Tests.Unit.Contracts.Expressions;

public class TemplateTests
{
    private static readonly Scope _scope = Scope.Parse(
        """{ "input": { "id": "a/b ü", "total": 1.0, "n": 3, "no": null, "list": [1, 2.0, "x"], "evil": "${input.id}" } }""");

    [Fact]
    public void A_template_inserts_values()
    {
        Assert.Equal(
            CelValue.String("id=a/b ü total=1 n=3 list=[1,2.0,\"x\"]"),
            Text(percentEncoded: false, "id=", "input.id", " total=", "input.total", " n=", "input.n", " list=", "input.list"));
        Assert.Equal(
            CelValue.String("true 2030-01-01T00:00:00Z 90s /w=="),
            Text(percentEncoded: false, "", "true", " ", "timestamp('2030-01-01T00:00:00Z')", " ", "duration('90s')", " ", "b'\\xff'"));
    }

    [Fact]
    public void Values_in_a_path_are_percent_encoded() =>
        Assert.Equal(CelValue.String("/orders/a%2Fb%20%C3%BC?x"), Text(percentEncoded: true, "/orders/", "input.id", "?x", "''"));

    [Fact]
    public void A_single_expression_keeps_its_type() =>
        Assert.Equal(CelKind.Double, new Template.Single(ExpressionTests.Parse("input.total")).Evaluate(_scope).Kind);

    [Fact]
    public void Nothing_is_evaluated_twice() => Assert.Equal(CelValue.String("${input.id}"), Text(percentEncoded: false, "", "input.evil"));

    [Fact]
    public void Lists_and_maps_keep_their_order()
    {
        var template = new Template.Map(
        [
            new("z", new Template.Constant(CelValue.Int(1))),
            new("a", new Template.List([new Template.Single(ExpressionTests.Parse("input.n")), new Template.Constant(CelValue.Null)])),
        ]);
        Assert.Equal("""{"z":1,"a":[3,null]}""", template.Evaluate(_scope).ToString());
    }

    [Theory]
    [InlineData("input.no", "null has no text, in input.no")]
    [InlineData("input.gone", "no such key: gone, in input.gone")]
    [InlineData("optional.of(1)", ".orValue(...), in optional.of(1)")]
    [InlineData("[0.0 / 0.0]", "NaN has no JSON, in [0.0 / 0.0]")]
    public void One_error_fails_the_whole_template(string text, string reason)
    {
        Assert.Contains(reason, Text(percentEncoded: false, "x", text).AsError(), StringComparison.Ordinal);
        var template = new Template.Map(
            [new("a", new Template.List([new Template.Text([new(null, ExpressionTests.Parse(text))], false)]))]);
        Assert.Contains(reason, template.Evaluate(_scope).AsError(), StringComparison.Ordinal);
    }

    // Alternates literals and expressions.
    private static CelValue Text(bool percentEncoded, params string[] parts) => new Template.Text(
        [.. parts.Select(
            (part, i) => i % 2 == 0 ? new TextPart(part, null) : new TextPart(
                null, ExpressionTests.Parse(part)))], percentEncoded).Evaluate(_scope);
}
