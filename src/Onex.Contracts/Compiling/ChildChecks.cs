using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>Checks the calls between contracts.</summary>
internal static class ChildChecks
{
    /// <summary>Reports unknown contracts, contracts that wait for themselves, and caught codes that no child fails with.</summary>
    /// <param name="contracts">The contracts without errors, one per name and version.</param>
    /// <param name="isComplete">Whether these are all contracts; otherwise an unknown name may be that of a contract with errors.</param>
    /// <param name="operations">The catalogue of operations.</param>
    public static void Run(IReadOnlyList<(SourceFile File, Plan Plan)> contracts, bool isComplete, OperationCatalogue operations)
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
                    if (isComplete)
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

    // Checks the caught codes that only a called contract can cause, directly or through its own calls.
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
                // A contract with errors is not in `newest`, and may fail with any code.
                var children = unverified.Contracts.Select(name => newest.GetValueOrDefault(name));
                if (children.All(child => child is not null && !checks.SagaCanFail(child, unverified.Code, newest.GetValueOrDefault)))
                {
                    file.Report(unverified.Diagnostic);
                }
            }
        }
    }

    /// <summary>The shortest chain of calls from one contract to another, by breadth-first search, or null.</summary>
    private static List<string>? FindChain(ILookup<string, string> calls, string from, string to)
    {
        var callers = new Dictionary<string, string>(StringComparer.Ordinal) { [from] = "" };
        var queue = new Queue<string>([from]);
        while (queue.TryDequeue(out var name))
        {
            if (name == to)
            {
                var chain = new List<string>();
                for (var contract = name; contract.Length > 0; contract = callers[contract])
                {
                    chain.Insert(0, contract);
                }

                return chain;
            }

            foreach (var next in calls[name])
            {
                if (callers.TryAdd(next, name))
                {
                    queue.Enqueue(next);
                }
            }
        }

        return null;
    }
}
