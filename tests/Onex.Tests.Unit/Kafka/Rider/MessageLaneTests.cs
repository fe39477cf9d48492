using System.Collections.Concurrent;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;
using Onex.Kafka.Rider;

namespace Onex.Tests.Unit.Kafka.Rider;

public sealed class MessageLaneTests
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Deferred_work_runs_on_its_lane_before_the_next_message_begins()
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
        await ended.Task.WaitAsync(_within, TestContext.Current.CancellationToken);

        Assert.Equal(["begin 0", "work 0", "begin 1", "work 1"], seen.Select(step => step.What));
        Assert.All(seen.Chunk(2), steps => Assert.Equal(steps[0].Thread, steps[1].Thread));
    }

    [Fact]
    public async Task Messages_continue_on_another_lane_when_abandoned_work_blocks_the_first()
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
                release.Wait(_within);
            });
            lane.TryDefer(work);
        });
        lanes.Add(Entry(0), default);
        lanes.Add(Entry(1), default);
        var (blockedLane, blockingWork) = await blocked.Task.WaitAsync(_within, TestContext.Current.CancellationToken);
        Assert.False(next.Task.IsCompleted);

        blockedLane.GiveUp(blockingWork);

        await next.Task.WaitAsync(_within, TestContext.Current.CancellationToken);
        release.Set();
    }

    private static BatchEntry Entry(long offset) => new(
        new ConsumedRecord { Topic = "topic", Partition = 0, Offset = offset, Headers = [] }, (_, _) => { });

    private sealed class Work(Action run) : IThreadPoolWorkItem
    {
        public void Execute() => run();
    }
}
