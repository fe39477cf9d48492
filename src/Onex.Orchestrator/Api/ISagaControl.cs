using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Orchestrator.Api;

/// <summary>
/// What the HTTP API may ask of this main. Any main can do it for any saga: the version decides. Throws
/// <see cref="Onex.Persistence.Sagas.StoreUnavailableException"/>; nothing has happened then, or it is found by the same identity the next time.
/// </summary>
internal interface ISagaControl
{
    /// <summary>
    /// Takes a request in as if it had been published to <c>requests</c>: the same checks, the same identity rules (<c>envelope_id</c>; without
    /// one each call is a request of its own). Ends once its outcome is durable.
    /// </summary>
    /// <param name="body">The request as JSON: docs/messages.md#request.</param>
    /// <param name="headers">Trace context and further headers that are carried through.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    Task<Submission> SubmitAsync(ReadOnlyMemory<byte> body, IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken cancellation);

    /// <summary>The response to a request that <see cref="SubmitAsync"/> took in, or null if there is none within that time.</summary>
    Task<ReadOnlyMemory<byte>?> WaitForResponseAsync(Submission.Accepted request, TimeSpan within, CancellationToken cancellation);

    /// <summary>What a saga has answered to the request that started it, as it stands on <c>responses</c>.</summary>
    /// <returns>Whether there is such a saga that can be read here, and its response; null if it has not answered yet.</returns>
    Task<(bool IsThere, ReadOnlyMemory<byte>? Response)> ResponseAsync(SagaId sagaId, CancellationToken cancellation);

    /// <summary>Asks a saga for something.</summary>
    Task<OperatorAnswer> AskAsync(SagaId sagaId, OperatorCommand command, string by, string? reason, CancellationToken cancellation);

    /// <summary>What a saga waits for; null if there is no such saga.</summary>
    Task<WaitReason?> WhyAsync(SagaId sagaId, CancellationToken cancellation);
}

/// <summary>What came of a request.</summary>
internal abstract record Submission
{
    private Submission()
    {
    }

    /// <summary>It started a saga, joined one, or was an event that a saga has taken in or keeps.</summary>
    /// <param name="SagaId">The saga; null for an event that is kept until its saga starts.</param>
    /// <param name="RequestId">The request's identity.</param>
    /// <param name="CorrelationId">Its correlation id, made up if it had none.</param>
    public sealed record Accepted(SagaId? SagaId, MessageId RequestId, Guid CorrelationId) : Submission
    {
        /// <summary>Where it came from: tells it from another request of the same <c>envelope_id</c>, which is answered as a duplicate.</summary>
        public string? Source { get; init; }
    }

    /// <summary>It was refused: nothing has happened.</summary>
    /// <param name="Response">The response that says why, as it would stand on <c>responses</c>.</param>
    public sealed record Refused(Response Response) : Submission;
}

/// <summary>What came of an operator's wish.</summary>
/// <param name="Outcome">Whether it was done.</param>
/// <param name="Text">What has happened, or why nothing has and what to do instead, for people.</param>
/// <param name="Status">The saga's status now; null if there is no such saga.</param>
internal sealed record OperatorAnswer(OperatorOutcome Outcome, string Text, string? Status);

/// <summary>Whether an operator's wish was done.</summary>
internal enum OperatorOutcome
{
    /// <summary>It was, durably.</summary>
    Done,

    /// <summary>There is no such saga.</summary>
    NotFound,

    /// <summary>The saga is not in a condition in which this can be asked: ended, not blocked, past the pivot.</summary>
    Refused,
}
