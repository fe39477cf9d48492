using MassTransit;
using MassTransit.Transports;
using Onex.Kafka.Consuming;

namespace Onex.Kafka.Rider;

/// <summary>The rider: the endpoints that read Kafka beside the bus.</summary>
public interface IKafkaRider : IRider
{
    /// <summary>The endpoints by name, each with whether an assignment has arrived since it last joined its group.</summary>
    IReadOnlyDictionary<string, bool> Endpoints { get; }

    /// <summary>Why endpoints cannot work at the moment, one sentence per endpoint; empty if all can.</summary>
    IReadOnlyList<string> Problems { get; }

    /// <summary>Which endpoints are behind, one sentence per endpoint, whether or not they also have a problem.</summary>
    IReadOnlyList<string> Lags { get; }
}

/// <summary>One endpoint: its consumer, and its entry in the health of the bus.</summary>
internal sealed record RiderEndpoint(string Name, IReceiveEndpoint HealthEntry, RecordConsumer Consumer);

internal sealed class KafkaRider(IReadOnlyList<RiderEndpoint> endpoints, IRecordLog log, TimeSpan drainFor) : IRiderControl, IKafkaRider
{
    private volatile bool _started;

    public IReadOnlyDictionary<string, bool> Endpoints =>
        endpoints.ToDictionary(endpoint => endpoint.Name, endpoint => endpoint.Consumer.HasAssignment);

    public IReadOnlyList<string> Problems
    {
        get
        {
            var error = log.LastError;
            return
            [
                .. endpoints
                    .Select(endpoint => ProblemOf(endpoint.Consumer, error) is { } problem ? $"{endpoint.Name}: {problem}" : null)
                    .OfType<string>(),
            ];
        }
    }

    public IReadOnlyList<string> Lags =>
        [.. endpoints.Select(endpoint => endpoint.Consumer.DescribeLag() is { } lag ? $"{endpoint.Name}: {lag}" : null).OfType<string>()];

    public RiderHandle Start(CancellationToken cancellationToken = default)
    {
        log.Start([.. endpoints.SelectMany(endpoint => endpoint.Consumer.Topics).Distinct(StringComparer.Ordinal)]);
        foreach (var endpoint in endpoints)
        {
            endpoint.Consumer.Start();
        }

        _started = true;
        return new Handle(this);
    }

    public IEnumerable<EndpointHealthResult> CheckEndpointHealth()
    {
        // Read once, so that the endpoints do not contradict each other.
        var error = log.LastError;
        return endpoints.Select(endpoint => ProblemOf(endpoint.Consumer, error) is { } problem
            ? EndpointHealthResult.Unhealthy(endpoint.HealthEntry, problem, null)
            : EndpointHealthResult.Healthy(endpoint.HealthEntry, "ready")).ToList();
    }

    private string? ProblemOf(RecordConsumer consumer, string? error)
    {
        if (!_started)
        {
            return "not started";
        }

        if (error is not null)
        {
            return $"Kafka does not answer: {error}";
        }

        if (log.FindMissing(consumer.Topics) is { Count: > 0 } missing)
        {
            return $"there is no topic {string.Join(", ", missing)}";
        }

        return consumer.HasAssignment ? consumer.DescribeStall()
            : "waits for its first assignment" + (consumer.LastError is { } reason ? $": {reason}" : "");
    }

    private async Task StopAsync(CancellationToken cancellation)
    {
        _started = false;
        await Task.WhenAll(endpoints.Select(endpoint => endpoint.Consumer.StopAsync(drainFor, cancellation)));
        foreach (var endpoint in endpoints)
        {
            endpoint.Consumer.Dispose();
        }
    }

    private sealed class Handle(KafkaRider rider) : RiderHandle
    {
        // An unreachable broker must not keep the process from starting. Health shows when the endpoints are ready.
        public Task Ready => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => rider.StopAsync(cancellationToken);
    }
}
