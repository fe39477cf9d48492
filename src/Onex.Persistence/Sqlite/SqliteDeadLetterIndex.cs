using Onex.Persistence.DeadLetters;

namespace Onex.Persistence.Sqlite;

/// <summary>The index of dead letters in SQLite.</summary>
internal sealed class SqliteDeadLetterIndex(SqliteDatabase database) : IDeadLetterIndex
{
    private const string Insert = """
        INSERT INTO dead_letters (id, topic, partition, record_offset, code, reason, correlation_id, value, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT DO NOTHING
        """;

    /// <inheritdoc />
    public Task AddAsync(DeadLetterRow row, CancellationToken cancellation) => database.WriteAsync(
        session => session.Execute(
            Insert,
            row.Id,
            row.Topic,
            row.Partition,
            row.Offset,
            row.Code,

            // Text of whatever went wrong, which may quote the record.
            row.Reason.Replace('\0', '\uFFFD'),
            row.CorrelationId,
            row.Value,
            row.At),
        cancellation);
}
