using CsCheck;
using Onex.Kafka.Consuming;

namespace Onex.Tests.Unit.Kafka.Consuming;

public sealed class WatermarkTrackerTests
{
    [Fact]
    public void No_offset_may_be_committed_before_a_record_is_completed()
    {
        var tracker = new WatermarkTracker();
        tracker.Read(7);

        Assert.Null(tracker.Watermark);
    }

    [Fact]
    public void An_open_record_holds_the_watermark_despite_later_completions()
    {
        var tracker = Read(10, 11, 12, 13);

        tracker.Complete(10);
        tracker.Complete(12);
        tracker.Complete(13);
        Assert.Equal(11, tracker.Watermark);

        tracker.Complete(11);
        Assert.Equal(14, tracker.Watermark);
        Assert.Equal(0, tracker.OpenCount);
    }

    [Fact]
    public void Gaps_between_offsets_are_passed()
    {
        var tracker = Read(3, 90, 1000);

        tracker.Complete(3);
        tracker.Complete(90);

        Assert.Equal(91, tracker.Watermark);
    }

    [Fact]
    public void Offsets_between_the_last_record_and_the_end_are_passed_once_all_records_are_completed()
    {
        var tracker = Read(3, 4);

        tracker.AdvanceTo(7);
        tracker.Complete(4);
        Assert.Null(tracker.Watermark);
        tracker.Complete(3);
        Assert.Equal(7, tracker.Watermark);

        tracker.Read(7);
        tracker.AdvanceTo(8);
        tracker.Complete(7);
        Assert.Equal((8, 0), (tracker.Watermark, tracker.OpenCount));
    }

    [Fact]
    public void An_end_without_a_record_before_it_is_passed_at_once_except_in_an_empty_log()
    {
        var tracker = new WatermarkTracker();
        tracker.AdvanceTo(0);
        Assert.Null(tracker.Watermark);

        tracker.AdvanceTo(5);
        Assert.Equal(5, tracker.Watermark);
    }

    [Fact]
    public void A_second_completion_or_one_without_a_read_changes_nothing()
    {
        var tracker = Read(1, 2);
        tracker.Complete(1);

        tracker.Complete(1);
        tracker.Complete(99);
        Assert.Equal(2, tracker.Watermark);
        Assert.Equal(1, tracker.OpenCount);
    }

    [Fact]
    public void An_offset_that_is_not_above_the_last_is_rejected()
    {
        var tracker = Read(5);

        Assert.Throws<InvalidOperationException>(() => tracker.Read(5));
    }

    [Fact]
    public void The_watermark_is_always_the_offset_after_the_completed_prefix() =>
        (from gaps in Gen.Int[1, 5].Array[0, 200]
         from order in Gen.Shuffle(Enumerable.Range(0, gaps.Length).ToArray())
         from completed in Gen.Int[0, gaps.Length]
         select (gaps, order, completed))
        .Sample(sample =>
        {
            var offsets = new long[sample.gaps.Length];
            var last = -1L;
            for (var i = 0; i < offsets.Length; i++)
            {
                offsets[i] = last += sample.gaps[i];
            }

            var tracker = Read(offsets);
            var done = sample.order.Take(sample.completed).ToHashSet();
            foreach (var index in sample.order.Take(sample.completed))
            {
                tracker.Complete(offsets[index]);
            }

            var prefix = Enumerable.Range(0, offsets.Length).TakeWhile(done.Contains).Count();
            return tracker.Watermark == (prefix == 0 ? null : offsets[prefix - 1] + 1) && tracker.OpenCount == offsets.Length - prefix;
        });

    private static WatermarkTracker Read(params long[] offsets)
    {
        var tracker = new WatermarkTracker();
        foreach (var offset in offsets)
        {
            tracker.Read(offset);
        }

        return tracker;
    }
}
