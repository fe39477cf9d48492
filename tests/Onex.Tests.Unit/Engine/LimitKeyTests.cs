namespace Onex.Tests.Unit.Engine;

/// <summary>The value for which a connection's limits are counted separately: <c>key: ${input.tenant}</c> of the connection.</summary>
public sealed class LimitKeyTests
{
    [Fact]
    public void A_command_and_its_compensation_carry_the_value_of_the_connections_key()
    {
        var scenario = new SagaScenario(Contract("tenant: { type: string }")).Starts("""{"tenant":"acme"}""");
        Assert.Equal("\"acme\"", scenario.LimitKey("a"));

        scenario.Answered("a", 200).Answered("b", 404).Sends("-a");
        Assert.Equal("\"acme\"", scenario.LimitKey("a"));
        Assert.Null(scenario.LimitKey("b"));
    }

    [Fact]
    public void Sagas_without_a_value_are_counted_together()
    {
        Assert.Equal("null", new SagaScenario(Contract("tenant: { type: string }")).Starts().LimitKey("a"));
    }

    [Fact]
    public void A_key_that_a_contracts_input_does_not_have_is_a_compile_time_error()
    {
        var error = SagaScenario.Compile(Contract("customer: { type: string }")).Diagnostics
            .First(diagnostic => diagnostic.Severity == Onex.Contracts.Diagnostics.Severity.Error);

        Assert.Contains("tenant", error.Problem, StringComparison.Ordinal);
        Assert.Equal(10, error.Line);
    }

    private static string Contract(string property) =>
        $$"""
        contract: limited
        version: 1.0.0
        input: { type: object, additionalProperties: false, properties: { {{property}} } }
        initial: working
        states:
          working:
            steps:
              - id: a
                effect: http.post
                connection: shared
                with: { path: /a }
                compensate: { effect: http.post, connection: shared, with: { path: /undo }, when_unknown: run }
              - { id: b, effect: http.get, connection: outside, with: { path: /b } }
            next: done
          done: { end: completed }
        """;
}
