using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Sagas;

/// <summary>Queries for operators, outside the hot path. Throws <see cref="StoreUnavailableException"/>.</summary>
public interface ISagaQueries
{
    /// <summary>A page of sagas, newest first.</summary>
    /// <exception cref="FormatException"><see cref="SagaFilter.After"/> is not a cursor of an earlier page.</exception>
    Task<SagaPage> ListAsync(SagaFilter filter, CancellationToken cancellation);

    /// <summary>A saga with its input, its output and its buffered events, or null.</summary>
    Task<SagaDetail?> FindAsync(SagaId sagaId, CancellationToken cancellation);

    /// <summary>The history of a saga in order, after the entry with this version and ordinal.</summary>
    Task<IReadOnlyList<HistoryEntry>> HistoryAsync(
        SagaId sagaId, long afterVersion, int afterOrdinal, int limit, CancellationToken cancellation);

    /// <summary>
    /// The rows of the view <c>stuck</c>: live sagas, neither blocked nor paused, with nothing to send, that have no next wake-up and wait
    /// for no event, or whose wake-up is overdue by five minutes, or should be in <c>timers</c> and is not. There should be no row.
    /// </summary>
    Task<IReadOnlyList<StuckSaga>> StuckAsync(int limit, CancellationToken cancellation);

    /// <summary>The number of sagas, live or ended, by contract, state and status.</summary>
    Task<IReadOnlyList<SagaCount>> CountAsync(CancellationToken cancellation);
}

/// <summary>A filter for sagas. A field that is null does not restrict.</summary>
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

    /// <summary>The most rows of a page, at most 1,000.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>A page of sagas.</summary>
/// <param name="Sagas">The rows.</param>
/// <param name="Next">The cursor of the next page, or null if there is none.</param>
public sealed record SagaPage(IReadOnlyList<SagaRow> Sagas, string? Next);

/// <summary>A saga with its payloads and buffered events.</summary>
/// <param name="Row">The row.</param>
/// <param name="Input">The request's payload.</param>
/// <param name="Output">The output of an ended saga; null if it has none or is live.</param>
/// <param name="BufferedEvents">Its buffered events, in order of arrival.</param>
public sealed record SagaDetail(SagaRow Row, RawJson Input, RawJson? Output, IReadOnlyList<EarlyEvent> BufferedEvents);

/// <summary>A row of the view <c>stuck</c>: see <see cref="ISagaQueries.StuckAsync"/>.</summary>
public sealed record StuckSaga(SagaId Id, string Contract, string State, string Status, DateTimeOffset UpdatedAt, string Reason);

/// <summary>The number of sagas of a contract in a state with a status.</summary>
public sealed record SagaCount(string Contract, string State, string Status, long Count);
