using Onex.Contracts.Diagnostics;

namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>YAML parses unquoted expressions first. If it misreads one, the remedy shows the expression quoted.</summary>
public sealed class MisreadExpressionTests
{
    [Theory]
    [InlineData("when: \"a\" == input.b", "when: '\"a\" == input.b'")]
    [InlineData("when: input.a ? input.b : input.c", "when: 'input.a ? input.b : input.c'")]
    [InlineData("when: {'a': true}.a", "when: '{''a'': true}.a'")]
    [InlineData("when: input.a == \" #1\"", "'input.a == \" #1\"'")]
    [InlineData("when: {a: 1}", "'{a: 1}'")]
    [InlineData("when: [1, 2]", "'[1, 2]'")]
    public void A_misread_expression_is_reported_with_its_quoted_form(string line, string quoted)
    {
        var diagnostics = TestContracts.Check(
            $"{TestContracts.Head}initial: work\nstates:\n  work:\n    choose:\n      - {line}\n        next: done\n      - next: done\n"
                + "  done: { end: completed }\n").Diagnostics;

        var diagnostic = Assert.Single(diagnostics);
        Assert.Equal(("ONEX1041", 8, 15), (diagnostic.Code, diagnostic.Line, diagnostic.Column));
        Assert.Equal($"Quote this expression: {quoted}", diagnostic.Remedy);
    }

    [Fact]
    public void A_comma_inside_braces_is_reported()
    {
        var diagnostics = TestContracts.Check(
            $"{TestContracts.Head}data:\n  names: string\n  others: string\ninitial: work\nstates:\n  work:\n    steps:\n      - id: a\n"
                + "        compute: transform\n        save: { names: f(a, b, c), others: g(d, e) }\n    next: done\n"
                + "  done: { end: completed }\n").Diagnostics.Where(
                each => each.Code == "ONEX1041");

        Assert.Equal(
            ["Quote this expression: names: 'f(a, b, c)'", "Quote this expression: others: 'g(d, e)'"],
            diagnostics.Select(each => each.Remedy));
    }

