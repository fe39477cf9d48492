using Onex.Contracts.Messages;
using Onex.Persistence.Ledger;

namespace Onex.Persistence.Tables;

/// <summary>A command to claim, and the token that its lease gets.</summary>
internal readonly record struct ClaimRow(StepCommand Command, Guid Token);

/// <summary>A command to park, its stored form (<see cref="ParkedContent"/>), and the token that its row gets.</summary>
internal readonly record struct ParkRow(CommandToPark Parked, byte[] Content, Guid Token);

/// <summary>
/// The columns of <c>effect_ledger</c> that claiming and parking write. The store adds the times; recording adds the outcome.
/// </summary>
internal static class LedgerTable
{
    public static readonly Table<ClaimRow> Columns = Create();

    private static Table<ClaimRow> Create()
    {
        var table = new Table<ClaimRow>();
        table.Uuid("command_id", row => row.Command.CommandId.Value, isFixed: true);
        table.Uuid("saga_id", row => row.Command.SagaId.Value, isFixed: true);
        table.Text("step", row => row.Command.Step, isFixed: true);
        table.Text("operation", row => row.Command.Operation, isFixed: true);
        table.Integer("attempt", row => row.Command.Attempt);
        table.Uuid("lease_token", row => row.Token);
        return table;
    }
}
