using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Runtime.Running;
using Onex.Tests.Unit.Contracts;
using Limits = Onex.Contracts.Text.Limits;
using Names = Onex.Contracts.Compiling.Names;

namespace Onex.Tests.Unit.Engine;

/// <summary><c>emit</c>: domain events that are sent with the commit.</summary>
public sealed class EmitTests
{
    [Fact]
    public void An_emitted_event_has_the_key_and_value_of_the_contract()
    {
        var scenario = Starts("with: { key: \"order-${input.id}\", value: { id: \"${input.id}\", note: \"packed at ${now}\" } }");

        scenario.IsIn("done", SagaStatus.Completed);
        Assert.Equal(
            [new EventToPublish(
                "working[0]", "orders.packed", "order-7", RawJson.FromText("""{"id":7,"note":"packed at 2026-11-24T08:00:00Z"}"""))],
            scenario.Last.Published);
        Assert.Contains(scenario.History, note => note is { Kind: HistoryKind.StepCompleted, Step: "working[0]" });
    }

    [Fact]
    public void The_default_key_is_the_correlation_id()
    {
        var scenario = Starts("with: { value: 1 }");

        Assert.Equal(
            (scenario.Saga.Facts.Requester.CorrelationId.ToString(), "1"),
            (scenario.Last.Published.Single().Key, scenario.Last.Published.Single().Value.ToString()));
    }

    [Theory]
    [InlineData("with: { value: \"${input.missing}\" }", "The value of step 'pack'")]
    [InlineData("with: { key: \"${input.missing}\", value: 1 }", "The key of step 'pack'")]
    [InlineData("with: { key: \"${input.id}\", value: 1 }", "The key of step 'pack': text is required, not Int.")]
    public void A_failed_expression_publishes_nothing(string with, string message)
    {
        var scenario = Starts($"id: pack\n        {with}");
        Assert.Empty(scenario.Last.Published);
        Assert.Equal(("expression_failed", "pack"), (scenario.Saga.Fault!.Code, scenario.Saga.Fault.Step));
        Assert.Contains(message, scenario.Saga.Fault.Message, StringComparison.Ordinal);

        scenario = Starts($"id: pack\n        {with}\n        catch: [{{ error: expression_failed, next: done }}]");
        scenario.IsIn("done", SagaStatus.Completed);
    }

    [Fact]
    public void An_event_is_sent_with_the_commit_and_names_its_source()
    {
        var scenario = Starts("with: { key: k, value: { text: \"Zoë\" } }");
        var work = new SagaWork(scenario.Saga.Facts.SagaId, machine: null, saga: null, version: 0);
        work.Apply(
            scenario.Last,
            new ResendRequested { SagaId = scenario.Saga.Facts.SagaId, CausedBy = default },
            new MessageWriter(Topics.Default, new ResponseWriter(Topics.Default)));

        var message = work.Outgoing[0];

        Assert.Equal(
            ("orders.packed", "k", null, """{"text":"Zoë"}"""),
            (message.Topic, message.Key, message.Partition, Encoding.UTF8.GetString(message.Value.Span)));
        string Header(string name) => message.Headers[name]!;
        Assert.Equal(
            ("onex.domain-event", message.MessageId.ToString(), scenario.Saga.Facts.SagaId.ToString(), "emitting", "working[0]"),
            (Header("event_type"), Header("message_id"), Header("saga_id"), Header("contract"), Header("step")));
        Assert.Equal(scenario.Saga.Facts.Requester.CorrelationId.ToString(), Header("correlation_id"));
        Assert.Equal(2, work.Outgoing.Select(outgoing => outgoing.MessageId).Distinct().Count());
    }

