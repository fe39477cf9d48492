using Microsoft.Extensions.Logging;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Outbox;
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
    SagaReader reader,
    LedgerInquiry inquiry,
    WantedItemReader wanted,
    EventTargets targets,
    OutgoingSender sender,
    RejectionSender rejections,
    MessageWriter messages,
    SagaCache cache,
    WakeupQueue wakeups,
    SagaSignals signals,
    RouterHealth health,
    DatabaseClock clock,
    MemoryBudget memory,
    ILogger<SagaRouter> logger) : IDisposable
{
    private const int AcknowledgedPerCommit = 2_000;
    private const int LoadedAtOnceMax = 1_000;

    // The store and the cache are used by one batch at a time.
    private readonly SemaphoreSlim _gate = new(1, 1);

    // How many sagas are asked for in one query: fewer where they are large, so that little is read in vain.
    private int _loadedAtOnce = LoadedAtOnceMax;
    private int _resultsAtOnce = LoadedAtOnceMax;

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
            while (items.Count > 0)
            {
                var (now, later) = await LoadResultsAsync(items, cancellation);
                foreach (var part in BatchOrder.Parts(now))
                {
                    var open = part;
                    while (open.Count > 0)
                    {
                        open = await StepAsync(open, cancellation);
                    }
                }

                items = later;
            }

            health.Worked();
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            health.Failed(failure);
            if (MemoryShortage.Is(failure))
            {
                cache.Clear();
            }

            throw;
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

    // What has a saga first; once that is settled, the events that look for one, in an order that a saga's start cannot come too late for.
    private async Task<IReadOnlyList<WorkItem>> StepAsync(IReadOnlyList<WorkItem> open, CancellationToken cancellation)
    {
        var waiting = open.Where(item => item.IsUnaddressed).ToList();
        if (waiting.Count == 0)
        {
            return await RoundAsync(open, cancellation);
        }

        return waiting.Count < open.Count
            ? [.. await RoundAsync([.. open.Where(item => !item.IsUnaddressed)], cancellation), .. waiting]
            : await RoundAsync(await targets.FindAsync(waiting, clock.Now, cancellation), cancellation);
    }

    // One commit. Gives back what must be decided again.
    private async Task<List<WorkItem>> RoundAsync(IReadOnlyList<WorkItem> items, CancellationToken cancellation)
    {
        // What is committed must leave, or it would be held here.
        await sender.RoomAsync(cancellation);
        var now = clock.Now;
        foreach (var item in items)
        {
            item.Forget();
        }

        var (works, again) = await LoadAsync(items, cancellation);
        items = again.Count == 0 ? items : [.. items.Except(again)];
        await wanted.BringAsync(items, works, cancellation);
        foreach (var item in await inquiry.AskAsync(items, works, now, again, cancellation))
        {
            await DecideAsync(works[item.Message.SagaId], item, now, cancellation);
        }

        // Nothing of this throws any more because of a single saga: what is committed of each was made when it was decided.
        var batch = works.Values.Where(work => work.Items.Count > 0).ToList();
        var acknowledged = sender.TakeAcknowledged(AcknowledgedPerCommit);
        IReadOnlyList<CommitResult> verdicts;
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
        foreach (var (work, verdict) in batch.Zip(verdicts))
        {
            again.AddRange(Settle(work, verdict, cancellation));
        }

        return again;
    }

    // The sagas of the messages, as many as there is memory for while something is decided on them. The messages of the others come later.
    private async Task<(Dictionary<Guid, SagaWork> Works, List<WorkItem> Later)> LoadAsync(IReadOnlyList<WorkItem> items, CancellationToken cancellation)
    {
        var works = new Dictionary<Guid, SagaWork>();
        var missing = new List<Guid>();
        var weight = 0L;
        foreach (var item in items)
        {
            var id = item.Message.SagaId;
            if (works.ContainsKey(id))
            {
                continue;
            }

            if (works.Count > 0 && (weight > memory.Batch || missing.Count == _loadedAtOnce))
            {
                break;
            }

            if (item.Message is SagaStarted started)
            {
                works[id] = new SagaWork(id, await plans.FindAsync(started.Facts.ContractHash, cancellation), null, 0);
            }
            else if (cache.Find(id) is { } known)
            {
                weight += known.Weight.Handled;
                works[id] = new SagaWork(id, known.Pipe, known.Saga, known.Version, known.Input);
            }
            else
            {
                works[id] = new SagaWork(id, null, null, 0);
                missing.Add(id);
            }
        }

        // What must be handled alone needs all the room that there is.
        if (weight > memory.Batch)
        {
            cache.Clear();
        }

        if (missing.Count > 0)
        {
            using var reading = sender.BeginReading();
            var limit = new ReadLimit(Math.Max(1, memory.Batch - weight));
            var loaded = new HashSet<Guid>();
            foreach (var stored in await reader.ReadAsync(missing, limit, cancellation))
            {
                // Before anything newer of this saga: whoever committed these may have died before sending them.
                var row = stored.Row;
                sender.Send(row.Id, stored.Unsent, again: true);
                works[row.Id] = new SagaWork(row.Id, stored.Pipe, stored.Saga, row.Version, stored.Input)
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

        return (works, [.. items.Where(item => !works.ContainsKey(item.Message.SagaId))]);
    }

    // Results that were too large to travel, as many as there is memory for: the messages up to the first that has to wait for its own.
    private async Task<(IReadOnlyList<WorkItem> Now, IReadOnlyList<WorkItem> Later)> LoadResultsAsync(
        IReadOnlyList<WorkItem> items, CancellationToken cancellation)
    {
        var refs = items.Where(item => item.ResultRef is not null).Select(item => item.ResultRef!.Value).Distinct().Take(_resultsAtOnce).ToList();
        if (refs.Count == 0)
        {
            return (items, []);
        }

        var limit = new ReadLimit(memory.Batch);
        var payloads = await store.LoadPayloadsAsync(refs, limit, cancellation);
        if (limit.IsReached)
        {
            // In whatever order they came: the first one certainly, and of the next as many as have fitted now.
            _resultsAtOnce = payloads.Count;
            refs = refs[..payloads.Count];
            if (!refs.TrueForAll(payloads.ContainsKey))
            {
                refs = refs[..1];
                payloads = await store.LoadPayloadsAsync(refs, cancellation);
            }
        }
        else
        {
            _resultsAtOnce = Math.Min(_resultsAtOnce * 2, LoadedAtOnceMax);
        }

        var asked = refs.ToHashSet();
        var now = items.TakeWhile(item => item.ResultRef is not { } wanted || asked.Contains(wanted)).ToList();
        foreach (var item in now)
        {
            if (item is { ResultRef: { } reference, Message: StepResultArrived result } && payloads.TryGetValue(reference, out var payload))
            {
                item.Become(result with { Result = CelValue.FromJson(payload.Content.Utf8.Span) });
            }
        }

        return now.Count == items.Count ? (items, []) : (now, [.. items.Skip(now.Count)]);
    }

    private async Task DecideAsync(SagaWork work, WorkItem item, DateTimeOffset now, CancellationToken cancellation)
    {
        work.Items.Add(item);
        try
        {
            if (item.HandlingFailure is { } known)
            {
                Log.MessageNotHandled(logger, work.SagaId, known.Reason);
                SetAside(work, item, known, now);
            }
            else if (work.Unreadable is { } unreadable)
            {
                item.Break(new HandlingFailure(ErrorCodes.SagaSetAside, $"Saga {work.SagaId} is set aside. {unreadable.Reason}", "SagaUnreadable"));
                work.SetAside(item.Message.CausedBy, now);
            }
            else if (work.Pipe is { } pipe && (work.Saga is not null || item.Message is SagaStarted))
            {
                await DecideAsync(work, pipe, item, now, cancellation);
            }
            else if (work.ReadVersion > 0)
            {
                item.Break(new HandlingFailure(ErrorCodes.PlanMissing, $"The contract version of saga {work.SagaId} is not registered here.", "PlanMissing"));
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (StoreUnavailableException)
        {
            throw;
        }
        catch (Exception failure) when (MemoryShortage.Is(failure))
        {
            throw;
        }
#pragma warning disable CA1031 // One message that cannot be decided must hold up no other.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.HandlingThrew(logger, work.SagaId, failure);
            SetAside(work, item, new HandlingFailure(ErrorCodes.HandlingFailed, failure.Message, failure.GetType().Name), now);
        }
    }

    // What comes from outside is its sender's affair, and changes nothing. What Onex itself says to a saga would come again and again, so that the
    // saga is blocked with the reason.
    private void SetAside(SagaWork work, WorkItem item, HandlingFailure trouble, DateTimeOffset now)
    {
        item.Break(trouble);
        if (item.Message is not (StepResultArrived or TimerFired or ResendAsked) || work is not { Saga: { } saga, Pipe: { } pipe })
        {
            return;
        }

        try
        {
            var reason = $"A message for it ({item.Message.GetType().Name}) cannot be handled: {trouble.Reason} 'retry' lets it go on where it was.";
            if (SagaEngine.SetAside(pipe.Plan, saga, reason, now) is { Changed: true } decision)
            {
                work.Apply(decision, item.Message, messages);
            }
        }
#pragma warning disable CA1031 // Then not even that can be kept; it holds up no other all the same.
        catch (Exception failure) when (!MemoryShortage.Is(failure))
#pragma warning restore CA1031
        {
            Log.SagaNotBlocked(logger, work.SagaId, failure);
        }
    }

    private async Task DecideAsync(SagaWork work, PlanPipe pipe, WorkItem item, DateTimeOffset now, CancellationToken cancellation)
    {
        if (item.Event is { } sent)
        {
            // Twice in one batch.
            if (work.FindSeen(sent.MessageId) is { } seen)
            {
                if (RequestHash.Differ(seen.Hash, sent.Requester.RequestHash))
                {
                    item.Turn(EventDeclines.Differs(sent.Requester, work.SagaId), isDead: true);
                }

                return;
            }

            var (@event, misfit) = sent.For(pipe.Plan, work.SagaId);
            if (@event is null)
            {
                item.Turn(misfit!, isDead: true);
                return;
            }

            item.Become(@event);
        }

        var decision = await pipe.DecideAsync(work.Saga, item.Message, now, cancellation);
        item.Take(decision);
        if (decision is { Changed: true })
        {
            work.Apply(decision, item.Message, messages);
        }
    }

    // What follows from a verdict. Gives back what must be decided again.
    private List<WorkItem> Settle(SagaWork work, CommitResult verdict, CancellationToken cancellation)
    {
        switch (verdict)
        {
            case CommitResult.Committed:
                return Committed(work, cancellation);
            case CommitResult.DuplicateRequest known when IsAnother(work, known.Hash):
                work.Items.ForEach(item => Refuse(item, EventDeclines.Differs(RequesterOf(item), known.SagaId), isDead: true, cancellation));
                return [];
            case CommitResult.DuplicateRequest known:
                return work.Items.Select(item => Again(item, known.SagaId, known.Source, isDuplicate: true)).OfType<WorkItem>().ToList();
            case CommitResult.KeyTaken taken when work is { Pipe.Plan.OnDuplicate: DuplicatePolicy.Join, Saga.Facts.Requester: { Silent: false } requester }
                && !RequestHash.Differ(taken.Hash, requester.RequestHash):
                return work.Items.Select(item => Again(item, taken.SagaId, source: null, isDuplicate: false)).OfType<WorkItem>().ToList();
            case CommitResult.KeyTaken taken:
                work.Items.ForEach(item => RefuseKey(work, item, taken.SagaId, cancellation));
                return [];
            case CommitResult.Invalid refused:
                return work.Items.Select(item => Refused(work, item, refused)).OfType<WorkItem>().ToList();
            case CommitResult.DuplicateMessages known:
                return Known(work, known);
            default:
                return Stale(work);
        }
    }

    private List<WorkItem> Committed(SagaWork work, CancellationToken cancellation)
    {
        if (work.Saga is { } saga && work.Version > work.ReadVersion)
        {
            if (saga.EndedAt is null)
            {
                cache.Keep(new CachedSaga(saga, work.Version, work.Pipe!, work.Weight) { Input = work.Input });
            }
            else
            {
                cache.Evict(work.SagaId);
            }

            sender.Send(work.SagaId, work.Outgoing);
            signals.Moved(saga);
            RouterLog.Moved(logger, saga);
        }

        // After a wake-up that changed nothing, too: the queue has forgotten the time. What is far is found when it has come near.
        if (work.Saga is { } current)
        {
            var at = current.EndedAt is null && current.NextWakeupAt <= clock.Now + WakeupQueue.Near ? current.NextWakeupAt : null;
            wakeups.Set(work.SagaId, current.Facts.HomePartition, at);
        }

        return work.Items.Where(item => !IsSettled(work, item, cancellation)).ToList();
    }

    // False for an event whose saga has ended, or is gone, since it was found: it may be for another one, or for none.
    private bool IsSettled(SagaWork work, WorkItem item, CancellationToken cancellation)
    {
        if (item.HandlingFailure is { } trouble)
        {
            Fail(item, trouble, cancellation);
            return true;
        }

        if (item.Rejection is { } rejection)
        {
            item.Refuse(rejection, item.IsDead, rejections, cancellation);
            return true;
        }

        if (item is not { Event: { } sent, Decision: null } || work.HasSeen(sent.MessageId) || work.IsUnreadable)
        {
            item.Done(work.Saga is null ? null : work.SagaId, work.Saga);
            return true;
        }

        if (work.Saga is { EndedAt: null } saga)
        {
            item.Refuse(EventDeclines.Unwanted(sent, work.SagaId, saga.State), isDead: true, rejections, cancellation);
            return true;
        }

        item.Unaddress();
        return false;
    }

    // Whoever asked for something is told; a result or a wake-up has nobody who could be.
    private void Fail(WorkItem item, HandlingFailure trouble, CancellationToken cancellation)
    {
        var requester = item.Event?.Requester ?? (item.Message as SagaStarted)?.Facts.Requester ?? (item.Message as RequestJoined)?.Waiter.Requester;
        if (requester is null || trouble.Code == ErrorCodes.PlanMissing)
        {
            item.Fail(trouble.Code, trouble.Reason, trouble.ErrorType);
        }
        else
        {
            item.Refuse(new Rejection(trouble.Code, trouble.Reason, trouble.ErrorType, requester), isDead: true, rejections, cancellation);
        }
    }

    // The row is another one now. Events are looked up anew: another main may have given the saga this very message.
    private List<WorkItem> Stale(SagaWork work)
    {
        cache.Evict(work.SagaId);
        foreach (var item in work.Items.Where(item => item.Event is not null))
        {
            item.Unaddress();
        }

        return [.. work.Items.Where(item => !item.IsFromLedger)];
    }

    private List<WorkItem> Known(SagaWork work, CommitResult.DuplicateMessages known)
    {
        cache.Evict(work.SagaId);
        var others = new List<WorkItem>();
        foreach (var item in work.Items)
        {
            if (item.Event is { } sent && known.MessageIds.Contains(sent.MessageId))
            {
                // Its targets are looked up anew, which tells whether what was seen is this event or another one of the same identity.
                item.Unaddress();
            }

            if (!item.IsFromLedger)
            {
                others.Add(item);
            }
        }

        return others;
    }

    // A start whose saga is there already. A redelivery of the record that began it is silent.
    private static WorkItem? Again(WorkItem item, Guid sagaId, string? source, bool isDuplicate)
    {
        var started = (SagaStarted)item.Message;
        if (started.Facts.Requester.Source == source)
        {
            item.Done(sagaId);
            return null;
        }

        item.Become(KnownRequests.Joined(started.Facts.Requester, sagaId, isDuplicate, started.CancelledBeforeStart));
        return item;
    }

    private void RefuseKey(SagaWork work, WorkItem item, Guid liveSagaId, CancellationToken cancellation)
    {
        var live = $"A live saga of '{work.Pipe!.Plan.Name}' ({liveSagaId}) has the business key '{work.Saga!.Facts.BusinessKey}'";
        var rejection = work is { Pipe.Plan.OnDuplicate: DuplicatePolicy.Join, Saga.Facts.Requester.Silent: false }
            ? new Rejection(
                ErrorCodes.RequestDiffers,
                $"{live} and was started with another payload, so that its end would be no answer to this one. Wait for its end, use another key, or send the same payload.",
                nameof(ErrorCodes.RequestDiffers),
                RequesterOf(item))
            : new Rejection(ErrorCodes.KeyTaken, $"{live}. Wait for its end, or use another key.", nameof(ErrorCodes.KeyTaken), RequesterOf(item));
        Refuse(item, rejection with { SagaId = liveSagaId }, isDead: false, cancellation);
    }

    // Requests of Onex's own are the same whatever they hold: of a step that is called again, and of a time of a schedule.
    private static bool IsAnother(SagaWork work, Guid? known) =>
        work.Saga?.Facts.Requester is { Parent: null, Silent: false } requester && RequestHash.Differ(known, requester.RequestHash);

    private static Requester RequesterOf(WorkItem start) => ((SagaStarted)start.Message).Facts.Requester;

    private void Refuse(WorkItem item, Rejection rejection, bool isDead, CancellationToken cancellation)
    {
        item.Forget();
        item.Refuse(rejection, isDead, rejections, cancellation);
    }

    // The database refuses a value. A result becomes a rejection that says so; anything else is a dead letter.
    private WorkItem? Refused(SagaWork work, WorkItem item, CommitResult.Invalid refused)
    {
        cache.Evict(work.SagaId);
        var reason = $"The database refuses a value ({refused.SqlState}): {refused.Reason}";
        if (item is { WasRefused: false, Message: StepResultArrived result })
        {
            item.WasRefused = true;
            item.Become(result with { Outcome = StepOutcome.Rejected, Result = null, Code = EngineCodes.ResultInvalid, Message = reason });
            return item;
        }

        Log.MessageNotStored(logger, work.SagaId, reason);
        var trouble = new HandlingFailure(ErrorCodes.HandlingFailed, reason, "DataRefused", IsFinal: true);
        if (item.HandlingFailure is null && !item.IsFromLedger && item.Message is StepResultArrived or TimerFired or ResendAsked)
        {
            item.Break(trouble);
            return item;
        }

        Fail(item, trouble, CancellationToken.None);
        return null;
    }
}
