using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>The content of dead letters, and when offsets advance past their records.</summary>
public abstract class DeadLetterCompliance : RiderCompliance
{
    private static readonly RecordOutcome.Dead _dead = new("ONEX3001", "not JSON", "MalformedMessage", null);

    [Fact]
    public async Task A_dead_letter_describes_its_record_without_secrets()
    {
        var topic = NewTopic();
        var correlation = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        await using var member = await StartAsync(topic);
        await member.Producer.ProduceAsync(
            new ProducedRecord(
                topic,
                0,
                "order-7",
                """{"amount":1,"password":"hunter2"}"""u8.ToArray(),
                [new(
                    "correlation_id",
                    correlation.ToString()), new("Authorization", "Bearer hunter2"), new("x-trace", "t"), new("retry_count", "2")]),
            CancellationToken.None);

        var written = (await Bus.ReadAsync(Topics.DeadLetterTopicOf(topic), 1))[0];

        Assert.Equal("order-7", Encoding.UTF8.GetString(written.Key!));
        Assert.DoesNotContain("hunter2", Encoding.UTF8.GetString(written.Value!), StringComparison.Ordinal);
        var deadLetter = JsonSerializer.Deserialize(written.Value!, MessageJson.Default.DeadLetter)!;
        Assert.Equal(topic, deadLetter.OriginalTopic);
        Assert.Equal("order-7", deadLetter.OriginalMessage.Key);
        Assert.Equal("""{"amount":1,"password":"***"}""", deadLetter.OriginalMessage.Value);
        Assert.Equal("***", deadLetter.OriginalMessage.Headers["Authorization"]);
        Assert.Equal("t", deadLetter.OriginalMessage.Headers["x-trace"]);
        Assert.Equal((0, 0L), (deadLetter.OriginalMessage.Partition, deadLetter.OriginalMessage.Offset));
        Assert.Equal(
            ("ONEX3001", "not JSON", "MalformedMessage"),
            (deadLetter.FailureCode, deadLetter.FailureReason, deadLetter.ErrorType));
        Assert.Equal(correlation, deadLetter.CorrelationId);
        Assert.Equal(2, deadLetter.RetryCount);

        Assert.Equal("application/json", written.TextHeader(HeaderNames.ContentType));
        Assert.Equal(EventTypes.DeadLetter, written.TextHeader(HeaderNames.EventType));
        Assert.Equal("onex-test", written.TextHeader(HeaderNames.Source));
        Assert.Equal("1", written.TextHeader(HeaderNames.SchemaVersion));
        Assert.Equal("2", written.TextHeader(HeaderNames.RetryCount));
        Assert.Equal(correlation.ToString(), written.TextHeader(HeaderNames.CorrelationId));
        Assert.True(Guid.TryParse(written.TextHeader(HeaderNames.MessageId), out _));
        Assert.True(DateTimeOffset.TryParse(written.TextHeader(HeaderNames.Timestamp), out _));
    }

