using System.Text;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>The producer.</summary>
public abstract class ProducerCompliance : RiderCompliance
{
    [Fact]
    public async Task A_record_is_produced_to_the_given_partition_with_text_key_and_headers()
    {
        var topic = NewTopic();
        await Bus.CreateAsync(4, topic);
        await using var member = await Bus.StartAsync(_ => { });

        var report = await member.Producer.ProduceAsync(
            new ProducedRecord(topic, 3, "schlüssel", "wert"u8.ToArray(), [new("source", "müller")]), CancellationToken.None);

        Assert.Equal(new DeliveryReport(DeliveryStatus.Acknowledged, null), report);
        var record = (await Bus.ReadAsync(topic, 1))[0];
        Assert.Equal(3, record.Partition);
        Assert.Equal("schlüssel", Encoding.UTF8.GetString(record.Key!));
        Assert.Equal("müller", record.TextHeader("source"));
    }

    [Fact]
    public async Task Without_a_partition_one_key_stays_on_one_partition_and_many_keys_spread()
    {
        var topic = NewTopic();
        await Bus.CreateAsync(4, topic);
        await using var member = await Bus.StartAsync(_ => { });

        await Task.WhenAll(Enumerable.Range(0, 80).Select(i => member.Producer.ProduceAsync(
            new ProducedRecord(topic, null, $"key-{i % 40}", Encoding.UTF8.GetBytes($"{i}"), []), CancellationToken.None)));

        var records = await Bus.ReadAsync(topic, 80);
        Assert.All(
            records.GroupBy(record => Encoding.UTF8.GetString(record.Key!)),
            key => Assert.Single(key.Select(record => record.Partition).Distinct()));
        Assert.Equal(4, records.Select(record => record.Partition).Distinct().Count());
    }

    [Fact]
    public async Task Records_of_one_key_keep_their_order_while_the_load_rises_and_falls()
    {
        var topic = NewTopic();
        await Bus.CreateAsync(4, topic);
        await using var member = await Bus.StartAsync(_ => { });

        for (var sent = 0; sent < 4000;)
        {
            // Alone, then many at a time, then alone again.
            var burst = sent is > 500 and < 3500 ? 500 : 20;
            await Task.WhenAll(Enumerable.Range(sent, burst).Select(i => member.Producer.ProduceAsync(
                new ProducedRecord(topic, null, $"key-{i % 8}", Encoding.UTF8.GetBytes($"{i}"), []), CancellationToken.None)));
            sent += burst;
        }

        Assert.All(
            (await Bus.ReadAsync(topic, 4000)).GroupBy(record => Encoding.UTF8.GetString(record.Key!)),
            key =>
            {
                var numbers = key.Select(record => int.Parse(Encoding.UTF8.GetString(record.Value!), null)).ToList();
                Assert.Equal(500, numbers.Count);
                Assert.Equal(numbers.Order(), numbers);
            });
    }

    [Fact]
    public async Task An_undeliverable_record_is_reported_and_blocks_no_other()
    {
        Bus.NeedsReal("accepts records of any size");
        var topic = NewTopic();
        await Bus.CreateAsync(1, topic);
        await using var member = await Bus.StartAsync(_ => { });

        var reports = await member.ProduceAsync(topic, 0, new string('x', 2_000_000), "small");
        var nowhere = await member.ProduceAsync(topic, 7, "no such partition");
        var forbidden = await member.ProduceAsync("no/such/name", null, "x");

        Assert.Equal([DeliveryStatus.Undeliverable, DeliveryStatus.Acknowledged], reports.Select(report => report.Delivery));
        Assert.NotNull(reports[0].Reason);
        Assert.Equal(DeliveryStatus.Undeliverable, nowhere[0].Delivery);
        Assert.Equal(DeliveryStatus.Undeliverable, forbidden[0].Delivery);
    }

    [Fact]
    public async Task The_partition_count_of_a_topic_is_known_and_an_unknown_topic_is_an_error()
    {
        var topic = NewTopic();
        await Bus.CreateAsync(3, topic);
        await using var member = await Bus.StartAsync(_ => { });

        Assert.Equal(3, await member.Producer.PartitionsAsync(topic, CancellationToken.None));
        Assert.Equal(1, await member.Producer.PartitionsAsync(Topics.DeadLetterTopicOf(topic), CancellationToken.None));
        var unknown = await Assert.ThrowsAsync<InvalidOperationException>(
            () => member.Producer.PartitionsAsync($"missing-{topic}", CancellationToken.None));
        Assert.Contains($"missing-{topic}", unknown.Message, StringComparison.Ordinal);
    }
}
