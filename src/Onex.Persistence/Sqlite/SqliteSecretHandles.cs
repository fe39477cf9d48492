using Onex.Contracts.Messages;
using Onex.Persistence.Secrets;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Sqlite;

/// <summary>Secret handles in SQLite.</summary>
internal sealed class SqliteSecretHandles(SqliteDatabase database) : ISecretHandles
{
    private static readonly string _insert =
        $"INSERT OR IGNORE INTO secret_handles ({SecretHandleTable.Columns.Names()}) VALUES ({SecretHandleTable.Columns.Placeholders()})";

    private static readonly string _find =
        $"SELECT {SecretHandleTable.Columns.Names()} FROM secret_handles WHERE saga_id = $1 AND id IN (SELECT value FROM json_each($2))";

    public Task AddAsync(IReadOnlyCollection<SecretHandle> handles, CancellationToken cancellation) => database.WriteAsync(
        session =>
        {
            foreach (var handle in handles)
            {
                session.Execute(_insert, SecretHandleTable.Columns.Values(handle));
            }

            return true;
        },
        cancellation);

    public Task<IReadOnlyDictionary<Guid, SecretHandle>> FindAsync(
        SagaId sagaId, IReadOnlyCollection<Guid> ids, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyDictionary<Guid, SecretHandle>>(
            session => session.Query(_find, SecretHandleTable.Read, sagaId, SqliteSession.List(ids)).ToDictionary(handle => handle.Id),
            cancellation);
}
