using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Intake;

/// <summary>
/// Finds the saga of a request that started or joined one before but would be rejected today: for example, its contract is no longer loaded
/// or has another input. That saga answers the request.
/// </summary>
internal sealed class KnownRequests(ISagaStore store)
{
    /// <summary>
    /// The request as a message for its saga; the outcome "done" for a redelivery of the same record; null if no saga has this request.
    /// </summary>
    /// <param name="requester">The data of the request; null if it could not be read.</param>
    /// <param name="cancels">Whether the request is a parent's call that cancels the saga.</param>
    /// <param name="sink">Receives the request's outcome.</param>
    /// <param name="cancellation">Cancels the search.</param>
    public async ValueTask<IntakeResult?> FindAsync(Requester? requester, bool cancels, OutcomeSink sink, CancellationToken cancellation)
    {
        // Requests that may have started a saga have a hash, or are calls of a parent saga. Any other was rejected for its 'reply_to' or
        // its 'target', before its hash was computed.
        if (requester is null || (requester.RequestHash is null && requester.Parent is null))
        {
            return null;
        }

        var found = await store.FindRequestAsync(requester.RequestId, cancellation);
        if (found is not { } known || (requester.Parent is null && RequestHash.Differ(known.Hash, requester.RequestHash)))
        {
            return null;
        }

        return known.Source == requester.Source
            ? new IntakeResult(new DeliveryOutcome.Done(known.SagaId))
            : new IntakeResult(new Delivery(CreateJoined(requester, known.SagaId, isDuplicate: true, cancels), sink));
    }

    /// <summary>The message of a request that joins a saga: the saga answers it, too, besides the request that started it.</summary>
    public static RequestJoined CreateJoined(Requester requester, SagaId sagaId, bool isDuplicate, bool cancels) => new()
    {
        SagaId = sagaId,
        CausedBy = new(Identity.OfRequest(requester.RequestId, "joined:" + requester.Source)),
        Waiter = new Waiter(requester, isDuplicate),
        Cancels = cancels,
    };
}
