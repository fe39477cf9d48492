namespace Onex.Persistence.Monitoring;

/// <summary>
/// Reads the values of metrics that only the store knows. The cost does not grow with all sagas or with the history: counts read small
/// tables and partial indexes, and stop at <see cref="StoreReading.CountMax"/>. Throws <see cref="StoreUnavailableException"/>.
/// </summary>
public interface IStoreGauges
{
    /// <summary>Reads the present values.</summary>
    /// <param name="connections">The connections whose parked commands are counted.</param>
    /// <param name="cancellation">Ends the wait.</param>
    Task<StoreReading> ReadAsync(IReadOnlyCollection<string> connections, CancellationToken cancellation);
}

/// <summary>The values of a reading.</summary>
public sealed record StoreReading
{
    /// <summary>
    /// The most rows counted: of blocked and paused sagas, of those without a wake-up, of open dead letters, and of the parked commands of
    /// a connection.
    /// </summary>
    public const int CountMax = 10_000;

    /// <summary>Blocked and paused sagas by contract and status.</summary>
    public IReadOnlyList<HaltedSagas> Halted { get; init; } = [];

    /// <summary>Sagas that have no wake-up, await no event, are neither blocked nor paused, and have nothing to send.</summary>
    public long WithoutWakeup { get; init; }

    /// <summary>The age of the oldest message in the outbox; zero if it is empty.</summary>
    public TimeSpan OutboxAge { get; init; }

    /// <summary>Open dead letters by topic.</summary>
    public IReadOnlyDictionary<string, long> DeadLetters { get; init; } = new Dictionary<string, long>();

    /// <summary>Parked commands by connection; a connection without any is missing.</summary>
    public IReadOnlyDictionary<string, ParkedCommands> Parked { get; init; } = new Dictionary<string, ParkedCommands>();

    /// <summary>Bytes of the history on disk, with its indexes; 0 in SQLite, where only the size of the file is known.</summary>
    public long HistoryBytes { get; init; }

    /// <summary>Bytes of the whole database on disk.</summary>
    public long DatabaseBytes { get; init; }
}

/// <summary>The number of a contract's sagas that are blocked, or that are paused.</summary>
/// <param name="Contract">The contract.</param>
/// <param name="Status">blocked or paused.</param>
/// <param name="Count">How many.</param>
public sealed record HaltedSagas(string Contract, string Status, long Count);

/// <summary>The parked commands of a connection.</summary>
/// <param name="Count">How many.</param>
/// <param name="Age">How long ago the oldest was parked.</param>
public sealed record ParkedCommands(long Count, TimeSpan Age);
