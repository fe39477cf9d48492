using System.Text.Json.Nodes;

namespace Onex.Demo;

/// <summary>Acts for the customers of some orders: each sends another card or cancels, once.</summary>
internal sealed class Customer(Api api)
{
    private readonly HashSet<string> _acted = new(StringComparer.Ordinal);

    /// <summary>Lets each customer act whose order has reached the right state.</summary>
    public async Task ActAsync(IReadOnlyList<Saga> sagas, CancellationToken cancellation)
    {
        foreach (var saga in sagas.Where(saga => !saga.Ended && Event(saga) is not null && _acted.Add(saga.Order)))
        {
            var (name, data) = Event(saga)!.Value;
            await api.SendAsync(saga.Order, name, data, cancellation);
        }
    }

    private static (string Name, JsonObject Data)? Event(Saga saga)
    {
        var kind = OrderKind.For(saga.Order);
        return saga.State switch
        {
            "awaiting_new_card" when kind == OrderKind.NewCard => ("card_updated", []),
            "awaiting_new_card" when kind == OrderKind.GivenUp => ("cancel", new JsonObject { ["reason"] = "no other card" }),
            "charging" when kind == OrderKind.Regretted => ("cancel", new JsonObject { ["reason"] = "changed mind" }),
            _ => null,
        };
    }
}
