using System.Collections.Concurrent;
using System.Collections.Frozen;
using Onex.Contracts.Compiling;
using Onex.Contracts.Plans;
using Onex.Kafka.Rider;
using Onex.Persistence.Registry;

namespace Onex.Orchestrator.Machines;

/// <summary>
/// The plans that this orchestrator can run: loaded plans start new sagas; every other registered content continues the sagas that started
/// with it.
/// </summary>
internal sealed class PlanCatalogue(
    IReadOnlyList<Plan> loaded, IContractRegistry registry, CompilerContext compiler, IPipeFactory pipes)
{
    private readonly FrozenDictionary<string, Plan> _loaded = loaded.DistinctBy(plan => plan.Hash)
        .ToFrozenDictionary(plan => plan.Hash, StringComparer.Ordinal);

    // Built when first needed, because pipes can be made only once the bus exists.
    private readonly ConcurrentDictionary<string, PlanPipe> _pipes = new(StringComparer.Ordinal);

    // A request starts the highest loaded version.
    private readonly FrozenDictionary<string, Plan> _newest = loaded
        .GroupBy(plan => plan.Name, StringComparer.Ordinal)
        .ToFrozenDictionary(
            plans => plans.Key, plans => plans.MaxBy(plan => plan.Version, SemanticVersionOrder.Instance)!, StringComparer.Ordinal);

    /// <summary>The names of the contracts that may be started.</summary>
    public IEnumerable<string> Names => _newest.Keys;

    /// <summary>The plans that start new sagas: the highest version of each contract.</summary>
    public IEnumerable<Plan> Startable => _newest.Values;

    /// <summary>The plan that a request of that contract starts with, or null.</summary>
    public Plan? Newest(string contract) => _newest.GetValueOrDefault(contract);

    /// <summary>The plan of that content, compiled on demand; null if it was never registered or no longer compiles.</summary>
    public async Task<PlanPipe?> FindAsync(string hash, CancellationToken cancellation)
    {
        if (_pipes.TryGetValue(hash, out var known))
        {
            return known;
        }

        if (_loaded.TryGetValue(hash, out var own))
        {
            return _pipes.GetOrAdd(hash, _ => new PlanPipe(own, pipes));
        }

        // Content with the same meaning as a loaded plan runs on that plan, even if it was registered under another hash.
        return await RegisteredPlans.FindAsync(registry, hash, compiler, cancellation) is { } plan
            ? _pipes.GetOrAdd(hash, _ => _pipes.GetOrAdd(plan.Hash, _ => new PlanPipe(_loaded.GetValueOrDefault(plan.Hash) ?? plan, pipes)))
            : null;
    }
}
