using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Hosting.Health;
using Onex.Kafka.Consuming;

namespace Onex.Effects.Running;

/// <summary>
/// The gates of all connections, by name. A gate outlives the replacement of its connection, whose limits it then takes. Health names the
/// connections whose circuit breaker is not closed.
/// </summary>
internal sealed class ConnectionGates : IDisposable
{
    /// <summary>The name of the gate for commands without a connection. No connection can have it.</summary>
    public const string WithoutConnection = "-";

    private static readonly TimeSpan _trimEvery = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<string, Entry> _gates = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, BreakerState> _states = new(StringComparer.Ordinal);
    private readonly RoleHealth _health;
    private readonly TimeProvider _time;
    private readonly ILogger<ConnectionGates> _logger;
    private readonly long _weightMax;
    private readonly ITimer _trim;

    public ConnectionGates(RoleHealth health, TimeProvider time, MemoryBudget memory, ILogger<ConnectionGates> logger)
    {
        _health = health;
        _time = time;
        _logger = logger;

        // Several unavailable connections together leave memory for the others.
        _weightMax = memory.Commands / 8;
        _trim = time.CreateTimer(_ => Trim(), null, _trimEvery, _trimEvery);
    }

    /// <summary>Called when parked commands may begin, or when a breaker has changed.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>The gate of a connection, or of the commands without one.</summary>
    public ConnectionGate For(Connection? connection)
    {
        var entry = _gates.GetOrAdd(
            connection?.Name ?? WithoutConnection,
            static (name, given) => given.Gates.Create(name, given.Connection), (Gates: this, Connection: connection));
        if (!ReferenceEquals(entry.Connection, connection))
        {
            entry.Connection = connection;
            entry.Gate.Update(Settings(connection));
        }

        return entry.Gate;
    }

    /// <summary>The state of all gates: the source of health, <c>why</c> and metrics.</summary>
    public IReadOnlyList<GateReading> Read() => [.. _gates.Values.Select(entry => entry.Gate.Read())];

    public void Dispose()
    {
        _trim.Dispose();
        foreach (var entry in _gates.Values)
        {
            entry.Gate.Dispose();
        }
    }

    private static GateSettings Settings(Connection? connection) =>
        connection is null ? GateSettings.WithoutConnection : GateSettings.For(connection);

    private Entry Create(string name, Connection? connection) =>
        new(new ConnectionGate(name, Settings(connection), _weightMax, _time, OnChanged), connection);

    private void OnChanged(ConnectionGate gate)
    {
        var now = gate.Read();
        if (now.Breaker == BreakerState.Closed)
        {
            if (_states.TryRemove(now.Name, out _))
            {
                _health.Report(now.Name, null);
                Log.BreakerClosed(_logger, now.Name);
            }
        }
        else
        {
            if (_states.TryAdd(now.Name, now.Breaker))
            {
                Log.BreakerOpened(_logger, now.Name, now.Reason);
            }

            var trial = now.UntilTrial is { } wait ? $"the next trial is due at {Text(_time.GetUtcNow() + wait)}" : "a trial runs";
            _health.Report(now.Name, $"unavailable since {Text(now.Since ?? _time.GetUtcNow())}, {trial}: {now.Reason}");
        }

        Changed();
    }

    private void Trim()
    {
        foreach (var entry in _gates.Values)
        {
            entry.Gate.Trim();
        }
    }

    private static string Text(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private sealed class Entry(ConnectionGate gate, Connection? connection)
    {
        public ConnectionGate Gate { get; } = gate;

        public Connection? Connection { get; set; } = connection;
    }
}
