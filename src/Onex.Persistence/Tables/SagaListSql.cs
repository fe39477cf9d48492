using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.Tables;

/// <summary>Builds the query for a page of sagas. Values are always parameters, never part of the text.</summary>
internal static class SagaListSql
{
    /// <summary>The most rows per page.</summary>
    public const int RowsMax = 1_000;

    /// <summary>Writes the text of the query.</summary>
    /// <param name="filter">The filter.</param>
    /// <param name="limit">The most rows.</param>
    /// <param name="table">The table's name.</param>
    /// <param name="addParameter">Adds a value (text, id, time or number) as a parameter and returns its name.</param>
    /// <param name="beginsWith">Returns the condition that <c>s.business_key</c> begins with a text.</param>
    public static string Write(
        SagaFilter filter, int limit, string table, Func<object, string> addParameter, Func<string, string> beginsWith)
    {
        var conditions = new List<string>();
        if (filter.Contract is { } contract)
        {
            conditions.Add($"s.contract = {addParameter(Searchable(contract))}");
        }

        if (filter.State is { } state)
        {
            conditions.Add($"s.state = {addParameter(Searchable(state))}");
        }

        if (filter.Statuses.Count > 0)
        {
            conditions.Add($"s.status IN ({string.Join(", ", filter.Statuses.Select(status => addParameter(status.ToText())))})");
        }

        if (filter.Key is { } key)
        {
            conditions.Add($"s.business_key = {addParameter(Searchable(key))}");
        }

        if (filter.Parent is { } parent)
        {
            conditions.Add($"s.parent_id = {addParameter(parent.Value)}");
        }

        if (filter.Text is { } text)
        {
            conditions.Add(Guid.TryParse(text, out var id)
                ? $"(s.id = {addParameter(id)} OR s.correlation_id = {addParameter(id)} OR {beginsWith(text)})"
                : beginsWith(Searchable(text)));
        }

        if (ListCursor.Read(filter.After) is { } after)
        {
            conditions.Add($"s.id < {addParameter(after.Id)}");
        }

        var where = conditions.Count == 0 ? "" : $"WHERE {string.Join(" AND ", conditions)}";
        return $"SELECT {SagaTable.Columns.Names("s")} FROM {table} s {where} ORDER BY s.id DESC LIMIT {addParameter(limit)}";
    }

    /// <summary>Makes a page of rows that were queried with one more than <paramref name="limit"/>.</summary>
    public static SagaPage Page(List<SagaRow> rows, int limit) => rows.Count <= limit
        ? new SagaPage(rows, null)
        : new SagaPage(rows[..limit], new ListCursor(rows[limit - 1].StartedAt, rows[limit - 1].Id.Value).ToString());

    /// <summary>
    /// Replaces the character 0, which PostgreSQL can neither store nor compare, by a noncharacter, so that the filter matches nothing.
    /// </summary>
    public static string Searchable(string text) => text.Replace('\0', '\uFFFF');
}
