using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Persistence.Secrets;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>Secret handles in PostgreSQL.</summary>
internal sealed class PostgresSecretHandles(NpgsqlDataSource dataSource) : ISecretHandles
{
    private static readonly RowParameters<SecretHandle> _handles = new(SecretHandleTable.Columns, first: 1);

    private static readonly string _insert = $"""
        INSERT INTO onex.secret_handles ({SecretHandleTable.Columns.Names()})
        SELECT {SecretHandleTable.Columns.Names("h")} FROM {_handles.Unnest("h")} ORDER BY h.id ON CONFLICT DO NOTHING
        """;

    private static readonly string _find =
        $"SELECT {SecretHandleTable.Columns.Names()} FROM onex.secret_handles WHERE saga_id = $1 AND id = ANY($2)";

    public async Task AddAsync(IReadOnlyCollection<SecretHandle> handles, CancellationToken cancellation)
    {
        var command = new NpgsqlBatchCommand(_insert);
        _handles.AddTo(command.Parameters, [.. handles]);
        await dataSource.RunAsync([command], _ => Task.FromResult(true), cancellation);
    }

    public Task<IReadOnlyDictionary<Guid, SecretHandle>> FindAsync(
        SagaId sagaId, IReadOnlyCollection<Guid> ids, CancellationToken cancellation) =>
        dataSource.RunAsync<IReadOnlyDictionary<Guid, SecretHandle>>(
            [
                new NpgsqlBatchCommand(_find)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<Guid> { TypedValue = sagaId.Value },
                        PostgresArray.Create(NpgsqlDbType.Uuid, [.. ids]),
                    },
                },
            ],
            async reader =>
            {
                var handles = new Dictionary<Guid, SecretHandle>(ids.Count);
                while (await reader.ReadAsync(cancellation))
                {
                    var handle = SecretHandleTable.Read(new PostgresRow(reader));
                    handles[handle.Id] = handle;
                }

                return handles;
            },
            cancellation);
}
