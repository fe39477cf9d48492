using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onex.Kafka;
using Onex.Kafka.Consuming;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Memory;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;
using Onex.Metrics;
using Onex.Tests.Unit.Metrics;

namespace Onex.Tests.Unit.Kafka.Consuming;

/// <summary>What a consumer adds to the metrics, with the in-memory log.</summary>
public sealed class ConsumerMetricsTests
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Records_partitions_and_lags_of_a_consumer_are_measured()
    {
        var (time, handler) = (new FakeTimeProvider(), new HoldingHandler());
        using var meter = new OnexMeter();
        using var reader = new MetricReader(meter);
        var metrics = new ConsumerMetrics(meter);
        var log = new MemoryLog(["commands"], partitions: 2, recordsKept: 10);
        var settings = new KafkaSettings { BootstrapServers = "unused", ClientId = "test" };
        var deadLetters = new DeadLetterWriter(settings, new MemoryProducer(log), null, time, NullLogger<DeadLetterWriter>.Instance);
        using var consumer = new RecordConsumer(
            new EndpointAddress("endpoint", ["commands"], "group"), handler, settings, log, deadLetters, new MissedRecordsCount(), time,
            NullLogger.Instance, metrics);
        metrics.AddSlots("commands", () => (Used: 2, Limit: 7));
        consumer.Start();
        await Eventually.Async(() => consumer.HasAssignment, _within, () => "partitions are assigned");
        for (var i = 0; i < 3; i++)
        {
            log.Append(new ProducedRecord("commands", i % 2, $"{i}", "{}"u8.ToArray(), []));
        }

        await AdvanceUntilAsync(sums => handler.Entries.Count == 3 && sums.GetValueOrDefault("onex.consumer.lag{commands,group}") == 3);
        var sums = reader.Sums();
        Assert.Equal(3, sums["messaging.client.consumed.messages{kafka,commands,group}"]);
        Assert.Equal(3, sums["onex.consumer.in_flight{group}"]);
        Assert.Equal(2, sums["onex.consumer.partitions{commands,group}"]);
        Assert.Equal(1, sums["onex.consumer.rebalances{group,assigned}"]);
        Assert.Equal((2, 7), (sums["onex.consumer.slots.used{commands}"], sums["onex.consumer.slots.limit{commands}"]));

        foreach (var entry in handler.Entries)
        {
            entry.Complete(RecordOutcome.Handled.Instance);
        }

        await AdvanceUntilAsync(sums => sums["onex.consumer.lag{commands,group}"] == 0 && sums["onex.consumer.in_flight{group}"] == 0);
        await consumer.StopAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
        Assert.Equal(1, reader.Sums()["onex.consumer.rebalances{group,revoked}"]);

        // The consumer notes its lags once a second.
        async Task AdvanceUntilAsync(Func<IReadOnlyDictionary<string, double>, bool> condition) => await Eventually.Async(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return condition(reader.Sums());
            },
            _within, () => string.Join('\n', reader.Sums()));
    }

    private sealed class HoldingHandler : IRecordBatchHandler
    {
        public ConcurrentQueue<BatchEntry> Entries { get; } = new();

        public Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation)
        {
            foreach (var entry in batch)
            {
                Entries.Enqueue(entry);
            }

            return Task.CompletedTask;
        }

        public Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation) => Task.CompletedTask;

        public void Revoked(IReadOnlyCollection<int> partitions)
        {
        }
    }
}
