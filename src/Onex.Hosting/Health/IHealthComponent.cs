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
/// <param name="Error">The cause, without secrets; null if healthy.</param>
/// <param name="Latency">How long the probe took, or null.</param>
public sealed record ComponentReport(ComponentState State, string? Error, TimeSpan? Latency)
{
    /// <summary>A remark that does not make it unhealthy, or null.</summary>
    public string? Note { get; init; }

    /// <summary>What to do if it is not healthy, or null. The runbook's section of the component says more.</summary>
    public string? Remedy { get; init; }

    /// <summary>It works.</summary>
    public static ComponentReport Healthy { get; } = new(ComponentState.Healthy, null, null);
}

/// <summary>
/// A part of a role that <c>/health/detailed</c> shows and <c>/ready</c> may depend on: the database, the broker, the bus, the router.
/// Register it as a service. It is probed in the background, so that endpoints respond from memory. Each name has a section in
/// docs/operating.md, "Component NAME".
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

/// <summary>What to do about an error.</summary>
/// <param name="Text">A sentence for people.</param>
/// <param name="Section">The anchor of the section in docs/operating.md that says more.</param>
public sealed record Remedy(string Text, string Section);

/// <summary>A handler that does not work.</summary>
/// <param name="Handler">Its name.</param>
/// <param name="Error">Why.</param>
/// <param name="Since">Since when.</param>
/// <param name="Remedy">What to do, if known.</param>
public sealed record HandlerFailure(string Handler, string Error, DateTimeOffset Since, Remedy? Remedy);

/// <summary>
/// The state of the role's bootstrap and its handlers, for <c>/health</c>. A handler is anything that the role reports by name: a contract,
/// an operation or a prefix of operations, a connection, its registration in Consul.
/// </summary>
public sealed class RoleHealth(TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, HandlerFailure?> _handlers = new(StringComparer.Ordinal);
    private volatile string? _waitsFor;

    /// <summary>Whether the role's bootstrap has completed.</summary>
    public bool Initialized { get; private set; }

    /// <summary>What the bootstrap waits for and why, or null.</summary>
    public string? WaitsFor
    {
        get => _waitsFor;
        set => _waitsFor = value;
    }

    /// <summary>Whether the role is stopping.</summary>
    public bool Draining { get; private set; }

    /// <summary>Handlers by name, each with its error, or null.</summary>
    public IReadOnlyDictionary<string, string?> Handlers
    {
        get
        {
            lock (_lock)
            {
                return _handlers.ToDictionary(handler => handler.Key, handler => handler.Value?.Error, StringComparer.Ordinal);
            }
        }
    }

    /// <summary>The handlers that do not work, in the order of their names.</summary>
    public IReadOnlyList<HandlerFailure> Failures
    {
        get
        {
            lock (_lock)
            {
                return [.. _handlers.Values.OfType<HandlerFailure>()];
            }
        }
    }

    /// <summary>Marks the bootstrap as completed.</summary>
    public void MarkInitialized() => Initialized = true;

    /// <summary>Marks the role as stopping.</summary>
    public void MarkDraining() => Draining = true;

    /// <summary>Adds a handler, or updates its error.</summary>
    /// <param name="handler">Its name.</param>
    /// <param name="error">Why it does not work, or null.</param>
    /// <param name="remedy">What to do about the error.</param>
    public void Report(string handler, string? error, Remedy? remedy = null)
    {
        lock (_lock)
        {
            _handlers[handler] = error is null
                ? null
                : new HandlerFailure(handler, error, _handlers.GetValueOrDefault(handler)?.Since ?? _time.GetUtcNow(), remedy);
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
