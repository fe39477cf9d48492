using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Intake;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Looks up overdue effects in the ledger, for the sagas that wake up because of them, and cancels or closes attempts that must not run
/// any more. Known outcomes become results. For effects without one, the wake-up gets the state of their lease.
/// </summary>
internal sealed class LedgerInquiry(IPayloads storedPayloads, IEffectLedger ledger, IParkedCommands parked, MemoryBudget memory)
{
    /// <summary>Inserts before each wake-up the results that the ledger has for it.</summary>
    /// <param name="deliveries">The deliveries of a round.</param>
    /// <param name="works">Their sagas.</param>
    /// <param name="now">The time of the round, by the database's clock.</param>
    /// <param name="later">Receives the wake-ups whose results do not all fit into memory now; another round looks up the rest.</param>
    /// <param name="cancellation">Cancels the work.</param>
    public async Task<IReadOnlyList<Delivery>> AddOutcomesAsync(
        IReadOnlyList<Delivery> deliveries,
        IReadOnlyDictionary<SagaId, SagaWork> works,
        DateTimeOffset now,
        List<Delivery> later,
        CancellationToken cancellation)
    {
        var toCancel = new HashSet<CommandId>();
        var toLookUp = new HashSet<CommandId>();
        var toCancelIfParked = new HashSet<CommandId>();
        Delivery[]? withFailures = null;
        for (var i = 0; i < deliveries.Count; i++)
        {
            var delivery = deliveries[i];
            if (delivery.Message is TimerFired && works[delivery.Message.SagaId] is { Saga: { } saga, Machine: { } machine })
            {
                var checkedDelivery = delivery.Try(() =>
                {
                    toCancel.UnionWith(Timers.ToCancel(machine.Plan, saga, now));
                    toLookUp.UnionWith(Timers.ToLookUp(machine.Plan, saga, now));
                    toCancelIfParked.UnionWith(Timers.ToCancelIfParked(machine.Plan, saga, now));
                });
                if (!ReferenceEquals(checkedDelivery, delivery))
                {
                    (withFailures ??= [.. deliveries])[i] = checkedDelivery;
                }
            }
        }

        deliveries = withFailures ?? deliveries;
        toLookUp.ExceptWith(toCancel);
        if (toCancel.Count == 0 && toLookUp.Count == 0)
        {
            return deliveries;
        }

        var states = await CancelOrCloseAsync(toCancel, toCancelIfParked, toLookUp, cancellation);
        var (payloads, isComplete) = await LoadPayloadsAsync(states.Values, cancellation);
        var ready = new List<Delivery>(deliveries.Count);
        foreach (var delivery in deliveries)
        {
            if (delivery.Message is not TimerFired timer || works[timer.SagaId].Saga is not { } saga)
            {
                ready.Add(delivery);
            }
            else if (TryAddResults(timer, saga, states, payloads, isComplete, ready, out var leases))
            {
                ready.Add(delivery with { Message = timer with { Leases = leases, Queried = saga.Outstanding } });
            }
            else
            {
                // Not all of its results fit into memory. Those that were read are decided first; the others in another round.
                later.Add(delivery.ToDecideAgain());
            }
        }

        return ready;
    }

    // Cancels parked commands whose step has no time left, and interrupted ones that no role has claimed, because compensation waits for
    // their outcome. Closes attempts whose lease expired without an outcome: they count as failed, so no copy may run. Returns the states.
    private async Task<Dictionary<CommandId, LedgerState>> CancelOrCloseAsync(
        HashSet<CommandId> toCancel, HashSet<CommandId> toCancelIfParked, HashSet<CommandId> toLookUp, CancellationToken cancellation)
    {
        if (toCancelIfParked.Count > 0)
        {
            await parked.CancelParkedAsync(toCancelIfParked, cancellation);
        }

        var states = new Dictionary<CommandId, LedgerState>();
        if (toCancel.Count > 0)
        {
            foreach (var (id, state) in await ledger.CancelAsync(toCancel, cancellation))
            {
                states[id] = state;
            }
        }

        if (toLookUp.Count > 0)
        {
            foreach (var (id, state) in await ledger.CloseExpiredAsync(toLookUp, cancellation))
            {
                states[id] = state;
            }
        }

        return states;
    }

    // Loads results that were too large for a message, as many as fit into memory.
    private async Task<(IReadOnlyDictionary<Guid, SagaPayload> Payloads, bool IsComplete)> LoadPayloadsAsync(
        IEnumerable<LedgerState> states, CancellationToken cancellation)
    {
        var references = states.Select(state => state.Outcome?.ResultRef).OfType<Guid>().ToList();
        if (references.Count == 0)
        {
            return (new Dictionary<Guid, SagaPayload>(), true);
        }

        var limit = new ReadLimit(memory.Batch);
        var payloads = await storedPayloads.LoadPayloadsAsync(references, limit, cancellation);
        return (payloads, !limit.IsReached);
    }

    // Adds known outcomes as results, and returns the leases of commands without an outcome. A failure of an earlier attempt gives neither:
    // it was counted already. Returns false if a result was not loaded.
    private static bool TryAddResults(
        TimerFired timer,
        SagaState saga,
        Dictionary<CommandId, LedgerState> states,
        IReadOnlyDictionary<Guid, SagaPayload> payloads,
        bool isComplete,
        List<Delivery> ready,
        out Dictionary<CommandId, Lease> leases)
    {
        leases = [];
        var areAllAdded = true;
        foreach (var command in saga.Outstanding)
        {
            if (!states.TryGetValue(command.CommandId, out var state))
            {
                continue;
            }

            // The outcome is known, but its result was never sent or has not arrived yet.
            if (state.Outcome is { } outcome && (outcome.Outcome != StepOutcomes.Failed || outcome.Attempt >= command.Attempt))
            {
                if (!isComplete && outcome.ResultRef is { } wanted && !payloads.ContainsKey(wanted))
                {
                    areAllAdded = false;
                    continue;
                }

                var result = ResultReader.ToEvent(outcome, timer.CausedBy);
                if (outcome.ResultRef is { } reference && payloads.TryGetValue(reference, out var payload))
                {
                    result = result with { Result = CelValue.FromJson(payload.Content.Utf8.Span) };
                }

                ready.Add(new Delivery(result, OutcomeSink.None) { IsFromLedger = true });
            }
            else if (state.Outcome is null)
            {
                leases[command.CommandId] = new Lease(state.Attempt, state.Leased ? state.LeasedUntil : null)
                {
                    Cancelled = state.Cancelled,
                    ParkedAt = state.ParkedAt,
                };
            }
        }

        return areAllAdded;
    }
}
