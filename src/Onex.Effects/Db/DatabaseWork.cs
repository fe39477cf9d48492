using Onex.Contracts.Messages;
using Onex.Effects.Operations;
using Onex.Operations;

namespace Onex.Effects.Db;

/// <summary>Runs the work of an effect in one transaction of a session from its connection's pool.</summary>
internal static class DatabaseWork
{
    /// <summary>Runs the work and commits, unless it is rejected or fails.</summary>
    /// <param name="pools">The pools of sessions.</param>
    /// <param name="context">The attempt.</param>
    /// <param name="readOnly">Whether it must not change anything.</param>
    /// <param name="work">Returns the result or the rejection.</param>
    /// <param name="toRecord">Converts the result, to record it in the transaction if the ledger is in the same database; or null.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    public static async Task<EffectOutcome<TResult>> RunAsync<TResult>(
        DatabasePools pools,
        AttemptContext context,
        bool readOnly,
        Func<DatabaseSession, Task<(TResult? Result, DatabaseError? Rejection)>> work,
        Func<TResult, RawJson>? toRecord,
        CancellationToken cancellation)
        where TResult : class
    {
        if (context.Connection is not { Database: not null } target)
        {
            return EffectOutcome<TResult>.Rejected("connection_invalid", $"{context.Operation} needs a connection of type postgres.");
        }

        DatabaseSession? session = null;
        var pool = pools.For(target);
        try
        {
            await using var pooled = await pool.OpenAsync(cancellation);
            context.Progress.MarkConnected();
            var connection = pooled.Connection;
            var mustRecord = toRecord is not null && context.Record.TransactionalLedger is { } ledger
                && await pool.HoldsLedgerAsync(ledger, connection, cancellation);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            session = new DatabaseSession(connection, transaction, context, readOnly);

            var (result, rejection) = await work(session);
            if (result is null)
            {
                return rejection!.ToOutcome<TResult>();
            }

            if (mustRecord && !await context.Record.RecordInTransactionAsync(transaction, toRecord!(result), cancellation))
            {
                pool.ResetLedger();
                return EffectOutcome<TResult>.Failed(
                    AttemptReach.NotSent, "lease_lost", $"{context.Operation} ended after its lease. It was rolled back.");
            }

            await session.CommitAsync();
            if (mustRecord)
            {
                context.Record.MarkCommitted();
            }

            return EffectOutcome<TResult>.Completed(result);
        }
        catch (Exception exception) when (DatabaseErrors.IsFromDatabase(exception))
        {
            var stage = session?.Stage ?? DatabaseStage.Connecting;
            return DatabaseErrors.Classify(exception, stage, target.Name, readOnly).ToOutcome<TResult>();
        }
    }
}
