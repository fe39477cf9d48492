using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Intake;

/// <summary>
/// Finds the sagas of requests that started a saga before but are rejected by the present rules, because their contract is gone or has
/// another input. That saga answers them.
/// </summary>
internal sealed class KnownRequests(ISagaStore store)
{
    /// <summary>
    /// The request as a message for its saga; the outcome "done" for a redelivery of the same record; null if no saga has the request.
    /// </summary>
    /// <param name="requester">The request.</param>
    /// <param name="cancels">Whether it cancels the saga.</param>
    /// <param name="sink">Receives its outcome.</param>
    /// <param name="cancellation">Ends the search.</param>
    public async ValueTask<IntakeResult?> FindAsync(Requester? requester, bool cancels, OutcomeSink sink, CancellationToken cancellation)
    {
        // Without a hash it is unknown whether it starts a saga.
        if (requester is null || (requester.RequestHash is null && requester.Parent is null)
            || await store.FindRequestAsync(requester.RequestId, cancellation) is not { } known
            || (requester.Parent is null && RequestHash.Differ(known.Hash, requester.RequestHash)))
        {
            return null;
        }

        return known.Source == requester.Source
            ? new IntakeResult(new DeliveryOutcome.Done(known.SagaId))
            : new IntakeResult(new Delivery(Joined(requester, known.SagaId, isDuplicate: true, cancels), sink));
    }

    /// <summary>The message of a request that a saga answers besides the one that started it.</summary>
    public static RequestJoined Joined(Requester requester, SagaId sagaId, bool isDuplicate, bool cancels) => new()
    {
        SagaId = sagaId,
        CausedBy = new(Identity.OfRequest(requester.RequestId, "joined:" + requester.Source)),
        Waiter = new Waiter(requester, isDuplicate),
        Cancels = cancels,
    };
}
