using Onex.Persistence.Registry;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Sqlite;

/// <summary>The contract registry in SQLite.</summary>
internal sealed class SqliteContractRegistry(SqliteDatabase database, TimeProvider time) : IContractRegistry
{
    private const string Columns = "SELECT hash, name, version, source FROM contracts";

    public Task<IReadOnlyList<RegisteredContract>> RegisterAsync(
        IReadOnlyCollection<RegisteredContract> contracts, bool mutable, CancellationToken cancellation) =>
        database.WriteAsync<IReadOnlyList<RegisteredContract>>(
            session =>
            {
                var conflicts = new List<RegisteredContract>();
                foreach (var contract in contracts)
                {
                    var first = session
                        .Query(
                            $"{Columns} WHERE name = $1 AND version = $2 ORDER BY registered_at, rowid LIMIT 1",
                            Read,
                            contract.Name,
                            contract.Version)
                        .SingleOrDefault();
                    if (first is not null && first.Hash != contract.Hash && !mutable)
                    {
                        conflicts.Add(first);
                    }
                    else if (Find(session, contract.Hash) is null)
                    {
                        session.Execute(
                            "INSERT INTO contracts (hash, name, version, source, registered_at) VALUES ($1, $2, $3, $4, $5)",
                            contract.Hash,
                            contract.Name,
                            contract.Version,
                            contract.Source,
                            time.GetUtcNow());
                    }
                }

                return conflicts;
            },
            cancellation);

    public Task<IReadOnlyList<ContractInUse>> InUseAsync(IReadOnlyCollection<string> except, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<ContractInUse>>(
            session =>
            [
                .. session.Query(
                    """
                    SELECT contract_hash, contract, contract_version, count(*) FROM sagas
                    WHERE ended_at IS NULL GROUP BY 1, 2, 3 ORDER BY 2, 3, 1
                    """,
                    row => new ContractInUse(row.Text(0), row.Text(1), row.Text(2), row.Bigint(3)))
                    .Where(used => !except.Contains(used.Hash)),
            ],
            cancellation);

    public Task<RegisteredContract?> FindAsync(string hash, CancellationToken cancellation) =>
        database.ReadAsync(session => Find(session, hash), cancellation);

    private static RegisteredContract? Find(SqliteSession session, string hash) =>
        session.Query($"{Columns} WHERE hash = $1", Read, hash).SingleOrDefault();

    private static RegisteredContract Read(SqliteRow row) =>
        new(row.Text(0), row.Text(1), row.Text(2), row.JsonOrNull(3));
}
