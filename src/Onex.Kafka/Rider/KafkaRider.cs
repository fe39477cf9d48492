using MassTransit;
using MassTransit.Transports;
using Onex.Kafka.Consuming;

namespace Onex.Kafka.Rider;

/// <summary>The rider: the endpoints that read Kafka, beside the bus.</summary>
public interface IKafkaRider : IRider
{
    /// <summary>The endpoints by name, each with whether its first assignment has arrived.</summary>
    IReadOnlyDictionary<string, bool> Endpoints { get; }

    /// <summary>Why endpoints cannot do their work at the moment, a sentence each; empty if all can.</summary>
    IReadOnlyList<string> Problems { get; }
}

/// <summary>One endpoint: its consumer, and the face that the bus's health shows.</summary>
internal sealed record RiderEndpoint(string Name, IReceiveEndpoint Face, RecordConsumer Consumer);

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
            return [.. endpoints.Select(endpoint => HandlingFailure(endpoint.Consumer, error) is { } trouble ? $"{endpoint.Name}: {trouble}" : null).OfType<string>()];
        }
    }

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
        // One look for all, so that they do not contradict each other.
        var error = log.LastError;
        return endpoints.Select(endpoint => HandlingFailure(endpoint.Consumer, error) is { } trouble
            ? EndpointHealthResult.Unhealthy(endpoint.Face, trouble, null)
            : EndpointHealthResult.Healthy(endpoint.Face, "ready")).ToList();
    }

    private string? HandlingFailure(RecordConsumer consumer, string? error)
    {
        if (!_started)
        {
            return "not started";
        }

        if (error is not null)
        {
            return $"Kafka does not answer: {error}";
        }

        return log.Missing(consumer.Topics) is { Count: > 0 } missing ? $"there is no topic {string.Join(", ", missing)}"
            : !consumer.HasAssignment ? "waits for its first assignment"
            : consumer.DescribeStall();
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
        // A broker that is away must not keep the process from starting: health tells when the endpoints are ready.
        public Task Ready => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => rider.StopAsync(cancellationToken);
    }
}
