using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Sagas;

/// <summary>What operators ask of the store: never on the hot path. Throws <see cref="StoreUnavailableException"/>.</summary>
public interface ISagaQueries
{
    /// <summary>A page of sagas, newest first.</summary>
    Task<SagaPage> ListAsync(SagaFilter filter, CancellationToken cancellation);

    /// <summary>The row of a saga with its payloads named <c>input</c> and <c>output</c>, or null.</summary>
    Task<SagaDetail?> FindAsync(SagaId sagaId, CancellationToken cancellation);

    /// <summary>Its story in order, after that place, at most so many entries.</summary>
    Task<IReadOnlyList<HistoryEntry>> HistoryAsync(SagaId sagaId, long afterVersion, int afterOrdinal, int limit, CancellationToken cancellation);

    /// <summary>
    /// The sagas that break the wake-up invariant: live, and neither with a next wake-up, nor waiting for a named event, nor blocked or paused.
    /// Must be empty. The view <c>onex.stuck</c>.
    /// </summary>
    Task<IReadOnlyList<StuckSaga>> StuckAsync(int limit, CancellationToken cancellation);

    /// <summary>How many sagas there are by contract, state and status, as <c>GROUP BY 1, 2, 3</c> would tell.</summary>
    Task<IReadOnlyList<SagaCount>> CountAsync(CancellationToken cancellation);
}

/// <summary>Which sagas are listed. What is null does not restrict.</summary>
public sealed record SagaFilter
{
    /// <summary>The contract's name.</summary>
    public string? Contract { get; init; }

    /// <summary>The current state.</summary>
    public string? State { get; init; }

    /// <summary>What it is doing: one of these. Empty does not restrict.</summary>
    public IReadOnlyList<SagaStatus> Statuses { get; init; } = [];

    /// <summary>The business key.</summary>
    public string? Key { get; init; }

    /// <summary>The saga that waits for them: its children.</summary>
    public SagaId? Parent { get; init; }

    /// <summary>A saga's id, a correlation id, or the beginning of a business key.</summary>
    public string? Text { get; init; }

    /// <summary>Where the page begins: the <see cref="SagaPage.Next"/> of the page before; null for the first.</summary>
    public string? After { get; init; }

    /// <summary>Rows of a page. Default 50.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>A page of sagas.</summary>
/// <param name="Sagas">The rows.</param>
/// <param name="Next">The cursor of the next page, or null if there is none.</param>
public sealed record SagaPage(IReadOnlyList<SagaRow> Sagas, string? Next);

/// <summary>A saga with what is stored beside its row.</summary>
/// <param name="Row">The row.</param>
/// <param name="Input">The request's payload.</param>
/// <param name="Output">The end's output, or null.</param>
/// <param name="Early">Events that it keeps.</param>
public sealed record SagaDetail(SagaRow Row, RawJson Input, RawJson? Output, IReadOnlyList<EarlyEvent> Early);

/// <summary>A saga that nothing will ever move.</summary>
public sealed record StuckSaga(SagaId Id, string Contract, string State, string Status, DateTimeOffset UpdatedAt, string Reason);

/// <summary>How many sagas of a contract are in a state.</summary>
public sealed record SagaCount(string Contract, string State, string Status, long Count);
