using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Engine;
using Onex.Persistence.Ledger;

namespace Onex.Orchestrator.Api;

/// <summary>Explains why commands of a saga are parked, from the database at the time of the question.</summary>
internal sealed class ParkedReasons(IEffectLedger ledger, IParkedCommands parked)
{
    /// <summary>The reason of each command in flight that is parked.</summary>
    public async Task<IReadOnlyDictionary<CommandId, string>> ReadAsync(SagaState saga, CancellationToken cancellation)
    {
        CommandId[] inFlight =
            [.. saga.Outstanding.Where(command => command.Phase == AttemptPhase.InFlight).Select(command => command.CommandId)];
        var waiting = inFlight.Length == 0
            ? []
            : (await ledger.LookUpAsync(inFlight, cancellation))
                .Where(state => state.Value.ParkedFor is not null)
                .Select(state => (Command: state.Key, Connection: state.Value.ParkedFor!))
                .ToList();
        if (waiting.Count == 0)
        {
            return new Dictionary<CommandId, string>();
        }

        string[] names = [.. waiting.Select(one => one.Connection).Distinct(StringComparer.Ordinal)];
        var connections = await parked.DescribeAsync(names, cancellation);
        return waiting.ToDictionary(one => one.Command, one => Describe(one.Connection, connections.GetValueOrDefault(one.Connection)));
    }

    private static string Describe(string connection, ParkedConnection? state)
    {
        var count = state?.Parked ?? 1;
        var commands = $"{Plural.Format(count, "command")} parked";
        return state is { UnavailableSince: { } since }
            ? $"connection '{connection}' has been unavailable since {TimeText.Format(since)}"
                + (state.Reason is { } reason ? $" ({reason.TrimEnd('.', ' ')})" : "")
                + $", {commands}, {(state.NextTrialAt is { } trial ? $"next trial at {TimeText.Format(trial)}" : "a trial runs now")}"
            : $"connection '{connection}' has reached its limits or is catching up, {commands}: they begin in the order of their arrival";
    }
}
