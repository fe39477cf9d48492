using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Which messages of a batch may be handled together. Events find their saga after everything else of their part is committed, so that a saga
/// that starts in the same batch before its event is found; one that starts after it is not what the event was for, so it belongs to another part.
/// </summary>
internal static class BatchOrder
{
    /// <summary>The batch in parts, to be handled one after the other. Nearly always one.</summary>
    public static IEnumerable<IReadOnlyList<Delivery>> Parts(IReadOnlyList<Delivery> deliveries)
    {
        if (!deliveries.Any(delivery => delivery.IsUnaddressed))
        {
            return [deliveries];
        }

        var parts = new List<List<Delivery>> { new() };
        var awaited = new HashSet<(string Contract, string Name)>();
        var identities = new Dictionary<MessageId, Guid?>();
        foreach (var delivery in deliveries)
        {
            if (delivery.Message is SagaStarted { Facts: var facts } && Names(facts).Any(awaited.Contains))
            {
                parts.Add([]);
                awaited.Clear();
            }

            // Two events under one identity: which saga has taken the first one is to be seen before the second one is looked at.
            if (delivery is { IsUnaddressed: true, Event: { Requester: { RequestHash: var hash }, MessageId: var id } })
            {
                if (identities.TryGetValue(id, out var other) && RequestHash.Differ(other, hash))
                {
                    parts.Add([]);
                    awaited.Clear();
                    identities.Clear();
                }

                identities[id] = hash;
            }

            if (delivery is { IsUnaddressed: true, Event: { Address: var address } })
            {
                awaited.Add((address.Contract, address.BusinessKey is { } key ? "key:" + key : address.CorrelationId.ToString()));
            }

            parts[^1].Add(delivery);
        }

        return parts;
    }

    private static IEnumerable<(string Contract, string Name)> Names(SagaFacts facts)
    {
        yield return (facts.Contract, facts.Requester.CorrelationId.ToString());
        if (facts.BusinessKey is { } key)
        {
            yield return (facts.Contract, "key:" + key);
        }
    }
}
