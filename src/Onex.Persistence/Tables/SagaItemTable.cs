using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Persistence.Tables;

/// <summary>The columns of <c>saga_items</c>.</summary>
internal static class SagaItemTable
{
    public static readonly Table<(SagaId SagaId, SagaItem Item)> Columns = new();

    public static readonly int SagaId = Columns.Uuid("saga_id", row => row.SagaId.Value);
    public static readonly int Step = Columns.Text("step", row => row.Item.Step);
    public static readonly int Visit = Columns.Integer("visit", row => row.Item.Visit);
    public static readonly int Index = Columns.Integer("index", row => row.Item.Index);
    public static readonly int Status = Columns.Text("status", row => row.Item.Status.ToText());
    public static readonly int CommandId = Columns.Uuid("command_id", row => row.Item.CommandId.Value);
    public static readonly int Result = Columns.NullableJson("result", row => row.Item.Result);
    public static readonly int CompensationArguments = Columns.Text("undo", row => row.Item.CompensationArguments?.ToString());
    public static readonly int Code = Columns.Text("code", row => row.Item.Code);
    public static readonly int Message = Columns.Text("message", row => row.Item.Message);

    /// <summary>Reads a row that begins with these columns.</summary>
    public static SagaItem Read<TReader>(TReader row)
        where TReader : struct, IRowReader => new(
            row.Text(Step), row.Integer(Visit), row.Integer(Index), SagaItemStatusText.Parse(row.Text(Status)), new(row.Uuid(CommandId)))
        {
            Result = row.OptionalJson(Result),
            CompensationArguments = row.OptionalText(CompensationArguments) is { } arguments ? RawJson.FromText(arguments) : null,
            Code = row.OptionalText(Code),
            Message = row.OptionalText(Message),
        };
}
