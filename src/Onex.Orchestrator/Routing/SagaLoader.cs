using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Loads the data of a round: the sagas of its deliveries, large results, and the items and ledger entries that wake-ups need.
/// </summary>
internal sealed class SagaLoader(
    PlanCatalogue plans,
    IPayloads storedPayloads,
    SagaReader reader,
    LedgerInquiry inquiry,
    WantedItemReader wanted,
    OutgoingSender sender,
    SagaCache cache,
    MemoryBudget memory,
    RoundMetrics? metrics = null)
{
    private const int LoadedAtOnceMax = 1_000;

    // How many rows one query loads: fewer if they are large, so that few are read and then dropped.
    private int _loadedAtOnce = LoadedAtOnceMax;
    private int _resultsAtOnce = LoadedAtOnceMax;

    /// <summary>
    /// Loads the sagas of deliveries, as many as fit into memory while they are decided on.
    /// </summary>
    /// <returns>The sagas; the deliveries that can be decided now; and those that must wait for another round.</returns>
    public async Task<(Dictionary<SagaId, SagaWork> Works, IReadOnlyList<Delivery> Ready, List<Delivery> Again)> LoadAsync(
        IReadOnlyList<Delivery> deliveries, DateTimeOffset now, CancellationToken cancellation)
    {
        var again = new List<Delivery>();
        deliveries = WithoutMixed(deliveries, again);
        var works = await LoadSagasAsync(deliveries, cancellation);
        var ready = deliveries;
        if (!deliveries.All(delivery => works.ContainsKey(delivery.Message.SagaId)))
        {
            ready = [.. deliveries.Where(delivery => works.ContainsKey(delivery.Message.SagaId))];
            again.AddRange(deliveries.Where(delivery => !works.ContainsKey(delivery.Message.SagaId)));
        }

        ready = await wanted.AddItemsAsync(ready, works, cancellation);
        return (works, await inquiry.AddOutcomesAsync(ready, works, now, again, cancellation), again);
    }

    /// <summary>
    /// Loads results that were too large for their record, as many as fit into memory.
    /// </summary>
    /// <returns>The deliveries up to the first whose result has to wait, with their results; and the others.</returns>
    public async Task<(IReadOnlyList<Delivery> Now, IReadOnlyList<Delivery> Later)> LoadResultsAsync(
        IReadOnlyList<Delivery> deliveries, CancellationToken cancellation)
    {
        var refs = deliveries.Where(delivery => delivery.ResultRef is not null).Select(delivery => delivery.ResultRef!.Value)
            .Distinct().Take(_resultsAtOnce).ToList();
        if (refs.Count == 0)
        {
            return (deliveries, []);
        }

        var limit = new ReadLimit(memory.Batch);
        var payloads = await storedPayloads.LoadPayloadsAsync(refs, limit, cancellation);
        if (limit.IsReached)
        {
            // The store returns them in any order. The next query asks for the first one and as many as fitted this time.
            _resultsAtOnce = payloads.Count;
            refs = refs[..payloads.Count];
            if (!refs.TrueForAll(payloads.ContainsKey))
            {
                refs = refs[..1];
                payloads = await storedPayloads.LoadPayloadsAsync(refs, cancellation);
            }
        }
        else
        {
            _resultsAtOnce = Math.Min(_resultsAtOnce * 2, LoadedAtOnceMax);
        }

        var loaded = refs.ToHashSet();
        var now = deliveries.TakeWhile(delivery => delivery.ResultRef is not { } reference || loaded.Contains(reference))
            .Select(delivery => delivery is { ResultRef: { } reference, Message: StepResultArrived result }
                && payloads.TryGetValue(reference, out var payload)
                && payload.SagaId == result.SagaId
                    ? delivery with { Message = result with { Result = CelValue.FromJson(payload.Content.Utf8.Span) } }
                    : delivery)
            .ToList();
        return (now, now.Count == deliveries.Count ? [] : [.. deliveries.Skip(now.Count)]);
    }

    // A record that started a saga may be read again, when the saga exists already. The store recognizes that if the start is the only
    // delivery for its saga in a round.
    private static IReadOnlyList<Delivery> WithoutMixed(IReadOnlyList<Delivery> deliveries, List<Delivery> again)
    {
        var starts = deliveries.Where(delivery => delivery.Message is SagaStarted).Select(delivery => delivery.Message.SagaId).ToHashSet();
        if (starts.Count == 0 || (starts.Count == deliveries.Count))
        {
            return deliveries;
        }

        var ready = new List<Delivery>(deliveries.Count);
        var first = new HashSet<SagaId>();
        foreach (var delivery in deliveries)
        {
            (!starts.Contains(delivery.Message.SagaId) || first.Add(delivery.Message.SagaId) ? ready : again).Add(delivery);
        }

        return ready;
    }

    private async Task<Dictionary<SagaId, SagaWork>> LoadSagasAsync(IReadOnlyList<Delivery> deliveries, CancellationToken cancellation)
    {
        var works = new Dictionary<SagaId, SagaWork>();
        var missing = new List<SagaId>();
        var cached = 0;
        var weight = 0L;
        foreach (var delivery in deliveries)
        {
            var id = delivery.Message.SagaId;
            if (works.ContainsKey(id))
            {
                continue;
            }

            if (works.Count > 0 && (weight > memory.Batch || missing.Count == _loadedAtOnce))
            {
                break;
            }

            if (delivery.Message is SagaStarted started)
            {
                works[id] = new SagaWork(id, await plans.FindAsync(started.Facts.ContractHash, cancellation), null, 0);
            }
            else if (cache.Find(id) is { } known)
            {
                cached++;
                weight += known.Weight.Handled;
                works[id] = new SagaWork(id, known.Machine, known.Saga, known.Version, known.Input);
            }
            else
            {
                works[id] = new SagaWork(id, null, null, 0);
                missing.Add(id);
            }
        }

        metrics?.LookedUp(cached, missing.Count);

        // A saga that alone exceeds the memory gets all of it.
        if (weight > memory.Batch)
        {
            cache.Clear();
        }

        if (missing.Count > 0)
        {
            await ReadAsync(works, missing, Math.Max(1, memory.Batch - weight), cancellation);
        }

        return works;
    }

    private async Task ReadAsync(Dictionary<SagaId, SagaWork> works, List<SagaId> missing, long weightMax, CancellationToken cancellation)
    {
        using var reading = sender.BeginReading();
        var limit = new ReadLimit(weightMax);
        var loaded = new HashSet<SagaId>();
        foreach (var stored in await reader.ReadAsync(missing, limit, cancellation))
        {
            // Sends these before newer messages of the saga, because the orchestrator that committed them may have died before that.
            var row = stored.Row;
            sender.Send(row.Id, stored.Unsent, again: true);
            works[row.Id] = new SagaWork(row.Id, stored.Machine, stored.Saga, row.Version, stored.Input)
            {
                Unreadable = stored.Problem is { } problem ? (row, problem) : null,
            };
            loaded.Add(row.Id);
        }

        _loadedAtOnce = Math.Clamp(limit.IsReached ? loaded.Count + 1 : _loadedAtOnce * 2, 1, LoadedAtOnceMax);
        foreach (var left in limit.IsReached ? missing.Where(id => !loaded.Contains(id)) : [])
        {
            works.Remove(left);
        }
    }
}
