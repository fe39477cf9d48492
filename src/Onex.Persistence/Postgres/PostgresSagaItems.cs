using Npgsql;
using NpgsqlTypes;
using Onex.Engine;
using Onex.Persistence.Sagas;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>
/// Reads items of an <c>each</c> in PostgreSQL, with all queries in one round trip. Commits write them: see <see cref="CommitSql"/>.
/// </summary>
internal sealed class PostgresSagaItems(NpgsqlDataSource dataSource)
{
    // Plan: pk_saga_items in the order of the index, forwards or backwards, so that the cost depends on the page only.
    private static readonly string _page = $"""
        SELECT {SagaItemTable.Columns.Names("i")}
        FROM onex.saga_items i
        WHERE i.saga_id = $1 AND i.step = $2 AND i.index < $4 AND i.index >= $7 AND i.status = ANY($5)
            AND i.visit = coalesce($3, (SELECT max(l.visit) FROM onex.saga_items l WHERE l.saga_id = $1 AND l.step = $2))
        """;

    private static readonly string _ascending = $"{_page} ORDER BY i.index LIMIT $6";

    private static readonly string _descending = $"{_page} ORDER BY i.index DESC LIMIT $6";

    public async Task<IReadOnlyList<IReadOnlyList<SagaItem>>> LoadAsync(
        IReadOnlyList<SagaItemsQuery> queries, CancellationToken cancellation)
    {
        if (queries.Count == 0)
        {
            return [];
        }

        return await dataSource.RunAsync<IReadOnlyList<IReadOnlyList<SagaItem>>>(
            [.. queries.Select(CreateCommand)],
            async reader =>
            {
                var pages = new List<IReadOnlyList<SagaItem>>(queries.Count);
                foreach (var query in queries)
                {
                    var items = new List<SagaItem>();
                    while (await reader.ReadAsync(cancellation))
                    {
                        items.Add(SagaItemTable.Read(new PostgresRow(reader)));
                    }

                    pages.Add(items);
                    await reader.NextResultAsync(cancellation);
                }

                return pages;
            },
            cancellation);
    }

    private static NpgsqlBatchCommand CreateCommand(SagaItemsQuery query) => new(query.Descending ? _descending : _ascending)
    {
        Parameters =
        {
            new NpgsqlParameter<Guid> { TypedValue = query.SagaId.Value },
            new NpgsqlParameter<string> { TypedValue = query.Step },
            new NpgsqlParameter { Value = query.Visit ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer },
            new NpgsqlParameter<int> { TypedValue = query.Below ?? int.MaxValue },
            PostgresArray.Create(NpgsqlDbType.Text, query.Statuses, status => status.ToText()),
            new NpgsqlParameter<int> { TypedValue = query.Limit },
            new NpgsqlParameter<int> { TypedValue = query.AtLeast },
        },
    };
}
