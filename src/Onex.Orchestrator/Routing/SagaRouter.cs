using Microsoft.Extensions.Logging;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Engine;
using Onex.Orchestrator.Plans;
using Onex.Orchestrator.Requests;
using Onex.Orchestrator.Responses;
using Onex.Orchestrator.Sending;
using Onex.Orchestrator.Storage;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Stands before the state machines. Takes a batch of messages, loads the sagas they are for (from the cache, else in one query), passes each
/// message through its plan's machine, commits all that was decided in one transaction, and only then sends. Every decision, "nothing to do"
/// included, is checked against the saga's version in the database; what was decided on an old row is decided again.
/// </summary>
internal sealed class SagaRouter(
    PlanCatalogue plans,
    ISagaStore store,
    IEffectLedger ledger,
    OutgoingSender sender,
    RefusalSender refusals,
    MessageWriter messages,
    SagaCache cache,
    WakeupQueue wakeups,
    DatabaseClock clock,
    ILogger<SagaRouter> logger) : IDisposable
{
    private const int AcknowledgedPerCommit = 2_000;

    // The store and the cache are used by one batch at a time.
    private readonly SemaphoreSlim _gate = new(1, 1);

    /// <summary>Handles messages to their end: when it returns, the outcome of each is durable, or it is on its way to a dead-letter topic.</summary>
    public async Task HandleAsync(IReadOnlyList<WorkItem> items, CancellationToken cancellation)
    {
        if (items.Count == 0)
        {
            return;
        }

        await _gate.WaitAsync(cancellation);
        try
        {
            await LoadResultsAsync(items, cancellation);
            IReadOnlyList<WorkItem> open = items;
            while (open.Count > 0)
            {
                open = await RoundAsync(open, cancellation);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    /// <summary>Forgets what belongs to other readers from now on.</summary>
    public async Task ForgetAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        cache.EvictPartitions(partitions);
        _gate.Release();
    }

    // One commit. Gives back what must be decided again.
    private async Task<List<WorkItem>> RoundAsync(IReadOnlyList<WorkItem> items, CancellationToken cancellation)
    {
        var now = clock.Now;
        var works = await LoadAsync(items, now, cancellation);
        await AskLedgerAsync(items, works, now, cancellation);
        foreach (var item in items)
        {
            await DecideAsync(works[item.Message.SagaId], item, now, cancellation);
        }

        var batch = works.Values.Where(work => work.Items.Count > 0).ToList();
        var acknowledged = sender.TakeAcknowledged(AcknowledgedPerCommit);
        IReadOnlyList<CommitVerdict> verdicts;
        try
        {
            verdicts = await store.CommitAsync(new CommitBatch([.. batch.Select(work => work.ToEntry())], acknowledged), cancellation);
        }
        catch
        {
            sender.GiveBack(acknowledged);
            throw;
        }

        sender.Forgotten(acknowledged);
        var again = new List<WorkItem>();
        foreach (var (work, verdict) in batch.Zip(verdicts))
        {
            again.AddRange(Settle(work, verdict, cancellation));
        }

        return again;
    }

    private async Task<Dictionary<Guid, SagaWork>> LoadAsync(IReadOnlyList<WorkItem> items, DateTimeOffset now, CancellationToken cancellation)
    {
        var works = new Dictionary<Guid, SagaWork>();
        var missing = new List<Guid>();
        foreach (var item in items)
        {
            var id = item.Message.SagaId;
            if (works.ContainsKey(id))
            {
                continue;
            }

            if (item.Message is SagaStarted started)
            {
                works[id] = new SagaWork(id, await plans.FindAsync(started.Facts.ContractHash, cancellation), null, 0);
            }
            else if (cache.Find(id) is { } known)
            {
                works[id] = new SagaWork(id, known.Pipe, known.Saga, known.Version);
            }
            else
            {
                works[id] = new SagaWork(id, null, null, 0);
                missing.Add(id);
            }
        }

        if (missing.Count > 0)
        {
            foreach (var (id, loaded) in await store.LoadAsync(missing, cancellation))
            {
                works[id] = await FromStoreAsync(loaded, cancellation);
            }
        }

        return works;
    }

    private async Task<SagaWork> FromStoreAsync(LoadedSaga loaded, CancellationToken cancellation)
    {
        var row = loaded.Row;

        // Before anything newer of this saga: whoever committed these may have died before sending them.
        sender.Send(row.Id, loaded.Unsent, cancellation);
        if (await plans.FindAsync(row.ContractHash, cancellation) is not { } pipe)
        {
            logger.LogError(
                "Saga {SagaId} runs contract {Contract} {Version} ({Hash}), which is not registered here", row.Id, row.Contract, row.ContractVersion, row.ContractHash);
            return new SagaWork(row.Id, null, null, row.Version);
        }

        RawJson? output = null;
        if (row.EndedAt is not null)
        {
            var id = Identity.Payload(row.Id, "output");
            output = (await store.LoadPayloadsAsync([id], cancellation)).GetValueOrDefault(id)?.Content;
        }

        return new SagaWork(row.Id, pipe, SagaRows.FromRow(pipe.Plan, row, loaded.Input, output), row.Version);
    }

    // Results that were too large to travel.
    private async Task LoadResultsAsync(IReadOnlyList<WorkItem> items, CancellationToken cancellation)
    {
        var refs = items.Where(item => item.ResultRef is not null).Select(item => item.ResultRef!.Value).Distinct().ToList();
        if (refs.Count == 0)
        {
            return;
        }

        var payloads = await store.LoadPayloadsAsync(refs, cancellation);
        foreach (var item in items)
        {
            if (item is { ResultRef: { } reference, Message: StepResultArrived result } && payloads.TryGetValue(reference, out var payload))
            {
                item.Message = result with { Result = CelValue.FromJson(payload.Content.Utf8.Span) };
            }
        }
    }

    // A wake-up wants to know what became of the effects that never came back.
    private async Task AskLedgerAsync(
        IReadOnlyList<WorkItem> items, Dictionary<Guid, SagaWork> works, DateTimeOffset now, CancellationToken cancellation)
    {
        var asked = new List<Guid>();
        foreach (var item in items.Where(item => item.Message is TimerFired))
        {
            if (works[item.Message.SagaId] is { Saga: { } saga, Pipe: { } pipe })
            {
                asked.AddRange(Timers.InNeedOfLedger(pipe.Plan, saga, now));
            }
        }

        if (asked.Count == 0)
        {
            return;
        }

        var states = await ledger.LookUpAsync(asked, cancellation);
        var lookedUp = new List<Guid>();
        foreach (var item in items.Where(item => item.Message is TimerFired))
        {
            if (works[item.Message.SagaId] is not { Saga: { } saga, Pipe: { } pipe })
            {
                continue;
            }

            var leases = new Dictionary<Guid, Lease>();
            foreach (var id in Timers.InNeedOfLedger(pipe.Plan, saga, now))
            {
                if (!states.TryGetValue(id, out var state))
                {
                    continue;
                }

                // The outcome is known and was not told, or its telling is still on the way: take it from here.
                var attempt = saga.Outstanding.First(command => command.CommandId == id).Attempt;
                if (state.Outcome is { } outcome && (outcome.Outcome != StepOutcomes.Failed || outcome.Attempt >= attempt))
                {
                    item.Message = ResultReader.ToEvent(outcome, item.Message.CausedBy);
                    if (outcome.ResultRef is { } reference)
                    {
                        lookedUp.Add(reference);
                    }
                }
                else if (state.Outcome is null)
                {
                    leases[id] = new Lease(state.Attempt, state.Leased ? state.LeasedUntil : null);
                }
            }

            if (item.Message is TimerFired timer)
            {
                item.Message = timer with { Leases = leases };
            }
        }

        if (lookedUp.Count > 0)
        {
            await LoadLookedUpAsync(items, states, lookedUp, cancellation);
        }
    }

    private async Task LoadLookedUpAsync(
        IReadOnlyList<WorkItem> items, IReadOnlyDictionary<Guid, LedgerState> states, List<Guid> references, CancellationToken cancellation)
    {
        var payloads = await store.LoadPayloadsAsync(references, cancellation);
        foreach (var item in items)
        {
            if (item.Message is StepResultArrived result
                && states.TryGetValue(result.CommandId, out var state)
                && state.Outcome?.ResultRef is { } reference
                && payloads.TryGetValue(reference, out var payload))
            {
                item.Message = result with { Result = CelValue.FromJson(payload.Content.Utf8.Span) };
            }
        }
    }

    private async Task DecideAsync(SagaWork work, WorkItem item, DateTimeOffset now, CancellationToken cancellation)
    {
        try
        {
            if (work.Pipe is { } pipe && (work.Saga is not null || item.Message is SagaStarted))
            {
                var decision = await pipe.DecideAsync(work.Saga, item.Message, now, cancellation);
                if (decision is { Changed: true })
                {
                    work.Apply(decision, item.Message, messages);
                }
            }
            else if (work.ReadVersion > 0)
            {
                item.Entry?.Settle(new RecordOutcome.Dead(
                    ErrorCodes.PlanMissing, $"The contract version of saga {work.SagaId} is not registered here.", "PlanMissing", null));
            }

            work.Items.Add(item);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (StoreUnavailableException)
        {
            throw;
        }
#pragma warning disable CA1031 // One message that cannot be decided must hold up no other.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            logger.LogError(failure, "A message for saga {SagaId} cannot be handled", work.SagaId);
            item.Entry?.Settle(new RecordOutcome.Dead(ErrorCodes.HandlingFailed, failure.Message, failure.GetType().Name, null));
        }
    }

    // What follows from a verdict. Gives back what must be decided again.
    private IEnumerable<WorkItem> Settle(SagaWork work, CommitVerdict verdict, CancellationToken cancellation)
    {
        switch (verdict)
        {
            case CommitVerdict.Committed:
                Committed(work, cancellation);
                return [];
            case CommitVerdict.KnownRequest known:
                return work.Items.Select(item => Again(item, known.SagaId, known.Source, isDuplicate: true)).OfType<WorkItem>();
            case CommitVerdict.KeyTaken taken when work.Pipe!.Plan.OnDuplicate == DuplicatePolicy.Join:
                return work.Items.Select(item => Again(item, taken.SagaId, source: null, isDuplicate: false)).OfType<WorkItem>();
            case CommitVerdict.KeyTaken taken:
                work.Items.ForEach(item => RefuseKey(work, item, taken.SagaId, cancellation));
                return [];
            case CommitVerdict.Refused refused:
                return work.Items.Select(item => Refused(work, item, refused)).OfType<WorkItem>().ToList();
            default:
                cache.Evict(work.SagaId);
                return work.Items;
        }
    }

    private void Committed(SagaWork work, CancellationToken cancellation)
    {
        if (work.Saga is { } saga && work.Version > work.ReadVersion)
        {
            if (saga.EndedAt is null)
            {
                cache.Keep(new CachedSaga(saga, work.Version, work.Pipe!));
            }
            else
            {
                cache.Evict(work.SagaId);
            }

            sender.Send(work.SagaId, work.Outgoing, cancellation);
            RouterLog.Moved(logger, saga);
        }

        // After a wake-up that changed nothing, too: the queue has forgotten the time.
        if (work.Saga is { } current)
        {
            wakeups.Set(work.SagaId, current.Facts.HomePartition, current.EndedAt is null ? current.NextWakeupAt : null);
        }

        work.Items.ForEach(item => item.Done());
    }

    // A start whose saga is there already. A redelivery of the record that began it is silent.
    private static WorkItem? Again(WorkItem item, Guid sagaId, string? source, bool isDuplicate)
    {
        var started = (SagaStarted)item.Message;
        if (started.Facts.Asker.Source == source)
        {
            item.Done();
            return null;
        }

        item.Message = new RequestJoined
        {
            SagaId = sagaId,
            CausedBy = Identity.OfRequest(started.Facts.Asker.RequestId, "joined:" + started.Facts.Asker.Source),
            Waiter = new Waiter(started.Facts.Asker, isDuplicate),
        };
        return item;
    }

    private void RefuseKey(SagaWork work, WorkItem item, Guid liveSagaId, CancellationToken cancellation)
    {
        var asker = ((SagaStarted)item.Message).Facts.Asker;
        var refusal = new Refusal(
            ErrorCodes.KeyTaken,
            $"A live saga of '{work.Pipe!.Plan.Name}' ({liveSagaId}) has the business key '{work.Saga!.Facts.BusinessKey}'. "
            + "Wait for its end, or use another key.",
            "KeyTaken",
            asker);
        _ = refusals.AnswerAsync(item.Entry!, refusal, dead: false, cancellation);
    }

    // The database refuses a value. A result becomes a rejection that says so; anything else is a dead letter.
    private WorkItem? Refused(SagaWork work, WorkItem item, CommitVerdict.Refused refused)
    {
        cache.Evict(work.SagaId);
        var reason = $"The database refuses a value ({refused.SqlState}): {refused.Reason}";
        if (item is { WasRefused: false, Message: StepResultArrived result })
        {
            item.WasRefused = true;
            item.Message = result with { Outcome = StepOutcome.Rejected, Result = null, Code = EngineCodes.ResultInvalid, Message = reason };
            return item;
        }

        logger.LogError("A message for saga {SagaId} cannot be stored: {Reason}", work.SagaId, reason);
        item.Entry?.Settle(new RecordOutcome.Dead(ErrorCodes.HandlingFailed, reason, "DataRefused", null));
        return null;
    }
}
