using System.Collections.Frozen;
using Onex.Contracts.Plans;

namespace Onex.Orchestrator.Engine;

/// <summary>In which states <c>fault</c> can be read: those that are reached only by ways on which it was set (contract-language, 7).</summary>
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

    private static IEnumerable<(string From, string To, bool SetsFault)> Ways(Plan plan)
    {
        foreach (var state in plan.States)
        {
            foreach (var choice in state.Choices)
            {
                yield return (state.Name, choice.Next, choice.Fault is not null);
            }

            foreach (var rule in state.Catch.Concat(state.Steps.OfType<CallStep>().SelectMany(step => step.Catch)))
            {
                yield return (state.Name, rule.Next, true);
            }

            if (state.Kind == StateKind.Ordinary)
            {
                yield return (state.Name, plan.OnFailure, true);
            }
        }
    }
}
