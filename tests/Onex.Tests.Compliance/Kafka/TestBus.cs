using System.Runtime.CompilerServices;
using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Onex.Kafka;
using Onex.Kafka.Consuming;
using Onex.Kafka.Rider;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>A bus that the rider reads, and access to it that does not use the code under test.</summary>
public abstract class TestBus
{
    /// <summary>The settings of every member unless the test gives others.</summary>
    public abstract KafkaSettings Settings { get; }

    /// <summary>A topic name that no other test has.</summary>
    public static string NewTopic([CallerMemberName] string test = "") =>
        $"{test[..Math.Min(test.Length, 40)]}-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}";

    public abstract void Add(IServiceCollection services, KafkaSettings settings);

    /// <summary>The log that the services added would read.</summary>
    public abstract IRecordLog Log(IServiceProvider services);

    /// <summary>Creates missing topics and their dead-letter topics; the first call of a test names all that it needs.</summary>
    public abstract Task MakeAsync(int partitions, params string[] topics);

    /// <summary>Skips the test on the mock cluster, with the missing feature as the reason.</summary>
    public virtual void NeedsReal(string what)
    {
    }

    /// <summary>What a group has committed for each partition; below zero where it has nothing.</summary>
    public abstract IReadOnlyDictionary<int, long> Committed(string topic, string group, int partitions);

    /// <summary>Reads that many records of a topic from its beginning, and waits for them.</summary>
    public abstract Task<List<ConsumedRecord>> ReadAsync(string topic, int count);

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
