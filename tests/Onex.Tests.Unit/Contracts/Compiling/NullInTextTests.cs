namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>Text with a value that may be null is an error, unless a guard or a condition excludes null.</summary>
public sealed class NullInTextTests
{
    private const string MayBeNull = "ONEX1171";

    // The warning about unused fields, which these tests ignore.
    private const string Unused = "ONEX1187";

    [Theory]
    [InlineData("path: \"/holds/${data.hold}\"", MayBeNull)]
    [InlineData("path: \"${data.hold}\"", MayBeNull)]
    [InlineData("path: /holds, headers: { x: \"hold-${data.hold}\" }", MayBeNull)]
    [InlineData("path: /holds, query: { text: \"hold ${data.hold}\" }", MayBeNull)]
    [InlineData("path: \"/holds/${null}\"", MayBeNull)]
    [InlineData("path: \"/holds/${saga.id == 'x' ? data.hold : 'y'}\"", MayBeNull)]
    [InlineData("path: \"/holds/${input.nothing}\"", MayBeNull)]
    [InlineData("path: \"/holds/${data.name}\"", null)]
    [InlineData("path: /holds, query: { hold: \"${data.hold}\" }", null)]
    [InlineData("path: \"/holds/${data.hold != null ? data.hold : 'none'}\"", null)]
    [InlineData("path: \"/holds/${null == data.hold ? 'none' : data.hold}\"", null)]
    [InlineData("path: \"/holds/${!(data.hold == null) && data.name == 'a' ? data.hold : 'none'}\"", null)]
    [InlineData("path: \"/holds/${optional.ofNonZeroValue(data.hold).orValue('none')}\"", null)]
    [InlineData("path: \"/holds/${data.?hold.orValue('none')}\"", MayBeNull)]
    [InlineData("path: \"/holds/${string(data.hold)}\"", null)]
    public void A_nullable_value_inside_text_is_a_compile_time_error(string with, string? code) =>
        Assert.Equal(Expected(code), Check($$"""
              work:
                steps: [{ id: look, effect: http.get, connection: stock, with: { {{with}} } }]
                next: done
            """));

    [Theory]
    [InlineData("\"'h'\"", null)]
    [InlineData("data.hold", MayBeNull)]
    [InlineData("null", MayBeNull)]
    public void A_field_set_on_every_path_is_null_only_if_its_value_may_be(string value, string? code) =>
        Assert.Equal(Expected(code), Check($$"""
              work:
                steps: [{ set: { hold: {{value}} } }]
                next: look
              look:
                steps: [{ id: look, effect: http.get, connection: stock, with: { path: "/holds/${data.hold}" } }]
                next: done
            """));

    [Fact]
    public void Saved_values_are_not_null_in_the_arguments_of_the_compensation() =>
        Assert.Equal([], Check("""
              work:
                steps:
                  - id: hold
                    effect: http.post
                    connection: stock
                    with: { path: /holds }
                    returns: { body: { id: string } }
                    save: { hold: result.body.id }
                    compensate: { effect: http.delete, connection: stock, with: { path: "/holds/${data.hold}" }, when_unknown: block }
                next: done
            """));

    [Fact]
    public void A_saved_value_may_be_null_if_its_type_allows_it() =>
        Assert.Equal([MayBeNull], Check("""
              work:
                steps:
                  - id: hold
                    effect: http.post
                    connection: stock
                    with: { path: /holds }
                    returns: { body: { id: string? } }
                    save: { hold: result.body.id }
                    compensate: { effect: http.delete, connection: stock, with: { path: "/holds/${data.hold}" }, when_unknown: block }
                next: done
            """));

    [Theory]
    [InlineData("data.hold != null", "look", null)]
    [InlineData("data.hold == null", "look", MayBeNull)]
    [InlineData("data.hold == null", "done", null)]
    public void A_guard_may_exclude_null(string when, string taken, string? code) =>
        Assert.Equal(Expected(code), Check($$"""
              work:
                choose:
                  - { when: {{when}}, next: {{taken}} }
                  - { next: {{(taken == "look" ? "done" : "look")}} }
              look:
                steps: [{ id: look, effect: http.get, connection: stock, with: { path: "/holds/${data.hold}" } }]
                next: done
            """));

    [Fact]
    public void A_failure_after_a_reset_leaves_the_field_null() =>
        Assert.Equal([MayBeNull], Check("""
              work:
                steps: [{ set: { hold: "'h'" } }]
                next: emptying
              emptying:
                steps:
                  - set: { hold: null }
                  - { id: other, effect: http.get, connection: stock, with: { path: /a }, catch: [{ next: look }] }
                next: done
              look:
                steps: [{ id: look, effect: http.get, connection: stock, with: { path: "/holds/${data.hold}" } }]
                next: done
            """));

