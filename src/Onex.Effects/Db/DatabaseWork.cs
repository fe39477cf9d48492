using Onex.Contracts.Messages;
using Onex.Effects.Operations;
using Onex.Operations;

namespace Onex.Effects.Db;

/// <summary>Runs the work of an effect in one transaction of a session from its connection's pool.</summary>
internal static class DatabaseWork
{
    /// <summary>Runs the work and commits, unless it is rejected or fails.</summary>
    /// <param name="pools">The pools of sessions.</param>
    /// <param name="context">The effect.</param>
    /// <param name="readOnly">Whether it must not change anything.</param>
    /// <param name="work">Returns the result or the rejection.</param>
    /// <param name="join">Returns the result to record in the transaction; null if it cannot be recorded there.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    public static async Task<EffectOutcome<TResult>> RunAsync<TResult>(
        DatabasePools pools,
        AttemptContext context,
        bool readOnly,
        Func<DatabaseSession, Task<(TResult? Result, DatabaseError? Rejection)>> work,
        Func<TResult, RawJson>? join,
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
            context.Progress.Connect();
            var connection = pooled.Connection;
            var joined = join is not null && context.Record.Joinable is { } ledger
                && await pool.HoldsAsync(ledger, connection, cancellation);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            session = new DatabaseSession(connection, transaction, context, readOnly);

            var (result, rejection) = await work(session);
            if (result is null)
            {
                return rejection!.ToOutcome<TResult>();
            }

            if (joined && !await context.Record.JoinAsync(transaction, join!(result), cancellation))
            {
                pool.ResetLedger();
                return EffectOutcome<TResult>.Failed(
                    AttemptReach.NotSent, "lease_lost", $"{context.Operation} ended after its lease. It was rolled back.");
            }

            await session.CommitAsync();
            if (joined)
            {
                context.Record.Commit();
            }

            return EffectOutcome<TResult>.Completed(result);
        }
        catch (Exception exception) when (DatabaseErrors.Concern(exception))
        {
            return DatabaseErrors.Read(exception, session?.Stage ?? DatabaseStage.Connecting, target.Name, readOnly).ToOutcome<TResult>();
        }
    }
}
