using System.Collections.Concurrent;
using Confluent.Kafka;
using Onex.Kafka.Consuming;
using Onex.Tests.Compliance.Kafka;

namespace Onex.Tests.Integration.Kafka;

/// <summary>
/// Static members, which keep their partitions when their process is killed. The session timeout is much longer than a test, so that no
/// test can pass by waiting for it.
/// </summary>
public sealed class StaticMemberTests : RiderCompliance
{
    private static readonly TimeSpan _sessionTimeout = TimeSpan.FromMinutes(5);

    protected override TestBus Bus => Kafka;

    private KafkaTestBus Kafka { get; } = new();

    [Fact]
    public async Task A_process_that_starts_with_the_name_of_a_killed_one_gets_its_partitions_at_once()
    {
        Bus.NeedsReal("does not support static members");
        var (topic, seen) = (NewTopic(), new ConcurrentQueue<string>());
        await Bus.CreateAsync(2, topic);
        string name;
        using (var instance = InstanceId.Take(topic, Path.GetTempPath(), Environment.MachineName))
        {
            name = instance!.Value;
        }

        using var killed = Join(topic, name);
        await Condition.HoldsAsync(() => killed.Consume(10) is null && killed.Assignment.Count == 2);

        // From here on the consumer does nothing any more, as if its process were killed.
        await using var member = await StartAsync(topic, seen);
        await member.ProduceAsync(topic, 0, """{"Text":"a"}""");
        await member.ProduceAsync(topic, 1, """{"Text":"b"}""");

        await Condition.HoldsAsync(() => seen.Order().SequenceEqual(["a", "b"]));
    }

    [Fact]
    public async Task A_process_that_stops_leaves_its_partitions_to_the_others_at_once()
    {
        Bus.NeedsReal("does not support static members");
        var (topic, first, second) = (NewTopic(), new ConcurrentQueue<string>(), new ConcurrentQueue<string>());
        await Bus.CreateAsync(2, topic);
        await using var stopped = await StartAsync(topic, first);
        await stopped.ProduceAsync(topic, 0, """{"Text":"before"}""");
        await Condition.HoldsAsync(() => first.Contains("before"));
        await stopped.StopAsync();
        Assert.Equal(1, Bus.Committed(topic, topic, 2)[0]);

        // The name of the stopped member is not free yet, so the new member has another name.
        await using var member = await StartAsync(topic, second);
        await member.ProduceAsync(topic, 0, """{"Text":"a"}""");
        await member.ProduceAsync(topic, 1, """{"Text":"b"}""");

        await Condition.HoldsAsync(() => second.Order().SequenceEqual(["a", "b"]));
    }

    [Fact]
    public async Task A_member_whose_name_another_process_has_taken_continues_under_another_name()
    {
        Bus.NeedsReal("does not support static members");
        var (topic, seen) = (NewTopic(), new ConcurrentQueue<string>());
        await Bus.CreateAsync(2, topic);
        await using var member = await StartAsync(topic, seen);
        using var other = Join(topic, $"{Environment.MachineName}-0");
        await Condition.HoldsAsync(() => other.Consume(10) is null && other.Assignment.Count == 1);

        await member.ProduceAsync(topic, other.Assignment[0].Partition.Value == 0 ? 1 : 0, """{"Text":"a"}""");

        await Condition.HoldsAsync(() => other.Consume(10) is null && seen.SequenceEqual(["a"]));
    }

    [Fact]
    public async Task Neighbouring_partitions_belong_to_different_members()
    {
        var (topic, first, second) = (NewTopic(), new ConcurrentQueue<string>(), new ConcurrentQueue<string>());
        await Bus.CreateAsync(4, topic);
        await using var one = await StartAsync(topic, first);
        await using var two = await StartAsync(topic, second);

        // Empty records are produced until the second member has joined. They are not counted below.
        await Condition.HoldsAsync(async () =>
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(partition => one.ProduceAsync(topic, partition, """{"Text":""}""")));
            return second.Contains("");
        });
        for (var partition = 0; partition < 4; partition++)
        {
            await one.ProduceAsync(topic, partition, $$"""{"Text":"{{partition}}"}""");
        }

        await Condition.HoldsAsync(() => first.Concat(second).Count(text => text.Length > 0) == 4);
        var shares = new[] { first, second }.Select(seen => string.Concat(seen.Where(text => text.Length > 0).Order()));
        Assert.Equal(["02", "13"], shares.Order());
    }

    private IConsumer<Ignore, Ignore> Join(string topic, string instance)
    {
        var configuration = new ConsumerConfig
        {
            BootstrapServers = Kafka.Bootstrap,
            GroupId = topic,
            GroupInstanceId = instance,
            SessionTimeoutMs = (int)_sessionTimeout.TotalMilliseconds,
            EnableAutoCommit = false,
        };
        configuration.Set("partition.assignment.strategy", "roundrobin,range");
        var consumer = new ConsumerBuilder<Ignore, Ignore>(configuration).Build();
        consumer.Subscribe(topic);
        return consumer;
    }

    private async Task<RiderMember> StartAsync(string topic, ConcurrentQueue<string> seen)
    {
        var member = await Bus.StartAsync(
            k => k.TopicEndpoint<Note>(topic, topic, endpoint =>
            {
                endpoint.IsStatic = true;
                endpoint.IsSpread = true;
                endpoint.Deserialize(NoteJson.Default.Note);
                endpoint.Handle(_ => (note, _, _) =>
                {
                    seen.Enqueue(note.Text);
                    return Task.CompletedTask;
                });
            }),
            settings => settings with { SessionTimeout = _sessionTimeout });
        await member.WaitUntilReadyAsync();
        return member;
    }
}
