using System.Text.Json;
using Confluent.Kafka;
using Onex.Contracts.Messages;
using Onex.Tests.Support;

namespace Onex.Benchmarks.Workers;

/// <summary>Reads the results of workers as they arrive, without joining a consumer group, which would take time.</summary>
internal sealed class ResultStream : IDisposable
{
    private readonly IConsumer<Ignore, byte[]> _consumer;

    private ResultStream(string bootstrapServers, string topic)
    {
        _consumer = new ConsumerBuilder<Ignore, byte[]>(new ConsumerConfig
        {
            BootstrapServers = bootstrapServers,
            GroupId = Names.Next("results"),
            EnableAutoCommit = false,
        }).Build();
        _consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
    }

    /// <summary>The results of a stack's workers on the home partition 0.</summary>
    public static ResultStream Create(OnexStack stack) => new(stack.Broker.BootstrapServers, stack.Topic("worker-responses"));

    /// <summary>The command of the next result; null if none arrives within a second. The commands request no reports.</summary>
    /// <exception cref="InvalidOperationException">The command failed.</exception>
    public Task<string?> NextAsync() => Task.Run(() =>
    {
        var result = _consumer.Consume(1_000)?.Message is { } message
            ? JsonSerializer.Deserialize(message.Value, MessageJson.Default.StepResult)
            : null;
        return result is { Outcome: StepOutcomes.Failed or StepOutcomes.Rejected }
            ? throw new InvalidOperationException($"A command failed: {result.Code}: {result.Message}.")
            : result?.CommandId.ToString();
    });

    public void Dispose() => _consumer.Dispose();
}
