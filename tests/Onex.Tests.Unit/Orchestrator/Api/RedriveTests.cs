using Onex.Kafka.Records;
using Onex.Orchestrator.Api;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.DeadLetters;

namespace Onex.Tests.Unit.Orchestrator.Api;

public sealed class RedriveTests
{
    private static readonly DateTimeOffset _now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    private static readonly DeadLetterRow _deadLetter = new(
        Guid.Parse("018f2f6e-7a64-8cc4-9d3b-2c8f4e2b8a11"),
        "requests", 3, 41, "ONEX3005", "no", null, """{"password":"hunter2"}"""u8.ToArray(), _now)
    {
        Key = "o-1",
        Headers = MessageHeaders.Empty.With(
            [new("traceparent", "00-1"), new("x-token", "t0ken"), new("onex-redrive", "earlier"), new("timestamp", "yesterday")]),
    };

    [Fact]
    public void A_redrive_is_the_original_record_with_the_redrive_header()
    {
        var decision = Guid.CreateVersion7(_now);

        var message = Redrive.Create(_deadLetter, decision, _now);

        Assert.Equal((decision, "requests", 3, "o-1"), (message.MessageId.Value, message.Topic, message.Partition, message.Key));
        Assert.Equal(_deadLetter.Value, message.Value.ToArray());
        var headers = message.Headers.Items.ToDictionary();
        Assert.Equal(["onex-origin", "onex-redrive", "timestamp", "traceparent", "x-token"], headers.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(
            (_deadLetter.Id.ToString(), "t0ken", _now),
            (headers[HeaderNames.Redrive], headers["x-token"], DateTimeOffset.Parse(headers["timestamp"])));
    }

    [Fact]
    public void A_redriven_record_keeps_the_identity_of_the_original()
    {
        const string Request = """{"operation":"o","payload":{"a":1}}""";
        ConsumedRecord original = new()
        {
            Topic = "requests",
            TopicId = Guid.Parse("018f2f6e-7a64-8cc4-9d3b-2c8f4e2b8a11"),
            Partition = 3,
            Offset = 41,
            Value = Encoding.UTF8.GetBytes(Request),
            Headers = [],
        };
        var deadLetter = _deadLetter with
        {
            Value = original.Value,
            Headers = MessageHeaders.Empty.With("onex-origin", RecordOrigin.For(original).ToString()),
        };

        var first = Redriven(deadLetter, 77);
        var second = Redriven(deadLetter with { Headers = Redrive.Create(deadLetter, Guid.Empty, _now).Headers }, 99);

        var identities = new[] { original, first, second }
            .Select(record => new RequestReader(1 << 20).Read(record).Request!.Requester)
            .ToList();
        Assert.Single(identities.Select(requester => requester.RequestId).Distinct());

        // Each record has a position of its own, so each is answered: the later ones as duplicates.
        Assert.Equal(3, identities.Select(requester => requester.Source).Distinct().Count());
    }

    [Fact]
    public void A_buffered_event_has_the_same_identity_in_every_redrive()
    {
        var deadLetter = _deadLetter with
        {
            Partition = -1,
            Offset = -1,
            Value = """{"operation":"o.e","payload":{}}"""u8.ToArray(),
            Headers = MessageHeaders.Empty.With("onex-origin", _deadLetter.Id.ToString()),
        };

        Assert.Equal(
            [_deadLetter.Id, _deadLetter.Id],
            new[] { Redriven(deadLetter, 1), Redriven(deadLetter, 2) }.Select(
                record => new RequestReader(1 << 20).Read(record).Request!.Requester.RequestId.Value));
    }

    [Fact]
    public void A_record_whose_dead_letter_lacks_the_origin_is_identified_by_the_dead_letter() => Assert.Equal(
        [RecordOrigin.FromIdentity(_deadLetter.Id), RecordOrigin.FromIdentity(_deadLetter.Id)],
        new[] { Redriven(_deadLetter, 5), Redriven(_deadLetter, 6) }.Select(RecordOrigin.For));

    [Fact]
    public void A_declined_event_that_was_redriven_reopens_its_dead_letter()
    {
        var record = Redriven(_deadLetter with { Value = """{"operation":"o.e","payload":{}}"""u8.ToArray() }, 5);
        var requester = new RequestReader(1 << 20).Read(record, _deadLetter.Id).Request!.Requester;
        var rejection = new Rejection("ONEX3024", "no again", requester);
        var row = EventDeadLetter.Row(
            Guid.CreateVersion7(_now), "requests", rejection, RawJson.EmptyObject, _now, _deadLetter.Id);
        Assert.Equal((_deadLetter.Id, true, 3, 5L), (row.Id, row.Reopens, row.Partition, row.Offset));
        Assert.Null(EventDeadLetter.RedrivenFrom(requester with { Source = "requests/3/5" }));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("")]
    [InlineData("::")]
    [InlineData("018f2f6e7a648cc49d3b2c8f4e2b8a11:-1:4")]
    [InlineData("018f2f6e7a648cc49d3b2c8f4e2b8a11:1:4:5")]
    public void A_record_with_an_invalid_origin_is_its_own_origin(string origin)
    {
        var record = Redriven(_deadLetter, 5, origin);

        Assert.Equal(new RecordOrigin(null, 3, 5), RecordOrigin.For(record));
    }

    private static ConsumedRecord Redriven(DeadLetterRow deadLetter, long offset, string? origin = null)
    {
        var message = Redrive.Create(deadLetter, Guid.CreateVersion7(_now), _now);
        return new ConsumedRecord
        {
            Topic = message.Topic,
            Partition = message.Partition ?? 3,
            Offset = offset,
            Value = message.Value.ToArray(),
            Headers =
            [
                .. message.Headers.Items.Select(header =>
                    KeyValuePair.Create(
                        header.Key,
                        (byte[]?)Encoding.UTF8.GetBytes(header.Key == HeaderNames.Origin && origin is not null ? origin : header.Value))),
            ],
        };
    }

    [Fact]
    public void A_dead_letter_without_a_partition_is_redriven_to_the_partition_of_its_key() =>
        Assert.Null(Redrive.Create(_deadLetter with { Partition = -1, Offset = -1 }, Guid.Empty, _now).Partition);

    [Fact]
    public void Secrets_of_a_displayed_dead_letter_are_masked()
    {
        var json = ToJson(_deadLetter);

        Assert.Equal(
            ("""{"password":"***"}""", 22, false, "***", "00-1"),
            (
                json.GetProperty("value").GetString(),
                json.GetProperty("value_bytes").GetInt32(),
                json.GetProperty("value_cut").GetBoolean(),

                json.GetProperty("headers").GetProperty("x-token").GetString(),
                json.GetProperty("headers").GetProperty("traceparent").GetString()));
    }

    [Fact]
    public void A_long_value_is_truncated_between_characters()
    {
        var value = Encoding.UTF8.GetBytes($"x{string.Concat(Enumerable.Repeat("😀", DeadLetterJson.ValueCharsMax))}");
        var json = ToJson(_deadLetter with { Value = value });

        Assert.True(json.GetProperty("value_cut").GetBoolean());
        Assert.Equal(DeadLetterJson.ValueCharsMax - 1, json.GetProperty("value").GetString()!.Length);
        Assert.DoesNotContain('\uFFFD', json.GetProperty("value").GetString()!);
    }

    [Fact]
    public void A_binary_value_is_shown_as_base64() =>
        Assert.Equal("base64:/wD+", ToJson(_deadLetter with { Value = [0xff, 0, 0xfe] }).GetProperty("value").GetString());

    private static JsonElement ToJson(DeadLetterRow row)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            DeadLetterJson.WriteDetail(writer, row);
            writer.WriteEndObject();
        }

        using var document = JsonDocument.Parse(stream.ToArray());
        return document.RootElement.Clone();
    }
}
