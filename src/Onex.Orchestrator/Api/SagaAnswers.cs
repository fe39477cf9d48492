using Onex.Engine;

namespace Onex.Orchestrator.Api;

/// <summary>Finds the answer of a saga in its state.</summary>
internal static class SagaAnswers
{
    /// <summary>The request as the saga has it: the one that started it, or one that joined; null if it is neither.</summary>
    public static Waiter? Find(SagaState saga, Submission.Accepted request)
    {
        var known = saga.Waiters.Prepend(new Waiter(saga.Facts.Requester, IsDuplicate: false))
            .Where(waiter => waiter.Requester.RequestId == request.RequestId).ToList();
        return known.Find(waiter => waiter.Requester.Source == request.Source) ?? (request.Source is null ? known.FirstOrDefault() : null);
    }

    /// <summary>The answer to it, or null.</summary>
    public static Answer? To(SagaState saga, Waiter waiter) =>
        saga is { EndedAt: null, Response: null } ? null : Endings.AnswerOf(saga, waiter.Requester, waiter.IsDuplicate);
}
