using System.Text.Json.Nodes;

namespace Onex.Tests.Fault;

/// <summary>Orders that are cancelled before a call is made, or while it is in flight and the process that makes it dies.</summary>
public sealed class CancelledOrderTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_charge_is_refunded_although_its_process_died_before_reporting_it()
    {
        await using var stack = await OnexStack.CreateAsync();
        var effects = (await stack.StartReadyAsync("main", "effects", "workers"))[1];
        var order = Names.Next("charged");
        stack.Services.Treat(order, new Treatment { Latency = TimeSpan.FromSeconds(1) });
        var correlationId = await stack.OrderAsync(order);
        await Eventually.Async(() => stack.Services.EffectsOf(order).Contains("charge"), _within, () => "the card is not charged");

        await effects.KillAsync();
        await CancelAsync(stack, order);
        await stack.InStateAsync(order, "unwinding", _within);
        await stack.StartReadyAsync("effects");

        Assert.Equal("cancel", (await stack.Responses.ReadAsync(correlationId, _within)).Field("code"));
        Assert.Equal(["reserve", "pack", "charge", "undo charge", "undo pack", "undo reserve"], stack.Services.EffectsOf(order));
        Assert.Empty(stack.Services.KeyViolations());
    }

    [Fact]
    public async Task A_call_not_made_before_the_cancellation_is_never_made()
    {
        await using var stack = await OnexStack.CreateAsync();
        await stack.StartReadyAsync("main", "workers");
        var order = Names.Next("uncalled");
        var correlationId = await stack.OrderAsync(order);
        await stack.InStateAsync(order, "reserving", _within);

        await CancelAsync(stack, order);

        Assert.Equal("cancel", (await stack.Responses.ReadAsync(correlationId, _within)).Field("code"));

        // The command of the cancelled order is still on the topic, before that of the next order.
        await stack.StartReadyAsync("effects");
        var next = Names.Next("called");
        Assert.Equal("success", (await stack.Responses.ReadAsync(await stack.OrderAsync(next), _within)).Field("status"));
        Assert.DoesNotContain(stack.Services.Calls, call => call.Order == order);
    }

    [Fact]
    public async Task Exactly_the_completed_steps_are_compensated_although_results_are_in_transit()
    {
        var random = OrderLoad.Seeded(output);
        await using var stack = await OnexStack.CreateAsync();
        var effects = (await stack.StartReadyAsync("main", "effects", "workers"))[1];
        var load = new OrderLoad(stack, new Random(random.Next()), output) { CancelledPercent = 60 };
        var sending = load.SendAsync(OrderLoad.Orders / 2, inFlight: 20, _within);
        for (var round = 0; round < 3; round++)
        {
            await load.ProgressAsync(random.Next(10, 60), TimeSpan.FromSeconds(10));
            await effects.KillAsync();
            effects = (await stack.StartReadyAsync("effects"))[0];
        }

        await sending;
        await load.AssertConsistentAsync(_within);
        Assert.InRange(load.Cancelled, 1, OrderLoad.Orders);
    }

    private static Task<string> CancelAsync(OnexStack stack, string order) =>
        stack.EventAsync("order-fulfilment.cancel", order, new JsonObject { ["reason"] = "changed mind" });
}
