using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Intake;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// What became of effects that never came back. A saga that wakes up because of them is told: outcomes that are known become results, as many
/// as there are; of the rest the wake-up says what the ledger knows.
/// </summary>
internal sealed class LedgerInquiry(ISagaStore store, IEffectLedger ledger, MemoryBudget memory)
{
    /// <summary>The messages, with the results that wake-ups brought to light before them.</summary>
    /// <param name="items">The messages.</param>
    /// <param name="works">Their sagas.</param>
    /// <param name="now">The time.</param>
    /// <param name="later">Takes the wake-ups for whose results there is no memory now: they are to be asked for again.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task<IReadOnlyList<WorkItem>> AskAsync(
        IReadOnlyList<WorkItem> items, IReadOnlyDictionary<Guid, SagaWork> works, DateTimeOffset now, List<WorkItem> later, CancellationToken cancellation)
    {
        var cancelled = new HashSet<Guid>();
        var asked = new HashSet<Guid>();
        foreach (var item in items)
        {
            if (item.Message is TimerFired && works[item.Message.SagaId] is { Saga: { } saga, Pipe: { } pipe })
            {
                item.Attempt(() =>
                {
                    cancelled.UnionWith(Timers.ToCancel(pipe.Plan, saga, now));
                    asked.UnionWith(Timers.InNeedOfLedger(pipe.Plan, saga, now));
                });
            }
        }

        asked.ExceptWith(cancelled);
        if (cancelled.Count == 0 && asked.Count == 0)
        {
            return items;
        }

        var states = await StatesAsync(cancelled, asked, cancellation);
        var (payloads, isAll) = await PayloadsAsync(states.Values, cancellation);
        var told = new List<WorkItem>(items.Count);
        foreach (var item in items)
        {
            if (item.Message is TimerFired timer && works[timer.SagaId].Saga is { } saga)
            {
                if (!Tell(timer, saga, states, payloads, isAll, told, out var leases))
                {
                    // There was no memory for all of its results: those that were read go first, then it asks for the others.
                    later.Add(item);
                    continue;
                }

                item.Become(timer with { Leases = leases });
            }

            told.Add(item);
        }

        return told;
    }

    // What was interrupted is cancelled if nobody has taken it: before it is known to have happened or not, nothing is compensated past it. What
    // was begun and never told is closed, so that the attempt that is counted as failed here is not run later by a copy of its command.
    private async Task<Dictionary<Guid, LedgerState>> StatesAsync(
        HashSet<Guid> cancelled, HashSet<Guid> asked, CancellationToken cancellation)
    {
        var states = new Dictionary<Guid, LedgerState>();
        if (cancelled.Count > 0)
        {
            foreach (var (id, state) in await ledger.CancelAsync(cancelled, cancellation))
            {
                states[id] = state;
            }
        }

        if (asked.Count > 0)
        {
            foreach (var (id, state) in await ledger.CloseExpiredAsync(asked, cancellation))
            {
                states[id] = state;
            }
        }

        return states;
    }

    // Results that were too large for the ledger: as many as there is memory for.
    private async Task<(IReadOnlyDictionary<Guid, SagaPayload> Payloads, bool IsAll)> PayloadsAsync(
        IEnumerable<LedgerState> states, CancellationToken cancellation)
    {
        var references = states.Select(state => state.Outcome?.ResultRef).OfType<Guid>().ToList();
        if (references.Count == 0)
        {
            return (new Dictionary<Guid, SagaPayload>(), true);
        }

        var limit = new ReadLimit(memory.Batch);
        var payloads = await store.LoadPayloadsAsync(references, limit, cancellation);
        return (payloads, !limit.IsReached);
    }

    // False if a result is left that was not read.
    private static bool Tell(
        TimerFired timer,
        SagaState saga,
        Dictionary<Guid, LedgerState> states,
        IReadOnlyDictionary<Guid, SagaPayload> payloads,
        bool isAll,
        List<WorkItem> told,
        out Dictionary<Guid, Lease> leases)
    {
        leases = [];
        var complete = true;
        foreach (var command in saga.Outstanding)
        {
            if (!states.TryGetValue(command.CommandId, out var state))
            {
                continue;
            }

            // The outcome is known and was not told, or its telling is still on the way: it is taken from here.
            if (state.Outcome is { } outcome && (outcome.Outcome != StepOutcomes.Failed || outcome.Attempt >= command.Attempt))
            {
                if (!isAll && outcome.ResultRef is { } wanted && !payloads.ContainsKey(wanted))
                {
                    complete = false;
                    continue;
                }

                var result = ResultReader.ToEvent(outcome, timer.CausedBy);
                if (outcome.ResultRef is { } reference && payloads.TryGetValue(reference, out var payload))
                {
                    result = result with { Result = CelValue.FromJson(payload.Content.Utf8.Span) };
                }

                told.Add(new WorkItem(result, entry: null) { IsFromLedger = true });
            }
            else if (state.Outcome is null)
            {
                leases[command.CommandId] = new Lease(state.Attempt, state.Leased ? state.LeasedUntil : null) { Cancelled = state.Cancelled };
            }
        }

        return complete;
    }
}
