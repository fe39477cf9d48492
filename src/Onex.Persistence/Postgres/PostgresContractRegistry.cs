using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Persistence.Registry;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>The contract registry in PostgreSQL.</summary>
public sealed class PostgresContractRegistry(NpgsqlDataSource dataSource) : IContractRegistry
{
    // Two orchestrators that start with different content of one version must not both register it.
    private const string Serialize = "SELECT pg_advisory_xact_lock(hashtext('onex.contracts'))";

    private const string Conflicts = """
        SELECT c.hash, c.name, c.version, c.source
        FROM unnest($1, $2, $3) AS g(hash, name, version)
        JOIN LATERAL (
            SELECT * FROM onex.contracts o WHERE o.name = g.name AND o.version = g.version ORDER BY o.registered_at, o.hash LIMIT 1
        ) c ON c.hash <> g.hash
        WHERE NOT $4
        ORDER BY c.name, c.version
        """;

    // Plan: ix_sagas_live_contract_hash, from one hash to the next, then the entries of those hashes that are counted. A test checks it.
    internal const string InUse = """
        WITH RECURSIVE used AS (
            (SELECT contract_hash, contract, contract_version FROM onex.sagas WHERE ended_at IS NULL ORDER BY contract_hash LIMIT 1)
            UNION ALL
            SELECT next.* FROM used u
            CROSS JOIN LATERAL (
                SELECT s.contract_hash, s.contract, s.contract_version FROM onex.sagas s
                WHERE s.ended_at IS NULL AND s.contract_hash > u.contract_hash ORDER BY s.contract_hash LIMIT 1) next
        )
        SELECT u.contract_hash, u.contract, u.contract_version,
            (SELECT count(*) FROM onex.sagas s WHERE s.ended_at IS NULL AND s.contract_hash = u.contract_hash)
        FROM used u WHERE u.contract_hash <> ALL($1) ORDER BY 2, 3, 1
        """;

    private const string Insert = """
        INSERT INTO onex.contracts (hash, name, version, source, registered_at)
        SELECT g.hash, g.name, g.version, g.source, clock_timestamp()
        FROM unnest($1, $2, $3, $4) AS g(hash, name, version, source)
        WHERE $5 OR NOT EXISTS (SELECT FROM onex.contracts c WHERE c.name = g.name AND c.version = g.version)
        ORDER BY g.hash
        ON CONFLICT DO NOTHING
        """;

    /// <inheritdoc />
    public async Task<IReadOnlyList<RegisteredContract>> RegisterAsync(
        IReadOnlyCollection<RegisteredContract> contracts, bool mutable, CancellationToken cancellation)
    {
        if (contracts.Count == 0)
        {
            return [];
        }

        RegisteredContract[] rows = [.. contracts];
        string[] hashes = [.. rows.Select(contract => contract.Hash)];
        string[] names = [.. rows.Select(contract => contract.Name)];
        string[] versions = [.. rows.Select(contract => contract.Version)];
        return await dataSource.RunAsync(
            [
                new NpgsqlBatchCommand(Serialize),
                new NpgsqlBatchCommand(Conflicts)
                {
                    Parameters =
                    {
                        PostgresArray.Create(NpgsqlDbType.Text, hashes),
                        PostgresArray.Create(NpgsqlDbType.Text, names),
                        PostgresArray.Create(NpgsqlDbType.Text, versions),
                        new NpgsqlParameter<bool> { TypedValue = mutable },
                    },
                },
                new NpgsqlBatchCommand(Insert)
                {
                    Parameters =
                    {
                        PostgresArray.Create(NpgsqlDbType.Text, hashes),
                        PostgresArray.Create(NpgsqlDbType.Text, names),
                        PostgresArray.Create(NpgsqlDbType.Text, versions),
                        PostgresArray.Create(NpgsqlDbType.Jsonb, rows, contract => PostgresArray.Json(contract.Source)),
                        new NpgsqlParameter<bool> { TypedValue = mutable },
                    },
                },
            ],
            async reader =>
            {
                await reader.NextResultAsync(cancellation);
                return await ReadAsync(reader, cancellation);
            },
            cancellation);
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<ContractInUse>> InUseAsync(IReadOnlyCollection<string> except, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyList<ContractInUse>>(
            [new NpgsqlBatchCommand(InUse) { Parameters = { PostgresArray.Create(NpgsqlDbType.Text, except.ToArray()) } }],
            async reader =>
            {
                var used = new List<ContractInUse>();
                while (await reader.ReadAsync(cancellation))
                {
                    used.Add(new ContractInUse(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3)));
                }

                return used;
            },
            cancellation);

    /// <inheritdoc />
    public async Task<RegisteredContract?> FindAsync(string hash, CancellationToken cancellation)
    {
        var found = await dataSource.RunAsync(
            [
                new NpgsqlBatchCommand("SELECT hash, name, version, source FROM onex.contracts WHERE hash = $1")
                {
                    Parameters = { new NpgsqlParameter<string> { TypedValue = hash } },
                },
            ],
            reader => ReadAsync(reader, cancellation),
            cancellation);
        return found.SingleOrDefault();
    }

    private static async Task<IReadOnlyList<RegisteredContract>> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var contracts = new List<RegisteredContract>();
        while (await reader.ReadAsync(cancellation))
        {
            contracts.Add(new RegisteredContract(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), new RawJson(reader.GetFieldValue<byte[]>(3))));
        }

        return contracts;
    }
}
