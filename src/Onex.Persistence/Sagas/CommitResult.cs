using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>The result of a commit for one saga.</summary>
public abstract record CommitResult
{
    private CommitResult()
    {
    }

    /// <summary>The entry is durable; of a <see cref="CommitEntry.Check"/>, the version is unchanged.</summary>
    public sealed record Committed : CommitResult
    {
        /// <summary>The one value.</summary>
        public static Committed Instance { get; } = new();
    }

    /// <summary>The row has another version, is missing, or, at a start, exists: the caller loads it and decides again.</summary>
    public sealed record Stale : CommitResult
    {
        /// <summary>The one value.</summary>
        public static Stale Instance { get; } = new();
    }

    /// <summary>A start whose request id is known.</summary>
    /// <param name="SagaId">The saga that the request started or joined, or that has processed an event with its id.</param>
    /// <param name="Source">The request's origin (<see cref="SagaRow.Source"/>) if it started that saga; else empty.</param>
    public sealed record DuplicateRequest(SagaId SagaId, string Source) : CommitResult
    {
        /// <summary>The hash of the first request's content, or null if none was stored.</summary>
        public Guid? Hash { get; init; }
    }

    /// <summary>
    /// The saga has processed these messages of <see cref="CommitEntry.Transition.SeenMessages"/> before: the caller decides again
    /// without them.
    /// </summary>
    public sealed record DuplicateMessages(IReadOnlySet<MessageId> MessageIds) : CommitResult;

    /// <summary>A start whose business key a live saga has.</summary>
    public sealed record KeyTaken(SagaId SagaId) : CommitResult
    {
        /// <summary>The hash of the request that started that saga, or null if none was stored.</summary>
        public Guid? Hash { get; init; }
    }

    /// <summary>The database rejects the saga's values (SQLSTATE class 22, 23 or 54): nothing of the entry is stored.</summary>
    public sealed record Invalid(string SqlState, string Reason) : CommitResult;
}
