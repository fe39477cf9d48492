using System.Collections.Frozen;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>In which states <c>fault</c> can be read: those that are reached only by ways on which it was set (docs/contract-language.md#faults).</summary>
internal static class FaultFlow
{
    /// <summary>The names of those states: the greatest set that agrees with every way into it.</summary>
    public static FrozenSet<string> StatesWithFault(Plan plan)
    {
        var ways = Ways(plan).ToList();
        var with = plan.States.Select(state => state.Name).Where(name => name != plan.Initial).ToHashSet(StringComparer.Ordinal);
        bool changed;
        do
        {
            changed = false;
            foreach (var (from, to, sets) in ways)
            {
                if (!sets && !with.Contains(from))
                {
                    changed |= with.Remove(to);
                }
            }
        }
        while (changed);

        return with.ToFrozenSet(StringComparer.Ordinal);
    }

    // Past the pivot there are fewer ways: to count one that is not there can only take a fault out of sight that nothing sets there.
    private static IEnumerable<(string From, string To, bool SetsFault)> Ways(Plan plan)
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
