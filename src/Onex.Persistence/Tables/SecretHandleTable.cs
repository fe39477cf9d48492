using Onex.Persistence.Secrets;

namespace Onex.Persistence.Tables;

/// <summary>The columns of <c>secret_handles</c>.</summary>
internal static class SecretHandleTable
{
    public static readonly Table<SecretHandle> Columns = new();

    public static readonly int Id = Columns.Uuid("id", row => row.Id);
    public static readonly int SagaId = Columns.Uuid("saga_id", row => row.SagaId.Value);
    public static readonly int Connection = Columns.Text("connection", row => row.Connection);
    public static readonly int Path = Columns.Text("path", row => row.Path);
    public static readonly int Version = Columns.Integer("version", row => row.Version);
    public static readonly int Field = Columns.Text("field", row => row.Field);

    /// <summary>Reads a row that begins with these columns.</summary>
    public static SecretHandle Read<TReader>(TReader row)
        where TReader : struct, IRowReader =>
        new(row.Uuid(Id), new(row.Uuid(SagaId)), row.Text(Connection), row.Text(Path), row.Integer(Version), row.Text(Field));
}
