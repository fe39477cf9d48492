using Onex.Contracts.Diagnostics;

namespace Onex.Tests.Unit.Contracts;

/// <summary>Bare expressions are YAML first. Where YAML takes them apart, the remedy shows them quoted.</summary>
public sealed class MisreadExpressionTests
{
    [Theory]
    [InlineData("when: \"a\" == input.b", "when: '\"a\" == input.b'")]
    [InlineData("when: input.a ? input.b : input.c", "when: 'input.a ? input.b : input.c'")]
    [InlineData("when: {'a': true}.a", "when: '{''a'': true}.a'")]
    [InlineData("when: input.a == \" #1\"", "'input.a == \" #1\"'")]
    [InlineData("when: {a: 1}", "'{a: 1}'")]
    [InlineData("when: [1, 2]", "'[1, 2]'")]
    public void A_misread_expression_is_shown_quoted(string line, string quoted)
    {
        var diagnostics = Small.Check($"{Small.Head}initial: work\nstates:\n  work:\n    choose:\n      - {line}\n        next: done\n      - next: done\n  done: {{ end: completed }}\n").Diagnostics;

        var diagnostic = Assert.Single(diagnostics);
        Assert.Equal(("ONEX1041", 8, 15), (diagnostic.Code, diagnostic.Line, diagnostic.Column));
        Assert.Equal($"Quote this expression: {quoted}", diagnostic.Remedy);
    }

    [Fact]
    public void A_comma_inside_braces_is_found_out()
    {
        var diagnostic = Assert.Single(Small.Check(
            $"{Small.Head}data:\n  names: string\n  others: string\ninitial: work\nstates:\n  work:\n    steps:\n      - id: a\n        compute: transform\n"
            + "        save: { names: f(a, b, c), others: g(d, e) }\n    next: done\n  done: { end: completed }\n").Diagnostics, each => each.Code == "ONEX1041");

        Assert.Equal("Quote this expression: names: 'f(a, b, c)'", diagnostic.Remedy);
    }

    [Theory]
    [InlineData("    on_event:\n      - { event: go, when: f(a, b), next: done }\n")]
    [InlineData("    choose:\n      - { when: f(a, b), next: done }\n      - { next: done }\n")]
    [InlineData("    steps: [{ wait: { until: f(a, b) } }]\n    next: done\n")]
    [InlineData("    steps: [{ set: { n: f(a, b) } }]\n    next: done\n")]
    public void A_comma_inside_braces_is_found_out_wherever_an_expression_stands(string state)
    {
        var diagnostic = Assert.Single(Small.Check(
            $"{Small.Head}events: {{ go: {{}} }}\nany_state: [{{ event: go, stay: true }}]\ndata: {{ n: any }}\ninitial: work\nstates:\n  work:\n{state}  done: {{ end: completed }}\n").Diagnostics,
            each => each.Severity == Severity.Error);

        Assert.Equal("ONEX1041", diagnostic.Code);
        Assert.EndsWith("'f(a, b)'", diagnostic.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void An_expression_that_begins_with_an_exclamation_mark_is_a_tag_to_yaml()
    {
        var diagnostic = Small.Check($"{Small.Head}initial: work\nstates:\n  work:\n    choose:\n      - when: !input.a\n        next: done\n      - next: done\n  done: {{ end: completed }}\n").Diagnostics[0];

        Assert.Equal("ONEX1002", diagnostic.Code);
        Assert.Contains("quote it", diagnostic.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_comment_behind_an_expression_stays_a_comment()
    {
        Small.Compile("initial: work\nstates:\n  work:\n    choose:\n      - when: input.a == 1 # why\n        next: done\n      - next: done\n  done: { end: completed }\n");
    }

    [Theory]
    [InlineData("when: input.a = 1", 8, 23)]
    [InlineData("when: 'input.a = 1'", 8, 24)]
    [InlineData("when: \"input.a = 1\"", 8, 24)]
    [InlineData("when: 'input.a == ''x'' = 1'", 8, 15)]
    [InlineData("when: >-\n          input.a = 1", 8, 15)]
    public void What_is_wrong_inside_an_expression_is_marked_where_it_stands_as_far_as_that_can_be_told(string line, int expectedLine, int expectedColumn)
    {
        var diagnostic = Assert.Single(Small.Check(
            $"{Small.Head}initial: work\nstates:\n  work:\n    choose:\n      - {line}\n        next: done\n      - next: done\n  done: {{ end: completed }}\n").Diagnostics);

        Assert.Equal(("ONEX1042", expectedLine, expectedColumn), (diagnostic.Code, diagnostic.Line, diagnostic.Column));
    }
}
