using Npgsql;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Effects.Operations;
using Onex.Persistence.Ledger;
using Onex.Persistence.Postgres;
using Onex.Persistence.Sagas;

namespace Onex.Effects.Running;

/// <summary>
/// The place in the ledger of one attempt. An operation whose work is in the ledger's own database records there by itself, in the
/// transaction of its work; for all others the runner records after them.
/// </summary>
internal sealed class AttemptRecord(IEffectLedger ledger, IPayloads payloads, StepCommand command, ClaimResult.Granted granted)
{
    private StepResult? _joined;

    /// <summary>The ledger, if transactions of other connections can be joined with it at all.</summary>
    public PostgresEffectLedger? Joinable => ledger as PostgresEffectLedger;

    /// <summary>What the operation recorded and committed.</summary>
    public StepResult? Committed { get; private set; }

    /// <summary>Whether the operation recorded, and nobody knows if its commit happened.</summary>
    public bool IsInDoubt => _joined is not null && Committed is null;

    /// <summary>Records completion within a transaction. False if the lease was lost: it must be rolled back then.</summary>
    public async Task<bool> JoinAsync(NpgsqlTransaction transaction, RawJson result, CancellationToken cancellation)
    {
        var stored = await StoreAsync(ResultOf(new AttemptOutcome(StepOutcomes.Completed, result, null, null, null, AttemptReach.Done)), cancellation);
        if (!await PostgresEffectLedger.RecordAsync(transaction, granted.LeaseToken, stored, cancellation))
        {
            return false;
        }

        _joined = stored;
        return true;
    }

    /// <summary>Tells that the transaction is committed.</summary>
    public void Commit() => Committed = _joined;

    /// <summary>What is recorded and told of an outcome.</summary>
    public StepResult ResultOf(AttemptOutcome outcome) => new()
    {
        CommandId = command.CommandId,
        Attempt = command.Attempt,
        SagaId = command.SagaId,
        CorrelationId = command.CorrelationId,
        Outcome = outcome.Outcome,
        Result = outcome.Result,
        Code = outcome.Code,
        Message = outcome.Message,
        Unparsed = outcome.Unparsed,
        RetryAfterMs = outcome.RetryAfter is { } wait ? (int)Math.Clamp(wait.TotalMilliseconds, 0, int.MaxValue) : null,
        Reach = outcome.Outcome == StepOutcomes.Completed ? null : Text(ReachOf(outcome)),
    };

    // Whoever had the lease before may have sent it: that this attempt came to nothing does not say that the other one did.
    private AttemptReach ReachOf(AttemptOutcome outcome) => granted.FollowsUnrecordedLease
        && (outcome.Reach == AttemptReach.NotSent || (outcome.Reach == AttemptReach.Answered && outcome.Outcome == StepOutcomes.Failed))
            ? AttemptReach.Sent
            : outcome.Reach;

    private static string Text(AttemptReach reach) => reach switch
    {
        AttemptReach.NotSent => StepReaches.NotSent,
        AttemptReach.Answered => StepReaches.Answered,
        AttemptReach.Done => StepReaches.Done,
        _ => StepReaches.Sent,
    };

    /// <summary>The result as recorded and as it may travel, or null if the lease was lost.</summary>
    public async Task<StepResult?> RecordAsync(StepResult result, CancellationToken cancellation)
    {
        // Recording waits for a transaction in doubt: where this is written after it, that transaction did not commit.
        var stored = await StoreAsync(IsInDoubt && !granted.FollowsUnrecordedLease ? result with { Reach = StepReaches.NotSent } : result, cancellation);
        if (!await ledger.RecordAsync(granted.LeaseToken, stored, cancellation))
        {
            return null;
        }

        if (!IsInDoubt)
        {
            return stored;
        }

        // Recording waited for the transaction in doubt. If that was committed, its outcome stands and ours was not written.
        var known = await ledger.LookUpAsync([command.CommandId], cancellation);
        return known.TryGetValue(command.CommandId, out var state) && state.Outcome is { } outcome ? outcome : stored;
    }

    // Stored by lease: attempts, and owners of one attempt, may have different results.
    private Task<StepResult> StoreAsync(StepResult result, CancellationToken cancellation) =>
        payloads.StoreIfLargeAsync(result, granted.LeaseToken.ToString("N"), cancellation);
}
