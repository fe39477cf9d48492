using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Splits a batch into parts that are handled one after the other. The saga of an event is looked up after the other deliveries of its part
/// are committed, so that a saga that starts before its event in the same batch is found. A saga that starts after the event is not its
/// target, so its start belongs to a later part.
/// </summary>
internal static class BatchOrder
{
    /// <summary>The parts of the batch, in order. Nearly always one.</summary>
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

            // Two events have one identity: the saga of the first one must be known before the second one is handled.
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
