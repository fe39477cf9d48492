using System.Text.Json;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Effects.Operations;
using Onex.Operations;

namespace Onex.Effects.Db;

/// <summary>
/// Several statements in one transaction. If the connection leads to the database of the effect ledger, the outcome is recorded in the same
/// transaction, so the effect happens exactly once.
/// </summary>
[Operation(
    "db.transaction", ConnectionType = "postgres", ChangesWorld = true,
    Description = "Runs statements in one transaction: all of them take effect, or none.")]
internal sealed class DbTransactionOperation(DatabasePools pools)
    : EffectOperation<DbTransactionArguments, DbTransactionResult>(
        DbJson.Default.DbTransactionArguments, DbJson.Default.DbTransactionResult)
{
    private const int StatementsMax = 100;

    protected override async Task<EffectOutcome<DbTransactionResult>> RunAsync(
        DbTransactionArguments arguments, AttemptContext context, CancellationToken cancellation) =>
        arguments.Statements.Count is < 1 or > StatementsMax
            ? EffectOutcome<DbTransactionResult>.Rejected(
                StepCodes.ArgumentsInvalid, $"{context.Operation} accepts 1 to {StatementsMax} statements.")
            : await DatabaseWork.RunAsync(
                pools,
                context,
                readOnly: false,
                session => RunAllAsync(arguments.Statements, session, cancellation),
                result => new RawJson(JsonSerializer.SerializeToUtf8Bytes(result, DbJson.Default.DbTransactionResult)),
                cancellation);

    private static async Task<(DbTransactionResult? Result, DatabaseError? Rejection)> RunAllAsync(
        IReadOnlyList<DbStatement> statements, DatabaseSession session, CancellationToken cancellation)
    {
        var results = new List<DbResult>(statements.Count);
        foreach (var statement in statements)
        {
            var (result, rejection) = await session.RunAsync(statement, cancellation);
            if (result is null)
            {
                return (null, rejection);
            }

            results.Add(result);
        }

        return (new DbTransactionResult { Results = results }, null);
    }
}
