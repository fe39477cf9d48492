namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>
/// The diagnostics for failures that lead back to themselves, for pivots that compensate, and for states that end in a failure.
/// </summary>
public sealed class FailureCyclesTests
{
    private const string Ends = "  unwinding: { compensate: all, next: failed }\n  failed: { end: failed }\n  done: { end: completed }\n";

    [Theory]
    [InlineData("the state of on_failure fails", "on_failure: calming", "  calming: { steps: [CALL], next: failed }\n")]
    [InlineData(
        "the state of on_failure sets a field, then fails",
        "on_failure: calming",
        "  calming: { steps: [{ set: { n: data.n + 1 } }, CALL], next: failed }\n")]
    [InlineData("the state has a fail step", "on_failure: calming", "  calming: { steps: [{ fail: { code: no, message: no } }] }\n")]
    [InlineData(
        "only one code is caught",
        "on_failure: calming",
        "  calming: { steps: [CALL], catch: [{ error: http_404, next: failed }], next: failed }\n")]
    [InlineData(
        "a later state of the path fails",
        "on_failure: calming",
        "  calming: { steps: [QUIET], next: more }\n  more: { steps: [CALL], next: failed }\n")]
    [InlineData(
        "the state after compensation fails",
        "on_failure: reverting",
        "  reverting: { compensate: all, next: more }\n  more: { steps: [CALL], next: failed }\n")]
    [InlineData(
        "a catch leads to a state that fails",
        "on_failure: calming",
        "  calming: { steps: [CALL], catch: [{ next: more }], next: failed }\n  more: { steps: [CALL], next: failed }\n")]
    [InlineData(
        "a branch fails", "on_failure: calming", "  calming: { steps: [{ parallel: { branches: [CALL, QUIET] } }], next: failed }\n")]
    [InlineData(
        "too few branches succeed",
        "on_failure: calming",
        "  calming: { steps: [{ parallel: { join: any, branches: [CALL, QUIET] } }], next: failed }\n")]
    [InlineData(
        "two branches are needed, and one of three waits",
        "on_failure: calming",
        "  calming: { steps: [{ parallel: { join: { at_least: 2 }, branches: [QUIET, { set: { n: data.n + 1 } }, { wait: 1m }] }, "
            + "catch: [{ next: failed }] }, CALL], next: failed }\n")]
    [InlineData("an item fails", "on_failure: calming", "  calming: { steps: [EACH], next: failed }\n")]
    [InlineData("there may be too many items", "on_failure: calming", "  calming: { steps: [LONG], next: failed }\n")]
    [InlineData(
        "a filtered list may have too many items", "on_failure: calming", "  calming: { steps: [FILTERED], next: failed }\n")]
    [InlineData(
        "a catch leads to its own state", "", "  more: { steps: [CALL], catch: [{ error: http_404, next: more }], next: failed }\n")]
    [InlineData(
        "catches lead to one another",
        "",
        "  more: { steps: [CALL], catch: [{ next: other }], next: failed }\n  other: { steps: [QUIET2], next: more }\n")]
    [InlineData(
        "a catch leads to a state that leads back",
        "",
        "  more: { steps: [CALL], catch: [{ next: other }], next: failed }\n"
            + "  other: { steps: [{ set: { n: data.n + 1 } }], next: more }\n")]
    public void A_failure_cycle_is_an_error(string what, string head, string states) =>
        Assert.True(Codes(head, states).SequenceEqual(["ONEX1140"]), $"{what}: {string.Join(", ", Render(head, states))}");

