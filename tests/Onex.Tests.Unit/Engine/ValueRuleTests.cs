using Onex.Orchestrator.Mapping;
using Onex.Tests.Unit.Orchestrator.Mapping;

namespace Onex.Tests.Unit.Engine;

/// <summary>
/// The same limits on depth, numbers and text apply wherever a value is created or received; reading a row accepts any stored value.
/// </summary>
public sealed class ValueRuleTests
{
    [Theory]
    [InlineData("""{"f":1e400}""", "/body/f must be a number that a double can hold")]
    [InlineData("""{"f":[-1e999]}""", "/body/f/0 must be a number that a double can hold")]
    [InlineData("""{"f":18446744073709551616}""", "/body/f must be from -9223372036854775808 to 18446744073709551615")]
    [InlineData("""{"f":"a\u0000b"}""", "/body/f the text holds U+0000")]
    [InlineData("""{"f":"\ud800"}""", "half of a surrogate pair")]
    public void A_result_with_an_unrepresentable_value_fails_with_its_position(string body, string reason)
    {
        var scenario = Asking("save: { kept: result.body.f }").Answered("ask", 200, body);

        Assert.Contains(reason, Detail(scenario, HistoryKind.AttemptFailed, "message"), StringComparison.Ordinal);
        Assert.Equal("result_invalid", Detail(scenario, HistoryKind.AttemptFailed, "code"));
        SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga);
    }

    [Fact]
    public void A_whole_number_beyond_64_bits_is_rounded_where_the_type_is_double() =>
        Assert.Equal(1.8446744073709552e19, Asking("returns: { body: { f: double } }\n        save: { kept: result.body.f }")
            .Answered("ask", 200, """{"f":18446744073709551616}""").Saga.Data["kept"].AsDouble());

    [Theory]
    [InlineData(62, true)]
    [InlineData(63, false)]
    public void A_result_has_64_levels_at_most(int levelsOfItem, bool isAccepted)
    {
        var body = "{\"f\":" + new string('[', levelsOfItem) + new string(']', levelsOfItem) + "}";
        var scenario = Asking("save: { kept: result.body.f }").Answered("ask", 200, body);

        Assert.Equal(isAccepted, scenario.Saga.Data["kept"].Kind == CelKind.List);
    }

    [Theory]
    [InlineData("{ id: wrap, set: { kept: '{\"more\": data.kept}' } }", "", "expression_failed")]
    [InlineData("{ id: wrap, compute: transform, with: { values: { more: \"${data.kept}\" } } }", "", "expression_failed")]
    [InlineData("{ id: wrap, emit: orders.full, with: { value: { more: \"${data.kept}\" } } }", "", "expression_failed")]
    [InlineData("{ id: wrap, respond: { more: \"${data.kept}\" } }", "", "expression_failed")]
    [InlineData("{ id: wrap, set: { kept: data.kept } }", ", output: { more: \"${data.kept}\" }", "output_invalid")]
    public void A_value_nested_deeper_than_64_levels_fails_with_a_code(string step, string output, string code)
    {
        var full = new string('[', 64) + new string(']', 64);
        var scenario = new SagaScenario($$"""
            contract: story
            version: 1.0.0
            input: {}
            data: { kept: { type: any, initial: null } }
            events: { given: { data: { what: any } } }
            initial: waiting
            states:
              waiting:
                on_event: [ { event: given, next: wrapping, set: { kept: event.what } } ]
              wrapping:
                steps: [{{step}}]
                next: done
              done: { end: completed{{output}} }
            """).Starts()
                .Receives("given", $$"""{"what":{{full}}}""");

        Assert.Equal(code, scenario.Saga.Fault?.Code);
        Assert.Contains("nested deeper than 64 levels", scenario.Saga.Fault!.Message, StringComparison.Ordinal);
        scenario.IsIn("failed", SagaStatus.Failed);
    }

    [Theory]
    [InlineData("{ id: wrap, set: { kept: \"'a\\\\u0000'\" } }", "")]
    [InlineData("{ id: wrap, compute: transform, with: { values: { more: \"${'a\\\\u0000'}\" } } }", "")]
    [InlineData("{ id: wrap, respond: { more: \"${'a\\\\u0000'}\" } }", "")]
    [InlineData("{ id: wrap, set: { kept: 1 } }", ", output: { more: \"${'a\\\\u0000'}\" }")]
    public void Text_that_cannot_be_stored_fails_with_a_code(string step, string output)
    {
        var scenario = new SagaScenario($$"""
            contract: story
            version: 1.0.0
            input: {}
            data: { kept: { type: any, initial: null } }
            initial: making
            states:
              making:
                steps: [{{step}}]
                next: done
              done: { end: completed{{output}} }
            """).Starts().IsIn("failed", SagaStatus.Failed);

        Assert.Contains("U+0000", scenario.Saga.Fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_of_any_type_survives_a_round_trip_of_its_row()
    {
        var scenario = Asking(
            "save: { kept: \"{'d': 1.5e17, 'u': 5u, 't': timestamp('2026-11-24T08:00:00Z'), "
            + "'p': duration('90s'), 'b': b'ab', 'n': {1: -0.0}}\" }")
            .Answered("ask", 200);
        var kept = scenario.Saga.Data["kept"];

        Assert.Equal(
            [CelKind.Bytes, CelKind.Double, CelKind.Map, CelKind.Duration, CelKind.Timestamp, CelKind.Uint],
            kept.AsMap().Select(entry => entry.Value.Kind));
        var back = SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga).Data["kept"];
        Assert.Equal(kept.AsMap().Select(entry => entry.Value.Kind), back.AsMap().Select(entry => entry.Value.Kind));
        Assert.Equal(kept, back);
    }

    [Fact]
    public void Data_of_any_type_is_stored_as_plain_JSON()
    {
        var scenario = Asking("""save: { kept: "[1.5e17, 5u, timestamp('2026-11-24T08:00:00Z'), b'ab']" }""").Answered("ask", 200);
        var row = SagaRows.ToRow(scenario.Saga, version: 1, Guid.Empty);

        Assert.Equal("""{"kept":[150000000000000000.0,5,"2026-11-24T08:00:00Z","YWI="]}""", row.Data.ToString());
        Assert.Contains("""
            "data_kinds":{"kept":{"1":"uint","2":"timestamp","3":"bytes"}}
            """.Trim(), row.Progress.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_result_keeps_its_types_in_the_row()
    {
        var scenario = new SagaScenario("""
            contract: story
            version: 1.0.0
            input: {}
            initial: asking
            states:
              asking:
                steps:
                  - { id: ask, effect: http.get, connection: outside, with: { path: / }, returns: { body: { at: timestamp } } }
                  - { id: look, effect: http.get, connection: outside, with: { path: "/${steps.ask.body.at.getFullYear()}" } }
                next: done
              done: { end: completed }
            """).Starts()
                .Answered("ask", 200, """{"at":"2026-11-24T08:00:00Z"}""");

        var back = SagaRowsTests.RoundTrip(scenario.Plan, scenario.Saga);

        Assert.True(back.Results["ask"].TryGetField("body", out var body));
        Assert.True(body.TryGetField("at", out var at));
        Assert.Equal(CelKind.Timestamp, at.Kind);
    }

    [Fact]
    public void A_saga_that_cannot_be_handled_waits_for_an_operator_and_then_continues()
    {
        var scenario = Asking("").AdvancesTime(TimeSpan.FromSeconds(1));
        var due = scenario.Saga.NextWakeupAt;
        var blocked = SagaEngine.Block(scenario.Plan, scenario.Saga, "It broke.", scenario.Now);

        Assert.Equal(
            (SagaStatus.Blocked, null, "It broke."),
            (blocked.State.Status, blocked.State.NextWakeupAt, blocked.State.BlockedBecause));
        Assert.False(SagaEngine.Block(scenario.Plan, blocked.State, "Again.", scenario.Now).Changed);
        var back = SagaRowsTests.RoundTrip(scenario.Plan, blocked.State);
        Assert.Equal(BlockedBy.Handling, back.Blockage!.Kind);
        Assert.Contains("nothing to skip", Decide(scenario, back, OperatorCommand.Skip).WhyNotDone, StringComparison.Ordinal);
        var retried = Decide(scenario, back, OperatorCommand.Retry);
        Assert.Equal((SagaStatus.Running, due), (retried.State.Status, retried.State.NextWakeupAt));

        // The command in flight is not sent again.
        Assert.Empty(retried.Commands);
        Assert.Equal([HistoryKind.RetriedByOperator], retried.History.Select(note => note.Kind));
        Assert.Equal(SagaStatus.Compensating, Decide(scenario, back, OperatorCommand.Cancel).State.Status);
    }

    private static Decision Decide(SagaScenario scenario, SagaState saga, OperatorCommand command) => SagaEngine.Decide(
        scenario.Plan,
        saga,
        new OperatorRequested { SagaId = saga.Facts.SagaId, CausedBy = default, Command = command, By = "ops" },
        scenario.Now);

    private static SagaScenario Asking(string options) => new SagaScenario($$"""
        contract: story
        version: 1.0.0
        input: {}
        data: { kept: { type: any, initial: null } }
        initial: asking
        states:
          asking:
            steps:
              - id: ask
                effect: http.get
                connection: outside
                with: { path: / }
                {{options}}
            next: resting
          resting:
            steps: [{ id: rest, wait: 1h }]
            next: done
          done: { end: completed }
        """).Starts();

    private static string Detail(SagaScenario scenario, HistoryKind kind, string name)
    {
        using var json = System.Text.Json.JsonDocument.Parse(scenario.History.Last(note => note.Kind == kind).Detail!.Value.Utf8);
        return json.RootElement.GetProperty(name).GetString()!;
    }
}
