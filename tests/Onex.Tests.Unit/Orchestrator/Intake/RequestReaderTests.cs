using Onex.Kafka.Records;
using Onex.Orchestrator.Intake;

namespace Onex.Tests.Unit.Orchestrator.Intake;

public sealed class RequestReaderTests
{
    private const string Id = "123e4567-e89b-12d3-a456-426614174000";

    public static TheoryData<string, string> RejectedRequests => new()
    {
        { """{"operation":"o","payload":{},"correlation_id":"123e4567-e89b-12d3-a456-426614174000" """, ErrorCodes.MalformedMessage },
        { """["operation"]""", ErrorCodes.NotAnObject },
        { "7", ErrorCodes.NotAnObject },
        { "", ErrorCodes.MalformedMessage },
        { """{"payload":{}}""", ErrorCodes.OperationMissing },
        { """{"operation":7}""", ErrorCodes.OperationMissing },
        { """{"operation":"o","payload":[]}""", ErrorCodes.PayloadInvalid },
        { """{"operation":"o","correlation_id":"nonsense"}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","correlation_id":7}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","envelope_id":"123e4567"}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","reply_to":{}}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","payload":{"a":["Bearer onex-secret:00000000000000000000000000000000"]}}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","payload":{"a":"\u006fnex-secret:00000000000000000000000000000000"}}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","target":"o-1"}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","target":{}}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","target":{"key":""}}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","target":{"key":7}}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","target":{"saga_id":"o-1"}}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","target":{"name":"o-1"}}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","target":{"key":"o-1","saga_id":"123e4567-e89b-12d3-a456-426614174000"}}""", ErrorCodes.FieldInvalid },
        { """{"operation":"o","payload":{"a":"\u0000"}}""", ErrorCodes.TextInvalid },
        { """{"operation":"o","payload":{"a":"\ud800"}}""", ErrorCodes.TextInvalid },
        { """{"operation":"o","payload":{"\udfff":1}}""", ErrorCodes.TextInvalid },
    };

    [Theory]
    [MemberData(nameof(RejectedRequests))]
    public void Invalid_input_is_rejected_with_its_code(string value, string code) => Assert.Equal(code, Read(value).Rejection?.Code);

