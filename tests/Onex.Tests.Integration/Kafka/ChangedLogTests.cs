using System.Collections.Concurrent;
using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Onex.Kafka;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;
using Onex.Tests.Compliance.Kafka;

namespace Onex.Tests.Integration.Kafka;

/// <summary>
/// Changes of a topic other than new records: it is recreated, its first records are deleted, it gets control records. Only a broker
/// supports them.
/// </summary>
public sealed class ChangedLogTests : IDisposable
{
    private readonly KafkaTestBus _bus = new();
    private readonly Lazy<IAdminClient> _admin;

    public ChangedLogTests()
    {
        _bus.NeedsReal("deletes no topics or records and supports no transactions");
        _admin = new(() => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = _bus.Bootstrap }).Build());
    }

    public void Dispose()
    {
        if (_admin.IsValueCreated)
        {
            _admin.Value.Dispose();
        }
    }

    [Fact]
    public async Task A_topic_recreated_at_once_is_read_from_its_beginning_under_its_new_id()
    {
        var (topic, handler) = (TestBus.NewTopic(), RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, handler);
        await member.ProduceAsync(topic, 0, "old 0", "old 1", "old 2");
        await Condition.HoldsAsync(() => handler.Received.Count == 3);

        await DeleteAsync(topic);
        await RecreateAsync(topic);
        await ProduceAsync(topic, [.. Enumerable.Range(0, 8).Select(i => $"new {i}")]);

        // There are more new records than old ones, so that the offset after the old records exists in the new log, too.
        await Condition.HoldsAsync(() => handler.Received.Count >= 11);
        Assert.Equal(["old 0", "old 1", "old 2", .. Enumerable.Range(0, 8).Select(i => $"new {i}")], handler.Values);
        await AssertTopicIdsDifferAsync(member, topic, handler, oldCount: 3);
        await CommittedToEndsAsync(topic, 8);
    }

    [Fact]
    public async Task Records_written_to_a_recreated_topic_before_its_reader_notices_are_read()
    {
        var topic = TestBus.NewTopic();
        var release = new TaskCompletionSource();
        var handler = RecordingHandler.Acknowledging;
        handler.Before = _ => release.Task;
        await using var member = await StartAsync(topic, handler, s => s with { InFlightMax = 3, BatchMax = 3 });
        await member.ProduceAsync(topic, 0, "old 0", "old 1", "old 2");
        await Condition.HoldsAsync(() => member.Log.IsPaused);

        // A paused reader fetches nothing, so it does not notice the change before the new log has records at its offset.
        await DeleteAsync(topic);
        await RecreateAsync(topic);
        await ProduceAsync(topic, [.. Enumerable.Range(0, 8).Select(i => $"new {i}")]);
        release.SetResult();

        await Condition.HoldsAsync(() => handler.Values.Contains("new 7"));
        Assert.Equal(
            Enumerable.Range(0, 8).Select(i => $"new {i}"),
            handler.Values.Where(value => value.StartsWith("new", StringComparison.Ordinal)));
        await AssertTopicIdsDifferAsync(member, topic, handler, oldCount: 3);
    }

    [Fact]
    public async Task A_topic_recreated_later_is_read_from_its_beginning()
    {
        var (topic, handler) = (TestBus.NewTopic(), RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, handler);
        await member.ProduceAsync(topic, 0, "old 0", "old 1", "old 2");
        await Condition.HoldsAsync(() => handler.Received.Count == 3);

        await DeleteAsync(topic);
        await Condition.HoldsAsync(() => !member.IsReady, () => "it is ready without its topic");
        await RecreateAsync(topic);
        await ProduceAsync(topic, "new 0", "new 1", "new 2", "new 3", "new 4");

        await Condition.HoldsAsync(() => handler.Received.Count >= 8);
        Assert.Equal(["old 0", "old 1", "old 2", "new 0", "new 1", "new 2", "new 3", "new 4"], handler.Values);
        await AssertTopicIdsDifferAsync(member, topic, handler, oldCount: 3);
    }

    [Fact]
    public async Task A_late_commit_of_the_old_log_does_not_hide_records_of_the_new_one()
    {
        var (topic, old) = (TestBus.NewTopic(), new ConcurrentQueue<BatchEntry>());
        var handler = new RecordingHandler(entry =>
        {
            if (old.Count < 3)
            {
                old.Enqueue(entry);
            }
            else
            {
                entry.Complete(RecordOutcome.Handled.Instance);
            }
        });
        await using var member = await StartAsync(topic, handler);
        await member.ProduceAsync(topic, 0, "old 0", "old 1", "old 2");
        await Condition.HoldsAsync(() => old.Count == 3);

        await DeleteAsync(topic);
        Assert.All(old, entry => entry.Complete(RecordOutcome.Handled.Instance));
        await RecreateAsync(topic);
        await ProduceAsync(topic, "new 0", "new 1", "new 2", "new 3", "new 4");

        await Condition.HoldsAsync(() => handler.Received.Count >= 8);
        Assert.Equal(["new 0", "new 1", "new 2", "new 3", "new 4"], handler.Values.Skip(3));
        await CommittedToEndsAsync(topic, 5);
    }

    [Fact]
    public async Task Two_topics_recreated_together_are_both_read_from_their_beginning()
    {
        var (topic1, topic2, handler) = (TestBus.NewTopic() + "-1", TestBus.NewTopic() + "-2", RecordingHandler.Acknowledging);
        await _bus.CreateAsync(1, topic1, topic2);
        await using var member = await _bus.StartAsync(k => k.BatchEndpoint("test", [topic1, topic2], topic1, _ => handler));
        await member.WaitUntilReadyAsync();
        await member.ProduceAsync(topic1, 0, "old 1");
        await member.ProduceAsync(topic2, 0, "old 2");
        await Condition.HoldsAsync(() => handler.Received.Count == 2);

        await Task.WhenAll(DeleteAsync(topic1), DeleteAsync(topic2));
        await Task.WhenAll(RecreateAsync(topic1), RecreateAsync(topic2));
        await ProduceAsync(topic1, "new 1a", "new 1b");
        await ProduceAsync(topic2, "new 2a", "new 2b");

        await Condition.HoldsAsync(() => handler.Values.Distinct().Count() >= 6, () => string.Join(", ", handler.Values));
        Assert.Equal(["new 1a", "new 1b", "new 2a", "new 2b", "old 1", "old 2"], handler.Values.Distinct().Order());
    }

    [Fact]
    public async Task Two_members_of_a_group_together_read_all_records_of_a_recreated_topic()
    {
        var topic = TestBus.NewTopic();
        var (firstHandler, secondHandler) = (RecordingHandler.Acknowledging, RecordingHandler.Acknowledging);
        await _bus.CreateAsync(2, topic);
        await using var first = await _bus.StartAsync(k => k.BatchEndpoint("test", [topic], topic, _ => firstHandler));
        await using var second = await _bus.StartAsync(k => k.BatchEndpoint("test", [topic], topic, _ => secondHandler));
        await Condition.HoldsAsync(() => firstHandler.OwnedNow().Length == 1 && secondHandler.OwnedNow().Length == 1);
        await first.ProduceAsync(topic, 0, "old 0a", "old 0b");
        await first.ProduceAsync(topic, 1, "old 1a", "old 1b");
        await Condition.HoldsAsync(() => firstHandler.Received.Count + secondHandler.Received.Count == 4);

        await DeleteAsync(topic);
        await RecreateAsync(topic, 2);
        var expected = new List<string>();
        foreach (var partition in Enumerable.Range(0, 2))
        {
            string[] values = [.. Enumerable.Range(0, 4).Select(i => $"new {partition} {i}")];
            expected.AddRange(values);
            await ProduceAsync(topic, partition, values);
        }

        // One member may read records again that the other has read. The topic id and the offset show that they are the same records.
        await Condition.HoldsAsync(
            () =>
                firstHandler.Values.Concat(secondHandler.Values)
                    .Where(value => value.StartsWith("new", StringComparison.Ordinal))
                    .Distinct()
                    .Order()
                    .SequenceEqual(expected.Order()),
            () => string.Join(", ", firstHandler.Values) + " | " + string.Join(", ", secondHandler.Values));

        await CommittedToEndsAsync(topic, 4, 4);
    }

    [Fact]
    public async Task Records_are_produced_to_a_recreated_topic()
    {
        var topic = TestBus.NewTopic();
        await _bus.CreateAsync(1, topic);
        await using var member = await _bus.StartAsync(_ => { });
        Assert.Equal(DeliveryStatus.Acknowledged, (await member.ProduceAsync(topic, 0, "old"))[0].Delivery);

        await DeleteAsync(topic);
        await RecreateAsync(topic);

        await Condition.HoldsAsync(
            async () => (await member.ProduceAsync(topic, 0, "new"))[0].Delivery == DeliveryStatus.Acknowledged);
        Assert.Equal("new", Encoding.UTF8.GetString((await _bus.ReadAsync(topic, 1))[0].Value!));
    }

    [Fact]
    public async Task A_transaction_commit_marker_is_skipped_and_leaves_no_lag()
    {
        var (topic, handler) = (TestBus.NewTopic(), RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, handler);
        using var producer = new ProducerBuilder<string, string>(
            new ProducerConfig { BootstrapServers = _bus.Bootstrap, TransactionalId = topic }).Build();
        await Task.Run(() => producer.InitTransactions(TimeSpan.FromSeconds(30)));

        await TransactAsync("a", "b");

        // The marker has offset 2.
        await Condition.HoldsAsync(() => _bus.Committed(topic, topic, 1)[0] == 3);
        await TransactAsync("c");
        await Condition.HoldsAsync(() => _bus.Committed(topic, topic, 1)[0] == 5);
        Assert.Equal(["a", "b", "c"], handler.Values);

        Task TransactAsync(params string[] values) => Task.Run(() =>
        {
            producer.BeginTransaction();
            foreach (var value in values)
            {
                producer.Produce(new TopicPartition(topic, 0), new Message<string, string> { Value = value });
            }

            producer.CommitTransaction();
        });
    }

    [Fact]
    public async Task Records_that_were_deleted_while_the_group_had_no_member_are_counted_on_assignment()
    {
        var (topic, handler) = (TestBus.NewTopic(), RecordingHandler.Acknowledging);
        var first = await StartAsync(topic, handler);
        await first.ProduceAsync(topic, 0, "a", "b");
        await Condition.HoldsAsync(() => _bus.Committed(topic, topic, 1)[0] == 2);
        await first.DisposeAsync();

        await ProduceAsync(topic, "c", "d", "e", "f");
        await DeleteRecordsAsync(topic, 5);
        await using var second = await StartAsync(topic, handler);

        await Condition.HoldsAsync(() => handler.Received.Count == 3);
        Assert.Equal(["a", "b", "f"], handler.Values);
        Assert.Equal([KeyValuePair.Create(topic, 3L)], second.Missed.Topics);
    }

    [Fact]
    public async Task Records_that_are_deleted_before_a_lagging_member_has_read_them_are_counted()
    {
        var topic = TestBus.NewTopic();
        var release = new TaskCompletionSource();
        var handler = RecordingHandler.Acknowledging;
        handler.Before = _ => release.Task;
        await using var member = await StartAsync(topic, handler, s => s with { InFlightMax = 2, BatchMax = 2 });
        await member.ProduceAsync(topic, 0, "a", "b");
        await Condition.HoldsAsync(() => member.Log.IsPaused);

        await ProduceAsync(topic, "c", "d", "e", "f");
        await DeleteRecordsAsync(topic, 5);
        release.SetResult();

        await Condition.HoldsAsync(() => handler.Values.Contains("f"), () => string.Join(", ", handler.Values));
        Assert.Equal(["a", "b", "f"], handler.Values.Distinct());
        Assert.Equal([KeyValuePair.Create(topic, 3L)], member.Missed.Topics);
    }

    [Fact]
    public async Task A_group_without_commits_begins_at_the_earliest_record_and_misses_none()
    {
        var (topic, handler) = (TestBus.NewTopic(), RecordingHandler.Acknowledging);
        await _bus.CreateAsync(1, topic);
        await ProduceAsync(topic, "a", "b", "c");
        await DeleteRecordsAsync(topic, 2);

        await using var member = await StartAsync(topic, handler);

        await Condition.HoldsAsync(() => handler.Received.Count == 1);
        Assert.Equal(["c"], handler.Values);
        Assert.Empty(member.Missed.Topics);
    }

    [Fact]
    public async Task A_member_whose_topic_does_not_exist_is_not_ready_and_does_not_create_it()
    {
        var (topic, handler) = (TestBus.NewTopic(), RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, handler);

        await DeleteAsync(topic);
        await Condition.HoldsAsync(
            () => !member.IsReady && member.Problems.Contains($"there is no topic {topic}", StringComparison.Ordinal),
            () => member.Problems);

        // Further metadata requests would have created it if the broker created topics on first use.
        await Condition.HoldsAsync(() => member.Broker.FindMissing([topic]).Count == 1);
        Assert.DoesNotContain(_admin.Value.GetMetadata(TimeSpan.FromSeconds(10)).Topics, metadata => metadata.Topic == topic);
        await RecreateAsync(topic);
        await Condition.HoldsAsync(() => member.IsReady);
    }

    [Fact]
    public async Task A_record_for_an_own_topic_that_is_missing_is_unavailable_until_the_topic_exists()
    {
        var topic = TestBus.NewTopic();
        await _bus.CreateAsync(1, topic);
        await using var member = await _bus.StartAsync(_ => { }, settings => settings with { OwnTopics = [topic] });
        await member.ProduceAsync(topic, 0, "before");

        await DeleteAsync(topic);
        await Condition.HoldsAsync(async () => (await member.ProduceAsync(topic, 0, "lost"))[0].Delivery != DeliveryStatus.Acknowledged);
        var missing = await member.ProduceAsync(topic, 0, "meanwhile");
        await _bus.CreateAsync(1, topic);

        Assert.Equal(DeliveryStatus.Unavailable, missing[0].Delivery);
        await Condition.HoldsAsync(async () => (await member.ProduceAsync(topic, 0, "after"))[0].Delivery == DeliveryStatus.Acknowledged);
    }

    [Fact]
    public async Task Records_that_the_broker_does_not_return_make_the_endpoint_not_ready()
    {
        var (topic, handler) = (TestBus.NewTopic(), RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, handler, s => s with { StalledAfter = TimeSpan.FromSeconds(2) });
        using var producer = new ProducerBuilder<string, string>(
            new ProducerConfig { BootstrapServers = _bus.Bootstrap, TransactionalId = topic }).Build();
        await Task.Run(() => producer.InitTransactions(TimeSpan.FromSeconds(30)));
        producer.BeginTransaction();
        producer.Produce(new TopicPartition(topic, 0), new Message<string, string> { Value = "open" });
        producer.Flush(TimeSpan.FromSeconds(10));
        await ProduceAsync(topic, "behind it");

        await Condition.HoldsAsync(
            () => !member.IsReady && member.Problems.Contains("is stalled", StringComparison.Ordinal), () => member.Problems);

        await Task.Run(() => producer.CommitTransaction());
        await Condition.HoldsAsync(() => member.IsReady && handler.Values.Contains("behind it"));
    }

    [Fact]
    public async Task Small_records_of_an_oversized_batch_are_sent_again_one_by_one()
    {
        var topic = TestBus.NewTopic();
        await CreateWithLimitAsync(topic, 5000);
        await using var member = await _bus.StartAsync(_ => { });

        var values = Enumerable.Range(0, 400).Select(i => $"{i:000} {new string('x', 170)}").ToArray();
        var reports = await member.ProduceAsync(topic, 0, [.. values, new string('y', 6000)]);

        Assert.All(reports[..400], report => Assert.Equal(DeliveryStatus.Acknowledged, report.Delivery));
        Assert.Equal(DeliveryStatus.Undeliverable, reports[400].Delivery);
        var records = await _bus.ReadAsync(topic, 400);
        Assert.Equal(
            values.Order(StringComparer.Ordinal),
            records.Select(record => Encoding.UTF8.GetString(record.Value!)).Order(StringComparer.Ordinal));
    }

    private async Task<RiderMember> StartAsync(string topic, IRecordBatchHandler handler, Func<KafkaSettings, KafkaSettings>? change = null)
    {
        await _bus.CreateAsync(1, topic);
        var member = await _bus.StartAsync(k => k.BatchEndpoint("test", [topic], topic, _ => handler), change);
        await member.WaitUntilReadyAsync();
        return member;
    }

    // The first records have the id of the old topic, the others that of the new one.
    private static async Task AssertTopicIdsDifferAsync(RiderMember member, string topic, RecordingHandler handler, int oldCount)
    {
        var newId = (await member.Topics.TopicIdsAsync([topic], CancellationToken.None))[topic];
        var oldId = Assert.Single(handler.Received.Take(oldCount).Select(entry => entry.Record.TopicId).Distinct());
        Assert.All(handler.Received.Skip(oldCount), entry => Assert.Equal(newId, entry.Record.TopicId));
        Assert.NotNull(oldId);
        Assert.NotEqual(newId, oldId);
    }

    private Task DeleteAsync(string topic) => _admin.Value.DeleteTopicsAsync([topic]);

    // Tries again until the broker has deleted the old topic, which it does in the background.
    private async Task RecreateAsync(string topic, int partitions = 1)
    {
        await Condition.HoldsAsync(async () =>
        {
            try
            {
                await _admin.Value.CreateTopicsAsync(
                    [new TopicSpecification { Name = topic, NumPartitions = partitions, ReplicationFactor = 1 }]);
                return true;
            }
            catch (CreateTopicsException)
            {
                return false;
            }
        });
        await WaitUntilEmptyAsync(topic, partitions);
    }

    // For some moments after the controller has made the new topic, the broker does not know it, or still reads and writes the old log.
    private async Task WaitUntilEmptyAsync(string topic, int partitions)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(
            new ConsumerConfig { BootstrapServers = _bus.Bootstrap, GroupId = topic }).Build();
        await Condition.HoldsAsync(() =>
        {
            try
            {
                return Enumerable.Range(0, partitions).All(partition =>
                    consumer.QueryWatermarkOffsets(new TopicPartition(topic, partition), TimeSpan.FromSeconds(10)).High.Value == 0);
            }
            catch (KafkaException)
            {
                return false;
            }
        });
    }

    // A broker that deletes the offsets of the old topic late deletes those of the new topic, too. The next record commits them again.
    private Task CommittedToEndsAsync(string topic, params long[] ends) => Condition.HoldsAsync(
        async () =>
        {
            var committed = _bus.Committed(topic, topic, ends.Length);
            foreach (var (partition, _) in committed.Where(offset => offset.Value < 0))
            {
                await ProduceAsync(topic, partition, [$"more {ends[partition]++}"]);
            }

            return committed.All(offset => offset.Value == ends[offset.Key]);
        },
        () => $"{string.Join(", ", _bus.Committed(topic, topic, ends.Length))} of {string.Join(", ", ends)}");

    private Task CreateWithLimitAsync(string topic, int bytes) => _admin.Value.CreateTopicsAsync(
        [
            new TopicSpecification
            {
                Name = topic,
                NumPartitions = 1,
                ReplicationFactor = 1,
                Configs = new() { ["max.message.bytes"] = $"{bytes}" },
            },
        ]);

    private Task<List<DeleteRecordsResult>> DeleteRecordsAsync(string topic, long before) =>
        _admin.Value.DeleteRecordsAsync([new TopicPartitionOffset(topic, 0, before)]);

    // Uses a new producer, because an existing one may have metadata of the old topic.
    private Task ProduceAsync(string topic, params string[] values) => ProduceAsync(topic, 0, values);

    private async Task ProduceAsync(string topic, int partition, string[] values)
    {
        using var producer = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = _bus.Bootstrap }).Build();
        foreach (var value in values)
        {
            await Condition.HoldsAsync(async () =>
            {
                try
                {
                    await producer.ProduceAsync(new TopicPartition(topic, partition), new Message<string, string> { Value = value });
                    return true;
                }
                catch (ProduceException<string, string>)
                {
                    return false;
                }
            });
        }
    }
}
