using Onex.Contracts.Diagnostics;
using Onex.Engine.Examples;
using Onex.Tests.Unit.Contracts;

namespace Onex.Tests.Unit.Engine.Examples;

/// <summary>
/// Examples of contracts: scripted results and events, when they are delivered, virtual time, and the report of a failed expectation.
/// </summary>
public sealed class ExampleTests
{
    private const string Order = """
        contract: order
        version: 1.0.0
        input: { type: object, properties: { id: { type: string } } }
        events:
          cancel: { data: { reason: string } }
          card_updated: {}
        data:
          payment: string?
        retries:
          quick: { attempts: 3, first: 1s, jitter: none }
        any_state: [{ event: cancel, when: event.reason != "", next: unwinding }]
        initial: charging
        states:
          charging:
            steps:
              - id: charge
                effect: http.post
                connection: payments
                with: { path: /charges, body: { order: "${input.id}" } }
                returns: { body: { ref: string } }
                retry: quick
                reject: [{ when: result.status_code == 402, code: card_declined }]
                catch: [{ error: card_declined, next: waiting }]
                save: { payment: result.body.ref }
                compensate: { effect: http.post, connection: payments,
                    with: { path: /refunds, body: { ref: "${result.body.ref}" } }, when_unknown: block }
            next: sealing
          waiting:
            on_event: [{ event: card_updated, next: charging }]
            timeout: { after: 48h, next: unwinding }
          sealing:
            steps:
              - { id: seal, compute: hash.sha256, with: { text: a } }
              - { id: rest, wait: 1h }
            choose:
              - { when: 'steps.seal.hex == "bad"', next: unwinding, fault: bad_seal }
              - { next: done }
          unwinding: { compensate: all, next: unwound }
          done: { end: completed, output: { payment: "${data.payment}", lines: [{ sku: a, quantity: 1 }] } }
          unwound: { end: failed, output: { reason: "${fault.code}" } }
        on_failure: unwinding
        examples:

        """;

    private const string Blocks = """
        contract: blocks
        version: 1.0.0
        input: { type: object, properties: { items: { type: array, maxItems: 50, items: { type: string } } } }
        events: { stop: {} }
        data: { sent: list(string), lost: list(string), tracking: string? }
        any_state: [{ event: stop, next: unwinding }]
        initial: clearing
        states:
          clearing:
            steps:
              - parallel:
                  branches:
                    - { id: seal, compute: hash.sha256, with: { text: a } }
                    - id: score
                      effect: http.get
                      connection: stock
                      with: { path: /score }
                      returns: { body: { score: int } }
                      reject: [{ when: result.status_code == 404, code: unknown }]
                      catch: [{ error: unknown, next: unwinding }]
            choose:
              - { when: steps.score.body.score > 80, next: unwinding, fault: suspected }
              - next: sending
          sending:
            steps:
              - id: send
                each: { item: input.items, at_once: 2, on_item_failure: { at_most: 1 } }
                effect: http.post
                connection: stock
                with: { path: /send, body: "${item}" }
                returns: { body: { id: string } }
                reject: [{ when: result.status_code == 409, code: taken }]
                save: { sent: "results.map(r, r.body.id)", lost: "failures.map(f, f.code)" }
                compensate: { effect: http.delete, connection: stock, with: { path: "/send/${result.body.id}" } }
            next: shipping
          shipping:
            steps:
              - id: ship
                saga: shipment
                with: { sent: "${data.sent}" }
                returns: { tracking: string }
                save: { tracking: result.tracking }
                compensate: { saga: shipment, with: { sent: [] } }
              - { saga: shipment, detached: true, with: { sent: [] } }
              - wait: 1h
            next: done
          unwinding: { compensate: all, next: unwound }
          done: { end: completed, output: { sent: "${data.sent}", lost: "${data.lost}", tracking: "${data.tracking}" } }
          unwound: { end: failed, output: { reason: "${fault.code}" } }
        on_failure: unwinding
        examples:
          - name: each call for an item takes the next answer, and a child answers with its output
            input: { items: [a, b, c, d] }
            steps:
              score: { body: { score: 3 } }
              send: [{ body: { id: s1 } }, { status_code: 409 }, { failed: timeout }, { body: { id: s4 } }, { body: { id: s3 } }]
              ship: { tracking: t1 }
            expect: { end: completed, compensated: [], output: { sent: [s1, s3, s4], lost: [taken], tracking: t1 } }
          - name: more failures than allowed compensate what was sent
            input: { items: [a, b, c, d] }
            steps: { score: { body: { score: 3 } }, send: [{ body: { id: s1 } }, { status_code: 409 }] }
            expect: { end: failed, fault: taken, compensated: [send] }
          - name: a rejected child compensates what was sent, the last items first
            input: { items: [a, b, c] }
            steps: { score: { body: { score: 3 } }, send: { body: { id: s1 } }, ship: { rejected: no_carrier } }
            expect: { end: failed, fault: no_carrier, compensated: [send] }
          - name: an event cancels a child without a script
            input: { items: [a] }
            steps: { score: { body: { score: 3 } }, send: { body: { id: s1 } } }
            events: [{ at: shipping, event: stop }]
            expect: { end: failed, fault: stop, compensated: [send] }
          - name: a child that has ended is compensated
            input: { items: [] }
            steps: { score: { body: { score: 3 } }, ship: { tracking: t1 } }
            events: [{ at: shipping, after: 10m, event: stop }]
            expect: { end: failed, fault: stop, compensated: [ship] }
          - name: the failure of a branch may be caught
            input: { items: [a] }
            steps: { score: { status_code: 404 } }
            expect: { end: failed, fault: unknown }
          - name: the result of a branch may decide the transition
            input: { items: [a] }
            steps: { score: { body: { score: 99 } } }
            expect: { end: failed, fault: suspected }

        """;

