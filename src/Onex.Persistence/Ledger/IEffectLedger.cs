using Onex.Contracts.Messages;

namespace Onex.Persistence.Ledger;

/// <summary>
/// Leases and outcomes of commands. A command has at most one lease; an outcome counts unless another claim has replaced its lease,
/// even if the lease has expired. Concurrent claims share statements, as do recordings. Throws <see cref="StoreUnavailableException"/>.
/// </summary>
public interface IEffectLedger
{
    /// <summary>
    /// Claims an attempt. The lease lasts for <see cref="StepCommand.TimeoutMs"/> and a margin, by the database's clock. After a
    /// <see cref="StoreUnavailableException"/> a claim may be repeated with the same ledger: it gets the lease that the first one may have
    /// been granted.
    /// </summary>
    Task<ClaimResult> ClaimAsync(StepCommand command, CancellationToken cancellation);

    /// <summary>Records the outcome of an attempt. False if its lease was replaced: then the outcome must not be sent.</summary>
    Task<bool> RecordAsync(Guid leaseToken, StepResult result, CancellationToken cancellation);

    /// <summary>
    /// For the orchestrator: cancels each of these commands that nobody has claimed, or that is parked and was certainly not sent. Closes
    /// the attempt of a parked one that an earlier lease may have sent. Then closes attempts like <see cref="CloseExpiredAsync"/>, and
    /// returns the state of all these commands. A later claim of a cancelled or closed attempt gets <see cref="ClaimResult.Expired"/>.
    /// </summary>
    Task<IReadOnlyDictionary<CommandId, LedgerState>> CancelAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation);

    /// <summary>
    /// For the orchestrator: closes the attempts of these commands whose lease expired without an outcome, and returns the state of the
    /// commands. A closed attempt gets no further lease, so a late copy of its command cannot begin; a later attempt may. The holder of
    /// the expired lease may still record an outcome. Unknown commands are missing in the result.
    /// </summary>
    Task<IReadOnlyDictionary<CommandId, LedgerState>> CloseExpiredAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation);

    /// <summary>The state of these commands. Unknown commands are missing in the result.</summary>
    Task<IReadOnlyDictionary<CommandId, LedgerState>> LookUpAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation);
}

/// <summary>The result of a claim.</summary>
public abstract record ClaimResult
{
    private ClaimResult()
    {
    }

    /// <summary>The caller runs the attempt and records its outcome under this token.</summary>
    public sealed record Granted(Guid LeaseToken) : ClaimResult
    {
        /// <summary>Whether an earlier lease expired without an outcome and was not closed, or was parked as perhaps sent.</summary>
        public bool FollowsUnrecordedLease { get; init; }
    }

    /// <summary>An outcome that answers the command is recorded: the caller sends it, with the number of the recorded attempt.</summary>
    public sealed record Recorded(StepResult Result) : ClaimResult;

    /// <summary>A valid lease exists: the caller sends nothing. The orchestrator sends the command again after the lease.</summary>
    public sealed record Leased : ClaimResult
    {
        /// <summary>The one value.</summary>
        public static Leased Instance { get; } = new();
    }

    /// <summary>The command is parked: the caller sends nothing. A process runs it when its connection lets it begin.</summary>
    public sealed record Parked : ClaimResult
    {
        /// <summary>The one value.</summary>
        public static Parked Instance { get; } = new();
    }

    /// <summary>
    /// The attempt must never run: its <c>not_after</c> has passed, it was closed or cancelled, or a later attempt is known.
    /// </summary>
    public sealed record Expired(string Reason) : ClaimResult
    {
        internal static Expired Cancelled { get; } = new("it was cancelled");

        internal static Expired Late(StepCommand command) => new($"its not_after ({command.NotAfter:O}) has passed");

        internal static Expired Closed(int attempt) => new($"attempt {attempt} was closed without an outcome");

        internal static Expired Superseded(int attempt) => new($"attempt {attempt} was claimed already");
    }
}

/// <summary>The state of a command in the ledger.</summary>
/// <param name="Attempt">The latest attempt that was claimed or parked; 0 if the command was cancelled before any claim.</param>
/// <param name="Leased">Whether the attempt's lease, valid or expired, has no outcome and was not closed.</param>
/// <param name="LeasedUntil">When the lease expires or expired, by the database's clock.</param>
/// <param name="Outcome">The recorded outcome of that attempt, or null.</param>
public sealed record LedgerState(int Attempt, bool Leased, DateTimeOffset LeasedUntil, StepResult? Outcome)
{
    /// <summary>
    /// Whether the command was cancelled. If <see cref="Attempt"/> is 0, nobody had claimed it, and it never runs. Otherwise that attempt
    /// was parked, and only a later attempt may run.
    /// </summary>
    public bool Cancelled { get; init; }

    /// <summary>Since when it is parked, because its connection does not let it begin; null if it is not.</summary>
    public DateTimeOffset? ParkedAt { get; init; }

    /// <summary>The connection for which it is parked; null if it is not.</summary>
    public string? ParkedFor { get; init; }
}
