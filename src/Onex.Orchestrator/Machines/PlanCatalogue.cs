using System.Collections.Concurrent;
using System.Collections.Frozen;
using Onex.Contracts.Compiling;
using Onex.Contracts.Plans;
using Onex.Persistence.Registry;

namespace Onex.Orchestrator.Machines;

/// <summary>
/// The plans that this orchestrator can run: the newest loaded version of a contract starts new sagas; every loaded or registered content
/// continues the sagas that started with it. The loaded plans can be replaced while sagas run.
/// </summary>
internal sealed class PlanCatalogue(IReadOnlyList<Plan> loaded, IContractRegistry registry, CompilerContext compiler)
{
    private volatile LoadedPlans _loaded = new(loaded, [], compiler);

    /// <summary>The loaded plans, in the order of their files. After each replacement it is another list.</summary>
    public IReadOnlyList<Plan> Loaded => _loaded.All;

    /// <summary>The plans that start new sagas, by contract: the highest version of each. Each replacement makes another table.</summary>
    public FrozenDictionary<string, Plan> Newest => _loaded.Newest;

    /// <summary>The built-in plans of the operations that requests may name instead of a contract; empty if there are none.</summary>
    public IReadOnlyList<DirectContract> Direct => _loaded.Direct;

    /// <summary>
    /// From now on other plans start the new sagas. Running sagas continue on the content that they started with, which is registered.
    /// </summary>
    public void Replace(IReadOnlyList<Plan> plans, IReadOnlyList<DirectContract> direct, CompilerContext context) =>
        _loaded = new LoadedPlans(plans, direct, context);

    /// <summary>The plan of that content, compiled on demand; null if it was never registered or no longer compiles.</summary>
    public async Task<PlanMachine?> FindAsync(string hash, CancellationToken cancellation)
    {
        var plans = _loaded;
        var machines = plans.Machines;
        if (machines.TryGetValue(hash, out var known))
        {
            return known;
        }

        if (plans.ByHash.TryGetValue(hash, out var loadedPlan))
        {
            return machines.GetOrAdd(hash, _ => new PlanMachine(loadedPlan));
        }

        if (await RegisteredPlans.FindAsync(registry, hash, plans.Compiler, cancellation) is not { } plan)
        {
            return null;
        }

        // The compiled plan may have another hash than its row. If it is that of a loaded plan, both have the same meaning: use that plan.
        var machine = machines.GetOrAdd(plan.Hash, _ => new PlanMachine(plans.ByHash.GetValueOrDefault(plan.Hash) ?? plan));
        return machines.GetOrAdd(hash, machine);
    }

    private sealed class LoadedPlans(IReadOnlyList<Plan> all, IReadOnlyList<DirectContract> direct, CompilerContext compiler)
    {
        public IReadOnlyList<Plan> All => all;

        public IReadOnlyList<DirectContract> Direct => direct;

        public CompilerContext Compiler => compiler;

        public FrozenDictionary<string, Plan> ByHash { get; } = all.Concat(direct.Select(contract => contract.Plan))
            .DistinctBy(plan => plan.Hash)
            .ToFrozenDictionary(plan => plan.Hash, StringComparer.Ordinal);

        public FrozenDictionary<string, Plan> Newest { get; } = all
            .GroupBy(plan => plan.Name, StringComparer.Ordinal)
            .ToFrozenDictionary(
                plans => plans.Key, plans => plans.MaxBy(plan => plan.Version, SemanticVersionOrder.Instance)!, StringComparer.Ordinal);

        // Every replacement compiles again, because a plan also contains the defaults of its connections, which may have changed.
        public ConcurrentDictionary<string, PlanMachine> Machines { get; } = new(StringComparer.Ordinal);
    }
}
