using System.Runtime.CompilerServices;
using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Onex.Kafka;
using Onex.Kafka.Consuming;
using Onex.Kafka.Rider;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>A bus that the rider reads, and what a test wants to see of it beside the code under test.</summary>
public abstract class TestBus
{
    /// <summary>What every member is set to unless the test says otherwise.</summary>
    public abstract KafkaSettings Settings { get; }

    /// <summary>A topic name that no other test has.</summary>
    public static string NewTopic([CallerMemberName] string test = "") =>
        $"{test[..Math.Min(test.Length, 40)]}-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}";

    public abstract void Add(IServiceCollection services, KafkaSettings settings);

    /// <summary>The log that the services added would read.</summary>
    public abstract IRecordLog Log(IServiceProvider services);

    /// <summary>Makes topics and their dead-letter topics, unless they are there; all that a test needs in its first call.</summary>
    public abstract Task MakeAsync(int partitions, params string[] topics);

    /// <summary>Skips the test on the mock cluster, with what that does not do.</summary>
    public virtual void NeedsReal(string what)
    {
    }

    /// <summary>What a group has committed for each partition; below zero where it has nothing.</summary>
    public abstract IReadOnlyDictionary<int, long> Committed(string topic, string group, int partitions);

    /// <summary>As many records of a topic from its beginning; waits for them.</summary>
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
