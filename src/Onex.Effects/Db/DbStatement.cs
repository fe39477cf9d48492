using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Operations;

namespace Onex.Effects.Db;

/// <summary>A statement: the arguments of db.query and db.execute, or one item of a transaction's statements.</summary>
internal sealed record DbStatement
{
    [Argument("One SQL statement, with $1, $2, ... for the parameters.", Filling = ArgumentFilling.Constant)]
    public required string Sql { get; init; }

    [Argument("The values of $1, $2, ..., in order. Each is converted to the type of its parameter in the statement.", Default = "none")]
    public IReadOnlyList<JsonElement>? Parameters { get; init; }
}

/// <summary>The arguments of a transaction.</summary>
internal sealed record DbTransactionArguments
{
    [Argument("1 to 100 statements, each with 'sql' and 'parameters'. All of them take effect, or none.")]
    public required IReadOnlyList<DbStatement> Statements { get; init; }
}

internal sealed record DbResult
{
    [Result("An object per row, keyed by column name; at most 100,000 rows and 50 MiB.")]
    [JsonType("list(map(any))")]
    public required JsonElement Rows { get; init; }

    [Result("The number of changed rows, or of read rows if the statement only reads.")]
    public required long RowCount { get; init; }
}

internal sealed record DbTransactionResult
{
    [Result("The result of each statement, in order.")]
    public required IReadOnlyList<DbResult> Results { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(DbStatement))]
[JsonSerializable(typeof(DbResult))]
[JsonSerializable(typeof(DbTransactionArguments))]
[JsonSerializable(typeof(DbTransactionResult))]
internal sealed partial class DbJson : JsonSerializerContext;
