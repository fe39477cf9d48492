using System.Text.Json.Nodes;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Checking;

namespace Onex.Contracts.Schemas;

/// <summary>Creates a sample value of a type as JSON, for people to edit.</summary>
public static class SampleJson
{
    // A schema may contain itself, so a sample must end somewhere.
    private const int DepthMax = 4;

    /// <summary>An object with the required fields of the type, and so on in each of them; <c>{}</c> if the type declares none.</summary>
    public static string Create(DataType type) => (Create(StaticTypes.From(type), 0) as JsonObject ?? new JsonObject()).ToJsonString();

    private static JsonNode? Create(CelType type, int depth) => type.Plain switch
    {
        CelType.Basic { Kind: CelKind.Bool } => false,
        CelType.Basic { Kind: CelKind.Int or CelKind.Uint } => 0,
        CelType.Basic { Kind: CelKind.Double } => 0.5,
        CelType.Basic { Kind: CelKind.Timestamp } => "2030-01-31T12:00:00Z",
        CelType.Basic { Kind: CelKind.Duration } => "1h",
        CelType.Basic { Kind: CelKind.Null } => null,
        CelType.ListOf => new JsonArray(),
        CelType.MapOf => new JsonObject(),
        CelType.ObjectOf { Shape: var shape } => depth == DepthMax ? new JsonObject() : new JsonObject(
            shape.Names.Where(name => !shape.MayLack(name) && shape.Find(name) is not CelType.Nullable)
                .Select(name => KeyValuePair.Create(name, Create(shape.Find(name) ?? CelType.Dyn, depth + 1)))),
        _ => "...",
    };
}
