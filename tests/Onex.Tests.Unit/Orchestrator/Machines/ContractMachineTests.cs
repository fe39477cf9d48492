using MassTransit;
using Onex.Orchestrator.Machines;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Machines;

public sealed class ContractMachineTests
{
    private const string Contract = """
        contract: story
        version: 1.0.0
        description: One state of each kind.
        input: { type: object }
        initial: working
        states:
          working:
            steps: [{ id: seal, compute: hash.sha256, with: { text: x } }]
            choose:
              - { when: steps.seal.hex == "", next: unwinding, fault: empty }
              - { next: passing }
          passing: { next: done }
          unwinding: { compensate: all, next: unwound }
          done: { end: completed }
          unwound: { end: failed }
        on_failure: unwinding
        """;

    private static readonly string[] _live = ["External", "Joined", "Operator", "StepResult", "Timer"];

    // Written by hand, so that a change that the plan and the machine share also fails.
    public static TheoryData<string, string[]> AcceptedByState => new()
    {
        { "Initial", ["Started"] },
        { "working", _live },
        { "passing", _live },
        { "unwinding", _live },
        { "done", ["Joined"] },
        { "unwound", ["Joined"] },
    };

    [Theory]
    [MemberData(nameof(AcceptedByState))]
    public void The_machine_accepts_in_each_state_the_events_of_the_plan(string state, string[] expected)
    {
        var plan = new SagaScenario(Contract).Plan;
        var machine = new ContractMachine(plan);

        // The plan does not list Resend, which is accepted where Operator is, and StepReport, which is accepted where StepResult is.
        var accepted = machine.NextEvents(machine.GetState(state)).Select(@event => @event.Name).ToList();
        Assert.Equal(accepted.Contains("Operator"), accepted.Remove("Resend"));
        Assert.Equal(accepted.Contains("StepResult"), accepted.Remove("StepReport"));
        Assert.Equal(expected, accepted.Order(StringComparer.Ordinal));
        if (plan.StatesByName.TryGetValue(state, out var planState))
        {
            Assert.Equal(expected, planState.Accepts.Select(kind => kind.ToString()).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void The_engine_decides_only_on_messages_that_the_state_accepts()
    {
        var scenario = new SagaScenario(Contract).Starts();
        var machine = new PlanMachine(scenario.Plan);
        var result = scenario.Result("seal", StepOutcome.Completed, """{ "hex": "ab" }""", null);

        var decision = machine.Decide(scenario.Saga, result, scenario.Now);

        Assert.Equal("done", decision!.State.State);
        Assert.Null(machine.Decide(decision.State, result, scenario.Now));
        Assert.Null(machine.Decide(null, result, scenario.Now));
    }

    [Fact]
    public void A_failure_of_the_engine_reaches_the_caller_of_the_machine()
    {
        var scenario = new SagaScenario(Contract).Starts();
        var result = scenario.Result("seal", StepOutcome.Completed, "{}", null);
        var unknown = scenario.Saga with { State = "gone" };

        Assert.ThrowsAny<Exception>(() => new PlanMachine(scenario.Plan).Decide(unknown, result, scenario.Now));
    }

    [Fact]
    public void The_machine_has_the_states_of_the_contract_and_the_implicit_ones()
    {
        var machine = new ContractMachine(new SagaScenario(Contract.Replace("on_failure: unwinding", "", StringComparison.Ordinal)).Plan);

        Assert.Equal(
            ["Final", "Initial", "compensating", "done", "failed", "passing", "unwinding", "unwound", "working"],
            machine.States.Select(state => state.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_machine_has_the_name_of_its_contract() =>
        Assert.Equal("story", ((StateMachine)new ContractMachine(new SagaScenario(Contract).Plan)).Name);

    [Fact]
    public void The_machine_declares_every_type_of_event()
    {
        var machine = new ContractMachine(new SagaScenario(Contract).Plan);

        Assert.Equal(
            Enum.GetNames<EventKind>().Order(StringComparer.Ordinal),
            machine.Events.Select(declared => declared.Name).Where(Enum.GetNames<EventKind>().Contains).Order(StringComparer.Ordinal));
    }
}