    public static TheoryData<string, string> Passing => new()
    {
        {
            "a single answer is for every call",
            "steps: { charge: { body: { ref: r } }, seal: { hex: ab } }, expect: { end: completed, output: { payment: r } }"
        },
        {
            "a list has an answer for each call, and the last answer is for all further calls",
            "steps: { charge: [{ status_code: 402 }, { failed: timeout }, { status_code: 503 }, { body: { ref: r } }], seal: { hex: ab } },"
            + "events: [{ at: waiting, event: card_updated }], expect: { end: completed, visited: [charging, waiting, charging, sealing, "
            + "done] }"
        },
        {
            "a status is classified as in production",
            "steps: { charge: { status_code: 404 } }, expect: { end: failed, fault: http_404 }"
        },
        {
            "a transient status is retried until the policy is used up",
            "steps: { charge: { status_code: 503 } }, expect: { end: failed, fault: step_failed }"
        },
        {
            "a timeout is a failure whose outcome is unknown",
            "steps: { charge: { failed: timeout } }, expect: { blocked: charging, compensated: [] }"
        },
        {
            "a call without a connection took no effect",
            "steps: { charge: { failed: connection_refused } }, expect: { end: failed, fault: step_failed, compensated: [] }"
        },
        {
            "a 503 means that the call took no effect",
            "steps: { charge: { status_code: 503 } }, expect: { end: failed, fault: step_failed, compensated: [] }"
        },
        {
            "a 500 means that the call may have taken effect",
            "steps: { charge: { status_code: 500 } }, expect: { blocked: charging }"
        },
        {
            "a rejection is final",
            "steps: { charge: [{ rejected: card_declined }, { body: { ref: r } }], seal: { hex: ab } }, expect: { waiting: waiting }"
        },
        {
            "a result of the wrong type is a failure",
            "steps: { charge: { body: { ref: 7 } } }, expect: { end: failed, fault: result_invalid }"
        },
        {
            "an event interrupts the step in flight, which completes if it is scripted",
            "steps: { charge: { body: { ref: r } } }, events: [{ at: charging, event: cancel, with: { reason: a } }],"
            + "expect: { end: failed, fault: cancel, compensated: [charge] }"
        },
        {
            "an event interrupts the step in flight, which is cancelled if it is not scripted",
            "events: [{ at: charging, event: cancel, with: { reason: a } }], expect: { end: failed, fault: cancel, compensated: [] }"
        },
        {
            "time advances by itself to the next timer",
            "steps: { charge: { status_code: 402 } }, expect: { end: failed, fault: state_timed_out, visited: [charging, waiting, "
                + "unwinding, unwound] }"
        },
        {
            "an entry without an event lets time pass",
            "steps: { charge: [{ status_code: 402 }, { body: { ref: r } }], seal: { hex: ab } },"
            + "events: [{ at: waiting, after: 47h }, { at: waiting, event: card_updated }], expect: { end: completed }"
        },
        {
            "an event may be sent after a delay",
            "steps: { charge: [{ status_code: 402 }, { body: { ref: r } }], seal: { hex: ab } },"
            + "events: [{ at: waiting, after: 47h, event: card_updated }], expect: { end: completed }"
        },
        {
            "the time that passes may end the state",
            "steps: { charge: { status_code: 402 } }, events: [{ at: waiting, after: 48h }], expect: { end: failed, fault: "
                + "state_timed_out }"
        },
        {
            "a saga may be expected to wait",
            "steps: { charge: { status_code: 402 } }, expect: { waiting: waiting, visited: [charging, waiting] }"
        },
        {
            "a compensation that is rejected blocks",
            "steps: { charge: { body: { ref: r } }, charge.compensate: { rejected: too_late }, seal: { hex: bad } }, expect: { blocked: "
                + "unwinding, compensated: [] }"
        },
        {
            "a compensation is retried like any call",
            "steps: { charge: { body: { ref: r } }, charge.compensate: [{ failed: timeout }, { status_code: 204 }], seal: { hex: bad } },"
            + "expect: { end: failed, fault: bad_seal, compensated: [charge] }"
        },
        {
            "an event may be expected to be declined",
            "steps: { charge: { body: { ref: r } }, seal: { hex: ab } }, events: [{ at: charging, event: cancel, with: { reason: '' }, "
                + "refused: true }], expect: { end: completed }"
        },
        {
            "an event that comes early is buffered",
            "steps: { charge: [{ status_code: 402 }, { body: { ref: r } }], seal: { hex: ab } }, events: [{ at: charging, event: "
                + "card_updated }],"
            + "expect: { end: completed, visited: [charging, waiting, charging, sealing, done] }"
        },
        {
            "only the expected fields of an output are compared, and 1.0 equals 1",
            "steps: { charge: { body: { ref: r } }, seal: { hex: ab } }, expect: { end: completed, output: { lines: [{ quantity: 1.0 }] } }"
        },
    };

