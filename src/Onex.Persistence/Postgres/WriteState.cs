using Npgsql;

namespace Onex.Persistence.Postgres;

/// <summary>
/// Whether PostgreSQL accepts the writes of a store. Queries succeed on a full disk, so only writes show it. No write is made to find out:
/// a rejected write is repeated within seconds, and the first one that succeeds clears the problem.
/// </summary>
/// <param name="time">The clock.</param>
public sealed class WriteState(TimeProvider? time = null)
{
    // Longer than a store or a consumer waits until it writes again. Without a later write nothing is known, so nothing is reported.
    private static readonly TimeSpan _validity = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private volatile Rejected? _lastRejection;

    /// <summary>Why the last write was rejected, with the remedy; null if it was not, or if that is more than ten seconds ago.</summary>
    public WriteProblem? Problem => _lastRejection is { } last && _time.GetElapsedTime(last.At) < _validity ? last.Problem : null;

    /// <summary>Runs a write, and notes whether it succeeded or was rejected.</summary>
    internal async Task<T> WatchAsync<T>(Func<Task<T>> write)
    {
        try
        {
            var result = await write();
            Succeeded();
            return result;
        }
        catch (StoreUnavailableException unavailable)
        {
            Failed(unavailable.InnerException);
            throw;
        }
    }

    /// <summary>A write succeeded.</summary>
    internal void Succeeded()
    {
        if (_lastRejection is not null)
        {
            _lastRejection = null;
        }
    }

    /// <summary>A write failed. Notes only errors that concern writes: every query notices an unreachable database.</summary>
    internal void Failed(Exception? error)
    {
        if (error is PostgresException rejection && RemedyOf(rejection.SqlState) is { } remedy)
        {
            _lastRejection = new Rejected(
                new WriteProblem($"PostgreSQL rejects writes: {StoreErrors.Describe(rejection)}", remedy), _time.GetTimestamp());
        }
    }

    private static string? RemedyOf(string state) => state switch
    {
        PostgresErrorCodes.DiskFull => "Make room on the disk of the database.",
        PostgresErrorCodes.ReadOnlySqlTransaction =>
            "Check that POSTGRES_HOST names the primary, and default_transaction_read_only.",
        PostgresErrorCodes.InsufficientPrivilege => "Grant POSTGRES_USER the right to write to the tables of schema onex.",
        _ when state[..2] is "58" or "XX" => "Look at the log of PostgreSQL and at its disk.",
        _ => null,
    };

    private sealed record Rejected(WriteProblem Problem, long At);
}

/// <summary>Why writes are rejected.</summary>
/// <param name="Error">The error, without data.</param>
/// <param name="Remedy">What to do.</param>
public sealed record WriteProblem(string Error, string Remedy);
