using Npgsql;
using NpgsqlTypes;

namespace Onex.Persistence.Postgres;

/// <summary>The parameters of a list's query in PostgreSQL.</summary>
internal static class ListParameters
{
    /// <summary>Takes a value as a parameter (text, id, time or number); answers its name.</summary>
    public static string Given(this NpgsqlBatchCommand command, object value)
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

    /// <summary>The pattern of what begins with a text, for <c>LIKE</c>.</summary>
    public static string Beginning(string beginning) => beginning
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("%", "\\%", StringComparison.Ordinal)
        .Replace("_", "\\_", StringComparison.Ordinal) + "%";
}
