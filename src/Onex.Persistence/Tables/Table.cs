using NpgsqlTypes;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Tables;

/// <summary>
/// The list of a table's columns, from which the statements of both stores, their parameters and the ordinals of readers are built. The
/// methods that add a column return its ordinal when the columns of the list are selected. docs/contributing.md lists what a new column
/// needs.
/// </summary>
internal sealed class Table<TRow>
{
    private readonly List<Column<TRow>> _columns = [];

    /// <summary>The columns in order.</summary>
    public IReadOnlyList<Column<TRow>> Columns => _columns;

    /// <summary>The number of columns.</summary>
    public int Count => _columns.Count;

    /// <summary>The column names: <c>id, state</c>, or with an alias <c>s.id, s.state</c>.</summary>
    public string Names(string? alias = null) =>
        Join(_columns, column => alias is null ? Quote(column.Name) : $"{alias}.{Quote(column.Name)}");

    /// <summary>The column names with an alias, and an expression instead of some of them.</summary>
    public string NamesWith(string expression, string alias, params int[] ordinals) =>
        Join(_columns, column => ordinals.Contains(column.Ordinal) ? expression : $"{alias}.{Quote(column.Name)}");

    /// <summary>A numbered placeholder for each column: <c>$1, $2</c>.</summary>
    public string Placeholders(int first = 1) => Join(_columns, column => $"${column.Ordinal + first}");

    /// <summary>
    /// The SET list of an update, with numbered placeholders in the order of <see cref="ChangingValues"/>: <c>state = $2</c>.
    /// </summary>
    public string Assignments(int first) =>
        string.Join(", ", _columns.Where(column => !column.IsFixed).Select((column, index) => $"{Quote(column.Name)} = ${index + first}"));

    /// <summary>The SET list of an update from another table or alias: <c>state = g.state</c>.</summary>
    public string Assignments(string source) =>
        Join(_columns.Where(column => !column.IsFixed), column => $"{Quote(column.Name)} = {source}.{Quote(column.Name)}");

    /// <summary>The values of a row, for <see cref="Placeholders"/>.</summary>
    public object?[] Values(TRow row) => [.. _columns.Select(column => column.ToValue(row))];

    /// <summary>The values of a row that an update sets, for <see cref="Assignments(int)"/>.</summary>
    public IEnumerable<object?> ChangingValues(TRow row) =>
        _columns.Where(column => !column.IsFixed).Select(column => column.ToValue(row));

    /// <summary>Adds all columns of an inner row.</summary>
    public void Include<TInner>(Table<TInner> table, Func<TRow, TInner> inner)
    {
        foreach (var column in table._columns)
        {
            _columns.Add(column.Within(inner, _columns.Count));
        }
    }

    public int Uuid(string name, Func<TRow, Guid> get, bool isFixed = false) =>
        Add(name, NpgsqlDbType.Uuid, get, row => get(row), isFixed);

    public int OptionalUuid(string name, Func<TRow, Guid?> get, bool isFixed = false) =>
        Add(name, NpgsqlDbType.Uuid, get, row => get(row), isFixed);

    /// <summary>A nullable <c>text</c>.</summary>
    public int Text(string name, Func<TRow, string?> get, bool isFixed = false) => Add(name, NpgsqlDbType.Text, get, get, isFixed);

    public int Integer(string name, Func<TRow, int> get, bool isFixed = false) =>
        Add(name, NpgsqlDbType.Integer, get, row => get(row), isFixed);

    public int OptionalInteger(string name, Func<TRow, int?> get, bool isFixed = false) =>
        Add(name, NpgsqlDbType.Integer, get, row => get(row), isFixed);

    public int Bigint(string name, Func<TRow, long> get, bool isFixed = false) =>
        Add(name, NpgsqlDbType.Bigint, get, row => get(row), isFixed);

    public int Boolean(string name, Func<TRow, bool> get, bool isFixed = false) =>
        Add(name, NpgsqlDbType.Boolean, get, row => get(row), isFixed);

    public int Time(string name, Func<TRow, DateTimeOffset> get, bool isFixed = false) =>
        Add(name, NpgsqlDbType.TimestampTz, row => get(row).UtcDateTime, row => get(row), isFixed);

    public int OptionalTime(string name, Func<TRow, DateTimeOffset?> get, bool isFixed = false) =>
        Add(name, NpgsqlDbType.TimestampTz, row => get(row)?.UtcDateTime, row => get(row), isFixed);

    public int Interval(string name, Func<TRow, TimeSpan> get) => Add(name, NpgsqlDbType.Interval, get, row => get(row), isFixed: false);

    public int Bytes(string name, Func<TRow, ReadOnlyMemory<byte>> get) =>
        Add(name, NpgsqlDbType.Bytea, get, row => get(row).ToArray(), isFixed: false);

    public int OptionalBytes(string name, Func<TRow, byte[]?> get) => Add(name, NpgsqlDbType.Bytea, get, get, isFixed: false);

    /// <summary>A <c>jsonb</c> that is never NULL: an empty value is stored as JSON <c>null</c>.</summary>
    public int Json(string name, Func<TRow, RawJson> get) => RequiredJson(name, NpgsqlDbType.Jsonb, get);

    /// <summary>A <c>json</c>, stored byte for byte, that is never NULL: an empty value is stored as JSON <c>null</c>.</summary>
    public int ExactJson(string name, Func<TRow, RawJson> get) => RequiredJson(name, NpgsqlDbType.Json, get);

    /// <summary>A nullable <c>jsonb</c> that stores JSON <c>null</c> as NULL.</summary>
    public int OptionalJson(string name, Func<TRow, RawJson?> get, bool isFixed = false) => Add(
        name,
        NpgsqlDbType.Jsonb,
        row => get(row) is { IsNull: false } json ? PostgresArray.Json(json) : null,
        row => get(row) is { IsNull: false } json ? json : null,
        isFixed);

    /// <summary>A nullable <c>jsonb</c> that distinguishes JSON <c>null</c> from NULL.</summary>
    public int NullableJson(string name, Func<TRow, RawJson?> get) => Add(
        name, NpgsqlDbType.Jsonb, row => get(row) is { } json ? PostgresArray.Json(json) : null, row => get(row), isFixed: false);

    /// <summary>A nullable <c>json</c>, stored byte for byte, that distinguishes JSON <c>null</c> from NULL.</summary>
    public int NullableExactJson(string name, Func<TRow, RawJson?> get) => Add(
        name, NpgsqlDbType.Json, row => get(row) is { } json ? PostgresArray.Json(json) : null, row => get(row), isFixed: true);

    private static string Join(IEnumerable<Column<TRow>> columns, Func<Column<TRow>, string> text) =>
        string.Join(", ", columns.Select(text));

    // The only column name that SQLite does not accept without quotes.
    private static string Quote(string name) => name == "index" ? "\"index\"" : name;

    private static RawJson OrNull(RawJson json) => json.Utf8.IsEmpty ? RawJson.Null : json;

    private int RequiredJson(string name, NpgsqlDbType type, Func<TRow, RawJson> get) =>
        Add(name, type, row => PostgresArray.Json(get(row)), row => OrNull(get(row)), isFixed: false);

    private int Add<TElement>(string name, NpgsqlDbType type, Func<TRow, TElement> element, Func<TRow, object?> value, bool isFixed)
    {
        var ordinal = _columns.Count;
        _columns.Add(new Column<TRow, TElement>(name, type, element, value) { Ordinal = ordinal, IsFixed = isFixed });
        return ordinal;
    }
}
