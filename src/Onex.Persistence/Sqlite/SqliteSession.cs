using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;
using Onex.Contracts.Messages;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Sqlite;

/// <summary>
/// A connection with its prepared statements. Parameters are <c>$1</c>, <c>$2</c>, ... in the order of the values. Values are stored in
/// readable form: ids in lower case, times in UTC, always with microseconds, so that they sort as text.
/// </summary>
internal sealed class SqliteSession(SqliteConnection connection) : IDisposable
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    private readonly Dictionary<string, SqliteCommand> _prepared = new(StringComparer.Ordinal);

    /// <summary>Runs a statement and returns the number of changed rows.</summary>
    public int Execute(string sql, params ReadOnlySpan<object?> values) => Prepare(sql, values).ExecuteNonQuery();

    /// <summary>Runs a query and returns its rows.</summary>
    public List<T> Query<T>(string sql, Func<SqliteRow, T> read, params ReadOnlySpan<object?> values)
    {
        using var reader = Prepare(sql, values).ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(read(new SqliteRow(reader)));
        }

        return rows;
    }

    /// <summary>Runs a query and returns its rows before the first one that is not accepted.</summary>
    public List<T> QueryWhile<T>(string sql, Func<SqliteRow, T> read, Func<T, bool> accepts, params ReadOnlySpan<object?> values)
    {
        using var reader = Prepare(sql, values).ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            var row = read(new SqliteRow(reader));
            if (!accepts(row))
            {
                break;
            }

            rows.Add(row);
        }

        return rows;
    }

    /// <summary>Whether a query has a row.</summary>
    public bool Exists(string sql, params ReadOnlySpan<object?> values) => Prepare(sql, values).ExecuteScalar() is not null;

    /// <summary>Ids as one value, for <c>json_each</c>.</summary>
    public static string List<TId>(IEnumerable<TId> ids)
        where TId : struct => new StringBuilder("[\"").AppendJoin("\",\"", ids).Append("\"]").Replace("[\"\"]", "[]").ToString();

    /// <summary>Numbers as one value, for <c>json_each</c>.</summary>
    public static string List(IEnumerable<int> numbers) => $"[{string.Join(',', numbers)}]";

    /// <summary>The stored form of a time.</summary>
    public static string Write(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    public void Dispose()
    {
        foreach (var command in _prepared.Values)
        {
            command.Dispose();
        }

        connection.Dispose();
    }

    private SqliteCommand Prepare(string sql, ReadOnlySpan<object?> values)
    {
        if (!_prepared.TryGetValue(sql, out var command))
        {
            command = connection.CreateCommand();
            command.CommandText = sql;
            for (var number = 1; number <= values.Length; number++)
            {
                command.Parameters.Add(new SqliteParameter { ParameterName = $"${number}" });
            }

            _prepared.Add(sql, command);
        }

        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = ToStored(values[i]);
        }

        return command;
    }

    private static object ToStored(object? value) => value switch
    {
        null => DBNull.Value,
        Guid id => id.ToString(),
        SagaId id => id.ToString(),
        CommandId id => id.ToString(),
        MessageId id => id.ToString(),
        DateTimeOffset time => Write(time),
        RawJson json => RequireStorable(json.ToString()),
        string text => RequireStorable(text),
        _ => value,
    };

    // Rejects the character 0 as PostgreSQL does. SQLite accepts it, but many programs that read its text stop there.
    private static string RequireStorable(string text) => text.Contains('\0', StringComparison.Ordinal)
        ? throw new UnstorableException("22021", "The character 0 cannot be stored in text.")
        : text;
}

/// <summary>A value that cannot be stored, with the SQLSTATE that PostgreSQL has for it.</summary>
internal sealed class UnstorableException(string sqlState, string message) : Exception(message)
{
    public UnstorableException()
        : this("22000", "A value cannot be stored.")
    {
    }

    public UnstorableException(string message)
        : this("22000", message)
    {
    }

    public UnstorableException(string message, Exception innerException)
        : this("22000", $"{message} {innerException?.Message}")
    {
    }

    public string SqlState { get; } = sqlState;
}
