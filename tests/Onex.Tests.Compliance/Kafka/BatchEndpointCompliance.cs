using System.Text;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>Handling of batches, limits, and commits of offsets.</summary>
public abstract class BatchEndpointCompliance : RiderCompliance
{
    [Fact]
    public async Task Records_that_are_read_and_never_completed_make_the_endpoint_not_ready()
    {
        var topic = NewTopic();
        var handler = new RecordingHandler(_ => { });
        await using var member = await StartAsync(topic, 1, handler, s => s with { StalledAfter = TimeSpan.FromSeconds(1) });
        await member.ProduceAsync(topic, 0, "a", "b");
        await Condition.HoldsAsync(() => handler.Received.Count == 2);

        await Condition.HoldsAsync(
            () => !member.IsReady && member.Problems.Contains(
                "is stalled: of the records", StringComparison.Ordinal), () => member.Problems);

        foreach (var entry in handler.Received)
        {
            entry.Complete(RecordOutcome.Handled.Instance);
        }

        await Condition.HoldsAsync(() => member.IsReady, () => member.Problems);
    }

    [Fact]
    public async Task Records_of_a_partition_are_handled_in_order_and_committed()
    {
        var (topic, handler) = (NewTopic(), RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, 3, handler);
        for (var partition = 0; partition < 3; partition++)
        {
            await member.ProduceAsync(topic, partition, [.. Enumerable.Range(0, 700).Select(i => $"{partition}:{i}")]);
        }

        await Condition.HoldsAsync(() => handler.Received.Count == 2100);

        foreach (var partition in handler.Received.GroupBy(entry => entry.Record.Partition))
        {
            Assert.Equal(Enumerable.Range(0, 700).Select(i => (long)i), partition.Select(entry => entry.Record.Offset));
        }

        await member.StopAsync();
        Assert.All(Bus.Committed(topic, topic, 3).Values, offset => Assert.Equal(700, offset));
    }

    [Fact]
    public async Task A_record_is_read_as_it_was_written()
    {
        var (topic, handler) = (NewTopic(), RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, 4, handler);
        KeyValuePair<string, string>[] headers = [new("b", "1"), new("a", "müller €😀"), new("b", "2"), new("empty", "")];
        byte[] bytes = [0, 0xC3, 0x28, 0xFF];

        await member.Producer.ProduceAsync(new ProducedRecord(topic, 2, "schlüssel", bytes, headers), CancellationToken.None);
        await member.Producer.ProduceAsync(new ProducedRecord(topic, 2, "", ReadOnlyMemory<byte>.Empty, []), CancellationToken.None);
        await Condition.HoldsAsync(() => handler.Received.Count == 2);

        var (first, second) = (handler.Received.First().Record, handler.Received.Last().Record);
        Assert.Equal((topic, 2, 0L), (first.Topic, first.Partition, first.Offset));
        Assert.Equal("schlüssel", Encoding.UTF8.GetString(first.Key!));
        Assert.Equal(bytes, first.Value);
        Assert.Equal(headers, first.Headers.Select(header => KeyValuePair.Create(header.Key, Encoding.UTF8.GetString(header.Value!))));
        Assert.Equal("2", first.TextHeader("b"));
        Assert.Equal((topic, 2, 1L), (second.Topic, second.Partition, second.Offset));
        Assert.Equal((0, 0), (second.Key?.Length, second.Value?.Length));
        Assert.Empty(second.Headers);
    }

