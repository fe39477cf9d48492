using Onex.Contracts.Messages;
using Onex.Effects.Connections;
using Onex.Metrics;
using Onex.Persistence.Ledger;

namespace Onex.Effects.Running;

/// <summary>Measures the attempts of effects, and the gates of their connections.</summary>
internal sealed class EffectMetrics
{
    internal static readonly MetricLabel Outcome =
        MetricLabel.Create("outcome", StepOutcomes.Completed, StepOutcomes.Rejected, StepOutcomes.Failed);

    internal static readonly MetricLabel Claim = MetricLabel.Create("result", "granted", "recorded", "leased", "parked", "expired");

    internal static readonly Metric Duration = Metric.Histogram(
        "onex.effect.duration", "s", Metric.Seconds, "Time of an attempt of an effect, without the wait for its turn.",
        MetricLabel.Operation, MetricLabel.Connection, Outcome);

    internal static readonly Metric Waits = Metric.Histogram(
        "onex.connection.wait", "s", Metric.Seconds,
        "Time that a command waited in memory for a slot, for the rate, or for the limits that processes share.", MetricLabel.Connection);

    internal static readonly Metric ParkedCommands = Metric.Counter(
        "onex.connection.parkings", "{command}",
        "Commands that were parked: their connection did not let them begin, or their attempt met an outage.",
        MetricLabel.Connection);

    internal static readonly Metric Claims = Metric.Counter(
        "onex.ledger.claims", "{command}",
        "Commands that asked the effect ledger for a lease, by its answer. Leased: another process holds it; recorded: answered from the "
        + "ledger.",
        Claim);

    internal static readonly Metric Leases = Metric.Gauge(
        "onex.ledger.leases", "{lease}", "Leases of the effect ledger that the process holds.");

    internal static readonly Metric Running = Metric.Gauge(
        "onex.connection.running", "{attempt}", "Attempts that run.", MetricLabel.Connection);

    internal static readonly Metric Waiting = Metric.Gauge(
        "onex.connection.waiting", "{command}", "Commands that wait in memory for their turn.", MetricLabel.Connection);

    internal static readonly Metric Breaker = Metric.Gauge(
        "onex.connection.breaker", "{state}", "State of the circuit breaker in the process: 0 closed, 1 a trial runs, 2 open.",
        MetricLabel.Connection);

    private readonly BoundedHistogram _duration;
    private readonly BoundedHistogram _waits;
    private readonly BoundedCounter _parkings;
    private readonly BoundedCounter _claims;
    private readonly TimeProvider _time;
    private int _leases;

    public EffectMetrics(OnexMeter meter, ConnectionGates gates, TimeProvider time)
    {
        _time = time;
        meter.AddLabelValues(MetricLabel.Operation, EffectOperations.Descriptors.Select(operation => operation.Name));
        _duration = meter.Histogram(Duration);
        _waits = meter.Histogram(Waits);
        _parkings = meter.Counter(ParkedCommands);
        _claims = meter.Counter(Claims);
        meter.Gauge(Leases, () => [new GaugeValue(Volatile.Read(ref _leases))]);
        meter.Gauge(Running, () => gates.Read().Select(gate => new GaugeValue(gate.Running, gate.Name)));
        meter.Gauge(Waiting, () => gates.Read().Select(gate => new GaugeValue(gate.Waiting, gate.Name)));
        meter.Gauge(Breaker, () => gates.Read().Select(gate => new GaugeValue(
            gate.Breaker switch
            {
                BreakerState.Closed => 0,
                BreakerState.Trial => 1,
                _ => 2,
            },
            gate.Name)));
    }

    /// <summary>Adds the names of connections to the closed set of a label, at once and whenever they change.</summary>
    public static void AddConnectionLabels(OnexMeter meter, ConnectionTable connections)
    {
        meter.AddLabelValues(MetricLabel.Connection, connections.Names.Append(ConnectionGates.WithoutConnection));
        connections.OnChanged(_ => meter.AddLabelValues(MetricLabel.Connection, connections.Names));
    }

    /// <summary>Records how long a command waited for its turn.</summary>
    public void RecordWait(string connection, long arrived) => _waits.Record(_time.GetElapsedTime(arrived).TotalSeconds, connection);

    public void CountParked(string connection) => _parkings.Add(1, connection);

    /// <summary>Counts an answer of the ledger.</summary>
    public void CountClaim(ClaimResult result) => _claims.Add(1, result switch
    {
        ClaimResult.Granted => "granted",
        ClaimResult.Recorded => "recorded",
        ClaimResult.Leased => "leased",
        ClaimResult.Parked => "parked",
        _ => "expired",
    });

    /// <summary>Counts a lease until the result is disposed of.</summary>
    public Lease BeginLease()
    {
        Interlocked.Increment(ref _leases);
        return new Lease(this);
    }

    /// <summary>Records how long an attempt took.</summary>
    public void RecordAttempt(string operation, string connection, string outcome, long began) =>
        _duration.Record(_time.GetElapsedTime(began).TotalSeconds, operation, connection, outcome);

    /// <summary>A lease that the process holds.</summary>
    public readonly struct Lease(EffectMetrics? metrics) : IDisposable
    {
        /// <inheritdoc />
        public void Dispose()
        {
            if (metrics is not null)
            {
                Interlocked.Decrement(ref metrics._leases);
            }
        }
    }
}