    [Theory]
    [InlineData(
        "each failure is caught", "on_failure: calming", "  calming: { steps: [CALL], catch: [{ next: failed }], next: failed }\n")]
    [InlineData("a wait comes first", "on_failure: calming", "  calming: { steps: [{ wait: 10s }, CALL], next: failed }\n")]
    [InlineData(
        "two branches are needed, and two of three wait",
        "on_failure: calming",
        "  calming: { steps: [{ parallel: { join: { at_least: 2 }, branches: [QUIET, { wait: 1m }, { wait: 2m }] }, "
            + "catch: [{ next: failed }] }, CALL], next: failed }\n")]
    [InlineData("the state waits for an event", "on_failure: calming", "  calming: { on_event: [{ event: go, next: working }] }\n")]
    [InlineData("no step can fail", "on_failure: calming", "  calming: { steps: [{ wait: 2s }], next: working }\n")]
    [InlineData(
        "a guard ends the cycle after three entries",
        "on_failure: calming",
        "  calming: { steps: [{ set: { n: data.n + 1 } }], choose: [{ when: data.n < 3, next: working }, { next: failed }] }\n")]
    [InlineData(
        "a catch waits and leads back",
        "",
        "  more: { steps: [CALL], catch: [{ next: rest }], next: failed }\n  rest: { steps: [{ wait: 1m }], next: more }\n")]
    [InlineData(
        "a catch counts and leads back",
        "",
        "  more: { steps: [CALL], catch: [{ next: count }], next: failed }\n"
            + "  count: { steps: [{ set: { n: data.n + 1 } }], choose: [{ when: data.n < 3, next: more }, { next: failed }] }\n")]
    [InlineData(
        "a catch fetches something and leads back",
        "",
        "  more: { steps: [CALL], catch: [{ error: http_401, next: renew }], next: failed }\n  renew: { steps: [QUIET], next: more }\n")]
    [InlineData(
        "on_failure does not apply past the pivot", "on_failure: unwinding", "  more: { pivot: true, steps: [CALL], next: failed }\n")]
    [InlineData("any number of items may fail", "on_failure: calming", "  calming: { steps: [PATIENT], next: failed }\n")]
    [InlineData(
        "too many items are caught",
        "on_failure: calming",
        "  calming: { steps: [LONG], catch: [{ error: too_many_items, next: failed }], next: failed }\n")]
    [InlineData(
        "the items' failure is caught", "on_failure: calming", "  calming: { steps: [EACH], catch: [{ next: failed }], next: failed }\n")]
    public void A_failure_without_an_endless_cycle_is_allowed(string what, string head, string states) =>
        Assert.True(!Codes(head, states).Any(), $"{what}: {string.Join(", ", Render(head, states))}");

    [Fact]
    public void A_registered_contract_with_a_failure_cycle_stays_valid() => Assert.Single(ContractCompiler.Compile(
        new ContractSource(
            "small.yaml",
            Text("on_failure: calming", "  calming: { steps: [CALL], next: failed }\n"),
            ImmutableSortedDictionary<string, string>.Empty),
        TestCatalogue.Context with { IsRegistered = true }).Plans);

    [Theory]
    [InlineData("next", "  more: { pivot: true, steps: [CALL], next: unwinding, fault: x }\n")]
    [InlineData(
        "choose", "  more: { pivot: true, steps: [CALL], choose: [{ when: data.n > 1, next: unwinding, fault: x }, { next: failed }] }\n")]
    [InlineData("timeout", "  more: { pivot: true, steps: [CALL], timeout: { after: 1h, next: unwinding }, next: failed }\n")]
    [InlineData("event", "  more: { pivot: true, steps: [CALL], on_event: [{ event: go, next: unwinding }], next: failed }\n")]
    [InlineData("catch of the state", "  more: { pivot: true, steps: [CALL], catch: [{ next: unwinding }], next: failed }\n")]
    [InlineData("catch of a step", "  more: { pivot: true, steps: [{ fail: { code: no, message: no }, catch: [{ next: unwinding }] }] }\n")]
    [InlineData(
        "a later state",
        "  more: { pivot: true, steps: [CALL], next: later }\n  later: { steps: [CALL], catch: [{ next: unwinding }], next: failed }\n")]
    public void A_pivot_that_leads_to_a_compensating_state_is_an_error(string what, string states) =>
        Assert.True(Codes("", states).SequenceEqual(["ONEX1141"]), $"{what}: {string.Join(", ", Render("", states))}");

    [Fact]
    public void Before_the_pivot_any_transition_may_lead_to_a_compensating_state() =>
        Assert.Empty(
            Codes("", "  more: { steps: [CALL], catch: [{ next: unwinding }], next: last }\n"
                + "  last: { pivot: true, steps: [CALL], next: failed }\n"));

