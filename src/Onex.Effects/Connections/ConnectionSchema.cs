using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Onex.Effects.Connections;

/// <summary>
/// The JSON Schema (2020-12) of files of connections, for editors. It is generated from the reader's tables. The reader rejects all that
/// the schema rejects, and more.
/// </summary>
public static class ConnectionSchema
{
    private static readonly JsonSerializerOptions _options = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    internal static IReadOnlyList<string> FileKeys { get; } = ["connections"];

    /// <summary>The schema's text.</summary>
    public static string Write() => new JsonObject
    {
        ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
        ["title"] = "Connections of Onex",
        ["type"] = "object",
        ["properties"] = new JsonObject
        {
            [FileKeys[0]] = new JsonObject
            {
                ["type"] = new JsonArray("object", "null"),
                ["description"] = "The connections by name",
                ["propertyNames"] = new JsonObject { ["pattern"] = "^[a-z][a-z0-9-]{0,62}$" },
                ["additionalProperties"] = new JsonObject
                {
                    ["anyOf"] = new JsonArray([.. ConnectionTypes.All.Select(type => Reference(type))]),
                },
            },
        },
        ["additionalProperties"] = false,
        ["$defs"] = new JsonObject(
        [
            .. ConnectionTypes.All.Select(type => KeyValuePair.Create(type, (JsonNode?)SchemaFor(type))),
            KeyValuePair.Create("retry", (JsonNode?)Map(ConnectionKeys.Retry)),
            KeyValuePair.Create(
                "breaker",
                (JsonNode?)new JsonObject
                {
                    ["anyOf"] = new JsonArray(Map(ConnectionKeys.Breaker), new JsonObject { ["enum"] = new JsonArray("off") }),
                }),
        ]),
    }.ToJsonString(_options) + "\n";

    private static JsonObject SchemaFor(string type)
    {
        var map = Map([.. ConnectionKeys.Common, .. ConnectionKeys.For(type)]);
        map["properties"]!["type"]!["enum"] = new JsonArray(type);
        map["required"] = type == ConnectionTypes.Filesystem ? new JsonArray("type", "root") : new JsonArray("type");
        if (type == ConnectionTypes.Postgres)
        {
            map["properties"]!["concurrency"]!["anyOf"]![0]!["maximum"] = ConnectionTypes.ConcurrencyMaxOf(type);
        }

        return map;
    }

    private static JsonObject Map(IReadOnlyList<ConnectionKey> keys, params ReadOnlySpan<string> required)
    {
        var map = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject(keys.Select(key => KeyValuePair.Create(key.Name, (JsonNode?)SchemaFor(key)))),
            ["additionalProperties"] = false,
        };
        if (required.Length > 0)
        {
            map["required"] = new JsonArray([.. required.ToArray().Select(name => JsonValue.Create(name))]);
        }

        return map;
    }

    private static JsonObject SchemaFor(ConnectionKey key)
    {
        var schema = TypeOf(key);
        schema["description"] = key.Meaning + (key.Default is { } standard ? $". Without it: {standard}" : "");
        return schema;
    }

    private static JsonObject TypeOf(ConnectionKey key) => key switch
    {
        { Name: "retry" or "breaker" } => Reference(key.Name),
        { Name: "rate_limit" } => new JsonObject
        {
            ["anyOf"] = new JsonArray(
                new JsonObject { ["type"] = "string", ["pattern"] = "^[0-9]{1,9}/[smh]$" }, Map(ConnectionKeys.Rate, "permits", "per")),
        },
        { Name: "concurrency", Numbers: { } numbers } => new JsonObject
        {
            ["anyOf"] = new JsonArray(Number("integer", numbers), Map(ConnectionKeys.Concurrency, "max")),
        },
        // YAML reads a version without quotes as a number.
        { Name: "http_version" } => new JsonObject { ["enum"] = new JsonArray("1.1", "2", 1.1, 2) },
        { Words.Count: > 0 } => new JsonObject { ["enum"] = new JsonArray([.. key.Words.Select(word => JsonValue.Create(word))]) },
        { Type: "duration" } =>
            new JsonObject { ["type"] = "string", ["pattern"] = "^(([0-9]+([.][0-9]*)?|[.][0-9]+)(ms|us|ns|s|m|h|d))+$" },
        // The reader accepts a number in quotes, too.
        { Type: "whole number", Numbers: { } numbers } => Number("integer", numbers),
        { Type: "number", Numbers: { } numbers } => Number("number", numbers),
        { Type: "address" } => new JsonObject { ["type"] = "string" },
        { Type: "map" or "map of texts" } => new JsonObject { ["type"] = "object", ["additionalProperties"] = Scalar() },
        { Type: "list of texts" } => new JsonObject { ["type"] = "array", ["items"] = Scalar() },
        { Type: "text" } => Scalar(),
        _ => throw new InvalidOperationException($"'{key.Name}' is {key.Type}, which has no JSON Schema."),
    };

    private static JsonObject Number(string type, (double Min, double Max) bounds) =>
        new() { ["type"] = new JsonArray(type, "string"), ["minimum"] = bounds.Min, ["maximum"] = bounds.Max };

    private static JsonObject Scalar() => new() { ["type"] = new JsonArray("string", "number", "boolean") };

    private static JsonObject Reference(string name) => new() { ["$ref"] = $"#/$defs/{name}" };
}
