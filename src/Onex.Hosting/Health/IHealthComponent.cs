namespace Onex.Hosting.Health;

/// <summary>How a component is.</summary>
public enum ComponentState
{
    /// <summary>It works.</summary>
    Healthy,

    /// <summary>It works partly.</summary>
    Degraded,

    /// <summary>It does not work.</summary>
    Unhealthy,
}

/// <summary>What a component says of itself.</summary>
/// <param name="State">How it is.</param>
/// <param name="Error">Why, unless healthy. Holds no secrets.</param>
/// <param name="Latency">How long the probe took, or null.</param>
public sealed record ComponentReport(ComponentState State, string? Error, TimeSpan? Latency)
{
    /// <summary>What is worth knowing although it works, or null.</summary>
    public string? Note { get; init; }

    /// <summary>It works.</summary>
    public static ComponentReport Healthy { get; } = new(ComponentState.Healthy, null, null);
}

/// <summary>
/// A part of a role that <c>/health/detailed</c> shows and <c>/ready</c> may depend on: the saga store, the broker, the bus, the contracts.
/// Registered as a service; probed every second in the background, so that endpoints answer from memory.
/// </summary>
public interface IHealthComponent
{
    /// <summary>Its name in <c>/health/detailed</c>.</summary>
    string Name { get; }

    /// <summary>Whether the role is not ready while it is unhealthy.</summary>
    bool NeededForReadiness { get; }

    /// <summary>Asks it. Bounded by the caller to 1 s; what throws is unhealthy.</summary>
    Task<ComponentReport> ProbeAsync(CancellationToken cancellation);
}

/// <summary>
/// The role's own bootstrap and its handlers, for <c>/health</c>. A handler is a contract in main, an operation prefix or connection in
/// effects, an operation in workers.
/// </summary>
public sealed class RoleHealth
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, string?> _handlers = new(StringComparer.Ordinal);

    /// <summary>Whether the role's bootstrap has ended.</summary>
    public bool Initialized { get; private set; }

    /// <summary>Whether it is stopping.</summary>
    public bool Draining { get; private set; }

    /// <summary>Handlers by name, each with why it fails, or null.</summary>
    public IReadOnlyDictionary<string, string?> Handlers
    {
        get
        {
            lock (_lock)
            {
                return new SortedDictionary<string, string?>(_handlers, StringComparer.Ordinal);
            }
        }
    }

    /// <summary>The bootstrap has ended.</summary>
    public void MarkInitialized() => Initialized = true;

    /// <summary>It is stopping.</summary>
    public void MarkDraining() => Draining = true;

    /// <summary>Adds a handler, or says how it is now.</summary>
    public void Report(string handler, string? error)
    {
        lock (_lock)
        {
            _handlers[handler] = error;
        }
    }
}
