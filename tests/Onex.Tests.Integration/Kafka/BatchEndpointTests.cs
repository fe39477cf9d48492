using Onex.Kafka.Consuming;

namespace Onex.Tests.Integration.Kafka;

public sealed class BatchEndpointTests
{
    [Fact]
    public async Task Records_of_a_partition_are_given_in_order_and_committed()
    {
        var (topic, handler) = (KafkaMember.NewTopic(), Remembering.Settling);
        await using var member = await StartAsync(topic, 3, handler);
        for (var partition = 0; partition < 3; partition++)
        {
            await member.ProduceAsync(topic, partition, [.. Enumerable.Range(0, 700).Select(i => $"{partition}:{i}")]);
        }

        await Eventually.TrueAsync(() => handler.Given.Count == 2100);

        foreach (var partition in handler.Given.GroupBy(entry => entry.Record.Partition))
        {
            Assert.Equal(Enumerable.Range(0, 700).Select(i => (long)i), partition.Select(entry => entry.Record.Offset));
        }

        await member.StopAsync();
        Assert.All(Look.Committed(topic, topic, 3).Values, offset => Assert.Equal(700, offset));
    }

    [Fact]
    public async Task Offsets_are_committed_while_it_runs()
    {
        var (topic, handler) = (KafkaMember.NewTopic(), Remembering.Settling);
        await using var member = await StartAsync(topic, 1, handler);

        await member.ProduceAsync(topic, 0, "a", "b", "c");

        await Eventually.TrueAsync(() => Look.Committed(topic, topic, 1)[0] == 3, within: TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Several_topics_are_read_in_one_group_and_a_record_tells_its_topics_id()
    {
        var (first, second, handler) = (KafkaMember.NewTopic(), KafkaMember.NewTopic(), Remembering.Settling);
        await using var maker = await KafkaMember.StartAsync(_ => { });
        await maker.Topics.EnsureTopicsAsync([first, second], 2, null, CancellationToken.None);
        await using var member = await KafkaMember.StartAsync(k => k.BatchEndpoint("main", [first, second], first, _ => handler));

        await member.ProduceAsync(first, 1, "one");
        await member.ProduceAsync(second, 1, "two");
        await Eventually.TrueAsync(() => handler.Given.Count == 2);

        Assert.Equal(["+0,1"], handler.Calls);
        var ids = await member.Topics.TopicIdsAsync([first, second], CancellationToken.None);
        Assert.All(handler.Given, entry => Assert.Equal(ids[entry.Record.Topic], entry.Record.TopicId));
        Assert.NotEqual(ids[first], ids[second]);
    }

    [Fact]
    public async Task Nothing_is_committed_beyond_a_record_that_is_not_settled_and_it_comes_again()
    {
        var topic = KafkaMember.NewTopic();
        var first = new Remembering(entry =>
        {
            if (entry.Record.Offset != 5)
            {
                entry.Settle(RecordOutcome.Done.Instance);
            }
        });
        await using (var member = await StartAsync(topic, 1, first, s => s with { DrainFor = TimeSpan.FromMilliseconds(100) }))
        {
            await member.ProduceAsync(topic, 0, [.. Enumerable.Range(0, 10).Select(i => $"{i}")]);
            await Eventually.TrueAsync(() => first.Given.Count == 10);
        }

        Assert.Equal(5, Look.Committed(topic, topic, 1)[0]);

        var second = Remembering.Settling;
        await using var next = await StartAsync(topic, 1, second);
        await Eventually.TrueAsync(() => second.Given.Count == 5);
        Assert.Equal(["5", "6", "7", "8", "9"], second.Values);
    }

    [Fact]
    public async Task No_more_is_in_flight_than_allowed_and_all_is_read_in_the_end()
    {
        var topic = KafkaMember.NewTopic();
        var handler = new Remembering(_ => { });
        await using var member = await StartAsync(topic, 2, handler, s => s with { InFlightMax = 50, BatchMax = 20 });
        for (var partition = 0; partition < 2; partition++)
        {
            await member.ProduceAsync(topic, partition, [.. Enumerable.Range(0, 250).Select(i => $"{partition}:{i}")]);
        }

        await Eventually.TrueAsync(() => handler.Given.Count == 50);
        var settled = 0;
        while (settled < 500)
        {
            var given = handler.Given.ToArray();
            Assert.True(given.Length - settled <= 50, $"{given.Length - settled} in flight");
            foreach (var entry in given.Skip(settled))
            {
                entry.Settle(RecordOutcome.Done.Instance);
                settled++;
            }

            await Eventually.TrueAsync(() => settled == 500 || handler.Given.Count > settled);
        }

        Assert.All(
            handler.Given.GroupBy(entry => entry.Record.Partition),
            partition => Assert.Equal(Enumerable.Range(0, 250).Select(i => (long)i), partition.Select(entry => entry.Record.Offset)));
    }

    [Fact]
    public async Task Large_values_are_bounded_by_their_bytes()
    {
        var topic = KafkaMember.NewTopic();
        var handler = new Remembering(_ => { });
        await using var member = await StartAsync(topic, 1, handler, s => s with { InFlightBytesMax = 300_000 });
        await member.ProduceAsync(topic, 0, [.. Enumerable.Range(0, 20).Select(_ => new string('x', 100_000))]);

        await Eventually.TrueAsync(() => handler.Given.Count == 3);

        foreach (var entry in handler.Given)
        {
            entry.Settle(RecordOutcome.Done.Instance);
        }

        await Eventually.TrueAsync(() => handler.Given.Count == 6);
    }

    [Fact]
    public async Task A_batch_that_throws_comes_again_without_what_was_settled_until_it_works()
    {
        var topic = KafkaMember.NewTopic();
        var attempts = 0;
        var handler = Remembering.Settling;
        handler.Before = batch =>
        {
            if (++attempts <= 3)
            {
                if (attempts == 1)
                {
                    batch[0].Settle(RecordOutcome.Done.Instance);
                }

                throw new TimeoutException("the database is away");
            }

            return Task.CompletedTask;
        };
        await using var member = await StartAsync(topic, 1, handler);

        await member.ProduceAsync(topic, 0, "a", "b", "c", "d");

        await Eventually.TrueAsync(() => handler.Given.Count == 3);
        await member.StopAsync();
        Assert.Equal(["b", "c", "d"], handler.Values);
        Assert.Equal(4, Look.Committed(topic, topic, 1)[0]);
    }

    [Fact]
    public async Task Two_members_share_the_partitions_and_one_goes_on_where_the_other_left()
    {
        var topic = KafkaMember.NewTopic();
        var (one, two) = (Remembering.Settling, Remembering.Settling);
        await using var first = await StartAsync(topic, 4, one);
        await using var second = await StartAsync(topic, 4, two);
        await Eventually.TrueAsync(() => one.OwnedNow().Length == 2 && two.OwnedNow().Length == 2);
        Assert.Equal([0, 1, 2, 3], one.OwnedNow().Concat(two.OwnedNow()).Order());

        await ProduceToAllAsync(first, topic, "before");
        await Eventually.TrueAsync(() => one.Given.Count + two.Given.Count == 40);
        await second.StopAsync();
        Assert.Empty(two.OwnedNow());
        await Eventually.TrueAsync(() => one.OwnedNow().Length == 4);
        await ProduceToAllAsync(first, topic, "after");
        await Eventually.TrueAsync(() => one.Given.Count + two.Given.Count >= 80);

        // Both members left in order or saw the rebalance, so nothing had to come twice.
        Assert.Equal(80, one.Given.Concat(two.Given).Select(entry => (entry.Record.Partition, entry.Record.Offset)).Distinct().Count());
        Assert.Equal(80, one.Given.Count + two.Given.Count);
    }

    [Fact]
    public async Task What_is_settled_after_the_partition_was_taken_away_counts_for_nothing()
    {
        var topic = KafkaMember.NewTopic();
        var (one, two) = (new Remembering(_ => { }), new Remembering(_ => { }));
        await using var first = await StartAsync(topic, 2, one);
        await ProduceToAllAsync(first, topic, "x", 2);
        await Eventually.TrueAsync(() => one.Given.Count == 20);

        await using var second = await StartAsync(topic, 2, two);
        await Eventually.TrueAsync(() => one.Given.Count + two.Given.Count == 40 && two.OwnedNow().Length == 1);
        foreach (var late in one.Given.Take(20))
        {
            late.Settle(RecordOutcome.Done.Instance);
        }

        var (mine, theirs) = (one.OwnedNow().Single(), two.OwnedNow().Single());
        foreach (var current in one.Given.Skip(20))
        {
            current.Settle(RecordOutcome.Done.Instance);
        }

        await Eventually.TrueAsync(() => Look.Committed(topic, topic, 2)[mine] == 10);
        Assert.True(Look.Committed(topic, topic, 2)[theirs] <= 0);
    }

    [Fact]
    public async Task No_record_is_given_before_the_handler_has_prepared_for_its_partition()
    {
        var topic = KafkaMember.NewTopic();
        var open = new TaskCompletionSource();
        var attempts = 0;
        var handler = Remembering.Settling;
        handler.Prepare = async cancellation =>
        {
            if (++attempts == 1)
            {
                throw new TimeoutException("the database is away");
            }

            await open.Task.WaitAsync(cancellation);
        };
        await using var member = await StartAsync(topic, 1, handler);
        await member.ProduceAsync(topic, 0, "early");
        await Eventually.TrueAsync(() => attempts == 2);
        Assert.Empty(handler.Given);

        open.SetResult();

        await Eventually.TrueAsync(() => handler.Given.Count == 1);
    }

    [Fact]
    public async Task A_member_that_gets_no_partition_is_ready_too()
    {
        var topic = KafkaMember.NewTopic();
        var (one, two) = (Remembering.Settling, Remembering.Settling);
        await using var first = await StartAsync(topic, 1, one);
        await using var second = await StartAsync(topic, 1, two);

        Assert.True(first.IsReady && second.IsReady);
        await Eventually.TrueAsync(() => one.OwnedNow().Length + two.OwnedNow().Length == 1);
        Assert.Contains(second.Health.Endpoints, endpoint => endpoint.Key.EndsWith($"/kafka/{topic}/{topic}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_slow_handler_does_not_cost_the_membership()
    {
        var topic = KafkaMember.NewTopic();
        var release = new TaskCompletionSource();
        var handler = Remembering.Settling;
        handler.Before = _ => release.Task;
        await using var member = await StartAsync(topic, 1, handler, s => s with { SessionTimeout = TimeSpan.FromSeconds(1.5) });
        await member.ProduceAsync(topic, 0, "slow");

        // Twice the session timeout is the very thing that must pass.
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, TestContext.Current.CancellationToken);
        release.SetResult();

        await Eventually.TrueAsync(() => handler.Given.Count == 1);
        Assert.Equal(["+0"], handler.Calls);
    }

    private static async Task<KafkaMember> StartAsync(
        string topic,
        int partitions,
        Remembering handler,
        Func<Onex.Kafka.KafkaSettings, Onex.Kafka.KafkaSettings>? change = null)
    {
        await using (var maker = await KafkaMember.StartAsync(_ => { }))
        {
            await maker.Topics.EnsureTopicsAsync([topic], partitions, null, CancellationToken.None);
        }

        var member = await KafkaMember.StartAsync(k => k.BatchEndpoint("test", [topic], topic, _ => handler), change);
        await member.WaitUntilReadyAsync();
        return member;
    }

    private static async Task ProduceToAllAsync(KafkaMember member, string topic, string text, int partitions = 4)
    {
        for (var partition = 0; partition < partitions; partition++)
        {
            await member.ProduceAsync(topic, partition, [.. Enumerable.Range(0, 10).Select(i => $"{text} {i}")]);
        }
    }
}
