namespace Onex.Tests.Unit.Engine;

/// <summary>The values that compensation arguments read, and the effect of a missing value.</summary>
public sealed class CompensationArgumentTests
{
    [Fact]
    public void Compensation_arguments_use_data_as_saved_by_the_step()
    {
        var scenario = Holding("compensate: { effect: http.delete, connection: outside, with: { path: \"/holds/${data.hold}\" } }")
            .Answered("hold", 200, """{"id":"h-1"}""").Sends("next")
            .Answered("next", 404).Sends("-hold");

        Assert.Equal("""{"path":"/holds/h-1"}""", scenario.Arguments("hold"));
    }

    [Fact]
    public void A_completed_interrupted_step_is_compensated_with_the_data_it_would_have_saved()
    {
        var scenario = Holding("compensate: { effect: http.delete, connection: outside, with: { path: \"/holds/${data.hold}\" } }")
            .Receives("stop")
            .Answered("hold", 200, """{"id":"h-1"}""").Sends("-hold");

        Assert.Equal("""{"path":"/holds/h-1"}""", scenario.Arguments("hold"));
    }

    [Fact]
    public void Each_run_of_a_re_entered_step_is_compensated_with_its_own_data()
    {
        var scenario = Holding(
            "compensate: { effect: http.delete, connection: outside, with: { path: \"/holds/${data.hold}\" } }",
            "catch: [{ error: http_409, next: holding }]");
        scenario.Answered("hold", 200, """{"id":"h-1"}""")
            .Answered("next", 409).Sends("hold")
            .Answered("hold", 200, """{"id":"h-2"}""")
            .Answered("next", 404).Sends("-hold");
        Assert.Equal("""{"path":"/holds/h-2"}""", scenario.Arguments("hold"));

        scenario.Answered("hold", 200).Sends("-hold");
        Assert.Equal("""{"path":"/holds/h-1"}""", scenario.Arguments("hold"));
    }

    [Fact]
    public void A_compensation_that_reads_an_unsaved_value_blocks()
    {
        var scenario = Holding(
            "compensate: { effect: http.delete, connection: outside, with: { path: /holds, body: { number: \"${data.number}\" } } }",
            save: "{ hold: result.body.id, number: int(result.body.id) }");
        scenario.Answered("hold", 200, """{"id":"7"}""")
            .Answered("next", 409).Sends("hold")
            .Answered("hold", 200, """{"id":"x"}""").Sends();

        Assert.Contains("number", scenario.Saga.BlockedBecause, StringComparison.Ordinal);
        Assert.Matches(@"number\. ('skip' continues|Find out)", scenario.Saga.BlockedBecause);
    }

    [Fact]
    public void Null_in_text_fails_with_expression_failed_and_sends_nothing()
    {
        var scenario = new SagaScenario("""
            contract: story
            version: 1.0.0
            input: {}
            initial: work
            states:
              work:
                steps:
                  - { id: ask, effect: http.get, connection: outside, with: { path: /a } }
                  - { id: free, effect: http.get, connection: outside, with: { path: "/holds/${steps.ask.body.id}" } }
                next: done
              done: { end: completed }
            """).Starts()
                .Answered("ask", 200, """{"id":null}""").Sends().IsIn("failed", SagaStatus.Failed);

        Assert.Equal(StepCodes.ExpressionFailed, scenario.Saga.Fault!.Code);
        Assert.Contains("null", scenario.Saga.Fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("compute: hash.sha256, with: { text: \"${steps.ask.body.id}\" }")]
    [InlineData("effect: http.get, connection: outside, with: { path: /b, headers: { x: \"${steps.ask.body.id}\" } }")]
    public void Null_for_a_text_argument_fails_with_expression_failed(string call)
    {
        var scenario = new SagaScenario($$"""
            contract: story
            version: 1.0.0
            input: {}
            initial: work
            states:
              work:
                steps:
                  - { id: ask, effect: http.get, connection: outside, with: { path: /a } }
                  - { id: next, {{call}} }
                next: done
              done: { end: completed }
            """).Starts()
                .Answered("ask", 200, """{"id":null}""").Sends().IsIn("failed", SagaStatus.Failed);

        Assert.Equal(StepCodes.ExpressionFailed, scenario.Saga.Fault!.Code);
    }

    [Theory]
    [InlineData("\"/holds/${steps.ask.body.id}\"", false)]
    [InlineData("\"/holds/x${steps.ask.body.id}\"", false)]
    [InlineData("\"${steps.ask.body.id}\"", false)]
    [InlineData("\"/holds?after=${steps.ask.body.id}\"", true)]
    public void An_empty_path_segment_is_an_error_and_an_empty_query_value_is_not(string path, bool isSent)
    {
        var scenario = new SagaScenario($$"""
            contract: story
            version: 1.0.0
            input: {}
            initial: work
            states:
              work:
                steps:
                  - { id: ask, effect: http.get, connection: outside, with: { path: /a } }
                  - { id: free, effect: http.get, connection: outside, with: { path: {{path}} } }
                next: done
              done: { end: completed }
            """).Starts()
                .Answered("ask", 200, """{"id":""}""");

        Assert.Equal(isSent ? ["free"] : [], scenario.Last.Commands.Select(command => command.Step));
        Assert.Equal(isSent ? null : StepCodes.ExpressionFailed, scenario.Saga.Fault?.Code);
    }

    [Theory]
    [InlineData("https://stock.example/holds/${input.id}", false)]
    [InlineData("https://stock.example/holds?after=${input.id}", true)]
    [InlineData("${input.base}?after=${input.id}", true)]
    public void An_empty_value_in_the_path_of_a_whole_address_is_an_error(string url, bool isSent)
    {
        var scenario = new SagaScenario($$"""
            contract: story
            version: 1.0.0
            input: { type: object, required: [id, base], properties: { id: { type: string }, base: { type: string } } }
            initial: work
            states:
              work:
                steps: [{ id: free, effect: http.get, with: { url: "{{url}}" } }]
                next: done
              done: { end: completed }
            """).Starts("""{"id":"","base":"https://stock.example/holds"}""");

        Assert.Equal(isSent ? ["free"] : [], scenario.Last.Commands.Select(command => command.Step));
    }

    private static SagaScenario Holding(
        string compensate, string catches = "catch: [{ error: http_409, next: holding }]", string save = "{ hold: result.body.id }") =>
        new SagaScenario($$"""
            contract: story
            version: 1.0.0
            input: {}
            data: { hold: string?, number: int? }
            events: { stop: {} }
            any_state: [{ event: stop, next: unwinding }]
            on_failure: unwinding
            initial: holding
            states:
              holding:
                steps:
                  - id: hold
                    effect: http.post
                    connection: outside
                    with: { path: /holds }
                    returns: { body: { id: string } }
                    save: {{save}}
                    {{compensate}}
                next: going_on
              going_on:
                steps:
                  - id: next
                    effect: http.get
                    connection: outside
                    with: { path: /next }
                    {{catches}}
                next: done
              unwinding: { compensate: all, next: gave_up }
              gave_up: { end: failed }
              done: { end: completed }
            """).Starts();
}
