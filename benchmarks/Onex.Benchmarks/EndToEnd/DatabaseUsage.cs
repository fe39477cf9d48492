using System.Globalization;
using Onex.Tests.Support;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>What a database and its server have done so far.</summary>
/// <param name="Commits">Transactions committed in the database.</param>
/// <param name="Inserted">Rows inserted in the database.</param>
/// <param name="Updated">Rows updated in the database.</param>
/// <param name="Deleted">Rows deleted in the database.</param>
/// <param name="WalRecords">Records of the server's write-ahead log.</param>
/// <param name="WalBytes">Bytes of the server's write-ahead log.</param>
internal sealed record DatabaseUsage(
    double Commits, double Inserted, double Updated, double Deleted, double WalRecords, double WalBytes)
{
    // A backend reports its statistics at most once a second while it works. One that becomes idle reports the rest 10 s later, so that
    // a small part may be missing.
    private static readonly TimeSpan _reportInterval = TimeSpan.FromSeconds(1.2);

    /// <summary>Reads after a pause, in which backends that work report.</summary>
    public static async Task<DatabaseUsage> ReadAfterPauseAsync(PostgresDatabase database)
    {
        await Task.Delay(_reportInterval, TimeProvider.System);
        return await ReadAsync(database);
    }

    /// <summary>Reads what the backends have reported.</summary>
    public static async Task<DatabaseUsage> ReadAsync(PostgresDatabase database)
    {
        var row = (await database.QueryAsync(
            "SELECT xact_commit, tup_inserted, tup_updated, tup_deleted, wal_records, wal_bytes "
            + "FROM pg_stat_database, pg_stat_wal WHERE datname = current_database()"))[0]
            .Split('|').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        return new DatabaseUsage(row[0], row[1], row[2], row[3], row[4], row[5]);
    }

    /// <summary>Adds the rows and the write-ahead log of each transition.</summary>
    public void AddRowsTo(Measurement measurement, double transitions)
    {
        measurement.Add("rows inserted/transition", Inserted / transitions);
        measurement.Add("rows updated/transition", Updated / transitions);
        measurement.Add("rows deleted/transition", Deleted / transitions);
        measurement.Add("WAL records/transition", WalRecords / transitions);
        measurement.Add("WAL bytes/transition", WalBytes / transitions);
    }

    public static DatabaseUsage operator -(DatabaseUsage left, DatabaseUsage right) => new(
        left.Commits - right.Commits, left.Inserted - right.Inserted, left.Updated - right.Updated,
        left.Deleted - right.Deleted, left.WalRecords - right.WalRecords, left.WalBytes - right.WalBytes);
}