    [Theory]
    [InlineData("    on_event:\n      - { event: go, when: f(a, b), next: done }\n")]
    [InlineData("    choose:\n      - { when: f(a, b), next: done }\n      - { next: done }\n")]
    [InlineData("    steps: [{ wait: { until: f(a, b) } }]\n    next: done\n")]
    [InlineData("    steps: [{ set: { n: f(a, b) } }]\n    next: done\n")]
    public void A_comma_inside_braces_is_reported_in_guards_waits_and_assignments(string state)
    {
        var diagnostic = Assert.Single(TestContracts.Check(
            $"{TestContracts.Head}events: {{ go: {{}} }}\nany_state: [{{ event: go, stay: true }}]\ndata: {{ n: any }}\ninitial: work\n"
                + $"states:\n  work:\n{state}  done: {{ end: completed }}\n").Diagnostics,
            each => each.Severity == Severity.Error);

        Assert.Equal("ONEX1041", diagnostic.Code);
        Assert.EndsWith("'f(a, b)'", diagnostic.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void An_expression_that_starts_with_an_exclamation_mark_is_a_YAML_tag()
    {
        var diagnostic = TestContracts.Check(
            $"{TestContracts.Head}initial: work\nstates:\n  work:\n    choose:\n      - when: !input.a\n        next: done\n"
                + "      - next: done\n  done: { end: completed }\n").Diagnostics[0];

        Assert.Equal("ONEX1002", diagnostic.Code);
        Assert.Contains("quote it", diagnostic.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_comment_after_an_expression_stays_a_comment()
    {
        TestContracts.Compile(
            "initial: work\nstates:\n  work:\n    choose:\n      - when: input.a == 1 # why\n        next: done\n      - next: done\n"
                + "  done: { end: completed }\n");
    }

    [Theory]
    [InlineData("when: input.a = 1", 8, 23)]
    [InlineData("when: 'input.a = 1'", 8, 24)]
    [InlineData("when: \"input.a = 1\"", 8, 24)]
    [InlineData("when: 'input.a == ''x'' = 1'", 8, 15)]
    [InlineData("when: >-\n          input.a = 1", 8, 15)]
    public void An_error_inside_an_expression_is_marked_at_its_position_where_possible(
        string line, int expectedLine, int expectedColumn)
    {
        var diagnostic = Assert.Single(TestContracts.Check(
            $"{TestContracts.Head}initial: work\nstates:\n  work:\n    choose:\n      - {line}\n        next: done\n      - next: done\n"
                + "  done: { end: completed }\n").Diagnostics);

        Assert.Equal(("ONEX1042", expectedLine, expectedColumn), (diagnostic.Code, diagnostic.Line, diagnostic.Column));
    }

    // The smallest case of each kind: in braces YAML ends a text at a bracket, a colon or a comma, even if that belongs to the expression.
    [Theory]
    [InlineData("steps: [{ id: a, compute: transform, with: { order: ${input.id} } }]", "order: \"${input.id}\"")]
    [InlineData("steps: [{ set: { n: input.a == \"x\" ? \"a\" : \"b\" } }]", "n: 'input.a == \"x\" ? \"a\" : \"b\"'")]
    [InlineData("on_event: [{ event: go, stay: true, set: { n: data.l + [event.url] } }]", "n: 'data.l + [event.url]'")]
    [InlineData("steps: [{ id: a, compute: transform, returns: list({ id: string }) }]", "returns: 'list({ id: string })'")]
    [InlineData("steps: [{ id: a, compute: transform, with: { list: [${input.id}] } }]", "\"${input.id}\"")]
    [InlineData("choose: [{ when: input.a == 'a, b', next: done }, { next: done }]", "when: 'input.a == ''a, b'''")]
    [InlineData("choose: [{ when: \"a\" in [\"a\", \"b\"], next: done }, { next: done }]", "when: '\"a\" in [\"a\", \"b\"]'")]
    [InlineData(
        "steps: [{ id: a, compute: transform, with: {\n            order: ${input.id},\n            rest: 1 } }]",
        "order: \"${input.id}\"")]
    public void A_value_that_YAML_misreads_in_braces_is_reported_with_its_quoted_form(string entry, string quoted)
    {
        var diagnostic = Assert.Single(TestContracts.Check(
            $"{TestContracts.Head}events: {{ go: {{}} }}\nany_state: [{{ event: go, stay: true }}]\ndata:\n  n: any\n  l: list(any)\n"
            + $"initial: work\nstates:\n  work:\n    "
            + $"{entry}\n{(entry.StartsWith("choose", StringComparison.Ordinal) ? "" : "    next: done\n")}  done: {{ end: completed "
            + $"}}\n").Diagnostics);

        Assert.Equal("ONEX1041", diagnostic.Code);
        Assert.EndsWith($": {quoted}", diagnostic.Remedy, StringComparison.Ordinal);
        Assert.Equal(
            quoted.Split(": ", 2)[^1].Trim('\'', '"')[..2],
            diagnostic.SourceLine!.Substring(diagnostic.Column - 1, diagnostic.Length).Trim('"')[..2]);
    }

    [Fact]
    public void All_values_that_YAML_misreads_in_braces_are_reported_at_once() => Assert.Equal(
        [(14, "Quote it: a: \"${input.id}\""), (30, "Quote it: b: 'f([1])'")],
        TestContracts.Check($"{TestContracts.Head}output: {{ a: ${{input.id}}, b: f([1]) "
            + $"}}\n").Diagnostics.Select(each => (each.Column, each.Remedy)));

    [Theory]
    [InlineData("  l: list({ id: string })", "Quote it: l: 'list({ id: string })'")]
    [InlineData("  l: Note: read this", "Quote it: l: 'Note: read this'")]
    [InlineData("  l: { id: string }?", "Quote this expression: l: '{ id: string }?'")]
    [InlineData("  l: [1] + [2]", "Quote this expression: l: '[1] + [2]'")]
    [InlineData("  l: @home", "Quote it: l: '@home'")]
    public void A_misread_block_style_value_is_reported_with_the_quoted_form(string line, string remedy) =>
        Assert.Equal(
            ("ONEX1041", remedy), Single($"{TestContracts.Head}data:\n{line}\ninitial: done\nstates:\n  done: {{ end: completed }}\n"));

    [Theory]
    [InlineData("when: input.a == \u201Cx\u201D", "ONEX1042", "Write input.a == \"x\".")]
    [InlineData("when: 'input.a == \u2018x\u2019'", "ONEX1042", "Write input.a == \"x\".")]
    [InlineData(
        "when: \u201Cinput.a\u201D", "ONEX1201", "Write \"input.a\", or quote all of it if those quotes are meant: '\u201Cinput.a\u201D'")]
    public void Curly_quotes_are_reported_with_the_correct_quotes(string when, string code, string remedy) => Assert.Equal(
        (code, remedy),
        Single($"{TestContracts.Head}initial: work\nstates:\n  work:\n    choose:\n      - {when}\n        next: done\n"
            + "      - next: done\n  done: { end: completed }\n"));

    [Fact]
    public void Curly_quotes_around_a_comma_in_braces_are_reported() => Assert.Equal(
        ("ONEX1201", "Write \"x, y\", or quote all of it if those quotes are meant: '\u201Cx, y\u201D'"),
        Single($"{TestContracts.Head}initial: done\nstates:\n  done: {{ end: completed, output: {{ a: \u201Cx, y\u201D }} }}\n"));

    [Fact]
    public void An_unclosed_bracket_is_reported_where_it_opens()
    {
        var diagnostic = Assert.Single(TestContracts.Check(
            $"{TestContracts.Head}initial: work\nstates:\n  work:\n    steps:\n"
                + "      - { id: a, compute: transform, with: { text: x }\n    next: done\n  done: { end: completed }\n").Diagnostics);

        Assert.Equal(("ONEX1001", 8, 9), (diagnostic.Code, diagnostic.Line, diagnostic.Column));
        Assert.Contains("this bracket is not closed", diagnostic.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("  done: { end: completed, output: {a:1, b: 2} }", 36, "a: 1")]
    [InlineData("  done: { end: completed, output: { url:http://x, b: 2 } }", 37, "url: http://x")]
    [InlineData("  done: { end: completed, output: {a:\"x\"} }", 36, "a: \"x\"")]
    [InlineData("  done: { end:completed }", 11, "end: completed")]
    [InlineData("  done: { end: completed, output: {a:[1], b: {c:{d: 1}}} }", 36, "a: [1]")]
    [InlineData("  done:\n    end:completed", 5, "end: completed")]
    [InlineData("  done:\n    end: completed\n    output:\n      a:1\n      b: 2", 7, "a: 1")]
    public void A_colon_without_a_space_is_reported_at_its_position(string state, int column, string corrected)
    {
        var diagnostics = TestContracts.Check($"{TestContracts.Head}initial: done\nstates:\n{state}\n").Diagnostics;
        var diagnostic = diagnostics[0];

        Assert.All(diagnostics, each => Assert.Equal("ONEX1200", each.Code));
        Assert.Equal(state.Contains("{d: 1}", StringComparison.Ordinal) ? 2 : 1, diagnostics.Count);
        Assert.Equal(("ONEX1200", column), (diagnostic.Code, diagnostic.Column));
        Assert.StartsWith($"Write {corrected}, or quote it", diagnostic.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\twork:\n\t\tnext: done", 6, 1)]
    [InlineData("  work:\n  \tnext: done", 7, 3)]
    [InlineData("  work: {\n\tnext: done }", 7, 1)]
    [InlineData("  work:\n    next: done\n\t# a comment", 8, 1)]
    [InlineData("  work:\n    steps:\n\t  - wait: 5m\n    next: done", 8, 1)]
    public void A_tab_is_reported_at_its_position(string states, int line, int column)
    {
        var diagnostic = Assert.Single(
            TestContracts.Check($"{TestContracts.Head}initial: work\nstates:\n{states}\n  done: {{ end: completed }}\n").Diagnostics);

        Assert.Equal(("ONEX1202", line, column), (diagnostic.Code, diagnostic.Line, diagnostic.Column));
    }

    [Theory]
    [InlineData("intial: done\nstates:\n  done: { end: completed }\n", "ONEX1010")]
    [InlineData("initial: done\nsates:\n  done: { end: completed }\n", "ONEX1010")]
    [InlineData(
        "initial: work\nstates:\n  work:\n    stpes: [{ ide: a, compute: hash.sha256, with: { text: x } }]\n    next: done\n"
            + "  done: { end: completed, output: { hex: '${steps.a.hex}' } }\n",
        "ONEX1010 ONEX1010")]
    [InlineData("initial: done\nstates:\n  done: { end: completed }\n---\ncontract: other\n", "ONEX1002")]
    [InlineData("initial: done\nstates:\n  done: { end: completed }\n---\ncontract: [other\n", "ONEX1002")]
    [InlineData(
        "initial: work\nstates:\n  work:\n    choose: [{ when: math.round(2.5) == 3.0, next: done }, { next: done }]\n"
            + "  done: { end: completed }\n",
        "ONEX1043")]
    public void Each_mistake_is_one_diagnostic(string rest, string codes) =>
        Assert.Equal(codes, string.Join(' ', TestContracts.Codes(rest)));

    [Fact]
    public void A_registered_contract_with_a_misread_value_stays_valid()
    {
        var source = new ContractSource(
            "small.yaml", $"{TestContracts.Head}initial: done\nstates:\n  done: {{ end: completed, output: {{a:1, b: \u201Cx\u201D}} "
                + $"}}\n", ImmutableSortedDictionary<string, string>.Empty);

        Assert.Empty(ContractCompiler.Compile(source, TestCatalogue.Context with { IsRegistered = true }).Diagnostics);
        Assert.Equal(
            ["ONEX1200", "ONEX1201"], ContractCompiler.Compile(source, TestCatalogue.Context).Diagnostics.Select(each => each.Code));
    }

    private static (string Code, string Remedy) Single(string text)
    {
        var diagnostic = Assert.Single(TestContracts.Check(text).Diagnostics);
        return (diagnostic.Code, diagnostic.Remedy);
    }
}
