using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Onex.Tests.Fault;

/// <summary>Sends orders of every type during faults and checks the results afterwards.</summary>
internal sealed class OrderLoad(OnexStack stack, Random random, ITestOutputHelper output)
{
    private readonly ConcurrentDictionary<string, (string Order, Treatment Treatment)> _sent = new();

    /// <summary>A generator with the seed <c>ONEX_SEED</c>, or a new seed. It is printed, so that a failing run can be repeated.</summary>
    public static Random Seeded(ITestOutputHelper output)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("ONEX_SEED"), out var number)
            ? number
            : (int)(TimeProvider.System.GetTimestamp() & 0xffffff);
        output.WriteLine($"ONEX_SEED={seed}");
        return new Random(seed);
    }

    /// <summary>The number of orders of a run: <c>ONEX_FAULT_ORDERS</c>, or 120.</summary>
    public static int Orders { get; } = int.TryParse(Environment.GetEnvironmentVariable("ONEX_FAULT_ORDERS"), out var set) ? set : 120;

    /// <summary>The percentage of orders that are cancelled at a random moment, possibly too early or too late.</summary>
    public int CancelledPercent { get; init; }

    /// <summary>About how many bytes an order of <see cref="BurstAsync"/> has in addition.</summary>
    public int Padding { get; init; }

    /// <summary>The number of cancelled orders.</summary>
    public int Cancelled =>
        _sent.Keys.Count(correlationId => stack.Responses.For(correlationId) is [var response, ..] && response.Field("code") == "cancel");

    /// <summary>The number of sent orders.</summary>
    public int Sent => _sent.Count;

    /// <summary>The number of answered orders.</summary>
    public int Answered => _sent.Keys.Count(correlationId => stack.Responses.For(correlationId).Count > 0);

    /// <summary>Sends orders with a bounded number in flight.</summary>
    public async Task SendAsync(int orders, int inFlight, TimeSpan within, TimeSpan pace = default)
    {
        var cancellations = new List<Task>();
        var correlationIds = new List<string>();
        for (var sent = 0; sent < orders; sent++)
        {
            var order = Names.Next("order");
            var treatment = random.Next(10) switch
            {
                0 => new Treatment { CardDeclined = true },
                1 => new Treatment { Failures = 1 },
                2 => new Treatment { Latency = TimeSpan.FromMilliseconds(300) },
                _ => new Treatment { Latency = TimeSpan.FromMilliseconds(10) },
            };
            stack.Services.Treat(order, treatment);
            var correlationId = OnexStack.NewId();
            _sent[correlationId] = (order, treatment);
            correlationIds.Add(correlationId);
            await stack.OrderAsync(order, correlationId);
            if (random.Next(100) < CancelledPercent)
            {
                cancellations.Add(CancelAsync(order, TimeSpan.FromMilliseconds(random.Next(30, 700))));
            }

            await Eventually.Async(
                () => correlationIds.Count(id => stack.Responses.For(id).Count == 0) < inFlight,
                within,
                () => $"of {Sent} orders {Answered} were answered, and no more");
            if (pace > TimeSpan.Zero)
            {
                await Task.Delay(pace, TimeProvider.System);
            }
        }

        await Task.WhenAll(cancellations);
    }

    /// <summary>Sends orders that each carry <see cref="Padding"/> without waiting for responses, as a backlog.</summary>
    public async Task BurstAsync(int orders)
    {
        for (var sent = 0; sent < orders; sent++)
        {
            var (order, correlationId) = (Names.Next("large"), OnexStack.NewId());
            stack.Services.Treat(order, Treatment.Well);
            _sent[correlationId] = (order, Treatment.Well);
            await SendPaddedAsync(order, correlationId);
        }
    }

    // A list of many small items, which takes far more memory when it is parsed than its bytes. An item has about 90 bytes.
    private async Task SendPaddedAsync(string order, string correlationId)
    {
        var payload = OnexStack.Order(order);
        var items = payload["items"]!.AsArray();
        for (var bytes = 0; bytes < Padding; bytes += 90)
        {
            items.Add(new JsonObject { ["sku"] = "tea-of-the-first-flush-of-the-northern-slopes-in-a-tin-of-two-ou", ["quantity"] = 1 });
        }

        await stack.RequestAsync("order-fulfilment", payload, correlationId);
    }

    /// <summary>Waits until the external services have received some more calls, or the time is over.</summary>
    public async Task ProgressAsync(int calls, TimeSpan atMost)
    {
        var target = stack.Services.Calls.Count + calls;
        var began = TimeProvider.System.GetTimestamp();
        await Eventually.Async(
            () => stack.Services.Calls.Count >= target || TimeProvider.System.GetElapsedTime(began) > atMost,
            atMost + TimeSpan.FromSeconds(5),
            () => "the wait has not ended with its time");
    }

    private async Task CancelAsync(string order, TimeSpan after)
    {
        await Task.Delay(after, TimeProvider.System);
        await stack.EventAsync("order-fulfilment.cancel", order, new JsonObject { ["reason"] = "changed mind" });
    }

    /// <summary>Checks that every order was completed unless its card was declined.</summary>
    public void AssertOnlyDeclinedOrdersFailed() => Assert.All(
        _sent,
        sent => Assert.Equal(sent.Value.Treatment.CardDeclined ? "error" : "success", stack.Responses.For(sent.Key)[0].Field("status")));

    /// <summary>
    /// Checks that all orders end with one response each and one idempotency key per order, step and direction, and that the effects match
    /// the final state.
    /// </summary>
    /// <param name="within">How long that may take.</param>
    /// <param name="otherOrders">Orders that are not part of this load.</param>
    public async Task AssertConsistentAsync(TimeSpan within, params IReadOnlyCollection<string> otherOrders)
    {
        var took = await Eventually.Async(
            () => Answered == Sent,
            within,
            () => $"of {Sent} orders {Answered} were answered; the others: " + string.Join(
                ' ', _sent.Where(sent => stack.Responses.For(sent.Key).Count == 0).Select(sent => sent.Value.Order)));
        await stack.AllEndedAsync(Sent + otherOrders.Count, TimeSpan.FromMinutes(1));
        stack.AssertOneResponseEach([.. _sent.Keys]);
        AssertEffects(otherOrders);
        var copies = _sent.Keys.Sum(correlationId => stack.Responses.For(correlationId).Count) - Sent;
        output.WriteLine($"the last order ended {took.TotalSeconds:0.0} s after the load; {copies} copies of responses");
    }

    /// <summary>
    /// Like <see cref="AssertConsistentAsync"/>, but an order may have several responses, one for each time that its saga ended. They have
    /// different identities, but are of the same saga and have the same content.
    /// </summary>
    public async Task AssertConsistentAfterRestoreAsync(TimeSpan within)
    {
        await stack.AllEndedAsync(Sent, within);
        await Eventually.Async(() => Answered == Sent, within, () => $"of {Sent} orders {Answered} were answered");
        foreach (var correlationId in _sent.Keys)
        {
            Assert.Single(stack.Responses.For(correlationId).Select(response => response.Field("saga_id")).Distinct());
            Assert.Single(stack.Responses.For(correlationId).Select(response => response.Field("payload")).Distinct());
        }

        AssertEffects([]);
    }

    private void AssertEffects(IReadOnlyCollection<string> otherOrders)
    {
        Assert.DoesNotContain(stack.Services.KeyViolations(), violation => !otherOrders.Contains(violation.Split(' ')[0]));

        var completed = 0;
        foreach (var (correlationId, (order, treatment)) in _sent)
        {
            var response = stack.Responses.For(correlationId)[0];
            var effects = stack.Services.EffectsOf(order);
            if (response.Field("status") == "success")
            {
                completed++;
                Assert.False(treatment.CardDeclined, $"{order} was declined and completed");
                Assert.Equal(["reserve", "pack", "charge", "confirm"], effects);
            }
            else
            {
                Assert.Equal("error", response.Field("status"));
                var done = effects.Where(effect => !effect.StartsWith("undo ", StringComparison.Ordinal)).ToList();
                Assert.Equal([.. done, .. done.AsEnumerable().Reverse().Select(effect => $"undo {effect}")], effects);
                Assert.DoesNotContain("confirm", done);
                if (treatment.CardDeclined && response.Field("code") == "card_declined")
                {
                    Assert.Equal(["reserve", "pack"], done);
                }
            }
        }

        output.WriteLine(
            $"{Sent} orders ended: {completed} completed, {Sent - completed} compensated, {Cancelled} of them cancelled; "
            + $"{stack.Services.Calls.Count} calls of services");
    }
}
