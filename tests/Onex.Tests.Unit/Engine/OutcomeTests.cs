namespace Onex.Tests.Unit.Engine;

/// <summary>The transitions of step outcomes: docs/contract-language.md#steps.</summary>
public sealed class OutcomeTests
{
    [Theory]
    [InlineData(100, "large")]
    [InlineData(50, "medium")]
    [InlineData(1, "small")]
    public void Choose_leads_to_the_first_entry_whose_guard_holds(int total, string state) => new SagaScenario("""
        contract: story
        version: 1.0.0
        input: { type: object, properties: { total: { type: integer } }, required: [total] }
        initial: sorting
        states:
          sorting:
            choose:
              - { when: input.total > 80, next: large }
              - { when: input.total > 40, next: medium }
              - next: small
          large: { end: completed }
          medium: { end: completed }
          small: { end: completed }
        """).Starts($"{{\"total\":{total}}}").IsIn(state, SagaStatus.Completed);

    [Fact]
    public void A_reject_guard_precedes_the_classification_by_the_role()
    {
        var scenario = Asking("reject: [{ when: result.status_code == 503, code: closed }]").Answered("ask", 503).Sends();

        Assert.Equal("closed", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void A_rejected_result_is_not_checked_against_the_declared_type()
    {
        var scenario = Asking("reject: [{ when: result.status_code == 299, code: not_yet }]").Answered("ask", 299, "null").Sends();

        Assert.Equal("not_yet", scenario.Saga.Fault!.Code);
    }

    [Fact]
    public void A_result_is_checked_before_it_is_saved()
    {
        var scenario = Asking("save: { name: result.body.name }").Answered("ask", 200, "{\"nmae\":1}").Sends("-ask");

        Assert.Empty(scenario.Saga.Data);
    }

    [Fact]
    public void A_step_whose_save_fails_happened_and_is_compensated()
    {
        var scenario = Asking("save: { number: int(result.body.name) }").Answered("ask", 200, "{\"name\":\"x\"}").Sends("-ask");

        Assert.Equal("expression_failed", scenario.Saga.Fault!.Code);
    }

    [Theory]
    [InlineData("catch: [{ error: http_404, next: by_step }]", "catch: [{ next: by_state }]", "by_step")]
    [InlineData("catch: [{ error: http_409, next: by_step }]", "catch: [{ next: by_state }]", "by_state")]
    [InlineData("", "catch: [{ error: [http_404, http_410], next: by_state }]", "by_state")]
    [InlineData("", "", "by_contract")]
    public void A_final_failure_is_handled_by_step_then_state_then_contract(
        string stepRule, string stateRule, string expected) =>
        Assert.Equal(expected, Asking(stepRule, stateRule).Answered("ask", 404).Saga.State);

    [Fact]
    public void Compensation_arguments_are_evaluated_when_the_step_completes()
    {
        var scenario = new SagaScenario("""
            contract: story
            version: 1.0.0
            input: {}
            data: { name: { type: string, initial: first } }
            initial: asking
            states:
              asking:
                steps:
                  - id: ask
                    effect: http.post
                    connection: outside
                    with: { path: /asked }
                    compensate: { effect: http.delete, connection: outside, with: { path: "/${data.name}" } }
                  - set: { name: "'second'" }
                  - fail: { code: enough, message: enough }
                next: done
              done: { end: completed }
            """).Starts()
                .Answered("ask", 200).Sends("-ask");

        Assert.Equal("""{"path":"/first"}""", scenario.Arguments("ask"));
    }

    [Fact]
    public void The_last_fault_wins()
    {
        var scenario = AskingTwice().Answered("ask", 404);
        Assert.Equal("http_404", scenario.Saga.Fault!.Code);

        scenario.Answered("again", 410).IsIn("failed", SagaStatus.Failed);
        Assert.Equal("http_410", scenario.Answers[0].Fault!.Code);
    }

    [Fact]
    public void A_state_also_entered_without_a_fault_clears_it() =>
        Assert.Null(AskingTwice("next: again").Answered("ask", 404).Saga.Fault);

    private static SagaScenario AskingTwice(string next = "next: done") => new SagaScenario($$"""
        contract: story
        version: 1.0.0
        input: {}
        initial: asking
        states:
          asking:
            steps:
              - id: ask
                effect: http.get
                connection: outside
                with: { path: /a }
                catch: [{ next: again }]
            {{next}}
          again:
            steps:
              - id: again
                effect: http.get
                connection: outside
                with: { path: /b }
            next: done
          done: { end: completed }
        """).Starts();

    private static SagaScenario Asking(string stepRule, string stateRule = "") => new SagaScenario($$"""
        contract: story
        version: 1.0.0
        input: {}
        data: { name: string?, number: int? }
        initial: asking
        states:
          asking:
            steps:
              - id: ask
                effect: http.post
                connection: outside
                with: { path: /a }
                returns: { body: { name: string } }
                compensate: { effect: http.delete, connection: outside, with: { path: /a } }
                {{stepRule}}
            {{stateRule}}
            next: done
          {{(stepRule.Contains("by_step", StringComparison.Ordinal) ? "by_step: { end: completed }" : "")}}
          {{(stateRule.Length > 0 ? "by_state: { end: completed }" : "")}}
          {{(stepRule.StartsWith("save", StringComparison.Ordinal) ? "unwinding: { compensate: all, next: by_contract }" : "")}}
          by_contract: { end: failed }
          done: { end: completed }
        on_failure: {{(stepRule.StartsWith("save", StringComparison.Ordinal) ? "unwinding" : "by_contract")}}
        """).Starts();
}
