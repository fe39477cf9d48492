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
/// Loads the data of a round: the sagas of its deliveries, large results, and the items and ledger entries that wake-ups need. Sends the
/// unsent messages of the sagas that it reads.
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
    private const int RowsPerQueryMax = 1_000;

    // How many rows one query may load: fewer if the last ones were large, so that few are read in vain.
    private int _sagasPerQuery = RowsPerQueryMax;
    private int _resultsPerQuery = RowsPerQueryMax;

    /// <summary>
    /// Loads the sagas of deliveries, as many as fit into memory while they are decided on.
    /// </summary>
    /// <returns>The sagas; the deliveries that can be decided now; and those that must wait for another round.</returns>
    public async Task<(Dictionary<SagaId, SagaWork> Works, IReadOnlyList<Delivery> Ready, List<Delivery> Undecided)> LoadAsync(
        IReadOnlyList<Delivery> deliveries, DateTimeOffset now, CancellationToken cancellation)
    {
        var undecided = new List<Delivery>();
        deliveries = Separate(deliveries, undecided);
        var works = await LoadSagasAsync(deliveries, cancellation);
        var ready = deliveries;
        if (!deliveries.All(delivery => works.ContainsKey(delivery.Message.SagaId)))
        {
            ready = [.. deliveries.Where(delivery => works.ContainsKey(delivery.Message.SagaId))];
            undecided.AddRange(deliveries.Where(delivery => !works.ContainsKey(delivery.Message.SagaId)));
        }

        ready = await wanted.AddItemsAsync(ready, works, cancellation);
        return (works, await inquiry.AddOutcomesAsync(ready, works, now, undecided, cancellation), undecided);
    }

    /// <summary>
    /// Loads results that were too large for their record, as many as fit into memory.
    /// </summary>
    /// <returns>The deliveries before the first whose result has to wait, with their results; and the others.</returns>
    public async Task<(IReadOnlyList<Delivery> Now, IReadOnlyList<Delivery> Later)> LoadResultsAsync(
        IReadOnlyList<Delivery> deliveries, CancellationToken cancellation)
    {
        var refs = deliveries.Where(delivery => delivery.ResultRef is not null).Select(delivery => delivery.ResultRef!.Value)
            .Distinct().Take(_resultsPerQuery).ToList();
        if (refs.Count == 0)
        {
            return (deliveries, []);
        }

        var limit = new ReadLimit(memory.Batch);
        var payloads = await storedPayloads.LoadPayloadsAsync(refs, limit, cancellation);
        if (limit.IsReached)
        {
            // The store returns the results in any order. If the first ones are not among them, this loads the very first one alone.
            _resultsPerQuery = payloads.Count;
            refs = refs[..payloads.Count];
            if (!refs.TrueForAll(payloads.ContainsKey))
            {
                refs = refs[..1];
                payloads = await storedPayloads.LoadPayloadsAsync(refs, cancellation);
            }
        }
        else
        {
            _resultsPerQuery = Math.Min(_resultsPerQuery * 2, RowsPerQueryMax);
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

    // A record that started a saga may be read again when the saga exists. The store recognizes that only if the start is the only delivery
    // for its saga in a round. So of the deliveries for a saga with a start, or with one that must be alone, all but the first wait for
    // another round.
    private static IReadOnlyList<Delivery> Separate(IReadOnlyList<Delivery> deliveries, List<Delivery> undecided)
    {
        var separated = deliveries.Where(delivery => delivery.Message is SagaStarted || delivery.IsAlone)
            .Select(delivery => delivery.Message.SagaId).ToHashSet();
        if (separated.Count == 0 || separated.Count == deliveries.Count)
        {
            return deliveries;
        }

        var ready = new List<Delivery>(deliveries.Count);
        var readySagas = new HashSet<SagaId>();
        foreach (var delivery in deliveries)
        {
            var isReady = !separated.Contains(delivery.Message.SagaId) || readySagas.Add(delivery.Message.SagaId);
            (isReady ? ready : undecided).Add(delivery);
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

            if (works.Count > 0 && (weight > memory.Batch || missing.Count == _sagasPerQuery))
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
                works[id] = new SagaWork(id, known.Machine, known.Saga, known.Version, known.InputWeight);
            }
            else
            {
                works[id] = new SagaWork(id, null, null, 0);
                missing.Add(id);
            }
        }

        metrics?.LookedUp(cached, missing.Count);

        // A single saga may exceed the limit; then it needs the memory of the cache, too.
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
            // Sends unsent messages before newer ones of the saga. The orchestrator that committed them may have died before it sent them.
            var row = stored.Row;
            sender.Send(row.Id, stored.Unsent, isFromOutbox: true);
            works[row.Id] = new SagaWork(row.Id, stored.Machine, stored.Saga, row.Version, stored.InputWeight)
            {
                UnreadableRow = stored.Problem is { } problem ? (row, problem) : null,
            };
            loaded.Add(row.Id);
        }

        _sagasPerQuery = Math.Clamp(limit.IsReached ? loaded.Count + 1 : _sagasPerQuery * 2, 1, RowsPerQueryMax);
        foreach (var notLoaded in limit.IsReached ? missing.Where(id => !loaded.Contains(id)) : [])
        {
            works.Remove(notLoaded);
        }
    }
}