    [Fact]
    public async Task The_offset_advances_past_a_dead_letter_and_the_next_record_is_handled()
    {
        var topic = NewTopic();
        var handler = new RecordingHandler(entry => entry.Complete(
            entry.Record.Offset == 0 ? _dead : RecordOutcome.Handled.Instance));
        await using var member = await StartAsync(topic, handler);

        await member.ProduceAsync(topic, 0, "bad", "good");
        await Bus.ReadAsync(Topics.DeadLetterTopicOf(topic), 1);

        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 1)[0] == 2);
        Assert.Equal(["bad", "good"], handler.Values);
    }

    [Fact]
    public async Task No_offset_advances_before_the_dead_letter_is_stored()
    {
        var topic = NewTopic();
        var sink = new Sink { Release = new TaskCompletionSource().Task };
        var handler = new RecordingHandler(entry => entry.Complete(
            entry.Record.Offset == 0 ? _dead : RecordOutcome.Handled.Instance));
        await using (var member = await StartAsync(topic, handler, sink))
        {
            await member.ProduceAsync(topic, 0, "bad", "good");
            await Condition.HoldsAsync(() => handler.Received.Count == 2 && sink.Stored.Count == 1);
        }

        Assert.True(Bus.Committed(topic, topic, 1)[0] <= 0);

        var next = RecordingHandler.Acknowledging;
        await using var second = await StartAsync(topic, next);
        await Condition.HoldsAsync(() => next.Received.Count == 2);
        Assert.Equal(["bad", "good"], next.Values);
    }

    [Fact]
    public async Task Binary_values_become_base64_and_copies_share_one_message_id()
    {
        var topic = NewTopic();
        var handler = new RecordingHandler(_ => { });
        await using var member = await StartAsync(topic, handler);
        await member.Producer.ProduceAsync(new ProducedRecord(topic, 0, "k", new byte[] { 0xC3, 0x28 }, []), CancellationToken.None);

        // A group that does not complete the record, because records that every group has committed may be deleted.
        await Condition.HoldsAsync(() => handler.Received.Count == 1);
        await member.StopAsync();

        // The same record twice, as after a crash between the dead letter and the offset commit.
        for (var i = 0; i < 2; i++)
        {
            await using var reader = await StartAsync(topic, group: $"{topic}-{i}");
            await Bus.ReadAsync(Topics.DeadLetterTopicOf(topic), i + 1);
        }

        var written = await Bus.ReadAsync(Topics.DeadLetterTopicOf(topic), 2);

        Assert.All(written, record => Assert.Equal(
            "base64:wyg=", JsonSerializer.Deserialize(record.Value!, MessageJson.Default.DeadLetter)!.OriginalMessage.Value));
        Assert.Equal(written[0].TextHeader(HeaderNames.MessageId), written[1].TextHeader(HeaderNames.MessageId));
    }

    [Fact]
    public async Task A_value_too_large_for_the_topic_is_stored_by_the_sink_and_referenced()
    {
        Bus.NeedsReal("accepts records of any size");
        var (topic, sink) = (NewTopic(), new Sink());
        await using var member = await StartAsync(topic, sink: sink);

        // JSON escapes each of these characters, so the dead letter is more than twice as large.
        await member.ProduceAsync(topic, 0, new string('"', 700_000), "small");

        var deadLetters = (await Bus.ReadAsync(Topics.DeadLetterTopicOf(topic), 2))
            .Select(record => JsonSerializer.Deserialize(record.Value!, MessageJson.Default.DeadLetter)!.OriginalMessage)
            .OrderBy(record => record.Offset)
            .ToList();
        Assert.Equal((null, Sink.Reference), (deadLetters[0].Value, deadLetters[0].ValueRef));
        Assert.Equal(("small", null), (deadLetters[1].Value, deadLetters[1].ValueRef));
        await Condition.HoldsAsync(() => sink.Stored.Count == 2);
        Assert.Contains((0L, true), sink.Stored);
        Assert.Contains((1L, false), sink.Stored);
    }

    [Fact]
    public async Task A_dead_letter_whose_record_succeeds_later_is_closed_before_the_offset_advances()
    {
        var (topic, sink) = (NewTopic(), new Sink { OpenDeadLetters = { 1, 2, 7 } });
        await using var member = await StartAsync(
            topic, new RecordingHandler(entry => entry.Complete(entry.Record.Offset == 2 ? _dead : RecordOutcome.Handled.Instance)), sink);

        await member.ProduceAsync(topic, 0, "never had one", "has one", "dies again");

        await Condition.HoldsAsync(() => Bus.Committed(topic, topic, 1)[0] == 3);
        Assert.Equal([1L], sink.Closed);
    }

    private async Task<RiderMember> StartAsync(
        string topic, RecordingHandler? handler = null, IDeadLetterSink? sink = null, string? group = null)
    {
        await Bus.CreateAsync(1, topic);
        return await Bus.StartAsync(
            k => k.BatchEndpoint("test", [topic], group ?? topic, _ => handler ?? new RecordingHandler(entry => entry.Complete(_dead))),
            register: services =>
            {
                if (sink is not null)
                {
                    services.AddSingleton(sink);
                }
            });
    }

    private sealed class Sink : IDeadLetterSink
    {
        public static Guid? Reference { get; } = new Guid("0198c0de-0000-7000-8000-000000000001");

        public System.Collections.Concurrent.ConcurrentQueue<(long Offset, bool IsTooLarge)> Stored { get; } = new();

        /// <summary>Delays the end of each call until it completes.</summary>
        public Task Release { get; init; } = Task.CompletedTask;

        /// <summary>Open dead letters, by the offsets of their records.</summary>
        public HashSet<long> OpenDeadLetters { get; } = [];

        public System.Collections.Concurrent.ConcurrentQueue<long> Closed { get; } = new();

        public Task<IReadOnlySet<Guid>> FindOpenAsync(string topic, IReadOnlyCollection<int> partitions, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlySet<Guid>>(OpenDeadLetters.Select(offset => new Guid((int)offset, 0, 0, new byte[8])).ToHashSet());

        public Guid Id(ConsumedRecord record) => new((int)record.Offset, 0, 0, new byte[8]);

        public ValueTask<Guid?> FindRedrivenAsync(ConsumedRecord record, CancellationToken cancellation) => default;

        public Task<bool> CloseAsync(ConsumedRecord record, CancellationToken cancellation)
        {
            Closed.Enqueue(record.Offset);
            return Task.FromResult(true);
        }

        public async Task<Guid?> StoreAsync(ConsumedRecord record, DeadLetter deadLetter, CancellationToken cancellation)
        {
            Stored.Enqueue((record.Offset, deadLetter.OriginalMessage.Value is null));
            await Release.WaitAsync(cancellation);
            return deadLetter.OriginalMessage.Value is null ? Reference : null;
        }
    }
}
