using System.Text.Json.Nodes;
using Onex.Tests.Support;

namespace Onex.Tests.Fault;

/// <summary>Orders that are cancelled while a call is in flight, and the process that makes the call dies at that moment.</summary>
public sealed class CancelledOrderTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_charge_that_happened_is_refunded_although_who_made_it_died_before_telling()
    {
        await using var stack = await OnexStack.CreateAsync();
        var effects = (await stack.StartReadyAsync("main", "effects", "workers"))[1];
        var order = Names.Next("charged");
        stack.Outside.Treat(order, new Treatment { Latency = TimeSpan.FromSeconds(1) });
        var correlationId = await stack.OrderAsync(order);
        await Eventually.Async(() => stack.Outside.EffectsOf(order).Contains("charge"), _within, () => "the card is not charged");

        await effects.KillAsync();
        await CancelAsync(stack, order);
        await stack.InStateAsync(order, "unwinding", _within);
        await stack.StartReadyAsync("effects");

        Assert.Equal("cancel", (await stack.Responses.ReadAsync(correlationId, _within)).Field("code"));
        Assert.Equal(["reserve", "pack", "charge", "undo charge", "undo pack", "undo reserve"], stack.Outside.EffectsOf(order));
        Assert.Empty(stack.Outside.KeyViolations());
    }

    [Fact]
    public async Task A_call_that_nobody_had_made_yet_is_never_made()
    {
        await using var stack = await OnexStack.CreateAsync();
        await stack.StartReadyAsync("main", "workers");
        var order = Names.Next("uncalled");
        var correlationId = await stack.OrderAsync(order);
        await stack.InStateAsync(order, "reserving", _within);

        await CancelAsync(stack, order);

        Assert.Equal("cancel", (await stack.Responses.ReadAsync(correlationId, _within)).Field("code"));

        // Its command is still on the topic. The next order is behind it.
        await stack.StartReadyAsync("effects");
        var next = Names.Next("called");
        Assert.Equal("success", (await stack.Responses.ReadAsync(await stack.OrderAsync(next), _within)).Field("status"));
        Assert.DoesNotContain(stack.Outside.Calls, call => call.Order == order);
    }

    [Fact]
    public async Task Whatever_was_in_transit_what_was_done_is_compensated_and_nothing_else()
    {
        var random = OrderLoad.Seeded(output);
        await using var stack = await OnexStack.CreateAsync();
        var effects = (await stack.StartReadyAsync("main", "effects", "workers"))[1];
        var load = new OrderLoad(stack, new Random(random.Next()), output) { Regrets = 60 };
        var sending = load.SendAsync(OrderLoad.Orders / 2, inFlight: 20, _within);
        for (var round = 0; round < 3; round++)
        {
            await load.ProgressAsync(random.Next(10, 60), TimeSpan.FromSeconds(10));
            await effects.KillAsync();
            effects = (await stack.StartReadyAsync("effects"))[0];
        }

        await sending;
        await load.AllIsWellAsync(_within);
        Assert.InRange(load.Cancelled, 1, OrderLoad.Orders);
    }

    private static Task<string> CancelAsync(OnexStack stack, string order) =>
        stack.EventAsync("order-fulfilment.cancel", order, new JsonObject { ["reason"] = "changed mind" });
}
