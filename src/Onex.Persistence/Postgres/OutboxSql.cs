using System.Runtime.InteropServices;
using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>
/// The statements of <c>outbox_batches</c>: a row contains many messages, in an array per column, and the places of those that have been
/// sent. The view <c>outbox</c> has a row for each unsent message.
/// </summary>
internal static class OutboxSql
{
    /// <summary>The most messages of a row.</summary>
    public const int MessagesMax = 500;

    /// <summary>When the values of a row have more bytes than this, the next message begins another row.</summary>
    public const int BytesMax = 1 << 20;

    /// <summary>How many of the low bits of a message's sequence number are its place: the view <c>outbox</c> adds them.</summary>
    public const int PlaceBits = 20;

    /// <summary>The columns that an insert sets.</summary>
    public static readonly string Names = $"messages, {Join(column => ArrayOf(column.Name))}";

    /// <summary>
    /// The aggregates of rows in the order of their places, for <see cref="Names"/>. An aggregate reads its input in the order of a sorted
    /// subquery.
    /// </summary>
    public static string Aggregates(string alias) =>
        $"count(*), {Join(column => $"array_agg({alias}.{column.Name})")}";

    /// <summary>
    /// Unsent messages of batches, as a FROM item <c>o</c> with the columns of <see cref="OutboxTable"/>, <c>batch</c> and <c>place</c>. A
    /// LIMIT after ORDER BY batch, place reads no more batches than it needs.
    /// </summary>
    /// <param name="condition">Selects batches, by the alias <c>b</c>.</param>
    public static string Unsent(string condition) => $"""
        (SELECT m.*, b.seq AS batch
        FROM onex.outbox_batches b
        CROSS JOIN LATERAL unnest({Join(column => $"b.{ArrayOf(column.Name)}")})
            WITH ORDINALITY AS m({OutboxTable.Columns.Names()}, place)
        WHERE {condition} AND NOT m.place = ANY (b.sent)) o
        """;

    // Plan: pk_outbox_batches.
    private const string Remove = "DELETE FROM onex.outbox_batches WHERE seq = ANY($1)";

    // Another process may have sent other messages of the batch, so the next statement checks in the updated row whether all are sent.
    private const string MarkPlaces = """
        UPDATE onex.outbox_batches b SET sent = b.sent || g.places
        FROM (SELECT seq, array_agg(place) AS places FROM unnest($1, $2) AS p(seq, place) GROUP BY seq) g
        WHERE b.seq = g.seq
        """;

    private const string RemoveComplete = """
        DELETE FROM onex.outbox_batches b
        WHERE b.seq = ANY($1) AND (SELECT count(DISTINCT place) FROM unnest(b.sent) AS s(place)) >= b.messages
        """;

    // Scans the table, for messages whose places OutboxPlaces does not have: after a lost connection, or an operator's redrive.
    private const string Find = """
        SELECT b.seq, m.place::integer
        FROM onex.outbox_batches b CROSS JOIN LATERAL unnest(b.message_ids) WITH ORDINALITY AS m(id, place)
        JOIN unnest($1) AS w(id) ON w.id = m.id
        """;

    /// <summary>Removes batches that have been sent completely.</summary>
    public static NpgsqlBatchCommand RemoveBatches(long[] batches) =>
        new(Remove) { Parameters = { PostgresArray.Create(NpgsqlDbType.Bigint, batches) } };

    /// <summary>Marks messages as sent, and removes batches that have been sent completely by now.</summary>
    public static IEnumerable<NpgsqlBatchCommand> MarkSent(IReadOnlyList<OutboxPlace> places)
    {
        yield return new NpgsqlBatchCommand(MarkPlaces)
        {
            Parameters =
            {
                PostgresArray.Create(NpgsqlDbType.Bigint, places, place => place.Batch),
                PostgresArray.Create(NpgsqlDbType.Integer, places, place => place.Place),
            },
        };
        yield return new NpgsqlBatchCommand(RemoveComplete)
        {
            Parameters = { PostgresArray.Create(NpgsqlDbType.Bigint, [.. places.Select(place => place.Batch).Distinct()]) },
        };
    }

    /// <summary>Returns batch and place of messages by their ids.</summary>
    public static NpgsqlBatchCommand FindPlaces(IReadOnlyCollection<MessageId> ids) =>
        new(Find) { Parameters = { PostgresArray.Create(NpgsqlDbType.Uuid, [.. ids.Select(id => id.Value)]) } };

    private static string Join(Func<Column<OutgoingRow>, string> text) => string.Join(", ", OutboxTable.Columns.Columns.Select(text));

    // The array column is named in the plural: "topics" has the topic of each message.
    private static string ArrayOf(string column) => column.EndsWith('s') ? column : $"{column}s";
}

/// <summary>Where a message is in <c>outbox_batches</c>.</summary>
/// <param name="Batch">The row.</param>
/// <param name="Place">Its place in the arrays of the row, from 1.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct OutboxPlace(long Batch, int Place)
{
    /// <summary>Its place in the order of all messages, as in the view <c>outbox</c>.</summary>
    public long Seq => (Batch << OutboxSql.PlaceBits) + Place;
}
