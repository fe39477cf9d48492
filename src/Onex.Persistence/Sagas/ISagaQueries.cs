using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Sagas;

/// <summary>Queries for operators, outside the hot path. Throws <see cref="StoreUnavailableException"/>.</summary>
public interface ISagaQueries
{
    /// <summary>A page of sagas, newest first.</summary>
    Task<SagaPage> ListAsync(SagaFilter filter, CancellationToken cancellation);

    /// <summary>The row of a saga with its payloads named <c>input</c> and <c>output</c>, or null.</summary>
    Task<SagaDetail?> FindAsync(SagaId sagaId, CancellationToken cancellation);

    /// <summary>The history of a saga in order, after the entry with this version and ordinal.</summary>
    Task<IReadOnlyList<HistoryEntry>> HistoryAsync(
        SagaId sagaId, long afterVersion, int afterOrdinal, int limit, CancellationToken cancellation);

    /// <summary>
    /// The sagas that violate the wake-up invariant: live, without a next wake-up, not waiting for a named event, and neither blocked nor
    /// paused. There should be none. Reads the view <c>onex.stuck</c>.
    /// </summary>
    Task<IReadOnlyList<StuckSaga>> StuckAsync(int limit, CancellationToken cancellation);

    /// <summary>The number of sagas by contract, state and status.</summary>
    Task<IReadOnlyList<SagaCount>> CountAsync(CancellationToken cancellation);
}

/// <summary>A filter for sagas. Null does not restrict.</summary>
public sealed record SagaFilter
{
    /// <summary>The contract's name.</summary>
    public string? Contract { get; init; }

    /// <summary>The current state.</summary>
    public string? State { get; init; }

    /// <summary>The possible statuses. Empty does not restrict.</summary>
    public IReadOnlyList<SagaStatus> Statuses { get; init; } = [];

    /// <summary>The business key.</summary>
    public string? Key { get; init; }

    /// <summary>The parent saga.</summary>
    public SagaId? Parent { get; init; }

    /// <summary>Matches a saga's id, a correlation id, or the beginning of a business key.</summary>
    public string? Text { get; init; }

    /// <summary>The <see cref="SagaPage.Next"/> of the previous page; null for the first page.</summary>
    public string? After { get; init; }

    /// <summary>Rows per page. Default 50.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>A page of sagas.</summary>
/// <param name="Sagas">The rows.</param>
/// <param name="Next">The cursor of the next page, or null if there is none.</param>
public sealed record SagaPage(IReadOnlyList<SagaRow> Sagas, string? Next);

/// <summary>A saga with its payloads and buffered events.</summary>
/// <param name="Row">The row.</param>
/// <param name="Input">The request's payload.</param>
/// <param name="Output">The output of an ended saga, or null.</param>
/// <param name="BufferedEvents">Its buffered events.</param>
public sealed record SagaDetail(SagaRow Row, RawJson Input, RawJson? Output, IReadOnlyList<EarlyEvent> BufferedEvents);

/// <summary>A saga that will never continue by itself.</summary>
public sealed record StuckSaga(SagaId Id, string Contract, string State, string Status, DateTimeOffset UpdatedAt, string Reason);

/// <summary>The number of sagas of a contract in a state.</summary>
public sealed record SagaCount(string Contract, string State, string Status, long Count);
