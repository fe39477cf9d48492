using System.Collections.Concurrent;
using Onex.Kafka;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>Members of a group: sharing partitions, stopping, and crashing.</summary>
public abstract class MembershipCompliance : RiderCompliance
{
    [Fact]
    public async Task Two_members_share_the_partitions_and_one_continues_where_the_other_stopped()
    {
        Bus.NeedsReal("rejects commits while a group rebalances, so that records are delivered again");
        var topic = NewTopic();
        var (one, two) = (RecordingHandler.Acknowledging, RecordingHandler.Acknowledging);
        await using var first = await StartAsync(topic, 4, one);
        await using var second = await StartAsync(topic, 4, two);
        await Condition.HoldsAsync(() => one.OwnedNow().Length == 2 && two.OwnedNow().Length == 2);
        Assert.Equal([0, 1, 2, 3], one.OwnedNow().Concat(two.OwnedNow()).Order());

        await ProduceToAllAsync(first, topic, "before");
        await Condition.HoldsAsync(() => one.Received.Count + two.Received.Count == 40);
        await second.StopAsync();
        Assert.Empty(two.OwnedNow());
        await Condition.HoldsAsync(() => one.OwnedNow().Length == 4);
        await ProduceToAllAsync(first, topic, "after");
        await Condition.HoldsAsync(() => one.Received.Count + two.Received.Count >= 80);

        // One member stopped in order and the other saw the rebalance, so no record was read twice.
        var records = one.Received.Concat(two.Received).Select(entry => (entry.Record.Partition, entry.Record.Offset)).ToList();
        Assert.Equal((80, 80), (records.Count, records.Distinct().Count()));
    }

