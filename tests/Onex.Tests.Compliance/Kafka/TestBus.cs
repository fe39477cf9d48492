using System.Runtime.CompilerServices;
using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Onex.Kafka;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;
using Onex.Kafka.Rider;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>A bus for the rider, with direct access for tests.</summary>
public abstract class TestBus
{
    /// <summary>The default settings of members.</summary>
    public abstract KafkaSettings Settings { get; }

    /// <summary>A topic name that is unique to the test.</summary>
    public static string NewTopic([CallerMemberName] string test = "") =>
        $"{test[..Math.Min(test.Length, 40)]}-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}";

    public abstract void Add(IServiceCollection services, KafkaSettings settings);

    /// <summary>The log that the added services read.</summary>
    public abstract IRecordLog Log(IServiceProvider services);

    /// <summary>
    /// Creates topics and their dead-letter topics unless they exist. A test's first call must name all its topics, because the in-memory
    /// log has no others.
    /// </summary>
    public abstract Task CreateAsync(int partitions, params string[] topics);

    /// <summary>Skips the test on the mock cluster, which, unlike a real one, <paramref name="what"/>.</summary>
    public virtual void NeedsReal(string what)
    {
    }

    /// <summary>The committed offset of each partition; below zero where the group has committed none.</summary>
    public abstract IReadOnlyDictionary<int, long> Committed(string topic, string group, int partitions);

    /// <summary>Reads that many records of a topic from its beginning; waits until it has them.</summary>
    public abstract Task<IReadOnlyList<ConsumedRecord>> ReadAsync(string topic, int count);

    public Task<RiderMember> StartAsync(
        Action<IKafkaRiderConfigurator> configure,
        Func<KafkaSettings, KafkaSettings>? change = null,
        Action<IServiceCollection>? register = null) => RiderMember.StartAsync(this, configure, change, register);

    protected static ConsumedRecord Record(ConsumeResult<byte[]?, byte[]?> result) => new()
    {
        Topic = result.Topic,
        Partition = result.Partition.Value,
        Offset = result.Offset.Value,
        Key = result.Message.Key,
        Value = result.Message.Value,
        Headers = [.. result.Message.Headers.Select(header => KeyValuePair.Create(header.Key, (byte[]?)header.GetValueBytes()))],
    };
}