    [Theory]
    [MemberData(nameof(Passing))]
    public void An_example_expectation_passes(string sentence, string example) =>
        Assert.Equal("", ErrorsOf($"  - {{ name: {Quoted(sentence)}, input: {{ id: o1 }}, {example} }}\n"));

    public static TheoryData<string, string, string> Failing => new()
    {
        {
            "steps: { seal: { hex: ab } }, expect: { end: completed }",
            "ONEX1095", "script the result of step 'charge'"
        },
        {
            "steps: { charge: { body: { ref: r } } }, expect: { end: completed }",
            "ONEX1095", "script the result of step 'seal'"
        },
        {
            "steps: { charge: { status_code: 402 } }, expect: { end: completed }",
            "ONEX1094", "the saga was to end completed, but has ended in 'unwound' with the fault state_timed_out"
        },
        {
            "steps: { charge: { status_code: 402 } }, expect: { end: failed, fault: card_declined }",
            "ONEX1094", "'fault' is state_timed_out, not card_declined"
        },
        {
            "steps: { charge: { body: { ref: r } }, seal: { hex: ab } }, expect: { end: completed, visited: [charging, done] }",
            "ONEX1094", "'visited' is [charging, sealing, done]"
        },
        {
            "steps: { charge: { body: { ref: r } }, seal: { hex: bad } }, expect: { end: failed, compensated: [] }",
            "ONEX1094", "'compensated' is [charge]"
        },
        {
            "steps: { charge: { body: { ref: r } }, seal: { hex: ab } }, expect: { end: completed, output: { lines: [{ quantity: 2 }] } }",
            "ONEX1094", "'output' at /lines/0/quantity is 1, not 2"
        },
        {
            "steps: { charge: { body: { ref: r } }, seal: { hex: ab } }, expect: { end: completed, output: { paid: true } }",
            "ONEX1094", "'output' at /paid is missing"
        },
        {
            "steps: { charge: { bodi: { ref: r } }, seal: { hex: ab } }, expect: { end: completed }",
            "ONEX1094", "the script of 'charge' has 'bodi'"
        },
        {
            "steps: { charge: { body: { ref: r } } }, events: [{ at: charging, event: cancel, with: { reason: '' } }], expect: { end: "
                + "failed }",
            "ONEX1094", "the event 'cancel' is declined"
        },
        {
            "events: [{ at: charging, event: cancel, with: { reason: a }, refused: true }], expect: { end: failed }",
            "ONEX1094", "the event 'cancel' is not declined"
        },
        {
            "steps: { charge: { body: { ref: r } }, seal: { hex: ab } }, events: [{ at: waiting, event: card_updated }], expect: { end: "
                + "completed }",
            "ONEX1097", "the saga is never in state 'waiting' when it is this entry's turn: it has ended in 'done'"
        },
        {
            "steps: { charge: { status_code: 402 } }, events: [{ at: waiting, after: 3d, event: card_updated }], expect: { end: failed }",
            "ONEX1097", "the saga leaves state 'waiting' before 3d are over"
        },
    };

