using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence;

namespace Onex.Orchestrator.Api;

/// <summary>
/// What the HTTP API needs from the orchestrator. Every orchestrator can do it for every saga, because the commit checks the saga's
/// version. If a method throws <see cref="StoreUnavailableException"/>, nothing has happened, or the next call with the same identity
/// finds the result.
/// </summary>
internal interface ISagaControl
{
    /// <summary>
    /// Handles a request as if it had been published to <c>requests</c>, with the same checks. Its identity is its <c>envelope_id</c>;
    /// without it, each call is another request. Completes once the outcome is durable.
    /// </summary>
    /// <param name="body">The request as JSON: docs/messages.md#request.</param>
    /// <param name="headers">The headers that are passed on.</param>
    /// <param name="cancellation">Stops waiting.</param>
    Task<Submission> SubmitAsync(
        ReadOnlyMemory<byte> body, IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken cancellation);

    /// <summary>Waits for the response to an accepted request. Null if there is none in time, or none will come.</summary>
    Task<ReadOnlyMemory<byte>?> WaitForResponseAsync(Submission.Accepted request, TimeSpan within, CancellationToken cancellation);

    /// <summary>The saga's response to the request that started it, in the form of <c>responses</c>.</summary>
    /// <returns>Whether the saga exists and can be read here, and its response; null if it has not responded.</returns>
    Task<(bool Exists, ReadOnlyMemory<byte>? Response)> FindResponseAsync(SagaId sagaId, CancellationToken cancellation);

    Task<OperatorAnswer> OperateAsync(
        SagaId sagaId, OperatorCommand command, string operatorName, string? reason, CancellationToken cancellation);

    /// <summary>What a saga waits for; null if there is no such saga.</summary>
    Task<WaitReason?> WhyAsync(SagaId sagaId, CancellationToken cancellation);
}

/// <summary>The outcome of a request.</summary>
internal abstract record Submission
{
    private Submission()
    {
    }

    /// <summary>The request started a saga, joined one, or was an event that is handled, buffered, or stored as early.</summary>
    /// <param name="SagaId">The saga; null for an early event.</param>
    /// <param name="RequestId">The request's identity.</param>
    /// <param name="CorrelationId">The request's correlation id, derived if it had none.</param>
    public sealed record Accepted(SagaId? SagaId, MessageId RequestId, Guid CorrelationId) : Submission
    {
        /// <summary>
        /// Its source: distinguishes it from requests that repeat its <c>envelope_id</c> and are answered as duplicates.
        /// </summary>
        public string? Source { get; init; }
    }

    /// <summary>The request was rejected: it neither starts nor continues a saga.</summary>
    /// <param name="Response">The response with the reason, in the form of <c>responses</c>.</param>
    public sealed record Rejected(Response Response) : Submission;
}

/// <summary>The outcome of an operator's command.</summary>
/// <param name="Outcome">Whether the command was done.</param>
/// <param name="Text">What the command did, or why it is not allowed and what to do instead; for people.</param>
/// <param name="Status">The saga's status after the command; null if it is unknown.</param>
internal sealed record OperatorAnswer(OperatorOutcome Outcome, string Text, string? Status);

internal enum OperatorOutcome
{
    /// <summary>The command is done, durably.</summary>
    Done,

    /// <summary>There is no such saga.</summary>
    NotFound,

    /// <summary>The command is not allowed: for example, the saga has ended, is not blocked, is past the pivot or unreadable.</summary>
    NotAllowed,
}
