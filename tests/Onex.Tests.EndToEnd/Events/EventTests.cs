namespace Onex.Tests.EndToEnd.Events;

/// <summary>Events of an order, with a process of each role, on the broker and the database.</summary>
public sealed class EventTests(RunningStack running) : IClassFixture<RunningStack>
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private OnexStack Stack => running.Stack;

    [Fact]
    public async Task An_order_waits_for_another_card_and_then_completes()
    {
        var order = Names.Next("newcard");
        Stack.Services.Treat(order, new Treatment { CardExpired = true });
        var correlationId = await Stack.OrderAsync(order);
        await Stack.InStateAsync(order, "awaiting_new_card", _within);
        Assert.Equal(["waiting"], await Stack.Database.QueryAsync($"SELECT status FROM onex.sagas WHERE business_key = '{order}'"));

        await Stack.EventAsync("order-fulfilment.card_updated", order, []);

        var response = await Stack.Responses.ReadAsync(correlationId, _within);
        Assert.Equal("success", response.Field("status"));
        Assert.Equal(["reserve", "pack", "charge", "confirm"], Stack.Services.EffectsOf(order));
        await Stack.AssertNothingIsStuckAsync();
    }

    [Fact]
    public async Task An_order_cancelled_while_waiting_is_compensated()
    {
        var order = Names.Next("givenup");
        Stack.Services.Treat(order, new Treatment { CardExpired = true });
        var correlationId = await Stack.OrderAsync(order);
        await Stack.InStateAsync(order, "awaiting_new_card", _within);

        await Stack.EventAsync("order-fulfilment.cancel", order, new JsonObject { ["reason"] = "changed mind" });

        var response = await Stack.Responses.ReadAsync(correlationId, _within);
        Assert.Equal("cancel", response.Field("code"));
        Assert.Equal(["reserve", "pack", "undo pack", "undo reserve"], Stack.Services.EffectsOf(order));
    }

    [Fact]
    public async Task An_order_cancelled_during_its_charge_is_refunded_when_the_charge_happened()
    {
        var order = Names.Next("regretted");
        var answered = new TaskCompletionSource();
        Stack.Services.Treat(order, new Treatment { ChargeAnswered = answered.Task });
        var correlationId = await Stack.OrderAsync(order);
        await Eventually.Async(() => Stack.Services.EffectsOf(order).Contains("charge"), _within, () => "the card is not charged");

        await Stack.EventAsync("order-fulfilment.cancel", order, new JsonObject { ["reason"] = "changed mind" });
        await Stack.InStateAsync(order, "unwinding", _within);
        answered.SetResult();

        var response = await Stack.Responses.ReadAsync(correlationId, _within);
        Assert.Equal("cancel", response.Field("code"));
        Assert.Equal(["reserve", "pack", "charge", "undo charge", "undo pack", "undo reserve"], Stack.Services.EffectsOf(order));
        Assert.DoesNotContain(Stack.Services.KeyViolations(), violation => violation.StartsWith(order, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_duplicate_event_is_applied_once()
    {
        var order = Names.Next("twice");
        Stack.Services.Treat(order, new Treatment { CardExpired = true });
        var correlationId = await Stack.OrderAsync(order);
        await Stack.InStateAsync(order, "awaiting_new_card", _within);

        var envelopeId = OnexStack.NewId();
        await Stack.EventAsync("order-fulfilment.card_updated", order, [], envelopeId);
        await Stack.EventAsync("order-fulfilment.card_updated", order, [], envelopeId);

        Assert.Equal("success", (await Stack.Responses.ReadAsync(correlationId, _within)).Field("status"));
        Assert.Equal(["1"], await Stack.Database.QueryAsync($"SELECT count(*) FROM onex.inbox WHERE message_id = '{envelopeId}'"));
    }

    [Fact]
    public async Task An_event_without_a_saga_gets_an_error_that_names_the_event()
    {
        var correlationId = await Stack.EventAsync("order-fulfilment.card_updated", Names.Next("nobody"), []);

        var response = await Stack.Responses.ReadAsync(correlationId, _within);
        Assert.Equal("ONEX3023", response.Field("code"));
        Assert.Equal("order-fulfilment.card_updated", response.Field("operation"));
    }

    [Fact]
    public async Task An_event_whose_guard_is_false_gets_an_error_and_changes_nothing()
    {
        var order = Names.Next("noreason");
        Stack.Services.Treat(order, new Treatment { CardExpired = true });
        await Stack.OrderAsync(order);
        await Stack.InStateAsync(order, "awaiting_new_card", _within);

        var correlationId = await Stack.EventAsync("order-fulfilment.cancel", order, new JsonObject { ["reason"] = "" });

        Assert.Equal("ONEX3017", (await Stack.Responses.ReadAsync(correlationId, _within)).Field("code"));
        Assert.Equal(
            ["awaiting_new_card"], await Stack.Database.QueryAsync($"SELECT state FROM onex.sagas WHERE business_key = '{order}'"));
        await Stack.EventAsync("order-fulfilment.cancel", order, new JsonObject { ["reason"] = "out of stock" });
        await Stack.InStateAsync(order, "unwound", _within);
    }

    [Fact]
    public async Task An_invalid_event_payload_is_reported_with_its_position()
    {
        var correlationId = await Stack.EventAsync("order-fulfilment.cancel", "whoever", new JsonObject { ["reason"] = 7 });

        var response = await Stack.Responses.ReadAsync(correlationId, _within);
        Assert.Equal("ONEX3005", response.Field("code"));
        Assert.Contains("/reason", response.Field("error"));
    }
}
