using Onex.Contracts.Messages;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.Tables;

/// <summary>The columns of <c>saga_history</c>.</summary>
internal static class HistoryTable
{
    public static readonly Table<(SagaId SagaId, HistoryEntry Entry)> Columns = new();

    public static readonly int SagaId = Columns.Uuid("saga_id", row => row.SagaId.Value);
    public static readonly int Version = Columns.Bigint("version", row => row.Entry.Version);
    public static readonly int Ordinal = Columns.Integer("ordinal", row => row.Entry.Ordinal);
    public static readonly int At = Columns.Time("at", row => row.Entry.At);
    public static readonly int Kind = Columns.Text("kind", row => row.Entry.Kind);
    public static readonly int State = Columns.Text("state", row => row.Entry.State);
    public static readonly int Step = Columns.Text("step", row => row.Entry.Step);
    public static readonly int Detail = Columns.OptionalJson("detail", row => row.Entry.Detail);

    /// <summary>Reads a row that begins with these columns.</summary>
    public static HistoryEntry Read<TReader>(TReader row)
        where TReader : struct, IRowReader => new(
            row.Bigint(Version),
            row.Integer(Ordinal),
            row.Time(At),
            row.Text(Kind),
            row.Text(State),
            row.OptionalText(Step),
            row.OptionalJson(Detail));
}
