using Onex.Contracts;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;

namespace Onex.Tests.Unit.Contracts;

/// <summary>Events, waits, assignments, early responses and failures, as the compiler reads them.</summary>
public sealed class EventsAndTimeTests
{
    private const string Ends = "  done: { end: completed }\n  late: { end: failed }\n";

    [Fact]
    public void The_example_of_the_language_compiles_with_its_steps_in_sequence()
    {
        var compilation = ContractCompiler.CompileDirectory(RepositoryFiles.At("tests", "contracts", "valid", "order-fulfilment-full"), TestCatalogue.Context);

        Assert.Equal("", string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));
        var plan = compilation.Plans.Single();
        Assert.Equal(["cancel", "card_updated"], plan.Events.Keys.Order());
        Assert.Equal(("cancel", "unwinding"), (plan.AnyState.Single().Event, plan.AnyState.Single().Next));
        Assert.Equal(new TimeLimit(TimeSpan.FromHours(72), "unwinding"), plan.Deadline);
        Assert.Equal(new TimeLimit(TimeSpan.FromHours(48), "unwinding"), plan.State("awaiting_new_card").Timeout);
        Assert.Empty(plan.State("awaiting_new_card").Choices);
    }

    [Fact]
    public void An_event_has_typed_data_and_may_come_early()
    {
        var plan = Small.Compile("events: { approve: { data: { by: string }, early: 10m }, beat: {} }\ninitial: waiting\nstates:\n  waiting:\n"
            + "    on_event:\n      - { event: approve, when: event.by != \"\", next: done }\n      - { event: beat, stay: true }\n" + Ends.Split('\n')[0] + "\n");

        Assert.Equal(TimeSpan.FromMinutes(10), plan.Events["approve"].Early);
        Assert.Null(plan.Events["beat"].Early);
        Assert.False(plan.Events["approve"].Data.TryConvert(CelValue.Map([]), out _, out _));
        Assert.True(plan.Events["beat"].Data.TryConvert(CelValue.Map([new("more", CelValue.Int(1))]), out _, out _));
        Assert.Equal([false, true], plan.State("waiting").OnEvent.Select(rule => rule.Stay));
    }

    [Fact]
    public void A_rule_may_write_into_data_from_the_event()
    {
        var plan = Small.Compile("events: { vote: { data: { weight: int } } }\ndata: { votes: { type: int, initial: 0 } }\ninitial: counting\nstates:\n  counting:\n"
            + "    on_event:\n      - event: vote\n        stay: true\n        set: { votes: data.votes + event.weight }\n    timeout: { after: 1h, next: done }\n  done: { end: completed }\n");

        Assert.Equal("votes", plan.State("counting").OnEvent.Single().Set.Single().Field);
    }

    [Fact]
    public void Steps_that_call_nothing_need_no_id()
    {
        var plan = Small.Compile("data: { at: timestamp?, n: { type: int, initial: 0 } }\ninitial: work\nstates:\n  work:\n    steps:\n      - wait: 5m\n"
            + "      - wait: { until: data.at }\n      - set: { n: data.n + 1 }\n      - id: told\n        respond: { n: \"${data.n}\" }\n"
            + "      - fail: { code: too_late, message: \"It is ${data.n}.\" }\n        catch: [{ next: late }]\n    next: done\n" + Ends);

        var steps = plan.State("work").Steps;
        Assert.Equal(["work[0]", "work[1]", "work[2]", "told", "work[4]"], steps.Select(step => step.Id));
        Assert.Equal(TimeSpan.FromMinutes(5), Assert.IsType<WaitStep>(steps[0]).For);
        Assert.Equal("data.at", Assert.IsType<WaitStep>(steps[1]).Until!.Text);
        Assert.Equal("n", Assert.IsType<SetStep>(steps[2]).Assignments.Single().Field);
        Assert.IsType<RespondStep>(steps[3]);
        Assert.Equal(("too_late", "late"), (Assert.IsType<FailStep>(steps[4]).Code, ((FailStep)steps[4]).Catch.Single().Next));
    }

    [Fact]
    public void A_compensation_that_runs_when_nobody_knows_reads_no_result()
    {
        const string Rest = "initial: work\nstates:\n  work:\n    steps:\n      - id: charge\n        effect: http.post\n        connection: payments\n        with: { path: /c }\n"
            + "        compensate: { effect: http.post, connection: payments, when_unknown: run, with: { path: /r, body: \"${WHAT}\" } }\n    next: done\n  done: { end: completed }\n";

        var plan = Small.Compile(Rest.Replace("WHAT", "command_id", StringComparison.Ordinal));
        Assert.True(((CallStep)plan.State("work").Steps.Single()).Compensation!.WhenUnknown);
        Assert.Equal(["ONEX1043"], Small.Codes(Rest.Replace("WHAT", "result.body", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_state_that_waits_for_nothing_has_no_way_out() =>
        Assert.Contains("ONEX1028", Small.Codes("initial: waiting\nstates:\n  waiting: {}\n  done: { end: completed }\n"));

    [Fact]
    public void A_state_may_wait_for_the_events_of_any_state_alone() =>
        Small.Compile("events: { go: {} }\nany_state: [{ event: go, next: done }]\ninitial: waiting\nstates:\n  waiting: {}\n  done: { end: completed }\n");

    [Fact]
    public void Ways_by_events_timeouts_and_deadline_count() =>
        Small.Compile("events: { go: {} }\ndeadline: { after: 9h, next: late }\ninitial: one\nstates:\n  one:\n    on_event: [{ event: go, next: two }]\n"
            + "  two:\n    timeout: { after: 1h, next: done }\n" + Ends);

    [Fact]
    public void A_compensating_state_is_entered_by_an_event_without_a_fault_of_its_own() =>
        Small.Compile("events: { stop: {} }\ninitial: waiting\nstates:\n  waiting:\n    on_event: [{ event: stop, next: back }]\n    timeout: { after: 1h, next: back }\n"
            + "  back: { compensate: all, next: late }\n  late: { end: failed }\n");

    [Theory]
    [InlineData("on_event: [{ event: go, next: done }]")]
    [InlineData("timeout: { after: 1h, next: done }")]
    public void Ends_and_compensating_states_wait_for_nothing(string key)
    {
        Assert.Contains("ONEX1014", Small.Codes($"events: {{ go: {{}} }}\ninitial: done\nstates:\n  done:\n    end: completed\n    {key}\n"));
        Assert.Contains("ONEX1014", Small.Codes($"events: {{ go: {{}} }}\ninitial: back\nstates:\n  back:\n    compensate: all\n    next: done\n    {key}\n  done: {{ end: failed }}\n"));
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
    public void Other_steps_are_checked(string step, string code) =>
        Assert.Contains(code, Small.Codes($"data: {{ n: int? }}\ninitial: work\nstates:\n  work:\n    steps:\n      - {step}\n    next: done\n  done: {{ end: completed }}\n"));

    [Theory]
    [InlineData("timeout: { after: 1h }", "ONEX1013")]
    [InlineData("timeout: { next: done }", "ONEX1013")]
    [InlineData("timeout: 1h", "ONEX1012")]
    [InlineData("on_event: [{ next: done }]", "ONEX1013")]
    [InlineData("on_event: [{ event: go, next: nowhere }]", "ONEX1023")]
    [InlineData("on_event: [{ event: go, stay: perhaps, next: done }]", "ONEX1012")]
    public void Rules_and_limits_are_checked(string key, string code) =>
        Assert.Contains(code, Small.Codes($"events: {{ go: {{}} }}\ninitial: work\nstates:\n  work:\n    {key}\n  done: {{ end: completed }}\n"));

    [Fact]
    public void An_event_is_no_name_outside_a_rule() =>
        Assert.Equal(["ONEX1043"], Small.Codes("initial: work\nstates:\n  work:\n    choose:\n      - { when: event.x, next: done }\n      - { next: done }\n  done: { end: completed }\n"));
}
