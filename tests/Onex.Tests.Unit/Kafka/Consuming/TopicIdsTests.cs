using System.Collections.Concurrent;
using Onex.Kafka.Consuming;

namespace Onex.Tests.Unit.Kafka.Consuming;

/// <summary>Ids of topics, read from log lines of librdkafka, whose format <c>ChangedLogTests</c> check.</summary>
public sealed class TopicIdsTests
{
    private const string NoId = "AAAAAAAAAAAAAAAAAAAAAA";
    private const string FirstId = "omyKizoFTzeIK84GRCPT2Q";
    private const string SecondId = "79kAuQdCSMC42AG++BVhxw";

    private readonly ConcurrentDictionary<string, Guid> _previous = new();

    [Fact]
    public void The_first_id_of_a_topic_is_not_a_change()
    {
        var ids = new TopicIds(_previous);

        ids.Read(Line("orders", NoId, FirstId));
        ids.Read("[thrd:main]: Topic orders [0] Leader 1 Epoch 0");

        Assert.False(ids.HaveChanged);
        Assert.Null(ids.For(["orders", "others"]));
        Assert.Equal(Guid.Parse("a26c8a8b-3a05-4f37-882b-ce064423d3d9"), ids.For(["orders"])!["orders"]);
    }

    [Fact]
    public void A_different_id_is_a_change_and_the_first_id_is_kept()
    {
        var ids = new TopicIds(_previous);
        ids.Read(Line("orders", NoId, FirstId));

        ids.Read(Line("orders", FirstId, SecondId));

        Assert.True(ids.HaveChanged);
        Assert.Equal(_previous["orders"], ids.For(["orders"])!["orders"]);
        Assert.Equal("orders", Assert.Single(ids.TakeChanges()).Topic);
        Assert.False(ids.HaveChanged);
    }

    [Fact]
    public void The_next_client_knows_the_ids_of_the_previous_one()
    {
        new TopicIds(_previous).Read(Line("orders", NoId, FirstId));
        var next = new TopicIds(_previous);

        next.Read(Line("orders", NoId, SecondId));

        var change = Assert.Single(next.TakeChanges());
        Assert.NotEqual(change.Before, change.After);
        Assert.Equal(change.After, _previous["orders"]);
    }

    private static string Line(string topic, string from, string to) => $"[thrd:main]: Topic {topic} changed id from {from} to {to}";
}
