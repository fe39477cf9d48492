using System.Text.Json;
using Confluent.Kafka;
using Onex.Contracts.Messages;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>Stands in for runtime-effects or the workers: answers every command at once, without an effect.</summary>
internal sealed class EchoRole : IAsyncDisposable
{
    private static readonly RawJson _answer = RawJson.FromText("""{"status_code":200,"headers":{},"body":{"id":"e-1"}}""");

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _echoing;

    public EchoRole(string bootstrapServers, string commands, string results) =>
        _echoing = Task.Factory.StartNew(
            () => Echo(bootstrapServers, commands, results), _stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _echoing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private void Echo(string bootstrapServers, string commands, string results)
    {
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(new ConsumerConfig
        {
            BootstrapServers = bootstrapServers,
            GroupId = $"{commands}.echo",
            AutoOffsetReset = AutoOffsetReset.Earliest,
        }).Build();
        // A result alone is sent at once. Those that come together share produce requests, whose cost would otherwise be measured.
        using var alone = CreateProducer(bootstrapServers, lingerMs: 0);
        using var collecting = CreateProducer(bootstrapServers, lingerMs: 5);
        consumer.Subscribe(commands);
        while (!_stop.IsCancellationRequested)
        {
            var producer = collecting;
            var record = consumer.Consume(0);
            if (record is null)
            {
                (producer, record) = (alone, consumer.Consume(100));
            }

            if (record?.Message is not { } message)
            {
                continue;
            }

            var command = JsonSerializer.Deserialize(message.Value, MessageJson.Default.StepCommand)!;
            var result = new StepResult
            {
                CommandId = command.CommandId,
                Attempt = command.Attempt,
                SagaId = command.SagaId,
                CorrelationId = command.CorrelationId,
                Outcome = StepOutcomes.Completed,
                Result = _answer,
            };
            producer.Produce(
                new TopicPartition(results, command.HomePartition),
                new Message<string, byte[]>
                {
                    Key = command.CommandId.ToString(),
                    Value = JsonSerializer.SerializeToUtf8Bytes(result, MessageJson.Default.StepResult),
                });
        }

        alone.Flush(TimeSpan.FromSeconds(5));
        collecting.Flush(TimeSpan.FromSeconds(5));
    }

    private static IProducer<string, byte[]> CreateProducer(string bootstrapServers, int lingerMs) =>
        new ProducerBuilder<string, byte[]>(new ProducerConfig
        {
            BootstrapServers = bootstrapServers,
            LingerMs = lingerMs,
            EnableIdempotence = true,
            EnableDeliveryReports = false,
        }).Build();
}
