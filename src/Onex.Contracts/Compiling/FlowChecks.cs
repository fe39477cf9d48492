using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>What only the whole of the states shows.</summary>
internal static class FlowChecks
{
    /// <param name="scope">The contract.</param>
    /// <param name="states">Its states.</param>
    /// <param name="initial">The first.</param>
    /// <param name="onFailure">Where failures lead.</param>
    /// <param name="anywhere">Where events of any state and the deadline lead, from every ordinary state before the pivot.</param>
    public static void Run(ContractScope scope, IReadOnlyList<StatePlan> states, string initial, string onFailure, IReadOnlyList<string> anywhere)
    {
        CheckFaults(scope, states);

        var ways = states.ToDictionary(state => state.Name, Targets, StringComparer.Ordinal);
        string[] starts = [initial, onFailure, .. anywhere];
        var reached = Reach(starts, ways, _ => true);

        // What leads nowhere, or to a state that does not exist, has its own complaint.
        var ends = states.Where(state => state.Kind == StateKind.End || Targets(state).Count == 0).Select(state => state.Name);
        var endingWays = ways.ToDictionary(way => way.Key, way => way.Value, StringComparer.Ordinal);
        foreach (var state in states.Where(state => state.Kind == StateKind.Ordinary && !state.Pivot && anywhere.Count > 0))
        {
            endingWays[state.Name] = [.. ways[state.Name], .. anywhere];
        }

        var ending = Reach(ends, Reverse(endingWays), _ => true);
        foreach (var state in states.Where(state => !state.Implicit))
        {
            if (!reached.Contains(state.Name))
            {
                if (!scope.HasUnknownState)
                {
                    scope.Report(Complaints.UnreachableState(scope.States[state.Name], state.Name));
                }
            }
            else if (!ending.Contains(state.Name))
            {
                scope.Report(Complaints.EndlessState(scope.States[state.Name], state.Name));
            }
        }

        // Not past a pivot: what can be entered without entering one. What nothing leads to has its own complaint.
        var pivots = states.Where(state => state.Pivot).Select(state => state.Name).ToHashSet(StringComparer.Ordinal);
        var before = Reach(starts, ways, name => !pivots.Contains(name));
        foreach (var step in scope.Uncompensated.Where(step => before.Contains(step.State)))
        {
            scope.Report(Complaints.CompensationMissing(step.At, step.Step, step.Operation));
        }
    }

    private static void CheckFaults(ContractScope scope, IReadOnlyList<StatePlan> states)
    {
        var compensating = states
            .Where(state => state.Kind == StateKind.Compensating)
            .Select(state => state.Name)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var way in scope.Ways.Where(way => way.FaultMissing && compensating.Contains(way.To)))
        {
            scope.Report(Complaints.FaultMissing(way.At, way.To));
        }
    }

    private static List<string> Targets(StatePlan state) =>
    [
        .. state.Choices.Select(choice => choice.Next),
        .. state.Catch.Select(rule => rule.Next),
        .. state.Steps.SelectMany(CatchOf).Select(rule => rule.Next),
        .. state.OnEvent.Select(rule => rule.Next).OfType<string>(),
        .. state.Timeout is { } timeout ? new[] { timeout.Next } : [],
    ];

    private static IEnumerable<CatchRule> CatchOf(StepPlan step) => step switch
    {
        CallStep call => call.Catch,
        FailStep fail => fail.Catch,
        _ => [],
    };

    private static Dictionary<string, List<string>> Reverse(Dictionary<string, List<string>> ways)
    {
        var reverse = ways.Keys.ToDictionary(name => name, _ => new List<string>(), StringComparer.Ordinal);
        foreach (var (from, targets) in ways)
        {
            foreach (var to in targets)
            {
                reverse[to].Add(from);
            }
        }

        return reverse;
    }

    private static HashSet<string> Reach(IEnumerable<string> starts, Dictionary<string, List<string>> ways, Func<string, bool> enters)
    {
        var reached = new HashSet<string>(StringComparer.Ordinal);
        var waiting = new Queue<string>(starts);
        while (waiting.TryDequeue(out var name))
        {
            if (enters(name) && reached.Add(name))
            {
                ways[name].ForEach(waiting.Enqueue);
            }
        }

        return reached;
    }
}