    [Theory]
    [InlineData("", "  more: { steps: [{ fail: { code: no, message: no } }] }\n")]
    [InlineData("on_failure: unwinding", "  more: { steps: [CALL, { fail: { code: no, message: no } }] }\n")]
    [InlineData("", "  more: { steps: [{ fail: { code: no, message: no } }], catch: [{ next: failed }] }\n")]
    [InlineData("", "  more: { pivot: true, steps: [{ fail: { code: no, message: no } }], catch: [{ next: failed }] }\n")]
    public void A_state_that_ends_in_fail_needs_no_next(string head, string states) => Assert.Equal([], Render(head, states));

    [Fact]
    public void Past_the_pivot_a_state_that_ends_in_fail_needs_a_catch() =>
        Assert.Equal(["ONEX1025"], Codes("", "  more: { pivot: true, steps: [{ fail: { code: no, message: no } }] }\n"));

    private static IEnumerable<string> Codes(string head, string states) =>
        TestContracts.Check(Text(head, states)).Diagnostics.Select(diagnostic => diagnostic.Code);

    private static IEnumerable<string> Render(string head, string states) =>
        TestContracts.Check(Text(head, states)).Diagnostics.Select(diagnostic => diagnostic.Render());

    // A contract with the state `working`, the given ones and the usual ends. `working` leads to `more` if the case has that state, unless
    // `on_failure` is `calming` or `reverting`. CALL, QUIET and QUIET2 (a failure is caught), EACH, PATIENT (items may fail), LONG and
    // FILTERED (items may fail, or be too many) stand for steps.
    private static string Text(string head, string states)
    {
        var first = states.Contains("  more:", StringComparison.Ordinal)
            && !head.Contains("calming", StringComparison.Ordinal)
            && !head.Contains("reverting", StringComparison.Ordinal)
            ? "more"
            : "done";
        var data = states.Contains("data.n", StringComparison.Ordinal) ? "data: { n: { type: int, initial: 0 } }\n" : "";
        var text = $"{TestContracts.Head}events: {{ go: {{}} }}\n{data}{(head.Length > 0 ? head + "\n" : "")}"
            + $"any_state: [{{ event: go, next: unwinding }}]\ninitial: working\nstates:\n  working: {{ steps: [CALL], timeout: {{ "
            + $"after: 9h, next: done }}, next: {first} }}\n{states}{Ends}";
        var number = 0;
        for (var at = 0; (at = text.IndexOf("CALL", StringComparison.Ordinal)) >= 0;)
        {
            text = $"{text[..at]}{{ id: call{++number}, effect: http.get, connection: stock, with: {{ path: /x }} }}{text[(at + 4)..]}";
        }

        return text
            .Replace("QUIET2", "{ id: quiet, compute: hash.sha256, with: { text: x }, catch: [{ next: more }] }", StringComparison.Ordinal)
            .Replace("QUIET", "{ id: quiet, compute: hash.sha256, with: { text: x }, catch: [{ next: failed }] }", StringComparison.Ordinal)
            .Replace(
                "PATIENT",
                "{ id: many, each: { item: \"[1, 2]\", at_most: 3, on_item_failure: continue }, compute: hash.sha256, with: { text: x } }",
                StringComparison.Ordinal)
            .Replace(
                "LONG",
                "{ id: many, each: { item: input.list, at_most: 3, on_item_failure: continue }, compute: hash.sha256, with: { text: x } }",
                StringComparison.Ordinal)
            .Replace(
                "FILTERED",
                "{ id: many, each: { item: \"input.list.filter(i, i > 0)\", at_most: 50, on_item_failure: continue }, "
                    + "compute: hash.sha256, with: { text: x } }",
                StringComparison.Ordinal)
            .Replace(
                "EACH",
                "{ id: many, each: { item: \"[1, 2]\", at_most: 3 }, compute: hash.sha256, with: { text: x } }",
                StringComparison.Ordinal);
    }
}
