using System.Buffers.Binary;
using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Onex.Contracts.Messages;

namespace Onex.Kafka.Brokers;

/// <summary>
/// Creates and describes topics. Every request ends within ten seconds, with <see cref="BrokerUnavailableException"/> if no broker answers.
/// </summary>
public sealed class TopicAdmin
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _visibleWithin = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _checkAgainAfter = TimeSpan.FromMilliseconds(50);

    private readonly BrokerAdmin _admin;
    private readonly TimeProvider _time;

    internal TopicAdmin(BrokerAdmin admin, TimeProvider time)
    {
        _admin = admin;
        _time = time;
    }

    /// <summary>
    /// Creates those of the topics and their dead-letter topics (with one partition) that are missing. Returns when the metadata shows them
    /// all. Another process may do the same at the same time.
    /// </summary>
    /// <param name="names">The topics, without their dead-letter topics.</param>
    /// <param name="partitions">Partitions of a new topic.</param>
    /// <param name="replication">The replication factor; null for the broker's default.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="BrokerUnavailableException">No broker answers, or the metadata does not show them in time.</exception>
    /// <exception cref="TooFewBrokersException">Fewer brokers are up than a topic has replicas.</exception>
    /// <exception cref="InvalidOperationException">The broker rejects a topic; the message names it and the reason.</exception>
    public async Task EnsureTopicsAsync(
        IReadOnlyCollection<string> names, int partitions, short? replication, CancellationToken cancellation)
    {
        var wanted = names
            .Select(name => (Name: name, Partitions: partitions))
            .Concat(names.Select(name => (Name: Topics.DeadLetterTopicOf(name), Partitions: 1)))
            .DistinctBy(topic => topic.Name)
            .ToList();
        var known = await PartitionCountsAsync([.. wanted.Select(topic => topic.Name)], cancellation);
        var missing = wanted.Where(topic => !known.ContainsKey(topic.Name)).ToList();
        if (missing.Count == 0)
        {
            return;
        }

        var specifications = missing.Select(topic => new TopicSpecification
        {
            Name = topic.Name,
            NumPartitions = topic.Partitions,
            ReplicationFactor = replication ?? -1,
        });
        try
        {
            await RequestAsync(client => client.CreateTopicsAsync(
                specifications, new CreateTopicsOptions { RequestTimeout = _timeout, OperationTimeout = _timeout }), cancellation);
        }
        catch (CreateTopicsException e)
        {
            // Another process may have created the topic meanwhile.
            var rejected = e.Results.Where(result => result.Error.IsError && result.Error.Code != ErrorCode.TopicAlreadyExists).ToList();
            if (rejected.Exists(result => IsUnavailable(result.Error)))
            {
                throw new BrokerUnavailableException($"No broker at {_admin.Address} created the topics: {e.Message}", e);
            }

            if (rejected.Count > 0)
            {
                var reasons = string.Join(", ", rejected.Select(r => $"topic '{r.Topic}' ({r.Error.Reason})"));
                throw rejected.TrueForAll(result => result.Error.Code == ErrorCode.InvalidReplicationFactor)
                    ? new TooFewBrokersException($"Too few brokers are up for {reasons}.", e)
                    : new InvalidOperationException($"The broker does not create {reasons}.", e);
            }
        }

        await WaitUntilKnownAsync([.. missing.Select(topic => topic.Name)], cancellation);
    }

    /// <summary>The number of partitions of each topic; topics that do not exist or are forbidden are left out.</summary>
    /// <exception cref="BrokerUnavailableException">No broker answers.</exception>
    public async Task<IReadOnlyDictionary<string, int>> PartitionCountsAsync(
        IReadOnlyCollection<string> names, CancellationToken cancellation)
    {
        // Not an administrative request: many that time out can end the process (BrokerHealth), and a broker may stall when a role starts.
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var name in names.Distinct(StringComparer.Ordinal))
        {
            var metadata = await RequestAsync(client => Task.Run(() => client.GetMetadata(name, _timeout), cancellation), cancellation);
            if (metadata.Topics.Find(topic => topic.Topic == name) is { } topic)
            {
                if (topic.Error.IsError && IsUnavailable(topic.Error))
                {
                    throw new BrokerUnavailableException($"The broker at {_admin.Address} does not answer: {topic.Error.Reason}.");
                }

                if (!topic.Error.IsError && topic.Partitions.Count > 0)
                {
                    counts[name] = topic.Partitions.Count;
                }
            }
        }

        return counts;
    }

    /// <summary>
    /// The id of each topic, where the broker has ids (KIP-516). A topic that is deleted and created again has another id.
    /// </summary>
    /// <exception cref="BrokerUnavailableException">No broker answers.</exception>
    public async Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(
        IReadOnlyCollection<string> names, CancellationToken cancellation)
    {
        var ids = new Dictionary<string, Guid>();
        foreach (var (name, topic) in await DescribeAsync(names, cancellation))
        {
            if (ToGuid(topic.TopicId) is { } id)
            {
                ids[name] = id;
            }
        }

        return ids;
    }

    /// <summary>
    /// How long a topic keeps records (<c>retention.ms</c>): <see cref="TimeSpan.MaxValue"/> if for ever, null if unknown.
    /// </summary>
    /// <exception cref="BrokerUnavailableException">No broker answers.</exception>
    public async Task<TimeSpan?> RetentionAsync(string topic, CancellationToken cancellation) =>
        (await TimesAsync(ResourceType.Topic, topic, ["retention.ms"], cancellation))[0];

    /// <summary>The shortest and the longest session timeout that a broker accepts; null if unknown.</summary>
    /// <exception cref="BrokerUnavailableException">No broker answers.</exception>
    public async Task<(TimeSpan Shortest, TimeSpan Longest)?> SessionTimeoutsAsync(CancellationToken cancellation)
    {
        // The answer names the broker, whatever the topic.
        var metadata = await RequestAsync(
            client => Task.Run(() => client.GetMetadata("__consumer_offsets", _timeout), cancellation), cancellation);
        return metadata.OriginatingBrokerId >= 0 && await TimesAsync(
            ResourceType.Broker,
            metadata.OriginatingBrokerId.ToString(CultureInfo.InvariantCulture),
            ["group.min.session.timeout.ms", "group.max.session.timeout.ms"],
            cancellation) is [{ } shortest, { } longest] ? (shortest, longest) : null;
    }

    // Each setting; MaxValue if it is below zero, null if it is unknown.
    private async Task<TimeSpan?[]> TimesAsync(
        ResourceType type, string name, IReadOnlyList<string> settings, CancellationToken cancellation)
    {
        try
        {
            var resource = new ConfigResource { Type = type, Name = name };
            var answers = await RequestAsync(
                client => client.DescribeConfigsAsync([resource], new DescribeConfigsOptions { RequestTimeout = _timeout }), cancellation);
            return
            [
                .. settings.Select(setting => answers[0].Entries.TryGetValue(setting, out var entry)
                    && long.TryParse(entry.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var milliseconds)
                        ? milliseconds is < 0 or > long.MaxValue / TimeSpan.TicksPerMillisecond
                            ? TimeSpan.MaxValue
                            : TimeSpan.FromMilliseconds(milliseconds)
                        : (TimeSpan?)null),
            ];
        }
        catch (KafkaException e) when (e is DescribeConfigsException || e.Error.Code == ErrorCode.Local_UnsupportedFeature)
        {
            // Forbidden, or unknown to the broker. They only serve checks at the start of the process.
            return new TimeSpan?[settings.Count];
        }
    }

    private async Task WaitUntilKnownAsync(IReadOnlyCollection<string> names, CancellationToken cancellation)
    {
        var began = _time.GetTimestamp();
        while ((await PartitionCountsAsync(names, cancellation)).Count < names.Count)
        {
            if (_time.GetElapsedTime(began) > _visibleWithin)
            {
                throw new BrokerUnavailableException("The broker created the topics, but its metadata does not show them.");
            }

            await Task.Delay(_checkAgainAfter, _time, cancellation);
        }
    }

    private async Task<Dictionary<string, TopicDescription>> DescribeAsync(
        IReadOnlyCollection<string> names, CancellationToken cancellation)
    {
        if (names.Count == 0)
        {
            return [];
        }

        List<TopicDescription> topics;
        try
        {
            topics = (await RequestAsync(
                client => client.DescribeTopicsAsync(
                    TopicCollection.OfTopicNames(names), new DescribeTopicsOptions { RequestTimeout = _timeout }),
                cancellation)).TopicDescriptions;
        }
        catch (DescribeTopicsException e)
        {
            topics = e.Results.TopicDescriptions;
            if (topics.Find(topic => IsUnavailable(topic.Error)) is { } unavailable)
            {
                throw new BrokerUnavailableException($"The broker at {_admin.Address} does not answer: {unavailable.Error.Reason}.", e);
            }
        }

        return topics
            .Where(topic => !topic.Error.IsError && topic.Partitions.Count > 0)
            .ToDictionary(topic => topic.Name);
    }

    private async Task<T> RequestAsync<T>(Func<IAdminClient, Task<T>> request, CancellationToken cancellation)
    {
        try
        {
            // Longer than the timeout of the request, so that this ends only a request that the library does not end.
            return await request(_admin.Client).WaitAsync(2 * _timeout, _time, cancellation);
        }
        catch (KafkaException e) when (IsUnavailable(e.Error))
        {
            throw new BrokerUnavailableException($"No broker answers at {_admin.Address}: {e.Error.Reason}.", e);
        }
        catch (TimeoutException e)
        {
            throw new BrokerUnavailableException($"No broker answers at {_admin.Address}.", e);
        }
    }

    private async Task RequestAsync(Func<IAdminClient, Task> request, CancellationToken cancellation) =>
        await RequestAsync(
            async client =>
            {
                await request(client);
                return true;
            },
            cancellation);

    private static bool IsUnavailable(Error error) => error.Code
        is ErrorCode.Local_TimedOut or ErrorCode.Local_TimedOutQueue or ErrorCode.Local_Transport or ErrorCode.Local_AllBrokersDown
        or ErrorCode.Local_Resolve or ErrorCode.Local_Authentication or ErrorCode.Local_Ssl or ErrorCode.Local_Destroy
        or ErrorCode.RequestTimedOut or ErrorCode.BrokerNotAvailable or ErrorCode.LeaderNotAvailable or ErrorCode.NotController
        or ErrorCode.NetworkException or ErrorCode.SaslAuthenticationFailed or ErrorCode.ThrottlingQuotaExceeded;

    private static Guid? ToGuid(Uuid? id)
    {
        if (id is null)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, id.MostSignificantBits);
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], id.LeastSignificantBits);
        var guid = new Guid(bytes, bigEndian: true);
        return guid == Guid.Empty ? null : guid;
    }
}
