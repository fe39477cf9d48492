using Onex.Persistence.DeadLetters;

namespace Onex.Persistence.Tables;

/// <summary>The parts of queries that both stores share. Values are always parameters, never part of the text.</summary>
internal static class DeadLetterSql
{
    // Keeps the columns of the last decision, which the next one overwrites. An event that was declined again has a new identity, in its
    // headers, and no envelope id in its value.
    private const string Reopen = """

        ON CONFLICT (id) DO UPDATE
        SET status = 'open', code = excluded.code, reason = excluded.reason, error_type = excluded.error_type,
            retry_count = excluded.retry_count, value = excluded.value, headers = excluded.headers, at = excluded.at
        WHERE l.status = 'redriven'
        """;

    private const int RowsMax = 1_000;

    /// <summary>The <c>ON CONFLICT</c> clause of an insert into <c>dead_letters l</c>.</summary>
    public static string OnConflict(DeadLetterRow row) => row.Reopens ? Reopen : " ON CONFLICT DO NOTHING";

    /// <summary>The number of rows per page.</summary>
    public static int Limit(DeadLetterFilter filter) => Math.Clamp(filter.Limit, 1, RowsMax);

    /// <summary>The query for a page and one more row, which shows whether another page follows.</summary>
    /// <param name="filter">The filter.</param>
    /// <param name="table">The table's name.</param>
    /// <param name="addParameter">Adds a value (text, id, time or number) as a parameter and returns its name.</param>
    /// <param name="beginsWith">Returns the condition that <c>l.key</c> begins with a text.</param>
    public static string List(DeadLetterFilter filter, string table, Func<object, string> addParameter, Func<string, string> beginsWith)
    {
        var conditions = new List<string>();
        if (filter.Topic is { } topic)
        {
            conditions.Add($"l.topic = {addParameter(SagaListSql.Searchable(topic))}");
        }

        if (filter.Code is { } code)
        {
            conditions.Add($"l.code = {addParameter(SagaListSql.Searchable(code))}");
        }

        if (filter.Statuses.Count > 0)
        {
            conditions.Add($"l.status IN ({string.Join(", ", filter.Statuses.Select(status => addParameter(status.ToText())))})");
        }

        if (filter.Text is { } text)
        {
            conditions.Add(Guid.TryParse(text, out var id)
                ? $"(l.id = {addParameter(id)} OR l.correlation_id = {addParameter(id)} OR {beginsWith(text)})"
                : beginsWith(SagaListSql.Searchable(text)));
        }

        if (ListCursor.Read(filter.After) is { } after)
        {
            conditions.Add($"(l.at, l.id) < ({addParameter(after.At)}, {addParameter(after.Id)})");
        }

        var where = conditions.Count == 0 ? "" : $"WHERE {string.Join(" AND ", conditions)}";
        return $"SELECT {DeadLetterTable.NamesWithoutContent("l")} FROM {table} l {where} "
            + $"ORDER BY l.at DESC, l.id DESC LIMIT {addParameter(Limit(filter) + 1)}";
    }

    /// <summary>Makes a page of the rows of the query.</summary>
    public static DeadLetterPage Page(List<DeadLetterRow> rows, DeadLetterFilter filter)
    {
        var limit = Limit(filter);
        return rows.Count <= limit
            ? new DeadLetterPage(rows, null)
            : new DeadLetterPage(rows[..limit], new ListCursor(rows[limit - 1].At, rows[limit - 1].Id).ToString());
    }

    /// <summary>Replaces the character 0, which PostgreSQL cannot store: an error text may quote the record.</summary>
    public static string Storable(string text) => text.Replace('\0', '\uFFFD');
}
