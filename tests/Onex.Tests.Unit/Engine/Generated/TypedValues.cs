using System.Text.Json.Nodes;
using Onex.Contracts.Schemas;

namespace Onex.Tests.Unit.Engine.Generated;

/// <summary>Random values of a type, in wire form.</summary>
internal static class TypedValues
{
    private static readonly string[] _texts = ["", "a", "abc", "no", "ü"];

    // Values for the dynamic type: maps with unusual numbers, a time, a list of numbers, and deeply nested lists.
    private static readonly string[] _anything =
    [
        """{"anything":1}""", """{"anything":[1.5e17,-0.0,1e-7]}""", """{"anything":18446744073709551615}""",
        """{"anything":"2026-11-24T08:00:00Z"}""",
        $$"""{"anything":{{new string('[', 40)}}{{new string(']', 40)}}}""",
    ];

    /// <summary>A value of a type, chosen by <paramref name="pick"/>.</summary>
    public static string Create(DataType type, Func<int, int> pick) => Node(type, pick)?.ToJsonString() ?? "null";

    /// <summary>A value that is valid for both the type of the operation and the type declared in the contract.</summary>
    public static JsonNode? CreateForBoth(DataType type, DataType? narrower, Func<int, int> pick)
    {
        if (type is not DataType.Fields fields || narrower is not DataType.Fields more)
        {
            return Node(narrower ?? type, pick);
        }

        var value = new JsonObject();
        foreach (var (name, field) in fields.Declared.Concat(more.Declared.Where(field => fields.Find(field.Key) is null)))
        {
            value[name] = CreateForBoth(field, more.Find(name), pick);
        }

        return value;
    }

    private static JsonNode? Node(DataType type, Func<int, int> pick)
    {
        switch (type)
        {
            case DataType.Optional optional:
                return pick(3) == 0 ? null : Node(optional.Value, pick);
            case DataType.ListOf list:
                return new JsonArray([.. Enumerable.Range(0, pick(4)).Select(_ => Node(list.Item, pick))]);
            case DataType.MapOf map:
                return new JsonObject(
                    Enumerable.Range(0, pick(3)).Select(number => KeyValuePair.Create($"k{number}", Node(map.Value, pick))));
            case DataType.Fields fields:
                return new JsonObject(fields.Declared.Select(field => KeyValuePair.Create(field.Key, Node(field.Value, pick))));
            case DataType.Basic basic:
                return basic.Kind switch
                {
                    CelKind.Bool => JsonValue.Create(pick(2) == 0),
                    CelKind.Int => JsonValue.Create(pick(12)),
                    CelKind.Double => JsonValue.Create(pick(100) + 0.5),
                    CelKind.Timestamp => JsonValue.Create($"2026-11-{24 + pick(3)}T{pick(24):00}:00:00Z"),
                    CelKind.Duration => JsonValue.Create($"{pick(100)}s"),
                    CelKind.Bytes => JsonValue.Create("AQI="),
                    _ => JsonValue.Create(_texts[pick(_texts.Length)]),
                };
            default:
                return JsonNode.Parse(_anything[pick(_anything.Length)]);
        }
    }
}