    [Fact]
    public async Task Completing_a_record_after_its_partition_was_revoked_has_no_effect()
    {
        var topic = NewTopic();
        var (one, two) = (new RecordingHandler(_ => { }), new RecordingHandler(_ => { }));
        await using var first = await StartAsync(topic, 2, one);
        await ProduceToAllAsync(first, topic, "x", 2);
        await Condition.HoldsAsync(() => one.Received.Count == 20);

        await using var second = await StartAsync(topic, 2, two);
        await Condition.HoldsAsync(() => one.Received.Count + two.Received.Count == 40 && two.OwnedNow().Length == 1);
        foreach (var late in one.Received.Take(20))
        {
            late.Complete(RecordOutcome.Handled.Instance);
        }

        var (mine, theirs) = (one.OwnedNow().Single(), two.OwnedNow().Single());
        foreach (var current in one.Received.Skip(20))
        {
            current.Complete(RecordOutcome.Handled.Instance);
        }

        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 2)[mine] == 10);
        Assert.True(Bus.Committed(topic, topic, 2)[theirs] <= 0);
    }

    [Fact]
    public async Task A_member_without_a_partition_is_ready()
    {
        var topic = NewTopic();
        var (one, two) = (RecordingHandler.Acknowledging, RecordingHandler.Acknowledging);
        await using var first = await StartAsync(topic, 1, one);
        await using var second = await StartAsync(topic, 1, two);

        Assert.True(first.IsReady && second.IsReady);
        await Condition.HoldsAsync(() => one.OwnedNow().Length + two.OwnedNow().Length == 1);
        Assert.Contains(second.Health.Endpoints, endpoint => endpoint.Key.EndsWith($"/kafka/{topic}/{topic}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_partition_that_is_assigned_again_continues_after_the_other_members_commit()
    {
        Bus.NeedsReal("rejects commits while a group rebalances, so that records are delivered again");
        var topic = NewTopic();
        var (one, two) = (RecordingHandler.Acknowledging, RecordingHandler.Acknowledging);
        await using var first = await StartAsync(topic, 2, one);
        await ProduceToAllAsync(first, topic, "first", 2);
        await Condition.HoldsAsync(() => one.Received.Count == 20);
        var second = await StartAsync(topic, 2, two);
        await Condition.HoldsAsync(() => one.OwnedNow().Length == 1 && two.OwnedNow().Length == 1);
        var reassigned = two.OwnedNow()[0];

        await first.ProduceAsync(topic, reassigned, "second");
        await Condition.HoldsAsync(() => two.Received.Count == 1);
        await second.DisposeAsync();
        await Condition.HoldsAsync(() => one.OwnedNow().Length == 2);
        await first.ProduceAsync(topic, reassigned, "third");

        await Condition.HoldsAsync(() => one.Received.Count == 21);
        Assert.Equal((reassigned, 11L), (one.Received.Last().Record.Partition, one.Received.Last().Record.Offset));
        Assert.Equal(["second"], two.Values);
    }

    [Fact]
    public async Task A_new_member_gets_no_partition_before_the_others_have_revoked_theirs()
    {
        var (topic, violations) = (NewTopic(), new ConcurrentQueue<string>());
        var handlers = Enumerable.Range(0, 3).Select(_ => RecordingHandler.Acknowledging).ToList();
        var assignments = new Dictionary<int, int>();
        foreach (var handler in handlers)
        {
            handler.Changed = (delta, partitions) =>
            {
                lock (assignments)
                {
                    foreach (var partition in partitions)
                    {
                        assignments[partition] = assignments.GetValueOrDefault(partition) + delta;
                        if (assignments[partition] is not (0 or 1))
                        {
                            violations.Enqueue($"{partition} is assigned {assignments[partition]}");
                        }
                    }
                }
            };
        }

        await using var first = await StartAsync(topic, 6, handlers[0]);
        await OwnAsync(6, 0, 0);
        await using var second = await StartAsync(topic, 6, handlers[1]);
        await OwnAsync(3, 3, 0);
        await using var third = await StartAsync(topic, 6, handlers[2]);
        await OwnAsync(2, 2, 2);
        await second.StopAsync();
        await OwnAsync(3, 0, 3);

        Assert.Empty(violations);
        Assert.Equal(["+0,1,2,3,4,5", "-0,1,2,3,4,5"], handlers[0].Calls.Take(2));

        Task OwnAsync(params int[] counts) =>
            Condition.HoldsAsync(() => handlers.ConvertAll(handler => handler.OwnedNow().Length).SequenceEqual(counts));
    }

    [Fact]
    public async Task The_next_member_reads_the_uncommitted_records_of_a_crashed_one()
    {
        var topic = NewTopic();
        var (one, two) = (new RecordingHandler(CompleteFirst), RecordingHandler.Acknowledging);
        await using var first = await StartAsync(topic, 1, one, ShortSession);
        await first.ProduceAsync(topic, 0, "a", "b", "c");
        await Condition.HoldsAsync(() => one.Received.Count == 3 && Bus.Committed(topic, topic, 1)[0] == 1);

        var (unstored, late) = (one.Received.ElementAt(1), one.Received.ElementAt(2));
        first.Log.Die(() => unstored.Complete(RecordOutcome.Handled.Instance));
        await Condition.HoldsAsync(() => one.OwnedNow().Length == 0);
        late.Complete(RecordOutcome.Handled.Instance);

        await using var second = await StartAsync(topic, 1, two, ShortSession);
        await Condition.HoldsAsync(() => two.Received.Count == 2);
        Assert.Equal(["b", "c"], two.Values);
        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 1)[0] == 3);
    }

    [Fact]
    public async Task A_failed_consumer_is_recreated_and_reads_uncommitted_records_again()
    {
        var topic = NewTopic();
        var handler = new RecordingHandler(CompleteFirst);
        await using var member = await StartAsync(topic, 1, handler, ShortSession);
        await member.ProduceAsync(topic, 0, "a", "b", "c");
        await Condition.HoldsAsync(() => handler.Received.Count == 3 && Bus.Committed(topic, topic, 1)[0] == 1);

        member.Log.Break();

        await Condition.HoldsAsync(() => handler.Received.Count == 5);
        Assert.Equal(["a", "b", "c", "b", "c"], handler.Values);
        Assert.Equal(["+0", "-0", "+0"], handler.Calls);
    }

    [Fact]
    public async Task A_handler_still_preparing_partitions_is_cancelled_before_it_revokes_them()
    {
        var (topic, handler) = (NewTopic(), RecordingHandler.Acknowledging);
        var (preparing, wasCancelled) = (new TaskCompletionSource(), new TaskCompletionSource<bool>());
        var lost = CancellationToken.None;
        handler.Prepare = async cancellation =>
        {
            lost = cancellation;
            preparing.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        };
        handler.Changed = (_, _) => wasCancelled.TrySetResult(lost.IsCancellationRequested);
        await using var member = await StartAsync(topic, 1, handler, ShortSession);
        await preparing.Task;

        member.Log.Break();

        Assert.True(await wasCancelled.Task.WaitAsync(TimeSpan.FromMinutes(1), TimeProvider.System));
    }

    [Fact]
    public async Task Stopping_ends_reading_and_then_completes_and_commits_the_records_in_flight()
    {
        var topic = NewTopic();
        var handler = new RecordingHandler(_ => { });
        await using var member = await StartAsync(
            topic, 1, handler, s => s with { BatchMax = 2, InFlightMax = 2, DrainFor = TimeSpan.FromSeconds(30) });
        await member.ProduceAsync(topic, 0, "a", "b", "c", "d");
        await Condition.HoldsAsync(() => handler.Received.Count == 2);

        var stopping = member.StopAsync();
        handler.Received.First().Complete(RecordOutcome.Handled.Instance);
        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 1)[0] == 1);
        Assert.False(stopping.IsCompleted);
        handler.Received.Last().Complete(RecordOutcome.Handled.Instance);
        await stopping;

        Assert.Equal(["a", "b"], handler.Values);
        Assert.Equal(["+0", "-0"], handler.Calls);
        Assert.Equal(2, Bus.Committed(topic, topic, 1)[0]);
    }

    // A broker notices a crash by the session timeout.
    private static KafkaSettings ShortSession(KafkaSettings settings) => settings with { SessionTimeout = TimeSpan.FromSeconds(3) };

    private static void CompleteFirst(BatchEntry entry)
    {
        if (entry.Record.Offset == 0)
        {
            entry.Complete(RecordOutcome.Handled.Instance);
        }
    }

    private static async Task ProduceToAllAsync(RiderMember member, string topic, string text, int partitions = 4)
    {
        for (var partition = 0; partition < partitions; partition++)
        {
            await member.ProduceAsync(topic, partition, [.. Enumerable.Range(0, 10).Select(i => $"{text} {i}")]);
        }
    }
}
