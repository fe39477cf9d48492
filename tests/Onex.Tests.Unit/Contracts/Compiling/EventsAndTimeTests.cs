using System.Reflection;

namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>Events, waits, assignments, early responses and failures, as the compiler reads them.</summary>
public sealed class EventsAndTimeTests
{
    private const string Ends = "  done: { end: completed }\n  late: { end: failed }\n";

    [Fact]
    public void The_complete_order_of_the_tutorial_compiles()
    {
        var compilation = ContractCompiler.CompileDirectory(
            Repository.At("tests", "contracts", "valid", "order-fulfilment-full"), TestCatalogue.OrderFulfilmentContext);

        Assert.Equal("", string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));
        var plan = compilation.Plans.Single();
        Assert.Equal(["cancel", "card_updated"], plan.Events.Keys.Order());
        Assert.Equal(("cancel", "unwinding"), (plan.AnyState.Single().Event, plan.AnyState.Single().Next));
        Assert.Equal(new TimeLimit(TimeSpan.FromHours(72), "unwinding"), plan.Deadline);
        Assert.Equal(new TimeLimit(TimeSpan.FromHours(48), "unwinding"), plan.State("awaiting_new_card").Timeout);
        Assert.Empty(plan.State("awaiting_new_card").Choices);
    }

    [Fact]
    public void An_event_has_typed_data_and_may_arrive_early()
    {
        var plan = TestContracts.Compile(
            "events: { approve: { data: { by: string }, early: 10m }, beat: {} }\ninitial: waiting\nstates:\n  waiting:\n    on_event:\n"
            + "      - { event: approve, when: event.by != \"\", next: done }\n      - { event: beat, stay: true }\n"
            + "  done: { end: completed }\n");

        Assert.Equal(TimeSpan.FromMinutes(10), plan.Events["approve"].Early);
        Assert.Null(plan.Events["beat"].Early);
        Assert.False(plan.Events["approve"].Data.TryConvert(CelValue.Map([]), out _, out _));
        Assert.True(plan.Events["beat"].Data.TryConvert(CelValue.Map([new("more", CelValue.Int(1))]), out _, out _));
        Assert.Equal([false, true], plan.State("waiting").OnEvent.Select(rule => rule.Stay));
    }

    [Fact]
    public void A_rule_may_write_event_data_into_saga_data()
    {
        var plan = TestContracts.Compile(
            "events: { vote: { data: { weight: int } } }\ndata: { votes: { type: int, initial: 0 } }\ninitial: counting\nstates:\n"
                + "  counting:\n    on_event:\n      - event: vote\n        stay: true\n"
                + "        set: { votes: data.votes + event.weight }\n    timeout: { after: 1h, next: done }\n"
                + "  done: { end: completed }\n");

        Assert.Equal("votes", plan.State("counting").OnEvent.Single().Set.Single().Field);
    }

    [Fact]
    public void Steps_without_a_call_need_no_id()
    {
        var plan = TestContracts.Check(
            TestContracts.Head
                + "data: { at: { type: timestamp?, initial: null }, n: { type: int, initial: 0 } }\ninitial: work\nstates:\n  work:\n"
                + "    steps:\n      - wait: 5m\n      - wait: { until: data.at }\n      - set: { n: data.n + 1 }\n      - id: reply\n"
                + "        respond: { n: \"${data.n}\" }\n      - fail: { code: too_late, message: \"It is ${data.n}.\" }\n"
                + "        catch: [{ next: late }]\n    next: done\n" + Ends).Plans.Single();

        var steps = plan.State("work").Steps;
        Assert.Equal(["work[0]", "work[1]", "work[2]", "reply", "work[4]"], steps.Select(step => step.Id));
        Assert.Equal(TimeSpan.FromMinutes(5), Assert.IsType<WaitStep>(steps[0]).For);
        Assert.Equal("data.at", Assert.IsType<WaitStep>(steps[1]).Until!.Text);
        Assert.Equal("n", Assert.IsType<SetStep>(steps[2]).Assignments.Single().Field);
        Assert.IsType<RespondStep>(steps[3]);
        Assert.Equal(("too_late", "late"), (Assert.IsType<FailStep>(steps[4]).Code, ((FailStep)steps[4]).Catch.Single().Next));
    }

    [Fact]
    public void A_compensation_for_an_unknown_outcome_reads_no_result()
    {
        const string States =
            "initial: work\nstates:\n  work:\n    steps:\n      - id: charge\n        effect: http.post\n        connection: payments\n"
                + "        with: { path: /c }\n"
                + "        compensate: { effect: http.post, connection: payments, when_unknown: run, with: { path: /r, "
                + "body: \"${WHAT}\" } }\n    next: done\n  done: { end: completed }\n";

        var plan = TestContracts.Compile(States.Replace("WHAT", "command_id", StringComparison.Ordinal));
        Assert.Equal(WhenUnknown.Run, ((CallStep)plan.State("work").Steps.Single()).Compensation!.WhenUnknown);
        Assert.Equal(["ONEX1043"], TestContracts.Codes(States.Replace("WHAT", "result.body", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_state_without_steps_and_events_needs_a_transition() =>
        Assert.Contains("ONEX1028", TestContracts.Codes("initial: waiting\nstates:\n  waiting: {}\n  done: { end: completed }\n"));

    [Fact]
    public void A_state_may_wait_for_any_state_events_only() =>
        TestContracts.Compile(
            "events: { go: {} }\nany_state: [{ event: go, next: done }]\ninitial: waiting\nstates:\n  waiting: {}\n"
                + "  done: { end: completed }\n");

    [Fact]
    public void Event_timeout_and_deadline_transitions_count_for_reachability() =>
        TestContracts.Compile(
            "events: { go: {} }\ndeadline: { after: 9h, next: late }\ninitial: one\nstates:\n  one:\n"
                + "    on_event: [{ event: go, next: two }]\n  two:\n    timeout: { after: 1h, next: done }\n" + Ends);

    [Fact]
    public void An_event_may_lead_to_a_compensating_state_without_naming_a_fault() =>
        TestContracts.Compile(
            "events: { stop: {} }\ninitial: waiting\nstates:\n  waiting:\n    on_event: [{ event: stop, next: back }]\n"
                + "    timeout: { after: 1h, next: back }\n  back: { compensate: all, next: done }\n  done: { end: completed }\n");

    [Theory]
    [InlineData("on_event: [{ event: go, next: done }]")]
    [InlineData("timeout: { after: 1h, next: done }")]
    public void End_and_compensating_states_have_no_event_rules_and_no_timeout(string key)
    {
        Assert.Contains(
            "ONEX1014", TestContracts.Codes($"events: {{ go: {{}} }}\ninitial: done\nstates:\n  done:\n    end: completed\n    {key}\n"));
        Assert.Contains(
            "ONEX1014",
            TestContracts.Codes("events: { go: {} }\ninitial: back\nstates:\n  back:\n    compensate: all\n    next: done\n"
                + $"    {key}\n  done: {{ end: failed }}\n"));
    }

    [Theory]
    [InlineData("wait: 5 minutes", "ONEX1047")]
    [InlineData("wait: 0s", "ONEX1047")]
    [InlineData("wait: {}", "ONEX1013")]
    [InlineData("set: { nothing: 1 }", "ONEX1044")]
    [InlineData("fail: { code: x }", "ONEX1013")]
    [InlineData("{ wait: 5m, effect: http.get }", "ONEX1014")]
    [InlineData("{ wait: 5m, set: {} }", "ONEX1014")]
    [InlineData("set: { n: event.x }", "ONEX1043")]
    public void Steps_without_calls_are_checked(string step, string code) =>
        Assert.Contains(
            code,
            TestContracts.Codes($"data: {{ n: int? }}\ninitial: work\nstates:\n  work:\n    steps:\n      - {step}\n    next: done\n"
                + "  done: { end: completed }\n"));

    [Fact]
    public void A_computed_duration_is_reported_with_the_form_of_a_computed_time()
    {
        var diagnostic = Assert.Single(TestContracts.Check(TestContracts.Head
            + "data: { n: int? }\ninitial: work\nstates:\n  work:\n    steps: [{ wait: '${data.n}' }]\n    next: done\n"
            + "  done: { end: completed }\n").Diagnostics, each => each.Code == "ONEX1047");

        Assert.EndsWith("'wait: { until: now + ... }'.", diagnostic.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("timeout: { after: 1h }", "ONEX1013")]
    [InlineData("timeout: { next: done }", "ONEX1013")]
    [InlineData("timeout: 1h", "ONEX1012")]
    [InlineData("on_event: [{ next: done }]", "ONEX1013")]
    [InlineData("on_event: [{ event: go, next: nowhere }]", "ONEX1023")]
    [InlineData("on_event: [{ event: go, stay: perhaps, next: done }]", "ONEX1012")]
    public void Rules_and_limits_are_checked(string key, string code) =>
        Assert.Contains(
            code,
            TestContracts.Codes($"events: {{ go: {{}} }}\ninitial: work\nstates:\n  work:\n    {key}\n  done: {{ end: completed }}\n"));

    [Fact]
    public void The_event_is_readable_only_inside_a_rule() =>
        Assert.Equal(
            ["ONEX1043"],
            TestContracts.Codes("initial: work\nstates:\n  work:\n    choose:\n      - { when: event.x, next: done }\n"
                + "      - { next: done }\n  done: { end: completed }\n"));

    [Theory]
    [InlineData("when: event.reason == 'x'", "ONEX1061")]
    [InlineData("when: has(event.reason)", "ONEX1061")]
    [InlineData("when: event.who.nmae == 'x'", "ONEX1061")]
    [InlineData("when: event[\"reason\"] == 'x'", "ONEX1061")]
    [InlineData("set: { n: event.reason }", "ONEX1061")]
    [InlineData("when: event.who.name == 'x' && event.more.of.it && event.by['x'].y", null)]
    [InlineData("when: size(event) > 0", null)]
    public void A_rule_reads_only_declared_fields_of_the_event(string key, string? code) =>
        Assert.Equal(code is null ? [] : [code], TestContracts.Codes(
            "events: { go: { data: { who: '{ name: string }?', more: any, by: map(any) } } }\n"
                + (key.StartsWith("set", StringComparison.Ordinal) ? "data: { n: any }\n" : "")
                + $"initial: waiting\nstates:\n  waiting:\n    on_event:\n      - event: go\n        {key}\n        next: done\n"
            + "  done: { end: completed }\n"));

    [Fact]
    public void A_misspelt_event_field_is_reported_with_a_suggestion()
    {
        var diagnostic = Assert.Single(TestContracts.Check(TestContracts.Head
            + "events: { go: { data: { who: { name: string } } } }\ninitial: waiting\nstates:\n  waiting:\n    on_event:\n"
            + "      - event: go\n        when: event.who.nmae == 'x'\n        next: done\n  done: { end: completed }\n").Diagnostics);

        Assert.Equal((10, 25, 4), (diagnostic.Line, diagnostic.Column, diagnostic.Length));
        Assert.Contains("Did you mean 'name'?", diagnostic.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void An_event_may_not_have_the_name_of_an_engine_fault()
    {
        string[] codesOfRoles =
        [
            StepCodes.ArgumentsInvalid, StepCodes.ArgumentsMissing, StepCodes.OperationUnknown, StepCodes.OperationFailed,
            StepCodes.StoreMissing, StepCodes.ResultTooLarge, StepCodes.ArgumentsTooLarge, StepCodes.SecretNotSent,
            StepCodes.OperationStuck,
        ];
        var codes = typeof(StepCodes)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (string)field.GetRawConstantValue()!)
            .Except(codesOfRoles);

        Assert.All(codes, code => Assert.Equal(
            ["ONEX1062"], TestContracts.Codes($"events: {{ {code}: {{}} }}\nany_state: [{{ event: {code}, next: done }}]\n"
                + "initial: waiting\nstates:\n  waiting: {}\n  done: { end: completed }\n")));
    }

    [Fact]
    public void The_name_of_an_event_must_be_an_identifier() =>
        Assert.Contains(
            "ONEX1017",
            TestContracts.Codes("events: { card-updated: {} }\nany_state: [{ event: card-updated, next: done }]\ninitial: waiting\n"
                + "states:\n  waiting: {}\n  done: { end: completed }\n"));

    [Fact]
    public void A_state_that_no_rule_leads_out_of_reaches_no_end() =>
        Assert.Equal(
            ["ONEX1025"],
            TestContracts.Codes("events: { beat: {} }\ninitial: waiting\nstates:\n  waiting:\n"
                + "    on_event: [{ event: beat, stay: true }]\n"));

    [Fact]
    public void A_warning_does_not_hide_that_a_state_reaches_no_end() =>
        Assert.Equal(
            ["ONEX1025", "ONEX1185", "ONEX1025"],
            TestContracts.Codes("initial: work\nstates:\n  work: { steps: [{ emit: a.b, with: { value: { \"${k}\": 1 } } }], next: rest }\n"
                + "  rest: { steps: [{ wait: 1m }], next: work }\n"));

    [Fact]
    public void A_deadline_leads_out_of_a_state_without_other_transitions() =>
        TestContracts.Compile(
            "events: { beat: {} }\ndeadline: { after: 1h, next: late }\ninitial: waiting\nstates:\n  waiting:\n"
                + "    on_event: [{ event: beat, stay: true }]\n  late: { end: completed }\n");

    [Theory]
    [InlineData("any_state: [{ event: go, next: done }]")]
    [InlineData("any_state: [{ event: go, stay: true }]\ndeadline: { after: 1h, next: done }")]
    public void Any_state_events_and_the_deadline_do_not_apply_past_the_pivot(string rules)
    {
        const string States =
            "initial: work\nstates:\n  work: { next: fixed }\n  fixed: { pivot: true, next: waiting }\n  waiting: {}\n"
                + "  done: { end: completed }\n";

        var diagnostic = Assert.Single(
            TestContracts.Check($"{TestContracts.Head}events: {{ go: {{}} }}\n{rules}\n{States}").Diagnostics,
            each => each.Problem.Contains("waiting", StringComparison.Ordinal));
        Assert.Equal("ONEX1025", diagnostic.Code);
        Assert.Contains("past the pivot", diagnostic.Problem, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "ONEX1025",
            TestContracts.Codes($"events: {{ go: {{}} }}\n{rules}\n{States.Replace("pivot: true, ", "", StringComparison.Ordinal)}"));
    }

    [Fact]
    public void A_state_past_the_pivot_waits_for_its_own_events_and_timeout() =>
        TestContracts.Compile(
            "events: { go: {} }\ninitial: waiting\nstates:\n  waiting:\n    pivot: true\n    on_event: [{ event: go, next: done }]\n"
                + "    timeout: { after: 1h, next: late }\n" + Ends);

    [Theory]
    [InlineData("", 1)]
    [InlineData("pivot: true, ", 0)]
    public void A_wait_must_be_shorter_than_the_applicable_deadline(string pivot, int count)
    {
        var rest =
            "deadline: { after: 24h, next: late }\ninitial: work\nstates:\n  work: { next: waiting }\n"
                + $"  waiting: {{ {pivot}steps: [{{ wait: 24h }}], next: done }}\n"
            + Ends;

        Assert.Equal(count, TestContracts.Codes(rest).Count(code => code == "ONEX1059"));
    }

    [Theory]
    [InlineData("waiting: { timeout: { after: 1h, next: late } }", "", 0)]
    [InlineData("waiting: { timeout: { after: 1h, next: checking } }", "", 1)]
    [InlineData("waiting: {}", "any_state: [{ event: go, next: checking }]\n", 1)]
    public void A_state_reached_only_by_the_deadline_may_wait_longer(string waiting, string anyState, int count)
    {
        var rest = $"events: {{ go: {{}} }}\n{anyState}deadline: {{ after: 24h, next: checking }}\ninitial: waiting\nstates:\n"
            + $"  {waiting}\n  checking: {{ on_event: [{{ event: go, next: done }}], timeout: {{ after: 7d, next: late }} }}\n" + Ends;

        Assert.Equal(Enumerable.Repeat("ONEX1059", count), TestContracts.Codes(rest));
    }

    [Theory]
    [InlineData("on_event: [{ event: nobody, next: done }]", "ONEX1055")]
    [InlineData("on_event: [{ event: go, stay: true, next: done }]", "ONEX1058")]
    [InlineData("timeout: { after: soon, next: done }", "ONEX1047")]
    [InlineData("on_event: [{ event: go, when: event.x, next: done }]", "ONEX1061")]
    public void An_invalid_transition_is_not_also_reported_as_missing(string key, string code) =>
        Assert.Equal(
            [code],
            TestContracts.Codes("events: { go: {} }\nany_state: [{ event: go, stay: true }]\ninitial: work\nstates:\n  work:\n"
                + $"    {key}\n  done: {{ end: completed }}\n"));

    [Fact]
    public void A_state_responds_at_most_once() =>
        Assert.Equal(
            ["ONEX1063"],
            TestContracts.Codes("initial: work\nstates:\n  work:\n    steps:\n      - respond: { a: 1 }\n      - wait: 1s\n"
                + "      - respond: { a: 2 }\n    next: done\n  done: { end: completed }\n"));

    [Fact]
    public void A_step_without_a_call_has_no_result() =>
        Assert.Equal(
            ["ONEX1045"],
            TestContracts.Codes("initial: work\nstates:\n  work:\n    steps: [{ id: pause, wait: 1s }]\n    next: done\n"
                + "  done: { end: completed, output: \"${steps.pause}\" }\n"));

    [Fact]
    public void Steps_without_an_id_count_toward_the_limit() =>
        Assert.Equal(
            ["ONEX1020"],
            TestContracts.Codes($"initial: work\nstates:\n  work:\n    steps: "
                + $"[{string.Join(", ", Enumerable.Repeat("{ wait: 1s }", 1001))}]\n    next: done\n  done: {{ end: completed }}\n"));

    [Theory]
    [InlineData("events", 201)]
    [InlineData("rules of 'any_state'", 1)]
    public void The_numbers_of_events_and_rules_are_limited(string what, int events)
    {
        var declared = string.Join(", ", Enumerable.Range(0, events).Select(number => $"e{number}: {{}}"));
        var rules = string.Join(
            ", ",
            Enumerable.Range(0, 201).Select(number => $"{{ event: e{number % Math.Min(events, 200)}, when: input.a == {number}, "
                + "next: done }"));
        var diagnostics = TestContracts.Check(
            $"{TestContracts.Head}events: {{ {declared} }}\nany_state: [{rules}]\ninitial: work\nstates:\n  work: {{}}\n"
                + "  done: { end: completed }\n").Diagnostics;

        Assert.Contains(
            diagnostics,
            diagnostic => diagnostic.Code == "ONEX1020" && diagnostic.Problem == $"there are too many {what}; the limit is 200.");
    }

    [Fact]
    public void A_field_is_reset_with_null()
    {
        var plan = TestContracts.Compile(
            "data: { card: string? }\ninitial: work\nstates:\n  work: { steps: [{ set: { card: null } }], next: done }\n"
                + "  done: { end: completed }\n");

        Assert.Equal("null", Assert.IsType<SetStep>(plan.State("work").Steps.Single()).Assignments.Single().Value.Text);
    }
}