    [Fact]
    public async Task A_batch_too_large_for_memory_is_halved_and_creates_no_dead_letter()
    {
        var (topic, completed) = (NewTopic(), new System.Collections.Concurrent.ConcurrentQueue<long>());
        var failuresOfRecord7 = 0;
        var handler = new DelegatingHandler(batch =>
        {
            if (batch.Count > 3 || (batch[0].Record.Offset == 7 && failuresOfRecord7++ < 2))
            {
                throw new InvalidOperationException("wrapped", new InsufficientMemoryException());
            }

            foreach (var entry in batch)
            {
                completed.Enqueue(entry.Record.Offset);
                entry.Complete(RecordOutcome.Handled.Instance);
            }
        });
        await Bus.CreateAsync(1, topic);
        await using var member = await Bus.StartAsync(k => k.BatchEndpoint("test", [topic], topic, _ => handler));

        await member.ProduceAsync(topic, 0, [.. Enumerable.Range(0, 40).Select(i => $"{i}")]);

        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 1)[0] == 40);
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (long)i), completed.Order());
    }

    private sealed class DelegatingHandler(Action<IReadOnlyList<BatchEntry>> handle) : IRecordBatchHandler
    {
        public Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation)
        {
            handle(batch);
            return Task.CompletedTask;
        }

        public Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation) => Task.CompletedTask;

        public void Revoked(IReadOnlyCollection<int> partitions)
        {
        }
    }

    [Fact]
    public async Task Each_group_gets_every_record()
    {
        var (topic, one, two) = (NewTopic(), RecordingHandler.Acknowledging, RecordingHandler.Acknowledging);
        await Bus.CreateAsync(1, topic);
        await using var member = await Bus.StartAsync(k =>
        {
            k.BatchEndpoint("one", [topic], $"{topic}-one", _ => one);
            k.BatchEndpoint("two", [topic], $"{topic}-two", _ => two);
        });

        await member.ProduceAsync(topic, 0, "a", "b", "c");
        await Condition.HoldsAsync(() => one.Received.Count == 3 && two.Received.Count == 3);

        Assert.Equal(["a", "b", "c"], one.Values);
        Assert.Equal(["a", "b", "c"], two.Values);
    }

    [Fact]
    public async Task Offsets_are_committed_while_it_runs()
    {
        var (topic, handler) = (NewTopic(), RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, 1, handler);

        await member.ProduceAsync(topic, 0, "a", "b", "c");

        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 1)[0] == 3);
    }

    [Fact]
    public async Task One_group_reads_several_topics_and_each_record_carries_its_topic_id()
    {
        var (first, second, handler) = (NewTopic(), NewTopic(), RecordingHandler.Acknowledging);
        await Bus.CreateAsync(2, first, second);
        await using var member = await Bus.StartAsync(k => k.BatchEndpoint("main", [first, second], first, _ => handler));

        await member.ProduceAsync(first, 1, "one");
        await member.ProduceAsync(second, 1, "two");
        await Condition.HoldsAsync(() => handler.Received.Count == 2);

        Assert.Equal(["+0,1"], handler.Calls);
        var ids = await member.Log.TopicIdsAsync([first, second], CancellationToken.None);
        Assert.All(handler.Received, entry => Assert.Equal(ids[entry.Record.Topic], entry.Record.TopicId));
        Assert.NotEqual(ids[first], ids[second]);
    }

    [Fact]
    public async Task No_offset_is_committed_past_an_uncompleted_record_and_it_is_read_again()
    {
        var topic = NewTopic();
        var first = new RecordingHandler(entry =>
        {
            if (entry.Record.Offset != 5)
            {
                entry.Complete(RecordOutcome.Handled.Instance);
            }
        });
        await using (var member = await StartAsync(topic, 1, first, s => s with { DrainFor = TimeSpan.FromMilliseconds(100) }))
        {
            await member.ProduceAsync(topic, 0, [.. Enumerable.Range(0, 10).Select(i => $"{i}")]);
            await Condition.HoldsAsync(() => first.Received.Count == 10);
        }

        Assert.Equal(5, Bus.Committed(topic, topic, 1)[0]);

        var second = RecordingHandler.Acknowledging;
        await using var next = await StartAsync(topic, 1, second);
        await Condition.HoldsAsync(() => second.Received.Count == 5);
        Assert.Equal(["5", "6", "7", "8", "9"], second.Values);
    }

    [Fact]
    public async Task Records_in_flight_stay_below_the_limit_and_all_are_read()
    {
        var topic = NewTopic();
        var handler = new RecordingHandler(_ => { });
        await using var member = await StartAsync(topic, 2, handler, s => s with { InFlightMax = 50, BatchMax = 20 });
        for (var partition = 0; partition < 2; partition++)
        {
            await member.ProduceAsync(topic, partition, [.. Enumerable.Range(0, 250).Select(i => $"{partition}:{i}")]);
        }

        await Condition.HoldsAsync(() => handler.Received.Count == 50);

        // Long enough for a consumer that is not paused to read many more records.
        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.Equal(50, handler.Received.Count);
        var completed = 0;
        while (completed < 500)
        {
            var received = handler.Received.ToArray();
            Assert.True(received.Length - completed <= 50, $"{received.Length - completed} in flight");
            foreach (var entry in received.Skip(completed))
            {
                entry.Complete(RecordOutcome.Handled.Instance);
                completed++;
            }

            await Condition.HoldsAsync(() => completed == 500 || handler.Received.Count > completed);
        }

        Assert.All(
            handler.Received.GroupBy(entry => entry.Record.Partition),
            partition => Assert.Equal(Enumerable.Range(0, 250).Select(i => (long)i), partition.Select(entry => entry.Record.Offset)));
    }

    [Fact]
    public async Task Large_values_are_bounded_by_their_bytes()
    {
        var topic = NewTopic();
        var handler = new RecordingHandler(_ => { });
        await using var member = await StartAsync(topic, 1, handler, s => s with { InFlightBytesMax = 300_000 });
        await member.ProduceAsync(topic, 0, [.. Enumerable.Range(0, 20).Select(_ => new string('x', 100_000))]);

        await Condition.HoldsAsync(() => handler.Received.Count == 3);

        foreach (var entry in handler.Received)
        {
            entry.Complete(RecordOutcome.Handled.Instance);
        }

        await Condition.HoldsAsync(() => handler.Received.Count == 6);
    }

    [Fact]
    public async Task A_failed_batch_is_retried_without_its_completed_records_until_it_succeeds()
    {
        var topic = NewTopic();
        var attempts = 0;
        var handler = RecordingHandler.Acknowledging;
        handler.Before = batch =>
        {
            if (++attempts <= 3)
            {
                if (attempts == 1)
                {
                    batch[0].Complete(RecordOutcome.Handled.Instance);
                }

                throw new TimeoutException("the database is unreachable");
            }

            return Task.CompletedTask;
        };
        await using var member = await StartAsync(topic, 1, handler);

        await member.ProduceAsync(topic, 0, "a", "b", "c", "d");

        await Condition.HoldsAsync(() => handler.Received.Count == 3);
        await member.StopAsync();
        Assert.Equal(["b", "c", "d"], handler.Values);
        Assert.Equal(4, Bus.Committed(topic, topic, 1)[0]);
    }

    [Fact]
    public async Task No_record_is_handled_before_the_handler_has_prepared_its_partition()
    {
        var topic = NewTopic();
        var open = new TaskCompletionSource();
        var attempts = 0;
        var handler = RecordingHandler.Acknowledging;
        handler.Prepare = async cancellation =>
        {
            if (++attempts == 1)
            {
                throw new TimeoutException("the database is unreachable");
            }

            await open.Task.WaitAsync(cancellation);
        };
        await using var member = await StartAsync(topic, 1, handler);
        await member.ProduceAsync(topic, 0, "early");
        await Condition.HoldsAsync(() => attempts == 2);
        Assert.Empty(handler.Received);

        open.SetResult();

        await Condition.HoldsAsync(() => handler.Received.Count == 1);
    }
}
