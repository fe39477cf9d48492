using Onex.Tests.Unit.Contracts;

namespace Onex.Tests.Unit.Engine;

/// <summary>Calls of remote operations (docs/remote-operations.md), whose workers have no database and are not trusted.</summary>
public sealed class RemoteOperationTests
{
    private const string Operations = """
        operations:
          shop.quote:
            topic: shop-commands
            changes_world: false
            arguments: { sku: string }
            result: { cents: int }
          shop.reserve:
            topic: shop-commands
            changes_world: true
            arguments: { sku: string }
            result: { reservation: string }
          shop.release:
            topic: shop-commands
            changes_world: true
            arguments: { reservation: string }
        """;

    private const string Order = """
        contract: story
        version: 1.0.0
        input: { type: object, properties: { sku: { type: string } }, required: [sku] }
        data: { cents: int? }
        retries: { twice: { attempts: 2, first: 1s } }
        any_state: [{ event: stop, next: undoing }]
        events: { stop: {} }
        on_failure: undoing
        initial: asking
        states:
          asking:
            steps:
              - id: quote
                compute: shop.quote
                with: { sku: "${input.sku}" }
                retry: twice
                save: { cents: result.cents }
              - id: reserve
                effect: shop.reserve
                with: { sku: "${input.sku}" }
                retry: twice
                compensate: { effect: shop.release, with: { reservation: "${result.reservation}" }, when_unknown: block }
              - { id: look, effect: http.get, connection: outside, with: { path: / } }
            next: done
          undoing: { compensate: all, next: undone }
          undone: { end: failed }
          done: { end: completed }
        """;

    private static readonly string _handle = $"{SecretHandles.Prefix}0123456789abcdef0123456789abcdef";

    [Fact]
    public void A_command_carries_the_topic_of_its_operation()
    {
        var scenario = Starts().Sends("quote");

        Assert.Equal(("shop-commands", CallRole.Compute), (scenario.Last.Commands[0].Topic, scenario.Last.Commands[0].Role));

        scenario.Completes("quote", "{\"cents\":7}").Sends("reserve");
        Assert.Equal(("shop-commands", CallRole.Remote), (scenario.Last.Commands[0].Topic, scenario.Last.Commands[0].Role));
    }

    [Fact]
    public void A_secret_handle_is_never_sent_to_a_remote_worker()
    {
        var scenario = Starts($"item {_handle}").Sends();

        Assert.Equal("secret_not_sent", scenario.Saga.Fault!.Code);
        Assert.Contains("must not leave Onex", scenario.Saga.Fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_handle, scenario.Saga.Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Arguments_too_large_for_a_remote_worker_fail_the_step_with_their_size()
    {
        var scenario = Starts(new string('x', MessageSizes.RemoteMax)).Sends();

        Assert.Equal("arguments_too_large", scenario.Saga.Fault!.Code);
        Assert.Contains("they have 524,298 bytes", scenario.Saga.Fault.Message, StringComparison.Ordinal);
        Assert.Contains("524,288 can be sent", scenario.Saga.Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Arguments_of_a_compensation_with_a_secret_handle_block_the_saga()
    {
        var scenario = Starts().Completes("quote", "{\"cents\":7}").Completes("reserve", $"{{\"reservation\":\"{_handle}\"}}").Sends();

        scenario.IsIn("asking", SagaStatus.Blocked);
        Assert.Contains("must not leave Onex", Assert.Single(scenario.Saga.Blockages).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_result_is_checked_against_the_declaration()
    {
        var scenario = Starts().Completes("quote", "{\"cents\":\"seven\"}").Sends().Wakes().Sends("quote#2");

        scenario.Completes("quote", "{\"cents\":\"seven\"}").Sends();

        Assert.Equal("result_invalid", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void The_outcome_of_an_interrupted_change_is_awaited_and_then_compensated()
    {
        var scenario = Starts().Completes("quote", "{\"cents\":7}").Receives("stop").Sends();

        // The effect ledger has no entry of the command, so it must neither be queried nor record a cancellation.
        var later = scenario.Saga.NextWakeupAt!.Value;
        Assert.True(later > scenario.Now);
        Assert.Empty(Timers.ToCancel(scenario.Plan, scenario.Saga, later));
        Assert.Empty(Timers.ToLookUp(scenario.Plan, scenario.Saga, later));

        scenario.Completes("reserve", "{\"reservation\":\"r1\"}").Sends("-reserve").ArgumentsAre("reserve", "{\"reservation\":\"r1\"}");
        scenario.Completes("reserve").IsIn("undone", SagaStatus.Failed);
    }

    [Fact]
    public void A_cancellation_of_a_remote_computation_carries_its_topic()
    {
        var scenario = Starts().Receives("stop").IsIn("undone", SagaStatus.Failed);

        Assert.Equal("shop-commands", Assert.Single(scenario.Last.Cancelled).Topic);
    }

    [Fact]
    public void A_change_without_a_result_is_sent_again_as_the_same_attempt()
    {
        var scenario = Starts().Completes("quote", "{\"cents\":7}").Sends("reserve");
        var first = scenario.Last.Commands[0];

        scenario.Wakes().Sends("reserve");

        Assert.Equal((first.CommandId, first.Attempt), (scenario.Last.Commands[0].CommandId, scenario.Last.Commands[0].Attempt));
    }

    [Fact]
    public void The_results_of_workers_do_not_decide_effects_of_Onex()
    {
        var scenario = Starts().Completes("quote", "{\"cents\":7}").Completes("reserve", "{\"reservation\":\"r1\"}").Sends("look");
        var forged = scenario.Result("look", StepOutcome.Completed, "{\"status_code\":200,\"headers\":{},\"body\":null}", null) with
        {
            IsFromWorker = true,
        };

        scenario.Handles(forged).Sends().IsIn("asking", SagaStatus.Running);
        scenario.Handles(forged with { IsFromWorker = false }).IsIn("done", SagaStatus.Completed);
    }

    private static SagaScenario Starts(string sku = "s1")
    {
        var directory = Directory.CreateTempSubdirectory("onex-remote-");
        try
        {
            File.WriteAllText(Path.Combine(directory.CreateSubdirectory("operations").FullName, "shop.yaml"), Operations);
            File.WriteAllText(Path.Combine(directory.FullName, "order.yaml"), Order);
            var read = RemoteOperationsReader.Read(directory.FullName, TestCatalogue.Operations);
            var compilation = ContractCompiler.CompileDirectory(
                directory.FullName, new CompilerContext(TestCatalogue.Operations.With(read.Operations), Connections: null));
            Assert.Equal("", string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));
            return new SagaScenario(compilation.Plans.Single()).Starts($"{{\"sku\":\"{sku}\"}}");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
