using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Contracts.Catalogue;

namespace Onex.Effects.Db;

/// <summary>A statement: the arguments of a query, or an item of a transaction's.</summary>
internal sealed record DbStatement
{
    [Argument("One SQL statement, with $1, $2, ... for the parameters.", Filling = ArgumentFilling.Constant)]
    public required string Sql { get; init; }

    [Argument("The values of $1, $2, ..., in order. Each is converted to the type that the statement gives its place.", Default = "none")]
    public IReadOnlyList<JsonElement>? Parameters { get; init; }
}

/// <summary>The arguments of a transaction.</summary>
internal sealed record DbTransactionArguments
{
    [Argument("1 to 100 statements, each with 'sql' and 'parameters'. All of them happen, or none.")]
    public required IReadOnlyList<DbStatement> Statements { get; init; }
}

/// <summary>The result of a statement.</summary>
internal sealed record DbResult
{
    [Result("An object per row, by the names of the columns; at most 100,000 rows and 50 MiB.")]
    [JsonType("list(map(any))")]
    public required JsonElement Rows { get; init; }

    [Result("How many rows were changed, or, if the statement only reads, how many were read.")]
    public required long RowCount { get; init; }
}

/// <summary>The result of a transaction.</summary>
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
