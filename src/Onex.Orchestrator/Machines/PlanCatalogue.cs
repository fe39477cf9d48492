using System.Collections.Concurrent;
using System.Collections.Frozen;
using Onex.Contracts.Compiling;
using Onex.Contracts.Plans;
using Onex.Persistence.Registry;

namespace Onex.Orchestrator.Machines;

/// <summary>
/// The plans that this orchestrator can run: loaded plans start new sagas; every other registered content continues the sagas that started
/// with it. The loaded plans can be replaced while sagas run.
/// </summary>
internal sealed class PlanCatalogue(IReadOnlyList<Plan> loaded, IContractRegistry registry, CompilerContext compiler)
{
    private volatile LoadedPlans _loaded = new(loaded, [], compiler);

    /// <summary>The loaded plans, in the order of their files. Another list after each replacement.</summary>
    public IReadOnlyList<Plan> Loaded => _loaded.All;

    /// <summary>The names of the contracts that may be started.</summary>
    public IEnumerable<string> Names => _loaded.Newest.Keys;

    /// <summary>The plans that start new sagas: the highest version of each contract.</summary>
    public IEnumerable<Plan> Startable => _loaded.Newest.Values;

    /// <summary>The plan that a request of that contract starts with, or null.</summary>
    public Plan? Newest(string contract) => _loaded.Newest.GetValueOrDefault(contract);

    /// <summary>The built-in plans of operations that requests may name themselves; empty if none may be.</summary>
    public IReadOnlyList<DirectContract> Direct => _loaded.Direct;

    /// <summary>
    /// Starts new sagas with other plans from now on. Running sagas continue on the content that they started with, which is registered.
    /// </summary>
    public void Replace(IReadOnlyList<Plan> plans, IReadOnlyList<DirectContract> direct, CompilerContext context) =>
        _loaded = new LoadedPlans(plans, direct, context);

    /// <summary>The plan of that content, compiled on demand; null if it was never registered or no longer compiles.</summary>
    public async Task<PlanMachine?> FindAsync(string hash, CancellationToken cancellation)
    {
        var plans = _loaded;
        var made = plans.Machines;
        if (made.TryGetValue(hash, out var known))
        {
            return known;
        }

        if (plans.ByHash.TryGetValue(hash, out var own))
        {
            return made.GetOrAdd(hash, _ => new PlanMachine(own));
        }

        // Content with the same meaning as a loaded plan runs on that plan, even if it was registered under another hash.
        return await RegisteredPlans.FindAsync(registry, hash, plans.Compiler, cancellation) is { } plan
            ? made.GetOrAdd(
                hash,
                _ => made.GetOrAdd(plan.Hash, _ => new PlanMachine(plans.ByHash.GetValueOrDefault(plan.Hash) ?? plan)))
            : null;
    }

    private sealed class LoadedPlans(IReadOnlyList<Plan> all, IReadOnlyList<DirectContract> direct, CompilerContext compiler)
    {
        public IReadOnlyList<Plan> All => all;

        public IReadOnlyList<DirectContract> Direct => direct;

        public CompilerContext Compiler => compiler;

        public FrozenDictionary<string, Plan> ByHash { get; } = all.Concat(direct.Select(each => each.Plan))
            .DistinctBy(plan => plan.Hash)
            .ToFrozenDictionary(plan => plan.Hash, StringComparer.Ordinal);

        // A request starts the highest loaded version.
        public FrozenDictionary<string, Plan> Newest { get; } = all
            .GroupBy(plan => plan.Name, StringComparer.Ordinal)
            .ToFrozenDictionary(
                plans => plans.Key, plans => plans.MaxBy(plan => plan.Version, SemanticVersionOrder.Instance)!, StringComparer.Ordinal);

        // Not kept beyond a replacement, because plans also contain the defaults of their connections.
        public ConcurrentDictionary<string, PlanMachine> Machines { get; } = new(StringComparer.Ordinal);
    }
}
