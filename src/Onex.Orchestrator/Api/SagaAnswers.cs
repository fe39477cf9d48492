using Onex.Engine;

namespace Onex.Orchestrator.Api;

/// <summary>Finds the answer to a request in the state of its saga.</summary>
internal static class SagaAnswers
{
    /// <summary>The waiter of a request that started the saga or joined it; null if the request did neither.</summary>
    public static Waiter? FindWaiter(SagaState saga, Submission.Accepted request)
    {
        var waiters = saga.Waiters.Prepend(new Waiter(saga.Facts.Requester, IsDuplicate: false))
            .Where(waiter => waiter.Requester.RequestId == request.RequestId).ToList();
        return request.Source is null
            ? waiters.FirstOrDefault()
            : waiters.Find(waiter => waiter.Requester.Source == request.Source);
    }

    /// <summary>The answer to a waiter, or null if the saga has not answered yet.</summary>
    public static Answer? FindAnswer(SagaState saga, Waiter waiter) =>
        saga is { EndedAt: null, Response: null } ? null : Endings.AnswerOf(saga, waiter.Requester, waiter.IsDuplicate);
}
