using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>What only all contracts together show: which of them call which.</summary>
internal static class ChildChecks
{
    /// <summary>Complains about contracts that call one that is not there, or wait for themselves.</summary>
    /// <param name="contracts">Those that are right in themselves.</param>
    /// <param name="complete">Whether there are no others: else one that is missed may be one that is broken.</param>
    /// <param name="operations">The operations that they call.</param>
    public static void Run(IReadOnlyList<(SourceFile File, Plan Plan)> contracts, bool complete, OperationCatalogue operations)
    {
        var names = contracts.Select(contract => contract.Plan.Name).ToHashSet(StringComparer.Ordinal);
        var calls = contracts
            .SelectMany(contract => contract.Plan.Children.Where(child => !child.Detached), (contract, child) => (contract.Plan.Name, child.Contract))
            .ToLookup(call => call.Name, call => call.Contract, StringComparer.Ordinal);
        foreach (var (file, plan) in contracts)
        {
            foreach (var child in plan.Children)
            {
                if (!names.Contains(child.Contract))
                {
                    if (complete)
                    {
                        file.Report(ContractDiagnostics.UnknownContract(child.At, child.Contract, names));
                    }
                }
                else if (!child.Detached && Way(calls, child.Contract, plan.Name) is { } way)
                {
                    file.Report(ContractDiagnostics.CallsItself(child.At, string.Join(" -> ", way.Prepend(plan.Name))));
                }
            }
        }

        CheckCatches(contracts, operations);
    }

    // A code that only a contract that is called may fail with: what it calls itself counts too.
    private static void CheckCatches(IReadOnlyList<(SourceFile File, Plan Plan)> contracts, OperationCatalogue operations)
    {
        var checks = new CatchChecks(operations);
        var newest = contracts
            .GroupBy(contract => contract.Plan.Name, StringComparer.Ordinal)
            .ToDictionary(plans => plans.Key, plans => plans.MaxBy(contract => contract.Plan.Version, SemanticVersionOrder.Instance).Plan, StringComparer.Ordinal);
        foreach (var (file, plan) in contracts)
        {
            foreach (var doubtful in plan.Uses.Catches)
            {
                if (!doubtful.Contracts.Any(name => newest.GetValueOrDefault(name) is not { } child || checks.MayFail(child, doubtful.Code, newest.GetValueOrDefault)))
                {
                    file.Report(doubtful.Diagnostic);
                }
            }
        }
    }

    /// <summary>The shortest way of calls from one contract to another; null if there is none.</summary>
    private static List<string>? Way(ILookup<string, string> calls, string from, string to)
    {
        var before = new Dictionary<string, string>(StringComparer.Ordinal) { [from] = "" };
        var open = new Queue<string>([from]);
        while (open.TryDequeue(out var name))
        {
            if (name == to)
            {
                var way = new List<string>();
                for (var step = name; step.Length > 0; step = before[step])
                {
                    way.Insert(0, step);
                }

                return way;
            }

            foreach (var next in calls[name])
            {
                if (before.TryAdd(next, name))
                {
                    open.Enqueue(next);
                }
            }
        }

        return null;
    }
}
