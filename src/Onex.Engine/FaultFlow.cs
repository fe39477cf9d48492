using System.Collections.Frozen;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>The states in which <c>fault</c> can be read: every path to them sets it (docs/contract-language.md#faults).</summary>
internal static class FaultFlow
{
    /// <summary>The names of those states: the greatest set that is consistent with every transition.</summary>
    public static FrozenSet<string> StatesWithFault(Plan plan)
    {
        var transitions = Transitions(plan).ToList();
        var states = plan.States.Select(state => state.Name).Where(name => name != plan.Initial).ToHashSet(StringComparer.Ordinal);
        bool changed;
        do
        {
            changed = false;
            foreach (var (from, to, sets) in transitions)
            {
                if (!sets && !states.Contains(from))
                {
                    changed |= states.Remove(to);
                }
            }
        }
        while (changed);

        return states.ToFrozenSet(StringComparer.Ordinal);
    }

    // Some of them cannot happen past the pivot. Counting them is safe: it can hide `fault` in a state, but never expose an unset one.
    private static IEnumerable<(string From, string To, bool SetsFault)> Transitions(Plan plan)
    {
        foreach (var state in plan.States)
        {
            foreach (var choice in state.Choices)
            {
                yield return (state.Name, choice.Next, choice.Fault is not null);
            }

            if (state.Kind != StateKind.Ordinary)
            {
                continue;
            }

            foreach (var rule in state.Catch.Concat(state.AllSteps.SelectMany(step => step.Catch)))
            {
                yield return (state.Name, rule.Next, true);
            }

            foreach (var rule in state.Pivot ? state.OnEvent : state.OnEvent.Concat(plan.AnyState))
            {
                if (rule.Next is { } next)
                {
                    yield return (state.Name, next, plan.State(next).IsOffPath);
                }
            }

            if (state.Timeout is { } timeout)
            {
                yield return (state.Name, timeout.Next, true);
            }

            if (plan.Deadline is { } deadline)
            {
                yield return (state.Name, deadline.Next, true);
            }

            yield return (state.Name, plan.OnFailure, true);
        }
    }
}
