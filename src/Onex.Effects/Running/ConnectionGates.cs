using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Text;
using Onex.Effects.Connections;
using Onex.Hosting.Health;
using Onex.Kafka.Consuming;

namespace Onex.Effects.Running;

/// <summary>
/// The gates of all connections, by name. A gate stays when its connection is replaced, and takes the limits of the new one. Health names
/// the connections whose circuit breaker is not closed.
/// </summary>
internal sealed class ConnectionGates : IDisposable
{
    /// <summary>The name of the gate for commands without a connection. No connection can have it.</summary>
    public const string WithoutConnection = "-";

    private static readonly TimeSpan _trimInterval = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<string, ConnectionGate> _gates = new(StringComparer.Ordinal);
    private readonly Lock _reporting = new();
    private readonly HashSet<string> _unavailable = new(StringComparer.Ordinal);
    private static readonly Remedy _remedy = new(
        "Check the service and the address of the connection. Its commands are parked, and run when a trial succeeds.", "onexbreakeropen");

    private readonly RoleHealth _health;
    private readonly TimeProvider _time;
    private readonly ILogger<ConnectionGates> _logger;
    private readonly long _weightMax;
    private readonly ITimer _trim;

    public ConnectionGates(
        ConnectionTable connections, RoleHealth health, TimeProvider time, MemoryBudget memory, ILogger<ConnectionGates> logger)
    {
        _health = health;
        _time = time;
        _logger = logger;

        // An eighth, so that several slow connections together leave memory for the others.
        _weightMax = memory.Commands / 8;
        connections.OnChanged(OnReplaced);
        _trim = time.CreateTimer(_ => Trim(), null, _trimInterval, _trimInterval);
    }

    /// <summary>Called when parked commands may begin, or when a breaker may have changed.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>The gate of a connection. Null: the gate of commands without a connection, or with one that this process lacks.</summary>
    public ConnectionGate For(Connection? connection) => _gates.GetOrAdd(
        connection?.Name ?? WithoutConnection,
        static (name, state) => new ConnectionGate(
            name, SettingsFor(state.Connection), state.Gates._weightMax, state.Gates._time, state.Gates.OnChanged),
        (Gates: this, Connection: connection));

    /// <summary>The state of the gates: the source of <c>why</c> and metrics.</summary>
    public IReadOnlyList<GateState> Read() => [.. _gates.Values.Select(gate => gate.Read())];

    /// <summary><see cref="ConnectionGate.UntilWork"/> of each gate.</summary>
    public IEnumerable<TimeSpan?> UntilWork() => _gates.Values.Select(gate => gate.UntilWork());

    public void Dispose()
    {
        _trim.Dispose();
        foreach (var gate in _gates.Values)
        {
            gate.Dispose();
        }
    }

    private static GateSettings SettingsFor(Connection? connection) =>
        connection is null ? GateSettings.WithoutConnection : GateSettings.For(connection);

    private void OnReplaced(IReadOnlyList<ConnectionChange> changes)
    {
        foreach (var change in changes)
        {
            if (_gates.TryGetValue(change.Name, out var gate))
            {
                gate.Update(GateSettings.For(change.New));
                OnChanged(gate);
            }
        }
    }

    private void OnChanged(ConnectionGate gate)
    {
        // The state is read under the lock, so that the last report is about the latest state.
        lock (_reporting)
        {
            Report(gate.Read());
        }

        Changed();
    }

    private void Report(GateState gate)
    {
        if (gate.Breaker == BreakerState.Closed)
        {
            if (_unavailable.Remove(gate.Name))
            {
                _health.Report(gate.Name, null);
                Log.BreakerClosed(_logger, gate.Name);
            }
        }
        else
        {
            if (_unavailable.Add(gate.Name))
            {
                Log.BreakerOpened(_logger, gate.Name, gate.Reason);
            }

            var time = _time.GetUtcNow();
            var trial = gate.UntilTrial is { } wait ? $"the next trial is due at {TimeText.Format(time + wait)}" : "a trial runs";
            _health.Report(gate.Name, $"unavailable since {TimeText.Format(gate.Since ?? time)}, {trial}: {gate.Reason}", _remedy);
        }
    }

    private void Trim()
    {
        foreach (var gate in _gates.Values)
        {
            gate.Trim();
        }
    }
}
