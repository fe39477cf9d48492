using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>Checks across contracts: which of them call which.</summary>
internal static class ChildChecks
{
    /// <summary>Reports calls of unknown contracts, and contracts that wait for themselves.</summary>
    /// <param name="contracts">The contracts without errors.</param>
    /// <param name="complete">Whether these are all contracts; otherwise an unknown contract may be one with errors.</param>
    /// <param name="operations">The catalogue of operations.</param>
    public static void Run(IReadOnlyList<(SourceFile File, Plan Plan)> contracts, bool complete, OperationCatalogue operations)
    {
        var names = contracts.Select(contract => contract.Plan.Name).ToHashSet(StringComparer.Ordinal);
        var calls = contracts
            .SelectMany(contract => contract.Plan.Children.Where(child => !child.Detached),
                (contract, child) => (contract.Plan.Name, child.Contract))
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
                else if (!child.Detached && FindChain(calls, child.Contract, plan.Name) is { } chain)
                {
                    file.Report(ContractDiagnostics.CallsItself(child.At, string.Join(" -> ", chain.Prepend(plan.Name))));
                }
            }
        }

        CheckCatches(contracts, operations);
    }

    // Checks caught codes that only called contracts, directly or through their own calls, can raise.
    private static void CheckCatches(IReadOnlyList<(SourceFile File, Plan Plan)> contracts, OperationCatalogue operations)
    {
        var checks = new CatchChecks(operations);
        var newest = contracts
            .GroupBy(contract => contract.Plan.Name, StringComparer.Ordinal)
            .ToDictionary(plans => plans.Key, plans => plans.MaxBy(contract => contract.Plan.Version, SemanticVersionOrder.Instance).Plan,
                StringComparer.Ordinal);
        foreach (var (file, plan) in contracts)
        {
            foreach (var unverified in plan.Uses.Catches)
            {
                if (!unverified.Contracts.Any(name => newest.GetValueOrDefault(name) is not { } child
                    || checks.MayFail(child, unverified.Code, newest.GetValueOrDefault)))
                {
                    file.Report(unverified.Diagnostic);
                }
            }
        }
    }

    /// <summary>The shortest chain of calls from one contract to another, or null.</summary>
    private static List<string>? FindChain(ILookup<string, string> calls, string from, string to)
    {
        var before = new Dictionary<string, string>(StringComparer.Ordinal) { [from] = "" };
        var open = new Queue<string>([from]);
        while (open.TryDequeue(out var name))
        {
            if (name == to)
            {
                var chain = new List<string>();
                for (var step = name; step.Length > 0; step = before[step])
                {
                    chain.Insert(0, step);
                }

                return chain;
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
