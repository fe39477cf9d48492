using Npgsql;
using NpgsqlTypes;
using Onex.Persistence.Connecting;

namespace Onex.Persistence.DeadLetters;

/// <summary>The index of dead letters in PostgreSQL.</summary>
public sealed class DeadLetterIndex(NpgsqlDataSource dataSource) : IDeadLetterIndex
{
    private const string Insert = """
        INSERT INTO onex.dead_letters (id, topic, partition, record_offset, code, reason, correlation_id, value, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT DO NOTHING
        """;

    /// <inheritdoc />
    public async Task AddAsync(DeadLetterRow row, CancellationToken cancellation) => await dataSource.RunAsync(
        [
            new NpgsqlBatchCommand(Insert)
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid> { TypedValue = row.Id },
                    new NpgsqlParameter<string> { TypedValue = row.Topic },
                    new NpgsqlParameter<int> { TypedValue = row.Partition },
                    new NpgsqlParameter<long> { TypedValue = row.Offset },
                    new NpgsqlParameter<string> { TypedValue = row.Code },

                    // Text of whatever went wrong, which may quote the record: no text column takes the character 0.
                    new NpgsqlParameter<string> { TypedValue = row.Reason.Replace('\0', '\uFFFD') },
                    new NpgsqlParameter { Value = (object?)row.CorrelationId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid },
                    new NpgsqlParameter { Value = (object?)row.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea },
                    new NpgsqlParameter<DateTime> { TypedValue = row.At.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                },
            },
        ],
        _ => Task.FromResult(true),
        cancellation);
}
