using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Orchestrator.Intake;

/// <summary>Creates the rejections of requests and events whose identity is used already, and of starts whose business key is.</summary>
internal static class RequestRejections
{
    /// <summary>The identity of a request or event was used for another one.</summary>
    /// <param name="requester">Who sent this one.</param>
    /// <param name="sagaId">The saga that has handled the other one, or null.</param>
    public static Rejection Differs(Requester requester, SagaId? sagaId) => new(
        ErrorCodes.RequestDiffers,
        $"The envelope_id {requester.RequestId} was used for another request already{(sagaId is { } id ? $" (saga {id})" : "")}: the "
        + "operation, target or payload differs. Use another envelope_id for another request; to get the first request's answer, "
        + "send it unchanged.",
        requester)
    {
        SagaId = sagaId,
    };

    /// <summary>A live saga has the business key, and the new request may not join it.</summary>
    /// <param name="facts">The facts of the saga that was not started.</param>
    /// <param name="requester">Who sent the new request.</param>
    /// <param name="liveSagaId">The saga that has the key.</param>
    public static Rejection KeyTaken(SagaFacts facts, Requester requester, SagaId liveSagaId) =>
        new(ErrorCodes.KeyTaken, $"{DescribeOwner(facts, liveSagaId)}. Wait for its end, or use another key.", requester)
        {
            SagaId = liveSagaId,
        };

    /// <summary>The new request could join the live saga that has its business key, but has another payload.</summary>
    public static Rejection KeyTakenWithOtherPayload(SagaFacts facts, Requester requester, SagaId liveSagaId) =>
        new(
            ErrorCodes.RequestDiffers,
            $"{DescribeOwner(facts, liveSagaId)} and was started with another payload, so its end would not answer this request. "
            + "Wait for its end, use another key, or send the same payload.",
            requester)
        {
            SagaId = liveSagaId,
        };

    private static string DescribeOwner(SagaFacts facts, SagaId liveSagaId) =>
        $"A live saga of '{facts.Contract}' ({liveSagaId}) has the business key '{facts.BusinessKey}'";
}
