using Npgsql;
using NpgsqlTypes;

namespace Onex.Persistence.Postgres;

/// <summary>Builds the parameters of list queries in PostgreSQL.</summary>
internal static class ListParameters
{
    /// <summary>Adds a value (text, id, time or number) as a parameter and returns its name.</summary>
    public static string AddParameter(this NpgsqlBatchCommand command, object value)
    {
        command.Parameters.Add(value switch
        {
            Guid id => new NpgsqlParameter<Guid> { TypedValue = id, NpgsqlDbType = NpgsqlDbType.Uuid },
            int number => new NpgsqlParameter<int> { TypedValue = number, NpgsqlDbType = NpgsqlDbType.Integer },
            DateTimeOffset time => new NpgsqlParameter<DateTime> { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz },
            _ => new NpgsqlParameter<string> { TypedValue = (string)value, NpgsqlDbType = NpgsqlDbType.Text },
        });
        return $"${command.Parameters.Count}";
    }

    /// <summary>The <c>LIKE</c> pattern for values that begin with a text.</summary>
    public static string PrefixPattern(string prefix) => prefix
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("%", "\\%", StringComparison.Ordinal)
        .Replace("_", "\\_", StringComparison.Ordinal) + "%";
}
