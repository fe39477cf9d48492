namespace Onex.Hosting.Health;

/// <summary>The state of a component.</summary>
public enum ComponentState
{
    /// <summary>It works.</summary>
    Healthy,

    /// <summary>It works partly.</summary>
    Degraded,

    /// <summary>It does not work.</summary>
    Unhealthy,
}

/// <summary>The result of a probe.</summary>
/// <param name="State">The state.</param>
/// <param name="Error">The cause, unless healthy. Without secrets.</param>
/// <param name="Latency">How long the probe took, or null.</param>
public sealed record ComponentReport(ComponentState State, string? Error, TimeSpan? Latency)
{
    /// <summary>A remark although it is healthy, or null.</summary>
    public string? Note { get; init; }

    /// <summary>It works.</summary>
    public static ComponentReport Healthy { get; } = new(ComponentState.Healthy, null, null);
}

/// <summary>
/// A part of a role that <c>/health/detailed</c> shows and <c>/ready</c> may depend on: the saga store, the broker, the bus, the contracts.
/// Registered as a service; probed every second in the background, so that endpoints respond from memory.
/// </summary>
public interface IHealthComponent
{
    /// <summary>Its name in <c>/health/detailed</c>.</summary>
    string Name { get; }

    /// <summary>Whether the role is not ready while it is unhealthy.</summary>
    bool NeededForReadiness { get; }

    /// <summary>Probes the component. The caller limits it to 1 s; an exception means unhealthy.</summary>
    Task<ComponentReport> ProbeAsync(CancellationToken cancellation);
}

/// <summary>
/// The state of the role's bootstrap and its handlers, for <c>/health</c>. A handler is a contract in main, an operation prefix or
/// connection in effects, an operation in workers.
/// </summary>
public sealed class RoleHealth
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, string?> _handlers = new(StringComparer.Ordinal);

    /// <summary>Whether the role's bootstrap has completed.</summary>
    public bool Initialized { get; private set; }

    /// <summary>Whether the role is stopping.</summary>
    public bool Draining { get; private set; }

    /// <summary>Handlers by name, each with its error, or null.</summary>
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

    /// <summary>Marks the bootstrap as completed.</summary>
    public void MarkInitialized() => Initialized = true;

    /// <summary>Marks the role as stopping.</summary>
    public void MarkDraining() => Draining = true;

    /// <summary>Adds a handler, or updates its error.</summary>
    public void Report(string handler, string? error)
    {
        lock (_lock)
        {
            _handlers[handler] = error;
        }
    }

    /// <summary>Removes a handler that no longer exists.</summary>
    public void Remove(string handler)
    {
        lock (_lock)
        {
            _handlers.Remove(handler);
        }
    }
}
