using Onex.Engine;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Intake;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Requests that would be refused as new ones, for their contract is gone or has another input by now, and that have a saga all the same: it was
/// started by them before. They are answered by it, as ever.
/// </summary>
internal sealed class KnownRequests(ISagaStore store)
{
    /// <summary>The message for the saga that has the request; null if none has it, or it is the same record again, which is silent.</summary>
    /// <param name="requester">The request.</param>
    /// <param name="cancels">Whether it cancels what it asked for.</param>
    /// <param name="entry">Its record, or null.</param>
    /// <param name="caller">Who waits for its outcome, or null.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask<(bool IsKnown, WorkItem? Item)> FindAsync(
        Requester? requester, bool cancels, BatchEntry? entry, TaskCompletionSource<WorkOutcome>? caller, CancellationToken cancellation)
    {
        // Without a hash it is not known to be a start at all.
        if (requester is null || (requester.RequestHash is null && requester.Parent is null)
            || await store.FindRequestAsync(requester.RequestId, cancellation) is not { } known
            || (requester.Parent is null && RequestHash.Differ(known.Hash, requester.RequestHash)))
        {
            return (false, null);
        }

        if (known.Source == requester.Source)
        {
            entry?.Complete(RecordOutcome.Handled.Instance);
            return (true, null);
        }

        return (true, new WorkItem(Joined(requester, known.SagaId, isDuplicate: true, cancels), entry) { Caller = caller });
    }

    /// <summary>A request that a saga is to answer besides the one that started it.</summary>
    public static RequestJoined Joined(Requester requester, Guid sagaId, bool isDuplicate, bool cancels) => new()
    {
        SagaId = sagaId,
        CausedBy = Identity.OfRequest(requester.RequestId, "joined:" + requester.Source),
        Waiter = new Waiter(requester, isDuplicate),
        Cancels = cancels,
    };
}