    [Theory]
    [MemberData(nameof(Failing))]
    public void A_failed_expectation_is_reported(string example, string code, string words)
    {
        var errors = ErrorsOf($"  - {{ name: a, input: {{ id: o1 }}, {example} }}\n");

        Assert.Contains($" error {code}: ", errors, StringComparison.Ordinal);
        Assert.Contains(words, errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("steps: { chrage: { body: { ref: r } } }, expect: { end: failed }", "ONEX1045", "Did you mean 'charge'?")]
    [InlineData(
        "events: [{ at: chargin, event: cancel, with: { reason: a } }], expect: { end: failed }", "ONEX1023", "Did you mean 'charging'?")]
    [InlineData("events: [{ at: charging, event: cancle }], expect: { end: failed }", "ONEX1055", "Did you mean 'cancel'?")]
    [InlineData("expect: { end: failed, visited: [chargin] }", "ONEX1023", "Did you mean 'charging'?")]
    [InlineData("expect: { end: failed, compensated: [chrage] }", "ONEX1045", "Did you mean 'charge'?")]
    [InlineData("expect: { ends: failed }", "ONEX1010", "Did you mean 'end'?")]
    [InlineData("expect: { end: failed, waiting: waiting }", "ONEX1014", "Keep only the outcome that you expect.")]
    public void A_misspelt_word_is_reported_with_a_suggestion(string example, string code, string words)
    {
        var errors = ErrorsOf($"  - {{ name: a, input: {{ id: o1 }}, {example} }}\n");

        Assert.Contains($" error {code}: ", errors, StringComparison.Ordinal);
        Assert.Contains(words, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Examples_run_only_when_contracts_are_checked()
    {
        var broken = Order + "  - { name: a, input: { id: o1 }, expect: { end: completed } }\n";

        Assert.True(TestContracts.Check(broken).HasErrors);
        Assert.Empty(CompileWithoutExamples(broken).Diagnostics);
    }

    [Fact]
    public void Coverage_counts_states_transitions_guard_outcomes_and_compensations()
    {
        var plan = CompileWithoutExamples(
            Order + "  - { name: a, input: { id: o1 }, steps: { charge: { body: { ref: r } }, seal: { hex: ab } }, expect: { end: "
                + "completed } }\n").Plans.Single();

        var coverage = ContractExamples.Run(plan).Coverage;

        Assert.Equal((3, 6), (coverage.States.Covered, coverage.States.All));
        Assert.Equal(["waiting", "unwinding", "unwound"], coverage.States.Missing);
        Assert.Equal((2, 9), (coverage.Transitions.Covered, coverage.Transitions.All));
        Assert.Equal(
            [
                "charging to waiting: card_declined", "waiting to charging: card_updated", "waiting to unwinding: after 2d",
                "sealing to unwinding: steps.seal.hex == \"bad\"", "unwinding to unwound",
                "any state to unwinding: cancel [event.reason != \"\"]", "any state to unwinding: failure",
            ],
            coverage.Transitions.Missing);
        Assert.Equal((2, 6), (coverage.Guards.Covered, coverage.Guards.All));
        Assert.Equal((0, 1), (coverage.Compensations.Covered, coverage.Compensations.All));
    }

    [Fact]
    public void An_example_is_deterministic()
    {
        const string Example = "  - { name: a, input: { id: o1 }, steps: { charge: { failed: timeout } }, expect: { end: completed } }\n";

        Assert.Equal(ErrorsOf(Example), ErrorsOf(Example));
    }

    [Fact]
    public void Branches_items_and_children_are_scripted_like_steps()
    {
        var report = ContractExamples.Run(CompileWithoutExamples(Blocks).Plans.Single(plan => plan.Name == "blocks"));

        Assert.Empty(report.Examples.SelectMany(example => example.Problems).Select(problem => problem.What));
        Assert.Empty(report.Coverage.Transitions.Missing);
        Assert.Empty(report.Coverage.Guards.Missing);
        Assert.Empty(report.Coverage.Compensations.Missing);
    }

    private static string ErrorsOf(string example) =>
        string.Concat(
            TestContracts.Check(Order + example).Diagnostics.Where(
                diagnostic => diagnostic.Severity == Severity.Error).Select(diagnostic => diagnostic.Render()));

    private static Compilation CompileWithoutExamples(string contract) => ContractCompiler.Compile(
        new Onex.Contracts.Plans.ContractSource(
            "order.yaml", contract, System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty),
        TestCatalogue.Context with { Examples = null });

    private static string Quoted(string text) => $"\"{text}\"";
}
