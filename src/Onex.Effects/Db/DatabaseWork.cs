using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Effects.Operations;

namespace Onex.Effects.Db;

/// <summary>Runs the work of an effect in one transaction of a session from its connection's pool.</summary>
internal static class DatabaseWork
{
    /// <summary>Runs it and commits, unless the work is refused or fails.</summary>
    /// <param name="pools">Where sessions come from.</param>
    /// <param name="context">Whose effect it is.</param>
    /// <param name="readOnly">Whether it may change nothing.</param>
    /// <param name="work">Gives the result or the rejection.</param>
    /// <param name="join">Where the outcome may be recorded in the transaction: the result as it is recorded. Else null.</param>
    /// <param name="cancellation">The end of the attempt.</param>
    public static async Task<EffectOutcome<TResult>> RunAsync<TResult>(
        DatabasePools pools,
        EffectContext context,
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
            var joined = join is not null && context.Record.Joinable is { } ledger && await pool.HoldsAsync(ledger, connection, cancellation);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            session = new DatabaseSession(connection, transaction, context, readOnly);

            var (result, rejection) = await work(session);
            if (result is null)
            {
                return rejection!.ToOutcome<TResult>();
            }

            if (joined && !await context.Record.JoinAsync(transaction, join!(result), cancellation))
            {
                pool.ForgetLedger();
                return EffectOutcome<TResult>.Failed(AttemptReach.NotSent, "lease_lost", $"{context.Operation} ended after its lease. It was rolled back.");
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
            return DatabaseErrors.Read(exception, session?.Stage ?? DatabaseStage.Postgres, target.Name, readOnly).ToOutcome<TResult>();
        }
    }
}
