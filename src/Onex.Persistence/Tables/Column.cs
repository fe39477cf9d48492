using Npgsql;
using NpgsqlTypes;

namespace Onex.Persistence.Tables;

/// <summary>A column of a table: its name, and how a row provides its value for either store.</summary>
/// <param name="name">Its name in the database.</param>
internal abstract class Column<TRow>(string name)
{
    public string Name { get; } = name;

    /// <summary>Its position in the table's list of columns, from 0: its ordinal in a query that begins with this list.</summary>
    public int Ordinal { get; init; }

    /// <summary>Whether updates leave it unchanged.</summary>
    public bool IsFixed { get; init; }

    /// <summary>The values of rows as one array parameter for PostgreSQL.</summary>
    public abstract NpgsqlParameter ToArray(IReadOnlyList<TRow> rows);

    /// <summary>The value of one row for <see cref="Sqlite.SqliteSession"/>.</summary>
    public abstract object? ToValue(TRow row);

    /// <summary>The same column of a table whose rows contain rows of this one.</summary>
    public abstract Column<TOuter> Within<TOuter>(Func<TOuter, TRow> inner, int ordinal);
}

/// <summary>A column whose arrays have elements of one type.</summary>
/// <param name="name">Its name in the database.</param>
/// <param name="type">The type of an element in PostgreSQL.</param>
/// <param name="element">The element of a row in PostgreSQL.</param>
/// <param name="value">The value of a row in SQLite.</param>
internal sealed class Column<TRow, TElement>(string name, NpgsqlDbType type, Func<TRow, TElement> element, Func<TRow, object?> value)
    : Column<TRow>(name)
{
    public override NpgsqlParameter ToArray(IReadOnlyList<TRow> rows) => PostgresArray.Create(type, rows, element);

    public override object? ToValue(TRow row) => value(row);

    public override Column<TOuter> Within<TOuter>(Func<TOuter, TRow> inner, int ordinal) =>
        new Column<TOuter, TElement>(Name, type, outer => element(inner(outer)), outer => value(inner(outer)))
        {
            Ordinal = ordinal,
            IsFixed = IsFixed,
        };
}
