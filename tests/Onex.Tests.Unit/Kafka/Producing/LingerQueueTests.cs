using Microsoft.Extensions.Time.Testing;
using Onex.Kafka.Producing;

namespace Onex.Tests.Unit.Kafka.Producing;

public sealed class LingerQueueTests : IDisposable
{
    private const int LongestWaitMs = 5;

    private readonly FakeTimeProvider _time = new();
    private readonly List<int[]> _batches = [];
    private readonly LingerQueue<int> _queue;

    public LingerQueueTests() => _queue = new LingerQueue<int>(batch => _batches.Add([.. batch]), _time);

    public void Dispose() => _queue.Dispose();

    [Fact]
    public void While_few_items_arrive_none_waits()
    {
        for (var i = 0; i < 100; i++)
        {
            _queue.Add(i);
            Assert.Equal(i + 1, _batches.Count);
            _time.Advance(TimeSpan.FromMilliseconds(2));
        }
    }

    [Fact]
    public void Under_load_items_wait_for_each_other_and_leave_together_and_in_order()
    {
        Load();

        _queue.Add(1);
        _queue.Add(2);
        _time.Advance(TimeSpan.FromMilliseconds(LongestWaitMs - 1));
        _queue.Add(3);
        Assert.Empty(_batches);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal([1, 2, 3], Assert.Single(_batches));
    }

    [Fact]
    public void After_the_load_an_item_alone_does_not_wait()
    {
        Load();
        _time.Advance(TimeSpan.FromSeconds(1));

        _queue.Add(1);

        Assert.Equal([1], Assert.Single(_batches));
    }

    [Fact]
    public void A_full_queue_does_not_wait()
    {
        Load();

        for (var i = 0; i < LingerQueue<int>.BatchMax; i++)
        {
            _queue.Add(i);
        }

        Assert.Equal(Enumerable.Range(0, LingerQueue<int>.BatchMax), Assert.Single(_batches));
    }

    [Fact]
    public void A_closed_queue_hands_over_the_waiting_items_and_later_items_at_once()
    {
        Load();
        _queue.Add(1);

        _queue.Dispose();
        _queue.Add(2);

        Assert.Equal([[1], [2]], _batches);
    }

    [Fact]
    public void Items_of_each_thread_keep_their_order_whether_they_wait_or_not()
    {
        const int Each = 20_000;
        var handedOver = new List<(int Thread, int Item)>();
        var inside = 0;
        using (var queue = new LingerQueue<(int Thread, int Item)>(
            batch =>
            {
                Assert.Equal(1, Interlocked.Increment(ref inside));
                handedOver.AddRange(batch);
                Interlocked.Decrement(ref inside);
            },
            TimeProvider.System))
        {
            var threads = Enumerable.Range(0, 4).Select(thread => new Thread(() =>
            {
                for (var item = 0; item < Each; item++)
                {
                    queue.Add((thread, item));
                }
            })).ToList();
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());
        }

        Assert.All(
            handedOver.GroupBy(item => item.Thread, item => item.Item),
            items => Assert.Equal(Enumerable.Range(0, Each), items));
        Assert.Equal(4 * Each, handedOver.Count);
    }

    // Ten items per millisecond, all of them handed over at the end.
    private void Load()
    {
        for (var i = 0; i < 1000; i++)
        {
            _queue.Add(-1);
            if (i % 10 == 9)
            {
                _time.Advance(TimeSpan.FromMilliseconds(1));
            }
        }

        _time.Advance(TimeSpan.FromMilliseconds(LongestWaitMs));
        _batches.Clear();
    }
}
