using System.Text;

namespace Onex.Tests.EndToEnd.Requests;

/// <summary>Every record on <c>requests</c> is answered or dead-lettered, and never blocks the records behind it.</summary>
public sealed class HostileRequestTests(RunningStack running) : IClassFixture<RunningStack>
{
    private const string ValidPayload = """{"order_id":"x","total":1,"items":[]}""";

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    private OnexStack Stack => running.Stack;

    public static TheoryData<string, string> Unreadable() => new()
    {
        { "malformed JSON", "ONEX3001" },
        { "a list", "ONEX3002" },
        { "a string", "ONEX3002" },
        { "not UTF-8", "ONEX3001" },
        { "empty", "ONEX3001" },
        { "no value", "ONEX3001" },
        { "5,000 deep", "ONEX3001" },
    };

    public static TheoryData<string, string, string> Answerable() => new()
    {
        { "ONEX3003", $$"""{"payload":{{ValidPayload}},"correlation_id":"#"}""", "operation" },
        { "ONEX3003", $$"""{"operation":7,"payload":{{ValidPayload}},"correlation_id":"#"}""", "operation" },
        { "ONEX3004", $$"""{"operation":"order-fulfillment","payload":{{ValidPayload}},"correlation_id":"#"}""", "order-fulfillment" },
        { "ONEX3011", """{"operation":"http.get","payload":{"url":"http://127.0.0.1/"},"correlation_id":"#"}""", "http.get" },
        {
            "ONEX3005",
            """{"operation":"order-fulfilment","payload":{"order_id":"","total":1,"items":[]},"correlation_id":"#"}""",
            "order_id"
        },
        {
            "ONEX3005",
            """{"operation":"order-fulfilment","payload":{"order_id":"x","total":"1","items":[]},"correlation_id":"#"}""",
            "total"
        },
        { "ONEX3005", """{"operation":"order-fulfilment","payload":{"order_id":"x","total":1},"correlation_id":"#"}""", "items" },
        {
            "ONEX3045",
            """{"operation":"order-fulfilment","payload":{"order_id":"x","order_id":"y","total":1,"items":[]},"correlation_id":"#"}""",
            ""
        },
        {
            // Unknown fields are stored as they were sent, and jsonb has no number as large.
            "ONEX3014",
            $$"""{"operation":"order-fulfilment","payload":{{ValidPayload}},"correlation_id":"#","weight":1e200000}""",
            "22003"
        },
        {
            "ONEX3007",
            """{"operation":"order-fulfilment","payload":{"order_id":"x\u0000y","total":1,"items":[]},"correlation_id":"#"}""",
            ""
        },
        {
            "ONEX3007",
            """{"operation":"order-fulfilment","payload":{"order_id":"\ud800","total":1,"items":[]},"correlation_id":"#"}""",
            ""
        },
        {
            "ONEX3007",
            """{"operation":"order-fulfilment","payload":{"order_id":"\udc00\ud800","total":1,"items":[]},"correlation_id":"#"}""",
            ""
        },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public async Task An_unreadable_record_is_copied_to_the_dead_letter_topic_unchanged(string kind, string code)
    {
        var value = Bytes(kind);
        var sent = await Stack.Writer.SendAsync(Stack.Topic("requests"), value, partition: 1);

        var deadLetter = await DeadLetterOfAsync(sent.Offset.Value, partition: 1);

        Assert.Equal(code, deadLetter.Field("failure_code"));
        Assert.Equal(Stack.Topic("requests"), deadLetter.Field("original_topic"));
        Assert.False(string.IsNullOrWhiteSpace(deadLetter.Field("failure_reason")));
        var original = deadLetter.Json.GetProperty("original_message");
        if (value is { Length: > 0 })
        {
            var text = original.GetProperty("value").GetString()!;
            Assert.Equal(value, kind == "not UTF-8" ? Convert.FromBase64String(text["base64:".Length..]) : Encoding.UTF8.GetBytes(text));
        }

        await AssertNextRequestIsHandledAsync(partition: 1);
    }

    [Theory]
    [MemberData(nameof(Answerable))]
    public async Task An_invalid_request_gets_an_error_and_becomes_a_dead_letter(string code, string request, string messagePart)
    {
        var correlationId = OnexStack.NewId();
        var sent = await Stack.Writer.SendAsync(Stack.Topic("requests"), request.Replace("#", correlationId), partition: 2);

        var response = await Stack.Responses.ReadAsync(correlationId, _timeout);

        Assert.Equal(("error", code), (response.Field("status"), response.Field("code")));
        Assert.False(response.Json.GetProperty("success").GetBoolean());
        Assert.Contains(messagePart, response.Text, StringComparison.Ordinal);
        Assert.Equal(code, (await DeadLetterOfAsync(sent.Offset.Value, partition: 2)).Field("failure_code"));
        await AssertNextRequestIsHandledAsync(partition: 2);
        Stack.AssertOneResponseEach([correlationId]);
    }

    [Fact]
    public async Task A_malformed_correlation_id_is_an_error_and_not_silently_replaced()
    {
        var sent = await Stack.Writer.SendAsync(
            Stack.Topic("requests"),
            $$"""{"operation":"order-fulfilment","payload":{{ValidPayload}},"correlation_id":"order 12"}""", partition: 3);

        var deadLetter = await DeadLetterOfAsync(sent.Offset.Value, partition: 3);
        Assert.Equal("ONEX3006", deadLetter.Field("failure_code"));
        var response = await Stack.Responses.ReadAsync(
            record => record.Field("code") == "ONEX3006" && record.Text.Contains("order 12", StringComparison.Ordinal),
            _timeout,
            "an error that shows the malformed correlation id");
        Assert.True(Guid.TryParse(response.CorrelationId, out _));
        await AssertNextRequestIsHandledAsync(partition: 3);
    }

    [Fact]
    public async Task A_missing_correlation_id_is_generated_and_reported()
    {
        var order = Names.Next("nameless");
        var request = new JsonObject { ["operation"] = "order-fulfilment", ["payload"] = OnexStack.Order(order) };
        await Stack.Writer.SendAsync(Stack.Topic("requests"), request.ToJsonString());

        var response = await Stack.Responses.ReadAsync(
            record => record.Text.Contains(order, StringComparison.Ordinal), _timeout, $"the response to {order}");

        Assert.True(Guid.TryParse(response.CorrelationId, out _));
        Assert.Equal(response.CorrelationId, response.Key);
    }

    [Fact]
    public async Task A_payload_of_800_kilobytes_is_accepted()
    {
        var order = Names.Next("large");
        var text = new StringBuilder();
        while (Encoding.UTF8.GetByteCount(text.ToString()) < 800_000)
        {
            text.Append(string.Concat(Enumerable.Repeat("Grösse, 茶 und \"Zucker\"\n", 1000)));
        }

        var payload = OnexStack.Order(order);
        payload["items"]![0]!["sku"] = text.ToString();
        var request = new JsonObject
        {
            ["operation"] = "order-fulfilment",
            ["payload"] = payload,
            ["correlation_id"] = OnexStack.NewId(),
        };
        var options = new System.Text.Json.JsonSerializerOptions
        {
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        await Stack.Writer.SendAsync(Stack.Topic("requests"), request.ToJsonString(options), partition: 0);

        var response = await Stack.Responses.ReadAsync((string)request["correlation_id"]!, _timeout);

        Assert.Equal("success", response.Field("status"));
        var body = JsonNode.Parse(Stack.Services.Calls.First(call => call.Order == order && call.Step == "reserve").Body)!;
        Assert.Equal(text.ToString(), (string?)body["lines"]![0]!["sku"]);
        await AssertNextRequestIsHandledAsync(partition: 0);
    }

    private static byte[]? Bytes(string kind) => kind switch
    {
        "malformed JSON" => "{\"operation\": \"order-fulfilment\", \"payload\": {"u8.ToArray(),
        "a list" => "[{\"operation\": \"order-fulfilment\"}]"u8.ToArray(),
        "a string" => "\"order-fulfilment\""u8.ToArray(),
        "not UTF-8" => [0x7b, 0x22, 0xff, 0xfe, 0xc3, 0x28, 0x22, 0x7d],
        "empty" => [],
        "no value" => null,
        "5,000 deep" => Encoding.UTF8.GetBytes(
            string.Concat(Enumerable.Repeat("{\"payload\":", 5000)) + "1" + new string('}', 5000)),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private Task<ReadRecord> DeadLetterOfAsync(long offset, int partition) => Stack.DeadLetters.ReadAsync(
        record => record.Json.GetProperty("original_message") is var original
            && original.GetProperty("partition").GetInt32() == partition
            && original.GetProperty("offset").GetInt64() == offset,
        _timeout,
        $"the dead letter of {partition}/{offset}");

    private async Task AssertNextRequestIsHandledAsync(int partition)
    {
        var correlationId = await Stack.OrderAsync(Names.Next("next"), partition: partition);
        Assert.Equal("success", (await Stack.Responses.ReadAsync(correlationId, _timeout)).Field("status"));
    }
}
