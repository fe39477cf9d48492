namespace Onex.Tests.EndToEnd.Orders;

/// <summary>contracts/order-fulfilment.yaml, with a process of each role, on the broker and the database.</summary>
public sealed class OrderFulfilmentTests(RunningStack running) : IClassFixture<RunningStack>
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    private OnexStack Stack => running.Stack;

    [Fact]
    public async Task Ten_orders_in_records_without_a_key_get_ten_responses()
    {
        var orders = Enumerable.Range(1, 10).Select(number => Names.Next($"ten{number}")).ToList();
        var correlationIds = await Task.WhenAll(orders.Select(order => Stack.OrderAsync(order)));

        foreach (var (order, correlationId) in orders.Zip(correlationIds))
        {
            var response = await Stack.Responses.ReadAsync(correlationId, _timeout);
            Assert.Equal("success", response.Field("status"));
            Assert.Equal("order-fulfilment", response.Field("operation"));
            Assert.Equal(correlationId, response.Key);
            var payload = response.Json.GetProperty("payload");
            Assert.Equal(order, payload.GetProperty("order_id").GetString());
            Assert.Equal($"b-{order}", payload.GetProperty("parcel").GetString());
            Assert.Equal($"p-{order}", payload.GetProperty("payment").GetString());
            Assert.Equal(Sha256(order), payload.GetProperty("seal").GetString());
            Assert.Equal(["reserve", "pack", "charge", "confirm"], Stack.Services.EffectsOf(order));
        }

        Stack.AssertOneResponseEach(correlationIds);
        Assert.Equal(
            ["done|10"],
            await Stack.Database.QueryAsync(
                "SELECT state, count(*) FROM onex.sagas WHERE business_key LIKE '%ten%' GROUP BY 1"));
    }

    [Fact]
    public async Task The_history_of_an_order_lists_its_events_in_order()
    {
        var correlationId = await Stack.OrderAsync(Names.Next("story"));
        await Stack.Responses.ReadAsync(correlationId, _timeout);

        var history = await Stack.Database.QueryAsync(
            $"""
            SELECT kind, state, step FROM onex.saga_history
            WHERE saga_id = (SELECT id FROM onex.sagas WHERE correlation_id = '{correlationId}') ORDER BY version, ordinal
            """);
        Assert.StartsWith("started|", history[0], StringComparison.Ordinal);
        Assert.StartsWith("ended|done|", history[^1], StringComparison.Ordinal);
        Assert.Equal(
            ["reserving", "packing", "charging", "sealing", "confirming", "done"],
            history.Where(row => row.StartsWith("state_entered|", StringComparison.Ordinal)).Select(row => row.Split('|')[1]));
        Assert.Equal(
            ["reserve", "pack", "charge", "seal", "confirm"],
            history.Where(row => row.StartsWith("step_completed|", StringComparison.Ordinal)).Select(row => row.Split('|')[2]));

        var times = await Stack.Database.QueryAsync(
            $"""
            SELECT count(*) FROM (
              SELECT at < lag(at) OVER (ORDER BY version, ordinal) AS back FROM onex.saga_history
              WHERE saga_id = (SELECT id FROM onex.sagas WHERE correlation_id = '{correlationId}')) AS steps WHERE back
            """);
        Assert.Equal(["0"], times);
    }

    [Fact]
    public async Task A_declined_card_compensates_each_completed_step_once_in_reverse_order()
    {
        var order = Names.Next("declined");
        Stack.Services.Treat(order, new Treatment { CardDeclined = true });
        var correlationId = await Stack.OrderAsync(order);

        var response = await Stack.Responses.ReadAsync(correlationId, _timeout);

        Assert.Equal("error", response.Field("status"));
        Assert.False(response.Json.GetProperty("success").GetBoolean());
        Assert.Equal("card_declined", response.Field("code"));
        Assert.False(string.IsNullOrWhiteSpace(response.Field("error")));
        Assert.Equal(order, response.Json.GetProperty("details").GetProperty("order_id").GetString());
        Assert.Equal("card_declined", response.Json.GetProperty("details").GetProperty("reason").GetString());
        Assert.Equal(["reserve", "pack", "undo pack", "undo reserve"], Stack.Services.EffectsOf(order));
        Assert.Single(Stack.Services.Calls, call => call.Order == order && call.Step == "charge");
        Assert.Equal(
            ["unwound|failed"],
            await Stack.Database.QueryAsync($"SELECT state, status FROM onex.sagas WHERE correlation_id = '{correlationId}'"));
        Stack.AssertOneResponseEach([correlationId]);
    }

    [Fact]
    public async Task An_order_completes_after_three_503_responses()
    {
        var order = Names.Next("flaky");
        Stack.Services.Treat(order, new Treatment { Failures = 3 });
        var correlationId = await Stack.OrderAsync(order);

        var response = await Stack.Responses.ReadAsync(correlationId, _timeout);

        Assert.Equal("success", response.Field("status"));
        Assert.Equal(["reserve", "pack", "charge", "confirm"], Stack.Services.EffectsOf(order));
        Assert.Equal(4, Stack.Services.Calls.Count(call => call.Order == order && call.Step == "reserve"));
        Assert.DoesNotContain(Stack.Services.KeyViolations(), violation => violation.StartsWith(order, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_duplicate_request_gets_the_same_response_marked_as_a_duplicate()
    {
        var order = Names.Next("again");
        var envelopeId = OnexStack.NewId();
        var correlationId = await Stack.OrderAsync(order, envelopeId: envelopeId);
        var first = await Stack.Responses.ReadAsync(correlationId, _timeout);

        await Stack.OrderAsync(order, correlationId, envelopeId);

        var second = await Stack.Responses.ReadAsync(
            record => record.CorrelationId == correlationId && record.Field("status") == "duplicate",
            _timeout, "the answer to the duplicate");
        Assert.Equal("success", second.Field("original_status"));
        Assert.Equal(envelopeId, second.Field("envelope_id"));
        Assert.Equal(first.Json.GetProperty("payload").GetRawText(), second.Json.GetProperty("payload").GetRawText());
        Assert.Equal(["reserve", "pack", "charge", "confirm"], Stack.Services.EffectsOf(order));
    }

    [Fact]
    public async Task A_second_request_for_an_order_in_progress_is_rejected()
    {
        var order = Names.Next("twice");
        Stack.Services.Treat(order, new Treatment { CardExpired = true });
        var first = await Stack.OrderAsync(order);
        await Stack.InStateAsync(order, "awaiting_new_card", _timeout);

        var second = await Stack.OrderAsync(order);

        var rejected = await Stack.Responses.ReadAsync(second, _timeout);
        Assert.Equal(("error", "ONEX3009"), (rejected.Field("status"), rejected.Field("code")));
        await Stack.EventAsync("order-fulfilment.card_updated", order, []);
        Assert.Equal("success", (await Stack.Responses.ReadAsync(first, _timeout)).Field("status"));
        Assert.Equal(["reserve", "pack", "charge", "confirm"], Stack.Services.EffectsOf(order));
    }

    private static string Sha256(string text) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
}
