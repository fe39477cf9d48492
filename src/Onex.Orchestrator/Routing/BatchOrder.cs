using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Splits a batch into parts that are handled one after the other. In a part, all deliveries but the events are committed first. Then the
/// sagas of the events are looked up, so that a saga that starts before its event in the same batch is found. A saga that starts after the
/// event is not its target, so its start belongs to a later part.
/// </summary>
internal static class BatchOrder
{
    /// <summary>The parts of the batch, in order. Nearly always one.</summary>
    public static IEnumerable<IReadOnlyList<Delivery>> Split(IReadOnlyList<Delivery> deliveries)
    {
        if (!deliveries.Any(delivery => delivery.IsUnaddressed))
        {
            return [deliveries];
        }

        var parts = new List<List<Delivery>> { new() };
        var eventTargets = new HashSet<(string Contract, string Name)>();
        var identities = new Dictionary<MessageId, Guid?>();
        foreach (var delivery in deliveries)
        {
            if (delivery.Message is SagaStarted { Facts: var facts } && NamesOf(facts).Any(eventTargets.Contains))
            {
                parts.Add([]);
                eventTargets.Clear();
            }

            // The second of two different events with one identity is rejected, but only once the first one is committed.
            if (delivery is { IsUnaddressed: true, Event: { Requester: { RequestHash: var hash }, MessageId: var id } })
            {
                if (identities.TryGetValue(id, out var other) && RequestHash.Differ(other, hash))
                {
                    parts.Add([]);
                    eventTargets.Clear();
                    identities.Clear();
                }

                identities[id] = hash;
            }

            if (delivery is { IsUnaddressed: true, Event: { Address: var address } })
            {
                eventTargets.Add(NameOf(address));
            }

            parts[^1].Add(delivery);
        }

        return parts;
    }

    /// <summary>The business key of an event's target, else the correlation id, even if the target is a saga id.</summary>
    public static (string Contract, string Name) NameOf(EventAddress address) =>
        address.BusinessKey is { } key ? NameOf(address.Contract, key) : (address.Contract, address.CorrelationId.ToString()!);

    /// <summary>The name of a saga with a business key.</summary>
    public static (string Contract, string Name) NameOf(string contract, string businessKey) => (contract, "key:" + businessKey);

    /// <summary>The names under which events find a saga that starts.</summary>
    public static IEnumerable<(string Contract, string Name)> NamesOf(SagaFacts facts)
    {
        yield return (facts.Contract, facts.Requester.CorrelationId.ToString());
        if (facts.BusinessKey is { } key)
        {
            yield return NameOf(facts.Contract, key);
        }
    }
}
