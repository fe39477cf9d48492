using System.Text;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;
using Onex.Tests.Compliance.Kafka;

namespace Onex.Tests.Integration.Kafka.Memory;

/// <summary>The bounds and the retention of the in-memory log, for which a broker has settings of its own.</summary>
public sealed class MemoryLogTests
{
    private const string Topic = "topic";
    private const string OtherTopic = "other";

    [Fact]
    public async Task A_topic_without_readers_keeps_its_last_records()
    {
        var bus = new MemoryTestBus(kept: 5);
        await using var member = await StartAsync(bus, 2);

        for (var i = 0; i < 25; i++)
        {
            await member.ProduceAsync(Topic, i % 2, $"{i}");
        }

        Assert.Equal(
            [(0, 8), (0, 9), (0, 10), (0, 11), (0, 12), (1, 7), (1, 8), (1, 9), (1, 10), (1, 11)],
            bus.Memory.Held(Topic).Select(record => (record.Partition.Value, (int)record.Offset.Value)));
        Assert.Equal(["16", "18", "20", "22", "24", "15", "17", "19", "21", "23"], Held(bus));
    }

    [Fact]
    public async Task A_topic_without_readers_accepts_every_record_and_keeps_fewer_large_ones()
    {
        var bus = new MemoryTestBus(heldBytesMax: 100_000);
        await using var member = await StartAsync(bus, 1);

        var reports = await member.ProduceAsync(Topic, 0, [.. Enumerable.Repeat(new string('x', 30_000), 10)]);

        Assert.All(reports, report => Assert.Equal(DeliveryStatus.Acknowledged, report.Delivery));
        Assert.Equal([7L, 8, 9], bus.Memory.Held(Topic).Select(record => record.Offset.Value));
    }

    [Fact]
    public async Task Records_are_deleted_once_every_group_has_committed_them()
    {
        var bus = new MemoryTestBus(kept: 5);
        var (quick, slow) = (RecordingHandler.Acknowledging, new RecordingHandler(_ => { }));
        await using var member = await StartAsync(bus, 1, ("quick", quick), ("slow", slow));
        await member.ProduceAsync(Topic, 0, [.. Enumerable.Range(0, 50).Select(i => $"{i}")]);
        await Condition.HoldsAsync(() => bus.Committed(Topic, "quick", 1)[0] == 50 && slow.Received.Count == 50);
        Assert.Equal(50, bus.Memory.Held(Topic).Count);

        foreach (var entry in slow.Received.Take(30))
        {
            entry.Complete(RecordOutcome.Handled.Instance);
        }

        await Condition.HoldsAsync(() => bus.Memory.Held(Topic).Count == 20);
        Assert.Equal(30, bus.Memory.Held(Topic)[0].Offset.Value);
    }

    [Fact]
    public async Task A_full_topic_accepts_records_again_after_its_first_ones_are_completed()
    {
        var bus = new MemoryTestBus(heldBytesMax: 100_000);
        var handler = new RecordingHandler(_ => { });
        await using var member = await StartAsync(bus, 1, ("slow", handler));
        var large = new string('x', 30_000);

        var reports = await member.ProduceAsync(Topic, 0, [.. Enumerable.Repeat(large, 5)]);

        Assert.Equal(
            [
                DeliveryStatus.Acknowledged, DeliveryStatus.Acknowledged, DeliveryStatus.Acknowledged, DeliveryStatus.Acknowledged,
                DeliveryStatus.Unavailable,
            ],
            reports.Select(report => report.Delivery));
        Assert.Contains($"'{Topic}' is full", reports[4].Reason, StringComparison.Ordinal);
        Assert.Equal(DeliveryStatus.Acknowledged, (await member.ProduceAsync(OtherTopic, 0, large))[0].Delivery);

        await Condition.HoldsAsync(() => handler.Received.Count == 4);
        handler.Received.First().Complete(RecordOutcome.Handled.Instance);
        await Condition.HoldsAsync(() => bus.Memory.Held(Topic).Count == 3);
        Assert.Equal(DeliveryStatus.Acknowledged, (await member.ProduceAsync(Topic, 0, large))[0].Delivery);
    }

    [Fact]
    public async Task A_poll_returns_a_record_as_soon_as_it_is_written()
    {
        var arrived = new SemaphoreSlim(0);
        var handler = new RecordingHandler(entry =>
        {
            entry.Complete(RecordOutcome.Handled.Instance);
            arrived.Release();
        });
        await using var member = await StartAsync(new MemoryTestBus(), 4, ("quick", handler));

        // Each record waits for the previous one. A reader that polled with a delay would take a hundred seconds.
        var started = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 1000; i++)
        {
            await member.ProduceAsync(Topic, i % 4, "x");
            await arrived.WaitAsync(TestContext.Current.CancellationToken);
        }

        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(50));
    }

    [Fact]
    public async Task A_producer_may_reuse_its_buffer_after_the_delivery_report()
    {
        var bus = new MemoryTestBus();
        await using var member = await StartAsync(bus, 1);
        var bytes = "before"u8.ToArray();
        await member.Producer.ProduceAsync(new ProducedRecord(Topic, 0, "k", bytes, []), CancellationToken.None);
        bytes[0] = (byte)'x';

        Assert.Equal(["before"], Held(bus));
    }

    private static async Task<RiderMember> StartAsync(
        MemoryTestBus bus, int partitions, params (string Group, RecordingHandler Handler)[] readers)
    {
        await bus.CreateAsync(partitions, Topic, OtherTopic);
        var member = await bus.StartAsync(k =>
        {
            foreach (var (group, handler) in readers)
            {
                k.BatchEndpoint(group, [Topic], group, _ => handler);
            }
        });
        await member.WaitUntilReadyAsync();
        return member;
    }

    private static IEnumerable<string> Held(MemoryTestBus bus) =>
        bus.Memory.Held(Topic).Select(record => Encoding.UTF8.GetString(record.Message.Value!));
}
