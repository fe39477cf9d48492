using Onex.Contracts.Messages;
using Onex.Persistence.Ledger;

namespace Onex.Persistence.Tables;

/// <summary>A command to claim, and the token that its lease gets.</summary>
/// <param name="Command">The command.</param>
/// <param name="Token">The token.</param>
internal readonly record struct ClaimRow(StepCommand Command, Guid Token);

/// <summary>A command to park, and the token that its row gets.</summary>
/// <param name="Parked">The command.</param>
/// <param name="Content">The command as it is stored: see <see cref="ParkedContent"/>.</param>
/// <param name="Token">The token.</param>
internal readonly record struct ParkRow(CommandToPark Parked, byte[] Content, Guid Token);

/// <summary>
/// The columns of <c>effect_ledger</c> that a claim writes from its command. The store adds the times; recording adds the outcome.
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
