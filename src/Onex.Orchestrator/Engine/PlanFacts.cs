using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using Onex.Contracts.Plans;

namespace Onex.Orchestrator.Engine;

/// <summary>What the engine looks up in a plan again and again, worked out once per plan.</summary>
internal sealed class PlanFacts
{
    private static readonly ConditionalWeakTable<Plan, PlanFacts> _known = [];

    private readonly FrozenSet<string> _statesWithFault;
    private readonly FrozenDictionary<string, CallStep> _steps;

    private PlanFacts(Plan plan)
    {
        _statesWithFault = FaultFlow.StatesWithFault(plan);
        _steps = plan.States.SelectMany(state => state.Steps).OfType<CallStep>().ToFrozenDictionary(step => step.Id, StringComparer.Ordinal);
    }

    public static PlanFacts Of(Plan plan) => _known.GetValue(plan, static plan => new PlanFacts(plan));

    /// <summary>Whether <c>fault</c> can be read in that state.</summary>
    public bool FaultIsKnown(string state) => _statesWithFault.Contains(state);

    /// <summary>The call of that id; ids are unique in a contract.</summary>
    public CallStep Step(string id) => _steps[id];
}
