namespace Onex.Tests.Unit.Engine;

/// <summary>Steps that send no command: <c>set</c>, <c>respond</c>, <c>fail</c>.</summary>
public sealed class InlineStepTests
{
    [Fact]
    public void Set_evaluates_all_fields_on_the_data_before_it()
    {
        var scenario = new SagaScenario(
            Setting(TestStates.Put("one", "data.two", TestStates.Number), TestStates.Put("two", "data.one", TestStates.Number)))
            .Starts();

        scenario.IsIn("done", SagaStatus.Completed);
        Assert.Equal((2, 1), (scenario.Saga.Data["one"].AsInt(), scenario.Saga.Data["two"].AsInt()));
    }

    [Theory]
    [InlineData("data.missing")]
    [InlineData("'text'")]
    public void A_set_that_fails_or_has_the_wrong_type_is_a_failure(string value)
    {
        var scenario = new SagaScenario(Setting(TestStates.Put("one", value, TestStates.Number))).Starts();

        Assert.Equal(("expression_failed", "count"), (scenario.Saga.Fault!.Code, scenario.Saga.Fault.Step));
        Assert.Equal(1, scenario.Saga.Data["one"].AsInt());
    }

    [Fact]
    public void Respond_answers_at_once_and_the_end_sends_no_second_response()
    {
        var scenario = new SagaScenario(Responding())
            .Starts()
            .Handles(Joining("requests/5/1"))
            .Completes("one").Sends("two");
        Assert.Equal(
            [(ResponseStatus.Success, """{"order":7}""", false), (ResponseStatus.Success, """{"order":7}""", false)],
            scenario.Answers.Select(answer => (answer.Status, answer.Output.ToString()!, answer.IsDuplicate)));

        scenario.Completes("two").IsIn("done", SagaStatus.Completed);
        Assert.Equal(2, scenario.Answers.Count);
        Assert.Equal("""{"end":true}""", scenario.Saga.Output.ToString());
    }

    [Fact]
    public void A_saga_without_a_requester_responds_only_to_a_joined_request()
    {
        var scenario = new SagaScenario(Responding())
            .Starts(silent: true)
            .Completes("one")
            .Completes("two").IsIn("done", SagaStatus.Completed);
        Assert.Empty(scenario.Answers);

        scenario.Handles(Joining("requests/5/1"));
        Assert.Equal("requests/5/1", Assert.Single(scenario.Answers).To.Source);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_request_that_joins_after_a_response_gets_it_at_once(bool afterTheEnd)
    {
        var scenario = new SagaScenario(Responding())
            .Starts()
            .Completes("one");
        if (afterTheEnd)
        {
            scenario.Completes("two");
        }

        scenario.Handles(Joining("requests/5/1", isDuplicate: true));
        var answer = scenario.Last.Answers.Single();
        Assert.Equal((ResponseStatus.Success, """{"order":7}""", true), (answer.Status, answer.Output.ToString()!, answer.IsDuplicate));
        if (!afterTheEnd)
        {
            scenario.Completes("two");
            Assert.Equal(2, scenario.Answers.Count);
        }
    }

    [Fact]
    public void A_saga_that_fails_after_its_response_sends_no_second_response()
    {
        var scenario = new SagaScenario(Responding())
            .Starts()
            .Completes("one")
            .Answered("two", 404).IsIn("failed", SagaStatus.Failed);

        Assert.Single(scenario.Answers);
    }

    [Fact]
    public void Fail_sets_its_code_and_message_and_leads_to_on_failure()
    {
        var scenario = new SagaScenario(Failing()).Starts();

        scenario.IsIn("failed", SagaStatus.Failed);
        Assert.Equal(
            ("too_big", "It has 3 parts.", "refuse"), (scenario.Saga.Fault!.Code, scenario.Saga.Fault.Message, scenario.Saga.Fault.Step));
    }

    [Fact]
    public void Fail_uses_its_own_catch_first() =>
        new SagaScenario(Failing(new CatchRule(["too_big"], "done"))).Starts().IsIn("done", SagaStatus.Completed);

    [Fact]
    public void A_fail_message_that_cannot_be_evaluated_fails_with_expression_failed()
    {
        var plan = TestStates.Plan(
            [TestStates.State("checking", "done", [TestStates.Fail("refuse", "too_big", "data.missing")]), TestStates.End("done")]);

        Assert.Equal("expression_failed", new SagaScenario(plan).Starts().Saga.Fault!.Code);
    }

    [Fact]
    public void An_invalid_output_past_the_pivot_blocks_before_the_end_and_can_be_retried()
    {
        var plan = TestStates.Plan(
        [
            TestStates.State("sending", "done", [TestStates.Effect("send")], pivot: true),
            TestStates.End("done", output: TestStates.Map(("x", "data.missing"))),
        ]);
        var scenario = new SagaScenario(plan).Starts()
            .Completes("send").IsIn("sending", SagaStatus.Blocked);
        Assert.Equal(BlockedBy.Transition, scenario.Saga.Blockage!.Kind);

        scenario.OperatorSends(OperatorCommand.Retry).Sends().IsIn("sending", SagaStatus.Blocked);
        Assert.Empty(scenario.Answers);
    }

    [Fact]
    public void A_cycle_without_calls_blocks_and_can_be_cancelled()
    {
        var plan = TestStates.Plan([TestStates.State("one", "two"), TestStates.State("two", "one")]);
        var scenario = new SagaScenario(plan).Starts();

        Assert.Equal((SagaStatus.Blocked, BlockedBy.Transition), (scenario.Saga.Status, scenario.Saga.Blockage!.Kind));
        scenario.OperatorSends(OperatorCommand.Retry);
        Assert.Equal(SagaStatus.Blocked, scenario.Saga.Status);
        scenario.OperatorSends(OperatorCommand.Cancel).IsIn("failed", SagaStatus.Cancelled);
    }

    private static Plan Setting(params Assignment[] assignments) => TestStates.Plan(
        [TestStates.State("counting", "done", [TestStates.Set("count", assignments)]), TestStates.End("done")],
        data: [TestStates.Field("one", TestStates.Number, CelValue.Int(1)), TestStates.Field("two", TestStates.Number, CelValue.Int(2))]);

    private static Plan Responding() => TestStates.Plan(
    [
        TestStates.State(
            "working", "done", [TestStates.Effect("one"), TestStates.Respond("reply", ("order", "7")), TestStates.Effect("two")]),
        TestStates.End("done", output: TestStates.Map(("end", "true"))),
    ]);

    private static Plan Failing(params CatchRule[] catches) => TestStates.Plan(
        [TestStates.State(
            "checking",
            "done",
            [TestStates.Fail("refuse", "too_big", "'It has ' + string(1 + 2) + ' parts.'", catches)]), TestStates.End("done")]);

    private static RequestJoined Joining(string source, bool isDuplicate = false) => new()
    {
        SagaId = default,
        CausedBy = default,
        Waiter = new Waiter(SagaScenario.Requester(source), isDuplicate),
    };
}
