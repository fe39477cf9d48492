using Confluent.Kafka;
using Onex.Kafka.Consuming;

namespace Onex.Tests.Unit.Kafka.Consuming;

/// <summary>Where a group begins after a topic was deleted and created again.</summary>
public sealed class ReadFromBeginningTests
{
    private static readonly TopicPartition _partition = new("topic", 0);
    private static readonly Offset _oldOffset = new(7);

    private readonly ReadFromBeginning _beginning = new();

    [Fact]
    public void A_partition_that_is_assigned_again_before_an_offset_is_stored_is_read_from_its_beginning_again()
    {
        _beginning.Add("group", "topic");

        Assert.True(_beginning.Decide("group", _partition, _oldOffset));
        Assert.True(_beginning.Decide("group", _partition, _oldOffset));
    }

    [Fact]
    public void A_partition_is_read_from_its_committed_offset_when_one_was_stored_since()
    {
        _beginning.Add("group", "topic");
        Assert.True(_beginning.Decide("group", _partition, _oldOffset));

        _beginning.End("group", _partition);

        Assert.False(_beginning.Decide("group", _partition, _oldOffset));
    }

    [Fact]
    public void A_partition_is_read_from_its_committed_offset_when_another_member_has_committed_one_since()
    {
        _beginning.Add("group", "topic");
        Assert.True(_beginning.Decide("group", _partition, _oldOffset));

        Assert.False(_beginning.Decide("group", _partition, new Offset(2)));
        Assert.False(_beginning.Decide("group", _partition, _oldOffset));
    }

    [Fact]
    public void A_topic_that_is_created_again_is_read_from_its_beginning_again()
    {
        _beginning.Add("group", "topic");
        Assert.True(_beginning.Decide("group", _partition, _oldOffset));
        _beginning.End("group", _partition);

        _beginning.Add("group", "topic");

        Assert.True(_beginning.Decide("group", _partition, new Offset(2)));
        Assert.True(_beginning.Decide("group", new TopicPartition("topic", 9), Offset.Unset));
        Assert.False(_beginning.Decide("other", _partition, _oldOffset));
    }

    [Fact]
    public void One_partition_alone_is_read_from_its_beginning()
    {
        _beginning.Add("group", _partition);

        Assert.True(_beginning.Decide("group", _partition, _oldOffset));
        Assert.True(_beginning.Decide("group", _partition, _oldOffset));
        Assert.False(_beginning.Decide("group", new TopicPartition("topic", 1), _oldOffset));
    }
}
