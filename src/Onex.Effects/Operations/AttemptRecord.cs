using Npgsql;
using Onex.Contracts.Messages;
using Onex.Operations;
using Onex.Persistence.Ledger;
using Onex.Persistence.Postgres;
using Onex.Persistence.Sagas;

namespace Onex.Effects.Operations;

/// <summary>
/// Records an attempt in the effect ledger. A <c>db.transaction</c> in the ledger's own database records its completion itself, in that
/// transaction; the runner records all other outcomes afterwards.
/// </summary>
internal sealed class AttemptRecord(IEffectLedger ledger, IPayloads payloads, StepCommand command, ClaimResult.Granted granted)
{
    private StepResult? _recordedInTransaction;

    /// <summary>Hides the secrets that the attempt uses in everything that is recorded and sent.</summary>
    public SecretMask Mask { get; set; } = SecretMask.None;

    /// <summary>Whether an earlier attempt of the command, or an earlier holder of this one's lease, may have taken effect.</summary>
    public bool FollowsAttempt => command.Attempt > 1 || granted.FollowsUnrecordedLease;

    /// <summary>The ledger if it can take part in an operation's transaction, else null.</summary>
    public PostgresEffectLedger? TransactionalLedger => ledger as PostgresEffectLedger;

    /// <summary>The result that the operation recorded and committed.</summary>
    public StepResult? Committed { get; private set; }

    /// <summary>Whether the operation recorded a result in its transaction, and it is unknown whether that was committed.</summary>
    public bool IsInDoubt => _recordedInTransaction is not null && Committed is null;

    /// <summary>
    /// Records completion within a transaction. False if the lease was lost, or if it expired and the orchestrator closed the attempt; then
    /// the transaction must be rolled back.
    /// </summary>
    public async Task<bool> RecordInTransactionAsync(NpgsqlTransaction transaction, RawJson result, CancellationToken cancellation)
    {
        var stored = await StoreAsync(
            CreateResult(new AttemptOutcome(StepOutcomes.Completed, result, null, null, null, AttemptReach.Done)), cancellation);
        if (!await PostgresEffectLedger.RecordAsync(transaction, granted.LeaseToken, stored, cancellation))
        {
            return false;
        }

        _recordedInTransaction = stored;
        return true;
    }

    /// <summary>Call after the transaction was committed.</summary>
    public void MarkCommitted() => Committed = _recordedInTransaction;

    /// <summary>Creates the result message of an outcome.</summary>
    public StepResult CreateResult(AttemptOutcome outcome) => new()
    {
        CommandId = command.CommandId,
        Attempt = command.Attempt,
        SagaId = command.SagaId,
        CorrelationId = command.CorrelationId,
        Outcome = outcome.Outcome,
        Result = outcome.Result is { } result ? Mask.Apply(result) : null,
        Code = outcome.Code,
        Message = Mask.Apply(outcome.Message),
        Unparsed = Mask.Apply(outcome.Unparsed),
        RetryAfterMs = outcome.RetryAfter is { } wait ? (int)Math.Clamp(wait.TotalMilliseconds, 0, int.MaxValue) : null,
        Reach = outcome.Outcome == StepOutcomes.Completed ? null : ToWireText(ReachOf(outcome)),
    };

    // An earlier holder of the lease may have sent the effect, so this attempt's failure does not mean that the effect did not happen.
    private AttemptReach ReachOf(AttemptOutcome outcome) => granted.FollowsUnrecordedLease
        && (outcome.Reach == AttemptReach.NotSent || (outcome.Reach == AttemptReach.Answered && outcome.Outcome == StepOutcomes.Failed))
            ? AttemptReach.Sent
            : outcome.Reach;

    private static string ToWireText(AttemptReach reach) => reach switch
    {
        AttemptReach.NotSent => StepReaches.NotSent,
        AttemptReach.Answered => StepReaches.Answered,
        AttemptReach.Done => StepReaches.Done,
        _ => StepReaches.Sent,
    };

    /// <summary>Records the result. Returns the one that the ledger has then, or null if the lease was lost.</summary>
    public async Task<StepResult?> RecordAsync(StepResult result, CancellationToken cancellation)
    {
        // Recording waits until a transaction in doubt has ended. If this result is recorded then, the transaction was not committed, so
        // the effect did not happen.
        var stored = await StoreAsync(
            IsInDoubt && !granted.FollowsUnrecordedLease ? result with { Reach = StepReaches.NotSent } : result, cancellation);
        if (!await ledger.RecordAsync(granted.LeaseToken, stored, cancellation))
        {
            return null;
        }

        if (!IsInDoubt)
        {
            return stored;
        }

        // If the transaction in doubt was committed, the ledger kept the result that it recorded, not this one.
        var states = await ledger.LookUpAsync([command.CommandId], cancellation);
        return states.TryGetValue(command.CommandId, out var state) && state.Outcome is { } outcome ? outcome : stored;
    }

    // Stored under the lease token, because attempts, and holders of one attempt's lease, may have different results.
    private Task<StepResult> StoreAsync(StepResult result, CancellationToken cancellation) =>
        payloads.StoreIfLargeAsync(result, granted.LeaseToken.ToString("N"), cancellation);
}
