using System.Buffers;
using System.Globalization;

namespace Onex.Tests.Unit.Contracts;

/// <summary>The text of values in messages, and of their headers.</summary>
public sealed class MessageTextTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "a" : [1, {"b" : "}\"]"}], "ü": 1.50 }""")]
    [InlineData("[ ]")]
    [InlineData(""" "text" """)]
    [InlineData("1.50")]
    [InlineData("true")]
    public async Task A_value_in_a_message_keeps_its_text(string value)
    {
        var id = Guid.Empty;
        var utf8 = Encoding.UTF8.GetBytes(
            $$"""{"command_id":"{{id}}","attempt":1,"result": {{value}} ,"saga_id":"{{id}}","correlation_id":"{{id}}","""
            + "\"outcome\":\"completed\"}");
        using var stream = new MemoryStream(utf8);

        StepResult?[] results =
        [
            JsonSerializer.Deserialize(utf8, MessageJson.Default.StepResult),
            await JsonSerializer.DeserializeAsync(stream, MessageJson.Default.StepResult, TestContext.Current.CancellationToken),
            .. Enumerable.Range(1, utf8.Length - 1).Select(at => DeserializeInTwoParts(utf8, at)),
        ];

        Assert.All(results, result => Assert.Equal((value.Trim(), "completed"), (result!.Result.ToString(), result.Outcome)));
    }

    [Theory]
    [InlineData("2026-11-30T06:31:00+00:00")]
    [InlineData("2026-11-30T06:31:00.1+00:00")]
    [InlineData("2026-11-30T06:31:10.0000100-03:30")]
    [InlineData("9999-12-31T23:59:59.1234567+14:00")]
    public void The_time_of_a_message_has_no_trailing_zeros(string text)
    {
        var time = DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

        var headers = MessageHeaders.Create("onex-main", EventTypes.Command, new MessageId(Guid.Empty), null, time);

        Assert.Equal(
            time.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", CultureInfo.InvariantCulture), headers[HeaderNames.Timestamp]);
    }

    private static StepResult? DeserializeInTwoParts(byte[] utf8, int at)
    {
        var first = new Part(utf8.AsMemory(0, at), 0);
        var last = first.Append(utf8.AsMemory(at));
        var reader = new Utf8JsonReader(new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length));
        return JsonSerializer.Deserialize(ref reader, MessageJson.Default.StepResult);
    }

    private sealed class Part : ReadOnlySequenceSegment<byte>
    {
        public Part(ReadOnlyMemory<byte> memory, long before) => (Memory, RunningIndex) = (memory, before);

        public Part Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Part(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
