using System.Text;
using Onex.Kafka.Producing;

namespace Onex.Tests.Integration.Kafka;

public sealed class ProducerTests
{
    [Fact]
    public async Task A_record_goes_to_the_partition_that_is_named_with_key_and_headers_as_text()
    {
        var topic = KafkaMember.NewTopic();
        await using var member = await KafkaMember.StartAsync(_ => { });
        await member.Topics.EnsureTopicsAsync([topic], 4, null, CancellationToken.None);

        var report = await member.Producer.ProduceAsync(
            new ProducedRecord(topic, 3, "schlüssel", "wert"u8.ToArray(), [new("source", "müller")]), CancellationToken.None);

        Assert.Equal(new DeliveryReport(Delivery.Acknowledged, null), report);
        var record = Look.Read(topic, 1)[0];
        Assert.Equal(3, record.Partition.Value);
        Assert.Equal("schlüssel", Encoding.UTF8.GetString(record.Message.Key));
        Assert.Equal("müller", Encoding.UTF8.GetString(record.Message.Headers.GetLastBytes("source")));
    }

    [Fact]
    public async Task Without_a_partition_one_key_stays_on_one_and_many_keys_spread()
    {
        var topic = KafkaMember.NewTopic();
        await using var member = await KafkaMember.StartAsync(_ => { });
        await member.Topics.EnsureTopicsAsync([topic], 4, null, CancellationToken.None);

        await Task.WhenAll(Enumerable.Range(0, 80).Select(i => member.Producer.ProduceAsync(
            new ProducedRecord(topic, null, $"key-{i % 40}", Encoding.UTF8.GetBytes($"{i}"), []), CancellationToken.None)));

        var records = Look.Read(topic, 80);
        Assert.All(
            records.GroupBy(record => Encoding.UTF8.GetString(record.Message.Key)),
            key => Assert.Single(key.Select(record => record.Partition.Value).Distinct()));
        Assert.Equal(4, records.Select(record => record.Partition.Value).Distinct().Count());
    }

    [Fact]
    public async Task What_the_broker_refuses_for_good_is_told_and_blocks_nothing()
    {
        var topic = KafkaMember.NewTopic();
        await using var member = await KafkaMember.StartAsync(_ => { });
        await member.Topics.EnsureTopicsAsync([topic], 1, null, CancellationToken.None);

        var reports = await member.ProduceAsync(topic, 0, new string('x', 2_000_000), "small");
        var nowhere = await member.ProduceAsync(topic, 7, "no such partition");
        var forbidden = await member.ProduceAsync("no/such/name", null, "x");

        Assert.Equal([Delivery.Refused, Delivery.Acknowledged], reports.Select(report => report.Delivery));
        Assert.NotNull(reports[0].Reason);
        Assert.Equal(Delivery.Refused, nowhere[0].Delivery);
        Assert.Equal(Delivery.Refused, forbidden[0].Delivery);
    }

    [Fact]
    public async Task Topics_are_made_once_by_whoever_comes_first_with_their_dead_letter_topics()
    {
        var (one, two) = (KafkaMember.NewTopic() + "-1", KafkaMember.NewTopic() + "-2");
        await using var member = await KafkaMember.StartAsync(_ => { });
        await using var other = await KafkaMember.StartAsync(_ => { });

        await Task.WhenAll(
            member.Topics.EnsureTopicsAsync([one, two], 3, null, CancellationToken.None),
            other.Topics.EnsureTopicsAsync([two, one], 3, 1, CancellationToken.None));
        await member.Topics.EnsureTopicsAsync([one], 5, null, CancellationToken.None);

        var counts = await other.Topics.PartitionCountsAsync([one, two, one + ".dlq", two + ".dlq", "missing-" + one], CancellationToken.None);
        Assert.Equal(4, counts.Count);
        Assert.Equal((3, 3, 1), (counts[one], counts[two], counts[one + ".dlq"]));
        Assert.Equal(3, await member.Producer.PartitionsAsync(two, CancellationToken.None));
        Assert.Equal(2, (await member.Topics.TopicIdsAsync([one, two], CancellationToken.None)).Values.Distinct().Count());
        Assert.Equal(TimeSpan.FromDays(7), await member.Topics.RetentionAsync(one, CancellationToken.None));
    }

    [Fact]
    public async Task Without_a_broker_it_is_said_in_time()
    {
        await using var member = await KafkaMember.StartAsync(_ => { }, bootstrap: "127.0.0.1:1");

        await Assert.ThrowsAsync<BrokerUnavailableException>(
            () => member.Topics.PartitionCountsAsync(["any"], CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(15)));

        Assert.False(member.Broker.IsReachable);
        Assert.NotNull(member.Broker.LastError);
    }
}