    [Fact]
    public void A_reset_in_a_branch_applies_after_the_join() =>
        Assert.Equal([MayBeNull], Check("""
              work:
                steps:
                  - set: { hold: "'h'" }
                  - parallel:
                      branches:
                        - set: { hold: null }
                        - wait: 1s
                next: look
              look:
                steps: [{ id: look, effect: http.get, connection: stock, with: { path: "/holds/${data.hold}" } }]
                next: done
            """));

    [Theory]
    [InlineData("- wait: 1m", MayBeNull)]
    [InlineData("- { id: other, effect: http.get, connection: stock, with: { path: /a } }", MayBeNull)]
    [InlineData("- set: { name: data.name }", null)]
    public void An_event_may_reset_a_field_only_while_the_saga_waits(string step, string? code) =>
        Assert.Equal(Expected(code), Check($$"""
              work:
                steps:
                  - set: { hold: "'h'" }
                  {{step}}
                  - { id: look, effect: http.get, connection: stock, with: { path: "/holds/${data.hold}" } }
                on_event: [{ event: clear, stay: true, set: { hold: null } }]
                next: done
            """, "events: { clear: {} }"));

    [Theory]
    [InlineData("", MayBeNull)]
    [InlineData("pivot: true", null)]
    public void An_event_of_any_state_resets_a_field_only_before_the_pivot(string pivot, string? code) =>
        Assert.Equal(Expected(code), Check($$"""
              work:
                {{pivot}}
                steps:
                  - set: { hold: "'h'" }
                  - wait: 1m
                  - { id: look, effect: http.get, connection: stock, with: { path: "/holds/${data.hold}" } }
                next: done
            """, "events: { clear: {} }\nany_state: [{ event: clear, stay: true, set: { hold: null } }]"));

    [Fact]
    public void An_event_may_reset_a_field_before_a_failure_is_caught() =>
        Assert.Equal([MayBeNull], Check("""
              work:
                steps:
                  - set: { hold: "'h'" }
                  - { id: other, effect: http.get, connection: stock, with: { path: /a }, catch: [{ next: undo }] }
                on_event: [{ event: clear, stay: true, set: { hold: null } }]
                next: done
              undo:
                steps: [{ id: look, effect: http.get, connection: stock, with: { path: "/holds/${data.hold}" } }]
                next: done
            """, "events: { clear: {} }"));

    [Fact]
    public void Null_is_reported_in_arguments_keys_and_messages() =>
        Assert.Equal([MayBeNull, MayBeNull, MayBeNull], Check("""
              work:
                steps:
                  - { id: tell, compute: hash.sha256, with: { text: "k-${data.hold}" } }
                  - { emit: orders.packed, with: { key: "k-${data.hold}", value: {} } }
                choose:
                  - { when: data.name == "x", next: failing }
                  - { next: done }
              failing:
                steps: [{ fail: { code: bad, message: "hold ${data.hold}" } }]
                next: done
            """));

    [Fact]
    public void A_compensation_for_an_unknown_outcome_cannot_read_saved_values_of_its_step() =>
        Assert.Equal(["ONEX1170"], Check("""
              work:
                steps:
                  - id: hold
                    effect: http.post
                    connection: stock
                    with: { path: /holds }
                    save: { name: result.body.id }
                    compensate: { effect: http.delete, connection: stock, with: { path: "/holds/${data.name}" }, when_unknown: run }
                next: done
            """));

    private static string[] Expected(string? code) => code is null ? [] : [code];

    private static IEnumerable<string> Check(string states, string events = "") => TestContracts.Check($$"""
        contract: small
        version: 1.0.0
        input: { type: object, required: [nothing], properties: { nothing: { type: [string, "null"] } } }
        data: { hold: string?, name: { type: string, initial: n } }
        {{events}}
        initial: work
        states:
        {{states}}
          done: { end: completed }
        """).Diagnostics.Select(diagnostic => diagnostic.Code).Where(code => code != Unused);

    // `input.nothing` is found when the text is read, `data.hold` only after all paths are analyzed.
    [Fact]
    public void All_nullable_values_are_reported_at_once() => Assert.Equal([MayBeNull, MayBeNull], Check("""
          work:
            steps: [{ id: look, effect: http.get, connection: stock, with: { path: "/${input.nothing}/${data.hold}" } }]
            next: done
        """));
}
