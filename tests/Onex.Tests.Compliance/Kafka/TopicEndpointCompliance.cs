using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Kafka;
using Onex.Kafka.Consuming;
using Onex.Kafka.Rider;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>Messages of a topic, handled one by one.</summary>
public abstract class TopicEndpointCompliance : RiderCompliance
{
    [Fact]
    public async Task Messages_reach_the_consumer_with_their_record()
    {
        var topic = NewTopic();
        var seen = new TaskCompletionSource<(string Text, long Offset)>();
        await using var member = await StartAsync(topic, endpoint => endpoint.Handle(_ => (note, record, _) =>
        {
            seen.TrySetResult((note.Text, record.Offset));
            return Task.CompletedTask;
        }));

        await member.ProduceAsync(topic, 0, """{"Text":"hello"}""");

        Assert.Equal(("hello", 0), await seen.Task.WaitAsync(TimeSpan.FromMinutes(1)));
        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 1)[0] == 1);
    }

    [Fact]
    public async Task An_unreadable_record_becomes_a_dead_letter_and_the_next_record_is_handled()
    {
        var topic = NewTopic();
        var seen = new TaskCompletionSource<string>();
        await using var member = await StartAsync(topic, endpoint => endpoint.Handle(_ => (note, _, _) =>
        {
            seen.TrySetResult(note.Text);
            return Task.CompletedTask;
        }));

        await member.ProduceAsync(topic, 0, "not json", "", "null", "[1]", """{"Text":"\ud800"}""", """{"Text":"good"}""");

        Assert.Equal("good", await seen.Task.WaitAsync(TimeSpan.FromMinutes(1)));
        var deadLetters = (await Bus.ReadAsync(Topics.DeadLetterTopicOf(topic), 5))
            .Select(record => JsonSerializer.Deserialize(record.Value, MessageJson.Default.DeadLetter)!)
            .ToList();
        Assert.All(
            deadLetters,
            deadLetter => Assert.Equal(
                (ErrorCodes.MalformedMessage, "MalformedMessage"), (deadLetter.FailureCode, deadLetter.ErrorType)));
        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 1)[0] == 6);
    }

    [Fact]
    public async Task Lack_of_memory_never_causes_a_dead_letter()
    {
        var topic = NewTopic();
        var attempts = 0;
        await using var member = await StartAsync(
            topic,
            endpoint => endpoint.Handle(_ => (_, _, _) =>
                Interlocked.Increment(ref attempts) < 4 ? throw new InvalidOperationException(
                    "wrapped", new InsufficientMemoryException()) : Task.CompletedTask),
            settings => settings with { RetryAttempts = 1 });

        await member.ProduceAsync(topic, 0, """{"Text":"large"}""");

        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 1)[0] == 1);
        Assert.Equal(4, attempts);
    }

    [Fact]
    public async Task Concurrent_messages_are_limited_by_memory()
    {
        var topic = NewTopic();
        var (running, maxRunning, handled) = (0, 0, 0);
        await using var member = await StartAsync(
            topic,
            endpoint =>
            {
                endpoint.Weigh(note => note.Text == "heavy" ? 1_000 : 4);
                endpoint.Handle(_ => async (_, _, _) =>
                {
                    InterlockedMax(ref maxRunning, Interlocked.Increment(ref running));
                    await Task.Yield();
                    Interlocked.Decrement(ref running);
                    Interlocked.Increment(ref handled);
                });
            },
            settings => settings with { WeightMax = 10 });

        await member.ProduceAsync(
            topic, 0, [.. Enumerable.Range(0, 60).Select(i => i % 10 == 0 ? """{"Text":"heavy"}""" : """{"Text":"light"}""")]);

        await Condition.HoldsAsync(() => Volatile.Read(ref handled) == 60);
        Assert.InRange(maxRunning, 1, 2);
    }

    [Fact]
    public async Task A_message_that_fails_alone_is_retried_and_then_becomes_a_dead_letter()
    {
        var topic = NewTopic();
        var attempts = 0;
        await using var member = await StartAsync(
            topic,
            endpoint => endpoint.Handle(_ => (_, _, _) =>
            {
                Interlocked.Increment(ref attempts);
                throw new InvalidDataException("cannot be right");
            }),
            settings => settings with { RetryAttempts = 2 });

        await member.ProduceAsync(topic, 0, """{"Text":"bad"}""");

        var deadLetter = JsonSerializer.Deserialize(
            (await Bus.ReadAsync(Topics.DeadLetterTopicOf(topic), 1))[0].Value, MessageJson.Default.DeadLetter)!;
        Assert.Equal(3, attempts);
        Assert.Equal((ErrorCodes.HandlingFailed, "cannot be right", "InvalidDataException", 2),
            (deadLetter.FailureCode, deadLetter.FailureReason, deadLetter.ErrorType, deadLetter.RetryCount));
    }

    [Fact]
    public async Task A_message_that_is_returned_while_the_process_stops_goes_to_the_next_member_and_does_not_delay_the_stop()
    {
        var topic = NewTopic();
        var (begun, stopping) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = await StartAsync(
            topic,
            endpoint => endpoint.Handle(_ => async (note, _, _) =>
            {
                if (note.Text == "waits")
                {
                    begun.TrySetResult();
                    await stopping.Task;
                    throw new MessageReturnedException();
                }
            }),
            settings => settings with { DrainFor = TimeSpan.FromMinutes(10) });
        await first.ProduceAsync(topic, 0, """{"Text":"done"}""", """{"Text":"waits"}""", """{"Text":"done too"}""");
        await begun.Task.WaitAsync(TimeSpan.FromMinutes(1));
        stopping.SetResult();
        await first.StopAsync().WaitAsync(TimeSpan.FromMinutes(1));
        await first.DisposeAsync();

        var seen = new ConcurrentQueue<string>();
        await using var second = await StartAsync(topic, endpoint => endpoint.Handle(_ => (note, _, _) =>
        {
            seen.Enqueue(note.Text);
            return Task.CompletedTask;
        }));

        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 1)[0] == 3);
        Assert.Contains("waits", seen);
        Assert.DoesNotContain("done", seen);
    }

    [Fact]
    public async Task A_slow_message_is_not_a_stall()
    {
        var topic = NewTopic();
        var (begun, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var member = await StartAsync(
            topic,
            endpoint => endpoint.Handle(_ => (_, _, _) =>
            {
                begun.TrySetResult();
                return release.Task;
            }),
            settings => settings with { StalledAfter = TimeSpan.FromMilliseconds(100) });
        await member.ProduceAsync(topic, 0, """{"Text":"slow"}""");
        await begun.Task.WaitAsync(TimeSpan.FromMinutes(1));

        // The limit of a stall must pass. On a busy machine a poll may exceed it too, so only the text about records is checked.
        await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.DoesNotContain("none was completed", member.Problems, StringComparison.Ordinal);
        release.SetResult();
    }

    [Fact]
    public async Task A_shared_failure_is_retried_without_limit()
    {
        var topic = NewTopic();
        var attempts = 0;
        var done = new TaskCompletionSource();
        await using var member = await StartAsync(
            topic,
            endpoint =>
            {
                endpoint.RetryForever(e => e is TimeoutException);
                endpoint.Handle(_ => (_, _, _) =>
                {
                    if (Interlocked.Increment(ref attempts) < 6)
                    {
                        throw new TimeoutException("the database is unreachable");
                    }

                    done.TrySetResult();
                    return Task.CompletedTask;
                });
            },
            settings => settings with { RetryAttempts = 1 });

        await member.ProduceAsync(topic, 0, """{"Text":"patient"}""");

        await done.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 1)[0] == 1);
    }

    [Fact]
    public async Task Concurrent_messages_stay_within_the_limit()
    {
        var topic = NewTopic();
        var (running, maxRunning, handled) = (0, 0, 0);
        var release = new TaskCompletionSource();
        await using var member = await StartAsync(topic, endpoint =>
        {
            endpoint.ConcurrentMessageLimit = 4;
            endpoint.Handle(_ => async (_, _, _) =>
            {
                var current = Interlocked.Increment(ref running);
                InterlockedMax(ref maxRunning, current);
                await release.Task;
                Interlocked.Decrement(ref running);
                Interlocked.Increment(ref handled);
            });
        });

        await member.ProduceAsync(topic, 0, [.. Enumerable.Repeat("""{"Text":"x"}""", 20)]);
        await Condition.HoldsAsync(() => Volatile.Read(ref running) == 4);
        release.SetResult();

        await Condition.HoldsAsync(() => Volatile.Read(ref handled) == 20);
        Assert.Equal(4, maxRunning);
    }

    private static void InterlockedMax(ref int max, int value)
    {
        int before;
        while ((before = Volatile.Read(ref max)) < value && Interlocked.CompareExchange(ref max, value, before) != before)
        {
        }
    }

    private async Task<RiderMember> StartAsync(
        string topic, Action<ITopicEndpointConfigurator<Note>> configure, Func<KafkaSettings, KafkaSettings>? change = null)
    {
        await Bus.CreateAsync(1, topic);
        return await Bus.StartAsync(
            k => k.TopicEndpoint<Note>(topic, topic, endpoint =>
            {
                endpoint.Deserialize(NoteJson.Default.Note);
                configure(endpoint);
            }),
            change);
    }
}

public sealed record Note(string Text);

[JsonSerializable(typeof(Note))]
public sealed partial class NoteJson : JsonSerializerContext;
