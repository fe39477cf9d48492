using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Producing;

namespace Onex.Tests.Integration.Kafka;

public sealed class DeadLetterTests
{
    private static readonly RecordOutcome.Dead _dead = new("ONEX3001", "not JSON", "MalformedMessage", null);

    [Fact]
    public async Task A_dead_letter_tells_everything_about_the_record_but_its_secrets()
    {
        var topic = KafkaMember.NewTopic();
        var correlation = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        await using var member = await StartAsync(topic);
        await member.Producer.ProduceAsync(
            new ProducedRecord(
                topic,
                0,
                "order-7",
                """{"amount":1,"password":"hunter2"}"""u8.ToArray(),
                [new("correlation_id", correlation.ToString()), new("Authorization", "Bearer hunter2"), new("x-trace", "t"), new("retry_count", "2")]),
            CancellationToken.None);

        var written = Look.Read(Topics.DeadLetter(topic), 1)[0];

        Assert.Equal("order-7", Encoding.UTF8.GetString(written.Message.Key));
        Assert.DoesNotContain("hunter2", Encoding.UTF8.GetString(written.Message.Value), StringComparison.Ordinal);
        var letter = JsonSerializer.Deserialize(written.Message.Value, MessageJson.Default.DeadLetter)!;
        Assert.Equal(topic, letter.OriginalTopic);
        Assert.Equal("order-7", letter.OriginalMessage.Key);
        Assert.Equal("""{"amount":1,"password":"***"}""", letter.OriginalMessage.Value);
        Assert.Equal("***", letter.OriginalMessage.Headers["Authorization"]);
        Assert.Equal("t", letter.OriginalMessage.Headers["x-trace"]);
        Assert.Equal((0, 0L), (letter.OriginalMessage.Partition, letter.OriginalMessage.Offset));
        Assert.Equal(("ONEX3001", "not JSON", "MalformedMessage"), (letter.FailureCode, letter.FailureReason, letter.ErrorType));
        Assert.Equal(correlation, letter.CorrelationId);
        Assert.Equal(2, letter.RetryCount);

        Assert.Equal("application/json", Header(written, HeaderNames.ContentType));
        Assert.Equal(EventTypes.DeadLetter, Header(written, HeaderNames.EventType));
        Assert.Equal("onex-test", Header(written, HeaderNames.Source));
        Assert.Equal("1", Header(written, HeaderNames.SchemaVersion));
        Assert.Equal("2", Header(written, HeaderNames.RetryCount));
        Assert.Equal(correlation.ToString(), Header(written, HeaderNames.CorrelationId));
        Assert.True(Guid.TryParse(Header(written, HeaderNames.MessageId), out _));
        Assert.True(DateTimeOffset.TryParse(Header(written, HeaderNames.Timestamp), out _));
    }

    [Fact]
    public async Task The_offset_advances_behind_a_dead_letter_and_the_next_record_is_handled()
    {
        var topic = KafkaMember.NewTopic();
        var handler = new Remembering(entry => entry.Settle(
            entry.Record.Offset == 0 ? _dead : RecordOutcome.Done.Instance));
        await using var member = await StartAsync(topic, handler);

        await member.ProduceAsync(topic, 0, "bad", "good");
        Look.Read(Topics.DeadLetter(topic), 1);

        await Eventually.TrueAsync(() => Look.Committed(topic, topic, 1)[0] == 2);
        Assert.Equal(["bad", "good"], handler.Values);
    }

    [Fact]
    public async Task Bytes_that_are_not_text_stand_as_base64_and_copies_have_one_message_id()
    {
        var topic = KafkaMember.NewTopic();
        await using var member = await StartAsync(topic, new Remembering(_ => { }));
        await member.Producer.ProduceAsync(new ProducedRecord(topic, 0, "k", new byte[] { 0xC3, 0x28 }, []), CancellationToken.None);
        await member.StopAsync();

        // The same record twice, as after a crash between the letter and the commit.
        for (var i = 0; i < 2; i++)
        {
            await using var reader = await StartAsync(topic, group: $"{topic}-{i}");
            Look.Read(Topics.DeadLetter(topic), i + 1);
        }

        var written = Look.Read(Topics.DeadLetter(topic), 2);

        Assert.All(written, one => Assert.Equal(
            "base64:wyg=", JsonSerializer.Deserialize(one.Message.Value, MessageJson.Default.DeadLetter)!.OriginalMessage.Value));
        Assert.Equal(Header(written[0], HeaderNames.MessageId), Header(written[1], HeaderNames.MessageId));
    }

    [Fact]
    public async Task A_value_too_large_for_the_topic_is_kept_by_the_sink_and_referred_to()
    {
        var (topic, sink) = (KafkaMember.NewTopic(), new Sink());
        await using var member = await StartAsync(topic, sink: sink);

        // Each of its characters becomes two or more in the letter.
        await member.ProduceAsync(topic, 0, new string('"', 700_000), "small");

        var letters = Look.Read(Topics.DeadLetter(topic), 2)
            .ConvertAll(one => JsonSerializer.Deserialize(one.Message.Value, MessageJson.Default.DeadLetter)!.OriginalMessage)
            .OrderBy(one => one.Offset)
            .ToList();
        Assert.Equal((null, Sink.Reference), (letters[0].Value, letters[0].ValueRef));
        Assert.Equal(("small", null), (letters[1].Value, letters[1].ValueRef));
        await Eventually.TrueAsync(() => sink.Told.Count == 2);
        Assert.Contains((0L, true), sink.Told);
        Assert.Contains((1L, false), sink.Told);
    }

    private static async Task<KafkaMember> StartAsync(
        string topic, Remembering? handler = null, IDeadLetterSink? sink = null, string? group = null)
    {
        var member = await KafkaMember.StartAsync(
            k => k.BatchEndpoint("test", [topic], group ?? topic, _ => handler ?? new Remembering(entry => entry.Settle(_dead))),
            register: services =>
            {
                if (sink is not null)
                {
                    services.AddSingleton(sink);
                }
            });
        await member.Topics.EnsureTopicsAsync([topic], 1, null, CancellationToken.None);
        return member;
    }

    private static string? Header(ConsumeResult<byte[], byte[]> record, string name) =>
        record.Message.Headers.TryGetLastBytes(name, out var bytes) ? Encoding.UTF8.GetString(bytes) : null;

    private sealed class Sink : IDeadLetterSink
    {
        public static Guid? Reference { get; } = new Guid("0198c0de-0000-7000-8000-000000000001");

        public System.Collections.Concurrent.ConcurrentQueue<(long Offset, bool Kept)> Told { get; } = new();

        public Task<Guid?> StoreAsync(ConsumedRecord record, DeadLetter letter, CancellationToken cancellation)
        {
            Told.Enqueue((record.Offset, letter.OriginalMessage.Value is null));
            return Task.FromResult(letter.OriginalMessage.Value is null ? Reference : null);
        }
    }
}
