using System.Collections.Concurrent;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;
using Onex.Kafka.Rider;

namespace Onex.Tests.Unit.Kafka.Rider;

public sealed class MessageLaneTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task What_a_handler_defers_runs_on_its_lane_before_the_next_message_begins()
    {
        var seen = new ConcurrentQueue<(string What, int Thread)>();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var lanes = new MessageLanes(1, (entry, _) =>
        {
            seen.Enqueue(($"begin {entry.Record.Offset}", Environment.CurrentManagedThreadId));
            Assert.True(MessageLane.Current!.TryDefer(new Work(() =>
            {
                seen.Enqueue(($"work {entry.Record.Offset}", Environment.CurrentManagedThreadId));
                if (entry.Record.Offset == 1)
                {
                    ended.SetResult();
                }
            })));
            Assert.False(MessageLane.Current.TryDefer(new Work(() => { })));
        });

        lanes.Add(Entry(0), default);
        lanes.Add(Entry(1), default);
        await ended.Task.WaitAsync(_patience, TestContext.Current.CancellationToken);

        Assert.Equal(["begin 0", "work 0", "begin 1", "work 1"], seen.Select(one => one.What));
        Assert.All(seen.Chunk(2), one => Assert.Equal(one[0].Thread, one[1].Thread));
    }

    [Fact]
    public async Task Messages_go_on_when_what_a_handler_has_given_up_still_blocks_its_lane()
    {
        using var release = new ManualResetEventSlim();
        var blocked = new TaskCompletionSource<(MessageLane Lane, Work Work)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var lanes = new MessageLanes(1, (entry, _) =>
        {
            if (entry.Record.Offset > 0)
            {
                next.TrySetResult();
                return;
            }

            var lane = MessageLane.Current!;
            Work? work = null;
            work = new Work(() =>
            {
                blocked.SetResult((lane, work!));
                release.Wait(_patience);
            });
            lane.TryDefer(work);
        });
        lanes.Add(Entry(0), default);
        lanes.Add(Entry(1), default);
        var (stuck, given) = await blocked.Task.WaitAsync(_patience, TestContext.Current.CancellationToken);
        Assert.False(next.Task.IsCompleted);

        stuck.GiveUp(given);

        await next.Task.WaitAsync(_patience, TestContext.Current.CancellationToken);
        release.Set();
    }

    private static BatchEntry Entry(long offset) => new(
        new ConsumedRecord { Topic = "topic", Partition = 0, Offset = offset, Headers = [] }, (_, _) => { });

    private sealed class Work(Action run) : IThreadPoolWorkItem
    {
        public void Execute() => run();
    }
}
