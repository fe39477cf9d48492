using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Mapping;

/// <summary>A live saga whose rows are stored as a sample: the acts that lead to the rows, and those that continue from them.</summary>
/// <param name="Name">The sample's folder in tests/samples.</param>
/// <param name="Contract">The contract.</param>
/// <param name="Input">The input, as JSON.</param>
/// <param name="Begin">The acts up to the sample.</param>
/// <param name="Continue">The acts after the sample, with their assertions.</param>
internal sealed record StoredSagaSample(
    string Name, string Contract, string Input, Func<SagaScenario, SagaScenario> Begin, Func<SagaScenario, SagaScenario> Continue);

/// <summary>The samples that version 0.1 of Onex wrote.</summary>
internal static class StoredSagaSamples
{
    /// <summary>The version that wrote the rows.</summary>
    public const string Version = "0.1";

    public static IReadOnlyList<StoredSagaSample> All { get; } =
    [
        new(
            "retrying-with-a-compensation",
            """
            contract: sample
            version: 1.0.0
            input: { type: object, required: [id], properties: { id: { type: string }, price: { type: number } } }
            data: { hold: string?, at: timestamp?, note: any?, total: { type: double, initial: 0.0 } }
            initial: working
            states:
              working:
                steps:
                  - id: hold
                    effect: http.post
                    connection: outside
                    with: { path: /holds }
                    returns: { body: { id: string, at: timestamp, note: any } }
                    save:
                      hold: result.body.id
                      at: result.body.at
                      note: result.body.note
                      total: input.price
                    compensate: { effect: http.delete, connection: outside, with: { path: "/holds/${result.body.id}" },
                        when_unknown: block }
                  - id: charge
                    effect: http.post
                    connection: outside
                    with: { path: /charges, body: { total: "${data.total}", note: "${data.note}" } }
                    retry: { attempts: 3, first: 1s, jitter: none }
                    compensate: { effect: http.delete, connection: outside, with: { path: /charges }, when_unknown: run }
                next: done
              done: { end: completed }
              unwinding: { compensate: all, next: failed }
              failed: { end: failed }
            on_failure: unwinding
            """,
            """{ "id": "o-1", "price": 12.5 }""",
            scenario => scenario
                .Answered(
                    "hold",
                    201,
                    """{ "id": "h-1", "at": "2027-01-02T03:04:05Z", "note": { "big": 1.5e17, "list": [1, 1.0, "1", null] } }""")
                .Sends("charge")
                .Fails("charge"),
            scenario => scenario
                .Wakes()
                    .Sends("charge#2")
                    .ArgumentsAre("charge", """{"path":"/charges","body":{"total":12.5,"note":{"big":1.5E+17,"list":[1,1.0,"1",null]}}}""")
                .Answered("charge", 409)
                .IsIn("unwinding", SagaStatus.Compensating).Sends("-hold")
                .ArgumentsAre("hold", """{"path":"/holds/h-1"}""")
                .Answered("hold", 200)
                .IsIn("failed", SagaStatus.Failed)),
        new(
            "waiting-with-a-buffered-event",
            """
            contract: sample
            version: 1.0.0
            input: {}
            events:
              paid: { data: { amount: int } }
              shipped: { data: { at: timestamp } }
            data: { amount: int? }
            deadline: { after: 10d, next: late }
            initial: shipping
            states:
              shipping:
                timeout: { after: 2d, next: late }
                on_event:
                  - { event: shipped, next: paying }
              paying:
                on_event:
                  - { event: paid, set: { amount: event.amount }, next: done }
              done: { end: completed, output: { amount: "${data.amount}" } }
              late: { end: failed }
            """,
            "{}",
            scenario => scenario
                .AdvancesTime(TimeSpan.FromHours(3))
                .Receives("paid", """{ "amount": 9007199254740993 }"""),
            scenario => scenario
                .IsIn("shipping", SagaStatus.Waiting)
                .Receives("shipped", """{ "at": "2026-11-25T00:00:00Z" }""")
                .IsIn("done", SagaStatus.Completed)
                .OutputIs("""{"amount":9007199254740993}""")),
        new(
            "parallel-branches",
            """
            contract: sample
            version: 1.0.0
            input: {}
            initial: both
            states:
              both:
                steps:
                  - id: two
                    parallel:
                      join: all
                      branches:
                        - - { id: a, effect: http.get, connection: outside, with: { path: /a }, returns: { body: { n: int } } }
                          - { id: b, effect: http.get, connection: outside, with: { path: "/b/${steps.a.body.n}" } }
                        - { id: c, effect: http.get, connection: outside, with: { path: /c } }
                next: done
              done: { end: completed }
            """,
            "{}",
            scenario => scenario.Answered("a", 200, """{ "n": 7 }"""),
            scenario => scenario
                .Answered("c", 200)
                .Fails("b")
                .Wakes().Sends("b#2")
                .ArgumentsAre("b", """{"path":"/b/7"}""")
                .Answered("b", 200)
                .IsIn("done", SagaStatus.Completed)),
        new(
            "each-in-progress",
            EachContract,
            """{ "names": ["a", "b", "c", "d", "e"] }""",
            scenario => scenario
                .CompletesItem("pack", 1, Body("b"))
                .CompletesItem("pack", 0, Body("a"))
                .RejectsItem("pack", 2),
            scenario => scenario
                .InFlightAre("pack", 3, 4)
                .CompletesItem("pack", 4, Body("e"))
                .CompletesItem("pack", 3, Body("d"))
                .Fires()
                .Wakes()
                .IsIn("done", SagaStatus.Completed)
                .OutputIs("""{"refs":["a","b","d","e"],"failed":1}""")),
        new(
            "each-being-compensated",
            EachContract,
            """{ "names": ["a", "b", "c"] }""",
            scenario => scenario
                .CompletesItem("pack", 0, Body("a"))
                .CompletesItem("pack", 1, Body("b"))
                .CompletesItem("pack", 2, Body("c"))
                .Fires()
                .OperatorSends(OperatorCommand.Cancel)
                .Fires()
                .CompletesItem("pack", 2),
            scenario => scenario
                .Fires().InFlightAre("pack", 0, 1)
                .CompletesItem("pack", 1)
                .CompletesItem("pack", 0)
                .IsIn("failed", SagaStatus.Cancelled)),
        new(
            "blocked-by-an-unknown-outcome",
            """
            contract: sample
            version: 1.0.0
            input: {}
            initial: charging
            states:
              charging:
                steps:
                  - id: charge
                    effect: http.post
                    connection: outside
                    with: { path: /charges }
                    retry: { attempts: 1 }
                    compensate: { effect: http.delete, connection: outside, with: { path: /charges }, when_unknown: block }
                next: done
              done: { end: completed }
              unwinding: { compensate: all, next: failed }
              failed: { end: failed }
            on_failure: unwinding
            """,
            "{}",
            scenario => scenario.LosesResult("charge"),
            scenario => scenario
                .IsIn("charging", SagaStatus.Blocked)
                .OperatorSends(OperatorCommand.Retry, reason: "it is back").Sends("charge#2")
                .Answered("charge", 201)
                .IsIn("done", SagaStatus.Completed)),
        new(
            "paused-while-it-waits",
            """
            contract: sample
            version: 1.0.0
            input: {}
            initial: resting
            states:
              resting:
                steps:
                  - wait: 2d
                next: done
              done: { end: completed }
            """,
            "{}",
            scenario => scenario
                .AdvancesTime(TimeSpan.FromHours(5))
                .OperatorSends(OperatorCommand.Pause, "ann", "stocktaking"),
            scenario => scenario
                .IsIn("resting", SagaStatus.Paused)
                .OperatorSends(OperatorCommand.Resume)
                .Wakes()
                .IsIn("done", SagaStatus.Completed)),
        new(
            "interrupted-in-flight",
            """
            contract: sample
            version: 1.0.0
            input: {}
            events: { stop: {} }
            initial: calling
            states:
              calling:
                steps:
                  - { id: fetch, effect: http.post, connection: outside, with: { path: /a },
                      compensate: { effect: http.delete, connection: outside, with: { path: /a }, when_unknown: run } }
                on_event:
                  - { event: stop, next: unwinding }
                next: done
              done: { end: completed }
              unwinding: { compensate: all, next: failed }
              failed: { end: failed }
            """,
            "{}",
            scenario => scenario.Receives("stop"),
            scenario => scenario
                .IsIn("unwinding", SagaStatus.Compensating)
                .Answered("fetch", 201).Sends("-fetch")
                .Answered("fetch", 200)
                .IsIn("failed", SagaStatus.Failed)),
    ];

    private const string EachContract =
        """
        contract: sample
        version: 1.0.0
        input: { type: object, required: [names], properties: { names: { type: array, items: { type: string } } } }
        data: { refs: { type: list(string), initial: [] }, failed: { type: int, initial: 0 } }
        initial: packing
        states:
          packing:
            steps:
              - id: pack
                each: { item: input.names, at_most: 9, at_once: 2, on_item_failure: continue }
                effect: http.post
                connection: outside
                with: { path: "/${item}" }
                returns: { body: { ref: string } }
                save: { refs: "results.map(r, r.body.ref)", failed: "failures.size()" }
                compensate: { effect: http.delete, connection: outside, with: { path: "/${result.body.ref}" }, when_unknown: block }
              - wait: 1h
            next: done
          done: { end: completed, output: { refs: "${data.refs}", failed: "${data.failed}" } }
        """;

    private static string Body(string reference) => $$$"""{"status_code":200,"headers":{},"body":{"ref":"{{{reference}}}"}}""";
}
