using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Engine;

namespace Onex.Orchestrator.Intake;

/// <summary>Creates the rejections of events that the engine declined, or on which it did not decide.</summary>
internal static class EventDeclines
{
    /// <summary>The rejection of an event that the engine declined.</summary>
    public static Rejection ToRejection(this DeclinedEvent declined, SagaId sagaId) =>
        new(declined.Code, declined.Error, declined.Requester) { SagaId = sagaId };

    /// <summary>Several live sagas match.</summary>
    public static Rejection Ambiguous(EventRequest request, IReadOnlyList<SagaId> live) => new(
        ErrorCodes.TargetAmbiguous,
        $"Several live sagas of '{request.Contract}' have the correlation id {request.Requester.CorrelationId} "
        + $"({string.Join(", ", live)}). "
        + "Name one: \"target\": {\"key\": ...} with its business key, or {\"saga_id\": ...}.",
        request.Requester);

    /// <summary>No live saga matches.</summary>
    public static Rejection Missing(EventRequest request) => new(
        ErrorCodes.TargetMissing,
        $"There is no live saga of '{request.Contract}' with {DescribeTarget(request)}: it has ended, or has not started yet."
        + (
            request.Early is null
                ? $" The contract does not declare '{request.Event}' with 'early', so it is not stored for a saga that starts later."
                : ""),
        request.Requester);

    /// <summary>The matching saga has ended, so the event is late, not early.</summary>
    public static Rejection Late(EventRequest request, SagaId ended) => new(
        ErrorCodes.TargetMissing,
        $"There is no live saga of '{request.Contract}' with {DescribeTarget(request)}: the last one ({ended}) has ended. An event that "
        + "arrives after the end of a saga is not stored for the next one. If it is for the next one, send it again once that has started.",
        request.Requester);

    /// <summary>Too many early events wait for the saga.</summary>
    public static Rejection TooMany(EventRequest request, int limit) => new(
        ErrorCodes.EventsTooMany,
        $"Too many early events wait for a saga of '{request.Contract}' with {DescribeTarget(request)}: the limit is {limit}. "
        + "Start the saga, or send fewer events before it starts.",
        request.Requester);

    /// <summary>No saga for the early event started in time.</summary>
    public static Rejection Expired(EventRequest request, DateTimeOffset receivedAt, DateTimeOffset expiresAt) => new(
        ErrorCodes.EventExpired,
        $"The event waited from {TimeText.Format(receivedAt)} until {TimeText.Format(expiresAt)}, and no saga of '{request.Contract}' "
        + $"with {DescribeTarget(request)} started in that time.",
        request.Requester);

    private static string DescribeTarget(EventRequest request) => request.Address switch
    {
        { SagaId: { } id } => $"the id {id}",
        { BusinessKey: { } key } => $"the business key '{key}'",
        var address => $"the correlation id {address.CorrelationId}",
    };
}
