using Onex.Persistence.Sagas;

namespace Onex.Persistence.Tables;

/// <summary>The columns of <c>saga_payloads</c>.</summary>
internal static class PayloadTable
{
    public static readonly Table<SagaPayload> Columns = new();

    public static readonly int Id = Columns.Uuid("id", row => row.Id);
    public static readonly int SagaId = Columns.Uuid("saga_id", row => row.SagaId.Value);
    public static readonly int Name = Columns.Text("name", row => row.Name);
    public static readonly int Content = Columns.ExactJson("content", row => row.Content);

    /// <summary>Reads a row that begins with these columns.</summary>
    public static SagaPayload Read<TReader>(TReader row)
        where TReader : struct, IRowReader => new(row.Uuid(Id), new(row.Uuid(SagaId)), row.Text(Name), row.JsonOrNull(Content));
}
