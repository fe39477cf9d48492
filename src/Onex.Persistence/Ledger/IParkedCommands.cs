using Onex.Contracts.Messages;

namespace Onex.Persistence.Ledger;

/// <summary>
/// Commands that their connection does not let begin: each waits in its row of the effect ledger until a process takes it or the
/// orchestrator cancels it, also beyond its <c>not_after</c>. Throws <see cref="StoreUnavailableException"/>.
/// </summary>
public interface IParkedCommands
{
    /// <summary>
    /// Parks a command under the same conditions under which it could be claimed. <see cref="ClaimResult.Parked"/> if it is parked now,
    /// also by an earlier call; any other result is handled like that of a claim. Concurrent calls share statements.
    /// </summary>
    Task<ClaimResult> ParkAsync(CommandToPark command, CancellationToken cancellation);

    /// <summary>
    /// Parks a leased command, behind the others of its connection whatever its age. True also if an earlier call with the lease parked it
    /// and it is still parked, because the answer to that call may have been lost. False if the lease was replaced.
    /// </summary>
    /// <param name="leaseToken">The token of the lease.</param>
    /// <param name="command">The command.</param>
    /// <param name="maySent">Whether the attempt may have been sent: then its next lease follows an unrecorded one.</param>
    /// <param name="cancellation">Ends the wait.</param>
    Task<bool> ParkAgainAsync(Guid leaseToken, CommandToPark command, bool maySent, CancellationToken cancellation);

    /// <summary>
    /// Takes parked commands, the oldest of each connection first, and claims their attempts. Several processes take different ones.
    /// </summary>
    /// <param name="limits">How many commands to take, by connection.</param>
    /// <param name="cancellation">Ends the wait.</param>
    Task<IReadOnlyList<TakenCommand>> TakeAsync(IReadOnlyCollection<TakeLimit> limits, CancellationToken cancellation);

    /// <summary>
    /// For the orchestrator: cancels each of these commands that is parked, or closes it if it may have been sent before. The parked
    /// attempt does not begin any more; a later one may.
    /// </summary>
    Task CancelParkedAsync(IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation);

    /// <summary>
    /// Reports the connections whose circuit breaker is not closed in a process, and removes its reports of other connections. A report
    /// is valid for <see cref="LedgerTimes.ConnectionReport"/>.
    /// </summary>
    Task ReportAsync(Guid processId, IReadOnlyCollection<UnavailableConnection> connections, CancellationToken cancellation);

    /// <summary>The present state of these connections. A connection without parked commands and reports is missing.</summary>
    Task<IReadOnlyDictionary<string, ParkedConnection>> DescribeAsync(
        IReadOnlyCollection<string> connections, CancellationToken cancellation);
}

/// <summary>A command to park.</summary>
/// <param name="Command">The command.</param>
/// <param name="Connection">The connection under whose name it waits.</param>
/// <param name="Age">How long ago it arrived at the process: older commands begin first.</param>
public sealed record CommandToPark(StepCommand Command, string Connection, TimeSpan Age)
{
    /// <summary>W3C trace context.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The vendor part of that context (<c>tracestate</c>).</summary>
    public string? TraceState { get; init; }
}

/// <summary>The most parked commands of a connection to take.</summary>
public sealed record TakeLimit(string Connection, int Commands);

/// <summary>A parked command whose attempt the caller has claimed: it runs the attempt and records its outcome.</summary>
public sealed record TakenCommand(StepCommand Command, string Connection, ClaimResult.Granted Lease)
{
    /// <summary>W3C trace context.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The vendor part of that context (<c>tracestate</c>).</summary>
    public string? TraceState { get; init; }
}

/// <summary>A connection whose circuit breaker is not closed.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Unavailable">For how long the breaker has not been closed.</param>
/// <param name="UntilTrial">How long it takes until the next trial; null while a trial runs.</param>
/// <param name="Reason">Why the breaker is not closed, for people; or null.</param>
public sealed record UnavailableConnection(string Name, TimeSpan Unavailable, TimeSpan? UntilTrial, string? Reason);

/// <summary>The state of a connection, as far as the store knows it.</summary>
/// <param name="Parked">The number of its parked commands.</param>
/// <param name="UnavailableSince">Since when a process considers it unavailable; null if none does.</param>
/// <param name="NextTrialAt">When the next trial begins; null while a process runs one, and if no process considers it unavailable.</param>
/// <param name="Reason">Why it is unavailable, from the process that has considered it so the longest; or null.</param>
public sealed record ParkedConnection(long Parked, DateTimeOffset? UnavailableSince, DateTimeOffset? NextTrialAt, string? Reason);
