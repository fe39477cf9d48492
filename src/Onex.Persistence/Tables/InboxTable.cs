using Onex.Contracts.Messages;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.Tables;

/// <summary>The columns of <c>inbox</c>.</summary>
internal static class InboxTable
{
    public static readonly Table<(SagaId SagaId, SeenMessage Message)> Columns = new();

    public static readonly int SagaId = Columns.Uuid("saga_id", row => row.SagaId.Value);
    public static readonly int MessageId = Columns.Uuid("message_id", row => row.Message.MessageId.Value);
    public static readonly int RequestHash = Columns.OptionalUuid("request_hash", row => row.Message.Hash);
}
