using Onex.Contracts.Messages;
using Onex.Persistence.DeadLetters;

namespace Onex.Persistence.Tables;

/// <summary>The columns of <c>dead_letters</c>.</summary>
internal static class DeadLetterTable
{
    public static readonly Table<DeadLetterRow> Columns = new();

    public static readonly int Id = Columns.Uuid("id", row => row.Id);
    public static readonly int Topic = Columns.Text("topic", row => row.Topic);
    public static readonly int Partition = Columns.Integer("partition", row => row.Partition);
    public static readonly int Offset = Columns.Bigint("record_offset", row => row.Offset);
    public static readonly int Code = Columns.Text("code", row => row.Code);
    public static readonly int Reason = Columns.Text("reason", row => DeadLetterSql.Storable(row.Reason));
    public static readonly int CorrelationId = Columns.OptionalUuid("correlation_id", row => row.CorrelationId);
    public static readonly int At = Columns.Time("at", row => row.At);
    public static readonly int Key = Columns.Text("key", row => row.Key is { } key ? DeadLetterSql.Storable(key) : null);
    public static readonly int ErrorType = Columns.Text("error_type", row => DeadLetterSql.Storable(row.ErrorType));
    public static readonly int RetryCount = Columns.Integer("retry_count", row => row.RetryCount);
    public static readonly int Status = Columns.Text("status", row => row.Status.ToText());
    public static readonly int Redrives = Columns.Integer("redrives", row => row.Redrives);
    public static readonly int DecisionId = Columns.OptionalUuid("decision_id", row => row.DecisionId);
    public static readonly int DecidedAt = Columns.OptionalTime("decided_at", row => row.DecidedAt);
    public static readonly int DecidedBy = Columns.Text("decided_by", row => row.DecidedBy);
    public static readonly int DecisionReason = Columns.Text("decision_reason", row => row.DecisionReason);
    public static readonly int Value = Columns.OptionalBytes("value", row => row.Value);
    public static readonly int Headers = Columns.NullableJson("headers", row => row.Headers?.ToJson());

    /// <summary>The column names with an alias, and <c>NULL</c> for the large columns.</summary>
    public static string NamesWithoutContent(string alias) => Columns.NamesWith("NULL", alias, Value, Headers);

    /// <summary>Reads a row that begins with these columns.</summary>
    public static DeadLetterRow Read<TReader>(TReader row)
        where TReader : struct, IRowReader => new(
            row.Uuid(Id),
            row.Text(Topic),
            row.Integer(Partition),
            row.Bigint(Offset),
            row.Text(Code),
            row.Text(Reason),
            row.OptionalUuid(CorrelationId),
            row.OptionalBytes(Value),
            row.Time(At))
        {
            Key = row.OptionalText(Key),
            ErrorType = row.Text(ErrorType),
            RetryCount = row.Integer(RetryCount),
            Status = DeadLetterStatusText.Parse(row.Text(Status)),
            Redrives = row.Integer(Redrives),
            DecisionId = row.OptionalUuid(DecisionId),
            DecidedAt = row.OptionalTime(DecidedAt),
            DecidedBy = row.OptionalText(DecidedBy),
            DecisionReason = row.OptionalText(DecisionReason),
            Headers = row.OptionalJson(Headers) is { } headers ? MessageHeaders.Parse(headers) : null,
        };
}
