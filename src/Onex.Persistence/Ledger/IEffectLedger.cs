using Onex.Contracts.Messages;

namespace Onex.Persistence.Ledger;

/// <summary>
/// Lease and outcome per command. At most one lease on a command is valid at a time; an outcome recorded under a stale lease is refused.
/// Calls that are made at the same time share a statement. Throws <see cref="Sagas.StoreUnavailableException"/>.
/// </summary>
public interface IEffectLedger
{
    /// <summary>Asks to run an attempt: the lease lasts for <see cref="StepCommand.TimeoutMs"/> and a margin, by the database's clock.</summary>
    Task<ClaimResult> ClaimAsync(StepCommand command, CancellationToken cancellation);

    /// <summary>Records what came of an attempt. False if the lease was lost: the outcome must not be told then.</summary>
    Task<bool> RecordAsync(Guid leaseToken, StepResult result, CancellationToken cancellation);

    /// <summary>
    /// For main: cancels those of these commands that nobody has taken yet, so that no one ever will (<see cref="ClaimResult.Expired"/>), closes
    /// the attempts as <see cref="SettleAsync"/> does, and answers what the ledger says of all of them now. Each is in the answer.
    /// </summary>
    Task<IReadOnlyDictionary<CommandId, LedgerState>> CancelAsync(IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation);

    /// <summary>
    /// For main: closes those attempts of these commands whose lease has run out without an outcome, and answers what the ledger says now. What
    /// main gives up no late copy of its command may begin again: of a closed command only a later attempt is ever run. Who held the lease may
    /// still record what came of it. Commands it has never seen are missing.
    /// </summary>
    Task<IReadOnlyDictionary<CommandId, LedgerState>> SettleAsync(IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation);

    /// <summary>What the ledger says of these commands now. Commands it has never seen are missing.</summary>
    Task<IReadOnlyDictionary<CommandId, LedgerState>> LookUpAsync(IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation);
}

/// <summary>The answer to a claim.</summary>
public abstract record ClaimResult
{
    private ClaimResult()
    {
    }

    /// <summary>Run it; record under this token.</summary>
    public sealed record Granted(Guid LeaseToken) : ClaimResult
    {
        /// <summary>Whether the command was leased before and nobody recorded what came of that: it may have happened then.</summary>
        public bool TakesOver { get; init; }
    }

    /// <summary>The outcome is known: answer with it (the attempt number is that of the recorded outcome).</summary>
    public sealed record Known(StepResult Result) : ClaimResult;

    /// <summary>Someone runs it: say nothing; main asks again when the lease has run out.</summary>
    public sealed record Leased : ClaimResult
    {
        /// <summary>The one value.</summary>
        public static Leased Instance { get; } = new();
    }

    /// <summary>Its <c>not_after</c> has passed, the attempt was closed, a later one is known, or it was cancelled: never run it.</summary>
    public sealed record Expired(string Reason) : ClaimResult
    {
        internal static Expired Cancelled { get; } = new("it was cancelled before anyone took it");

        internal static Expired Late(StepCommand command) => new($"its not_after ({command.NotAfter:O}) has passed");

        internal static Expired Closed(int attempt) => new($"attempt {attempt} was given up when its lease had run out");

        internal static Expired Overtaken(int attempt) => new($"attempt {attempt} is known already");
    }
}

/// <summary>What main sees of a command.</summary>
/// <param name="Attempt">The latest attempt that was claimed.</param>
/// <param name="Leased">Whether the attempt has neither an outcome nor been closed: someone works on it, or is about to commit what came of it.</param>
/// <param name="LeasedUntil">Until when the lease is valid, by the database's clock.</param>
/// <param name="Outcome">The recorded outcome of that attempt, or null.</param>
public sealed record LedgerState(int Attempt, bool Leased, DateTimeOffset LeasedUntil, StepResult? Outcome)
{
    /// <summary>Whether it was cancelled before anyone took it: it has not happened and never will.</summary>
    public bool Cancelled { get; init; }
}