    [Theory]
    [InlineData("""{"operation":"o","operation":"p"}""", "The key 'operation' occurs twice in one object (at byte 17).")]
    [InlineData(
        """{"operation":"o","payload":{"a":{"b":1,"c":{"b":2},"b":3}}}""",
        "The key 'b' of 'payload.a' occurs twice in one object (at byte 51).")]
    [InlineData(
        """{"operation":"o","payload":{"a":[{"b":1},{"b":1,"\u0062":2}]}}""",
        "The key 'b' of 'payload.a' occurs twice in one object (at byte 48).")]
    [InlineData("""{"operation":"o","else":{"b":1,"b":1}}""", "The key 'b' of 'else' occurs twice in one object (at byte 31).")]
    public void A_duplicate_key_in_one_object_is_rejected_at_every_level(string value, string error)
    {
        var rejection = Read(value).Rejection!;

        Assert.Equal(ErrorCodes.KeyTwice, rejection.Code);
        Assert.StartsWith(error, rejection.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_key_in_different_objects_is_accepted() =>
        Assert.Null(Read("""{"operation":"o","payload":{"a":[{"b":1},{"b":1}],"b":{"a":[],"b":1},"c":[[{"a":1}],{"a":1}]}}""").Rejection);

    [Fact]
    public void Bytes_that_are_not_utf8_are_rejected() =>
        Assert.Equal(
            ErrorCodes.MalformedMessage, Read([.. "{\"operation\":\"o\",\"payload\":{\"a\":\""u8, 0xFF, .. "\"}}"u8]).Rejection?.Code);

    [Fact]
    public void A_byte_order_mark_before_the_request_is_ignored()
    {
        var text = $$"""{"operation":"o","correlation_id":"{{Id}}","payload":{"a":"\n"} }""";

        Assert.Equal(Id, Read([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)]).Request?.Requester.CorrelationId.ToString());
    }

    [Fact]
    public void Json_5000_levels_deep_is_rejected_and_its_sender_is_answered()
    {
        var nested = string.Concat(Enumerable.Repeat("{\"a\":", 5_000)) + "1" + new string('}', 5_000);
        var deep = $$"""{"operation":"o","correlation_id":"{{Id}}","payload":{{nested}} }""";

        var rejection = Read(deep).Rejection!;
        Assert.Equal(ErrorCodes.MalformedMessage, rejection.Code);
        Assert.Equal(Id, rejection.Requester!.CorrelationId.ToString());
    }

    [Fact]
    public void A_request_above_the_limit_is_rejected() =>
        Assert.Equal(
            ErrorCodes.RequestTooLarge, Read($$"""{"operation":"o","payload":{"a":"{{new string('x', 2_000_000)}}"} }""").Rejection?.Code);

    [Fact]
    public void The_requester_is_read_from_the_part_before_the_syntax_error() =>
        Assert.Equal(
            Id, Read($$"""{"correlation_id":"{{Id}}","operation":"o","payload":{""").Rejection!.Requester!.CorrelationId.ToString());

    [Fact]
    public void The_error_names_a_malformed_correlation_id() =>
        Assert.Contains(
            "\"nonsense\"", Read("""{"operation":"o","correlation_id":"nonsense"}""").Rejection!.Error, StringComparison.Ordinal);

    [Fact]
    public void A_generated_correlation_id_is_the_same_when_the_record_is_read_again() =>
        Assert.Equal(
            Read("""{"operation":"o"}""").Request!.Requester.CorrelationId, Read("""{"operation":"o"}""").Request!.Requester.CorrelationId);

    [Fact]
    public void A_request_is_identified_by_its_position_and_its_bytes_unless_it_has_an_envelope_id()
    {
        var atOffset7 = Read("""{"operation":"o"}""").Request!.Requester.RequestId;

        Assert.NotEqual(atOffset7, Read("""{"operation":"o"}""", offset: 8).Request!.Requester.RequestId);
        Assert.NotEqual(atOffset7, Read("""{"operation":"p"}""").Request!.Requester.RequestId);
        Assert.Equal(new MessageId(Guid.Parse(Id)), Read($$"""{"operation":"o","envelope_id":"{{Id}}"}""").Request!.Requester.RequestId);
    }

    [Fact]
    public void Unknown_fields_and_headers_are_passed_on_except_headers_of_Onex_and_binary_ones()
    {
        var requester = Read("""{"operation":"o","tenant":"t\"1","n":[1]}""").Request!.Requester;

        Assert.Equal("""{"tenant":"t\"1","n":[1]}""", requester.Extra.ToString());
        Assert.Equal(["traceparent", "x-tenant"], requester.Headers.Keys);
    }

    [Theory]
    [InlineData("""{"key":"o-1"}""", "o-1", null)]
    [InlineData("""{"key":"o-1","saga_id":null}""", "o-1", null)]
    [InlineData($$"""{"saga_id":"{{Id}}"}""", null, Id)]
    public void A_target_is_a_key_or_an_id(string target, string? key, string? sagaId)
    {
        var read = Read($$"""{"operation":"o","target":{{target}} }""").Request!.Requester.Target!;

        Assert.Equal((key, sagaId), (read.Key, read.SagaId?.ToString()));
    }

    [Fact]
    public void A_request_that_cannot_be_read_is_answered_on_the_default_topic() =>
        Assert.Null(Read("""{"operation":"o","reply_to":"elsewhere","payload":[]}""").Rejection!.Requester!.ReplyTo);

    [Fact]
    public void Text_of_800_kilobytes_is_accepted() =>
        Assert.NotNull(Read($$"""{"operation":"o","payload":{"a":"{{new string('ä', 400_000)}}"} }""").Request);

    private static (ParsedRequest? Request, Rejection? Rejection) Read(string value, long offset = 7) =>
        Read(Encoding.UTF8.GetBytes(value), offset);

    private static (ParsedRequest? Request, Rejection? Rejection) Read(byte[] value, long offset = 7) =>
        new RequestReader(1 << 20).Read(new ConsumedRecord
        {
            Topic = "requests",
            Partition = 3,
            Offset = offset,
            Value = value,
            Headers =
        [
            new("x-tenant", "t1"u8.ToArray()),
            new("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"u8.ToArray()),
            new("onex-internal", "1"u8.ToArray()),
            new("message_id", "mine"u8.ToArray()),
            new("binary", [0xFF]),
        ],
        });
}
