using Npgsql;

namespace Onex.Persistence.Tables;

/// <summary>The parameters that pass rows to a PostgreSQL statement: one array per column.</summary>
/// <param name="table">The columns.</param>
/// <param name="first">The number of the first parameter, from 1.</param>
internal sealed class RowParameters<TRow>(Table<TRow> table, int first)
{
    /// <summary>The number of the next parameter.</summary>
    public int NextNumber => first + table.Count;

    /// <summary>The rows as a table expression: <c>unnest($1, $2) AS g(id, state)</c>.</summary>
    public string Unnest(string alias) => $"unnest({table.Placeholders(first)}) AS {alias}({table.Names()})";

    /// <summary>The same with a last column <c>place</c>: the number of the row, from 1.</summary>
    public string UnnestInOrder(string alias) => $"unnest({table.Placeholders(first)}) WITH ORDINALITY AS {alias}({table.Names()}, place)";

    /// <summary>Adds the parameters. Throws if parameters before them are missing.</summary>
    public void AddTo(NpgsqlParameterCollection parameters, IReadOnlyList<TRow> rows)
    {
        if (parameters.Count != first - 1)
        {
            throw new InvalidOperationException($"Parameter ${first} cannot follow ${parameters.Count}.");
        }

        foreach (var column in table.Columns)
        {
            parameters.Add(column.ToArray(rows));
        }
    }
}
