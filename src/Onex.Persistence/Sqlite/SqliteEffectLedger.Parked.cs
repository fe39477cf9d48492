using Onex.Contracts.Messages;
using Onex.Persistence.Ledger;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Sqlite;

// Parked commands: rows whose outcome is 'parked'.
internal sealed partial class SqliteEffectLedger
{
    private static readonly string _park = $"""
        INSERT INTO effect_ledger
            (leased_until, claimed_at, outcome, parked_for, parked_at, parked_command, may_sent, {LedgerTable.Columns.Names()})
        VALUES ($1, $1, 'parked', $2, $3, $4, $5, {LedgerTable.Columns.Placeholders(first: 6)})
        ON CONFLICT (command_id) DO UPDATE
        SET {LedgerTable.Columns.Assignments("excluded")}, leased_until = excluded.leased_until, claimed_at = excluded.claimed_at,
            outcome = 'parked', result = NULL, recorded_at = NULL, parked_for = excluded.parked_for, parked_at = excluded.parked_at,
            parked_command = excluded.parked_command, may_sent = excluded.may_sent
        """;

    private const string ParkAgain = """
        UPDATE effect_ledger
        SET outcome = 'parked', lease_token = $3, leased_until = $4, claimed_at = $4, parked_for = $5, parked_at = $4,
            parked_command = $6, may_sent = max(may_sent, $7)
        WHERE command_id = $1 AND ((lease_token = $2 AND outcome IS NULL) OR (lease_token = $3 AND outcome = 'parked'))
        """;

    private const string ReadParked = """
        SELECT command_id, parked_command, may_sent FROM effect_ledger WHERE parked_for = $1 ORDER BY parked_at, command_id LIMIT $2
        """;

    private const string TakeParked = """
        UPDATE effect_ledger
        SET outcome = NULL, lease_token = $2, leased_until = $3, claimed_at = $4, parked_for = NULL, parked_at = NULL, parked_command = NULL
        WHERE command_id = $1
        """;

    private const string CancelParked = """
        UPDATE effect_ledger
        SET outcome = CASE WHEN may_sent THEN 'lapsed' ELSE 'cancelled' END, recorded_at = $2,
            parked_for = NULL, parked_at = NULL, parked_command = NULL
        WHERE command_id = $1 AND outcome = 'parked'
        """;

    private const string WriteReport = """
        INSERT INTO connection_states (connection, process_id, unavailable_since, next_trial_at, reason, valid_until)
        VALUES ($1, $2, $3, $4, $5, $6)
        """;

    private const string ReadReport = """
        SELECT unavailable_since, next_trial_at, reason FROM connection_states
        WHERE connection = $1 AND valid_until >= $2 ORDER BY unavailable_since LIMIT 1
        """;

    public Task<ClaimResult> ParkAsync(CommandToPark command, CancellationToken cancellation) =>
        _parks.RunAsync(new ParkRow(command, ParkedContent.Write(command), NewToken()), cancellation);

    public Task<bool> ParkAgainAsync(Guid leaseToken, CommandToPark command, bool maySent, CancellationToken cancellation) =>
        _database.WriteAsync(
            session => session.Execute(
                ParkAgain, command.Command.CommandId, leaseToken, ParkedContent.Token(leaseToken), _time.GetUtcNow(),
                command.Connection, ParkedContent.Write(command), maySent) == 1,
            cancellation);

    public Task<IReadOnlyList<TakenCommand>> TakeAsync(IReadOnlyCollection<TakeLimit> limits, CancellationToken cancellation) =>
        _database.WriteAsync<IReadOnlyList<TakenCommand>>(
            session => [.. limits.SelectMany(limit => Take(session, limit))], cancellation);

    public Task CancelParkedAsync(IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) => _database.WriteAsync(
        session =>
        {
            foreach (var id in commandIds)
            {
                session.Execute(CancelParked, id, _time.GetUtcNow());
            }

            return true;
        },
        cancellation);

    public Task ReportAsync(Guid processId, IReadOnlyCollection<UnavailableConnection> connections, CancellationToken cancellation) =>
        _database.WriteAsync(
            session =>
            {
                // Only one process uses the file, so reports of other processes come from earlier ones.
                var now = _time.GetUtcNow();
                session.Execute("DELETE FROM connection_states");
                foreach (var connection in connections)
                {
                    session.Execute(
                        WriteReport, connection.Name, processId, now - connection.Unavailable, now + connection.UntilTrial,
                        connection.Reason, now + LedgerTimes.ConnectionReport);
                }

                return true;
            },
            cancellation);

    public Task<IReadOnlyDictionary<string, ParkedConnection>> DescribeAsync(
        IReadOnlyCollection<string> connections, CancellationToken cancellation) =>
        _database.ReadAsync<IReadOnlyDictionary<string, ParkedConnection>>(
            session => connections.Distinct(StringComparer.Ordinal)
                .Select(name => (Name: name, State: Describe(session, name)))
                .Where(connection => connection.State is not { Parked: 0, UnavailableSince: null })
                .ToDictionary(connection => connection.Name, connection => connection.State, StringComparer.Ordinal),
            cancellation);

    private ParkedConnection Describe(SqliteSession session, string connection)
    {
        var parked = session.Query(
            "SELECT count(*) FROM effect_ledger WHERE parked_for = $1", row => row.Bigint(0), connection)[0];
        return session.Query(
            ReadReport,
            row => new ParkedConnection(parked, row.Time(0), row.OptionalTime(1), row.OptionalText(2)),
            connection, _time.GetUtcNow()) is [var report]
            ? report
            : new ParkedConnection(parked, null, null, null);
    }

    private ClaimResult Park(SqliteSession session, ParkRow row)
    {
        var now = _time.GetUtcNow();
        var command = row.Parked.Command;
        if (FindDenial(session, command, now, out var entry) is { } denial)
        {
            return denial;
        }

        // The holder of a lease that expired without an outcome may have sent the command.
        var maySent = entry is { Outcome: null } or { Outcome: "parked", MaySent: true };
        session.Execute(
            _park,
            [
                now, row.Parked.Connection, entry?.ParkedAt ?? now - row.Parked.Age, row.Content, maySent,
                .. LedgerTable.Columns.Values(new ClaimRow(command, row.Token)),
            ]);
        return ClaimResult.Parked.Instance;
    }

    private List<TakenCommand> Take(SqliteSession session, TakeLimit limit)
    {
        var rows = session.Query(
            ReadParked, row => (Id: row.Uuid(0), Content: row.Bytes(1), MaySent: row.Boolean(2)), limit.Connection, limit.Commands);
        var taken = new List<TakenCommand>(rows.Count);
        foreach (var row in rows)
        {
            var lease = new ClaimResult.Granted(NewToken()) { FollowsUnrecordedLease = row.MaySent };
            var command = ParkedContent.Read(row.Content, limit.Connection, lease);
            var now = _time.GetUtcNow();
            session.Execute(TakeParked, row.Id, lease.LeaseToken, now + LedgerTimes.Lease(command.Command), now);
            taken.Add(command);
        }

        return taken;
    }
}
