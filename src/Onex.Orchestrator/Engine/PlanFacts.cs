using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using Onex.Contracts.Plans;

namespace Onex.Orchestrator.Engine;

/// <summary>What the engine looks up in a plan again and again, worked out once per plan.</summary>
internal sealed class PlanFacts
{
    private static readonly ConditionalWeakTable<Plan, PlanFacts> _known = [];

    private readonly FrozenSet<string> _statesWithFault;
    private readonly FrozenDictionary<string, (CallStep Step, string State)> _steps;
    private readonly EventFlow _events;

    private PlanFacts(Plan plan)
    {
        _statesWithFault = FaultFlow.StatesWithFault(plan);
        _steps = plan.States
            .SelectMany(state => state.Steps.OfType<CallStep>().Select(step => (step, state.Name)))
            .ToFrozenDictionary(entry => entry.step.Id, StringComparer.Ordinal);
        _events = new EventFlow(plan);
    }

    public static PlanFacts Of(Plan plan) => _known.GetValue(plan, static plan => new PlanFacts(plan));

    /// <summary>Whether <c>fault</c> can be read in that state.</summary>
    public bool FaultIsKnown(string state) => _statesWithFault.Contains(state);

    /// <summary>The call of that id; ids are unique in a contract.</summary>
    public CallStep Step(string id) => _steps[id].Step;

    /// <summary>The state that the call of that id belongs to.</summary>
    public string StateOf(string id) => _steps[id].State;

    /// <summary>See <see cref="EventFlow.CanWant"/>.</summary>
    public bool CanWant(string @event, string state, bool pastPivot) => _events.CanWant(@event, state, pastPivot);

    /// <summary>See <see cref="EventFlow.CanComeToWant"/>.</summary>
    public bool CanComeToWant(string @event, string state, bool pastPivot) => _events.CanComeToWant(@event, state, pastPivot);
}

/// <summary>Which events a saga can still want from a state on: along every way there is, whatever the guards on it say.</summary>
internal sealed class EventFlow(Plan plan)
{
    private readonly ConcurrentDictionary<(string State, bool PastPivot), FrozenSet<string>> _later = new();

    /// <summary>Whether that state itself, or one that can be reached from it, has a rule for the event.</summary>
    public bool CanWant(string @event, string state, bool pastPivot) =>
        Wants(plan.State(state), pastPivot).Contains(@event, StringComparer.Ordinal) || CanComeToWant(@event, state, pastPivot);

    /// <summary>Whether a state that can be reached from that one has a rule for the event.</summary>
    public bool CanComeToWant(string @event, string state, bool pastPivot) =>
        _later.GetOrAdd((state, pastPivot), Later).Contains(@event);

    private FrozenSet<string> Later((string State, bool PastPivot) from)
    {
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        var reached = new HashSet<(string, bool)>();
        var open = new Queue<(string State, bool PastPivot)>([from]);
        while (open.TryDequeue(out var node))
        {
            foreach (var name in Next(plan.State(node.State), node.PastPivot))
            {
                var next = plan.State(name);
                var pastPivot = node.PastPivot || next.Pivot;
                if (reached.Add((name, pastPivot)))
                {
                    wanted.UnionWith(Wants(next, pastPivot));
                    open.Enqueue((name, pastPivot));
                }
            }
        }

        return wanted.ToFrozenSet(StringComparer.Ordinal);
    }

    private IEnumerable<string> Wants(StatePlan state, bool pastPivot) => state.Kind != StateKind.Ordinary
        ? []
        : state.OnEvent.Concat(pastPivot ? [] : plan.AnyState).Select(rule => rule.Event);

    private IEnumerable<string> Next(StatePlan state, bool pastPivot)
    {
        var ways = state.Choices.Select(choice => choice.Next);
        if (state.Kind != StateKind.Ordinary)
        {
            return ways;
        }

        ways = ways
            .Concat(state.Catch.Select(rule => rule.Next))
            .Concat(state.Steps.SelectMany(step => step switch
            {
                CallStep call => call.Catch.Select(rule => rule.Next),
                FailStep fail => fail.Catch.Select(rule => rule.Next),
                _ => [],
            }))
            .Concat(state.OnEvent.Select(rule => rule.Next).OfType<string>())
            .Concat(state.Timeout is { } timeout ? [timeout.Next] : []);
        return pastPivot
            ? ways
            : ways
                .Concat(plan.AnyState.Select(rule => rule.Next).OfType<string>())
                .Concat(plan.Deadline is { } deadline ? [deadline.Next] : [])
                .Append(plan.OnFailure);
    }
}
