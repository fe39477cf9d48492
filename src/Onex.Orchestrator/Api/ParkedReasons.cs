using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Engine;
using Onex.Persistence.Ledger;

namespace Onex.Orchestrator.Api;

/// <summary>Explains why commands of a saga are parked. Reads the database for each call.</summary>
internal sealed class ParkedReasons(IEffectLedger ledger, IParkedCommands parked)
{
    /// <summary>The reason of each command in flight that is parked.</summary>
    public async Task<IReadOnlyDictionary<CommandId, string>> ReadAsync(SagaState saga, CancellationToken cancellation)
    {
        CommandId[] inFlight =
            [.. saga.Outstanding.Where(command => command.Phase == AttemptPhase.InFlight).Select(command => command.CommandId)];
        var parkedCommands = inFlight.Length == 0
            ? []
            : (await ledger.LookUpAsync(inFlight, cancellation))
                .Where(state => state.Value.ParkedFor is not null)
                .Select(state => (Id: state.Key, Connection: state.Value.ParkedFor!))
                .ToList();
        if (parkedCommands.Count == 0)
        {
            return new Dictionary<CommandId, string>();
        }

        string[] names = [.. parkedCommands.Select(command => command.Connection).Distinct(StringComparer.Ordinal)];
        var connections = await parked.DescribeAsync(names, cancellation);
        return parkedCommands.ToDictionary(
            command => command.Id, command => Describe(command.Connection, connections.GetValueOrDefault(command.Connection)));
    }

    private static string Describe(string connection, ParkedConnection? state)
    {
        // Without a state, at least the command that was looked up is parked.
        var count = state?.Parked ?? 1;
        var commands = $"{Plural.Format(count, "command")} parked";
        return state is { UnavailableSince: { } since }
            ? $"connection '{connection}' has been unavailable since {TimeText.Format(since)}"
                + (state.Reason is { } reason ? $" ({reason.TrimEnd('.', ' ')})" : "")
                + $", {commands}, {(state.NextTrialAt is { } trial ? $"next trial at {TimeText.Format(trial)}" : "a trial runs now")}"
            : $"connection '{connection}' has reached its limits or is catching up, {commands}: they begin in the order of their arrival";
    }
}
