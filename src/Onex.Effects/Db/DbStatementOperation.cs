using Onex.Effects.Operations;
using Onex.Operations;

namespace Onex.Effects.Db;

/// <summary>One statement, in a transaction of its own.</summary>
[Operation(Query, ConnectionType = "postgres", Description = "Runs a statement in a READ ONLY transaction and returns its rows.")]
[Operation(
    "db.execute", ConnectionType = "postgres", ChangesWorld = true,
    Description = "Runs a statement in its own transaction and returns its rows.")]
internal sealed class DbStatementOperation(DatabasePools pools)
    : EffectOperation<DbStatement, DbResult>(DbJson.Default.DbStatement, DbJson.Default.DbResult)
{
    private const string Query = "db.query";

    protected override Task<EffectOutcome<DbResult>> RunAsync(
        DbStatement arguments, AttemptContext context, CancellationToken cancellation) =>
        DatabaseWork.RunAsync(
            pools, context, readOnly: context.Operation == Query, session => session.RunAsync(arguments, cancellation), toRecord: null,
            cancellation);
}
