using Onex.Persistence.Sagas;

namespace Onex.Persistence.Tables;

/// <summary>The columns of <c>early_events</c>.</summary>
internal static class EarlyEventTable
{
    public static readonly Table<EarlyEvent> Columns = new();

    public static readonly int MessageId = Columns.Uuid("message_id", row => row.MessageId.Value);
    public static readonly int SagaId = Columns.OptionalUuid("saga_id", row => row.SagaId?.Value);
    public static readonly int Contract = Columns.Text("contract", row => row.Contract);
    public static readonly int Event = Columns.Text("event", row => row.Event);
    public static readonly int CorrelationId = Columns.Uuid("correlation_id", row => row.CorrelationId);
    public static readonly int BusinessKey = Columns.Text("business_key", row => row.BusinessKey);
    public static readonly int Content = Columns.Json("content", row => row.Content);
    public static readonly int ReceivedAt = Columns.Time("received_at", row => row.ReceivedAt);
    public static readonly int ExpiresAt = Columns.Time("expires_at", row => row.ExpiresAt);
    public static readonly int RequestHash = Columns.OptionalUuid("request_hash", row => row.RequestHash);

    /// <summary>Reads a row that begins with these columns.</summary>
    public static EarlyEvent Read<TReader>(TReader row)
        where TReader : struct, IRowReader => new()
        {
            MessageId = new(row.Uuid(MessageId)),
            SagaId = row.OptionalSagaId(SagaId),
            Contract = row.Text(Contract),
            Event = row.Text(Event),
            CorrelationId = row.Uuid(CorrelationId),
            BusinessKey = row.OptionalText(BusinessKey),
            Content = row.JsonOrNull(Content),
            ReceivedAt = row.Time(ReceivedAt),
            ExpiresAt = row.Time(ExpiresAt),
            RequestHash = row.OptionalUuid(RequestHash),
        };
}