    [Theory]
    [InlineData("emit: orders packed\n        with: { value: 1 }", "ONEX1116")]
    [InlineData("emit: ..\n        with: { value: 1 }", "ONEX1116")]
    [InlineData("emit: saga-events\n        with: { value: 1 }", "ONEX1117")]
    [InlineData("emit: orders.dlq\n        with: { value: 1 }", "ONEX1117")]
    [InlineData("emit: \"orders.${input.id}\"\n        with: { value: 1 }", "ONEX1039")]
    [InlineData("emit: orders\n        with: { key: k }", "ONEX1013")]
    [InlineData("emit: orders", "ONEX1013")]
    [InlineData("emit: [orders]\n        with: { value: 1 }", "ONEX1012")]
    [InlineData("emit: orders\n        with: { key: { a: 1 }, value: 1 }", "ONEX1038")]
    [InlineData("emit: orders\n        with: { value: 1, headers: {} }", "ONEX1010")]
    [InlineData("emit: orders\n        with: { value: 1 }\n        retry: { attempts: 3 }", "ONEX1010")]
    [InlineData("emit: orders\n        with: { value: \"${result}\" }", "ONEX1043")]
    [InlineData("emit: orders\n        effect: http.get\n        with: { value: 1 }", "ONEX1010", "ONEX1014")]
    public void Emit_errors_are_reported(string step, params string[] codes) => Assert.Equal(
        codes, TestContracts.Codes($"initial: working\nstates:\n  working:\n    steps:\n      - {step}\n    next: done\n  done: {{ end: "
            + $"completed }}\n"));

    [Fact]
    public void The_compiler_knows_the_runtime_topics()
    {
        Assert.Equal(Topics.Default.All.Order(StringComparer.Ordinal), Names.OwnTopics.Order(StringComparer.Ordinal));
        Assert.Equal(
            (Topics.NameLengthMax, Topics.DeadLetterSuffix, Topics.CancelSuffix),
            (Limits.TopicLengthMax, Names.DeadLetterSuffix, Names.CancelSuffix));
    }

    [Fact]
    public void A_topic_configured_as_a_runtime_topic_is_rejected_at_start()
    {
        var emitted = new EmittedTopics([Starts("with: { value: 1 }").Plan]);
        Assert.Equal(["orders.packed"], emitted.Names);
        Assert.Empty(emitted.Problems(Topics.Default));

        var problem = Assert.Single(emitted.Problems(Topics.Default with { WorkerRequests = "orders.packed" }));
        Assert.StartsWith("contract 'emitting' 1.0.0 emits to 'orders.packed' (step 'working[0]')", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Topics_of_produce_calls_are_checked_like_emitted_ones()
    {
        var produced = new EmittedTopics([Produces("orders.packed").Plans.Single()]);

        Assert.Equal(["orders.packed"], produced.Names);
        Assert.StartsWith(
            "contract 'producing' 1.0.0 produces to 'orders.packed' (step 'tell')",
            Assert.Single(produced.Problems(Topics.Default with { WorkerRequests = "orders.packed" })),
            StringComparison.Ordinal);
        Assert.Equal(["ONEX1117"], Produces("effect-requests").Diagnostics.Select(diagnostic => diagnostic.Code));
        Assert.Equal(["ONEX1117"], Produces("orders.dlq").Diagnostics.Select(diagnostic => diagnostic.Code));
        Assert.Equal(["ONEX1116"], Produces("orders packed").Diagnostics.Select(diagnostic => diagnostic.Code));
        Assert.Equal(["ONEX1039"], Produces("'${input.id}'").Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    private static Compilation Produces(string topic) => ContractCompiler.Compile(
        new Onex.Contracts.Plans.ContractSource(
            "producing.yaml",
            $$"""
            contract: producing
            version: 1.0.0
            input: { type: object, required: [id], properties: { id: { type: string } } }
            initial: working
            states:
              working:
                pivot: true
                steps:
                  - { id: tell, effect: kafka.produce, with: { topic: {{topic}}, value: 1 } }
                next: done
              done: { end: completed }
            """,
            System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty),
        TestCatalogue.OrderFulfilmentContext);

    private static SagaScenario Starts(string rest) => new SagaScenario(
        $$"""
        contract: emitting
        version: 1.0.0
        input: {}
        initial: working
        states:
          working:
            steps:
              - emit: orders.packed
                {{rest}}
            next: done
          done: { end: completed }
        """).Starts("""{"id":7}""");
}
