using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Onex.Effects.Db;

/// <summary>
/// Writes a JSON value as the text that the server parses as a parameter's type. A JSON string is passed unchanged, except for bytea, json
/// and jsonb; the server checks it.
/// </summary>
internal static class ParameterText
{
    /// <summary>Returns the text, null for SQL's NULL, or the problem, which does not quote the value.</summary>
    public static (string? Text, string? Problem) From(JsonElement value, uint oid, TypeCatalogue types)
    {
        var type = types.Find(oid);
        if (value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
        {
            return (null, null);
        }

        if (TypeOids.IsJson(type.Oid))
        {
            return (value.GetRawText(), null);
        }

        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return FromString(value, type);
            case JsonValueKind.True or JsonValueKind.False:
                return (value.ValueKind == JsonValueKind.True ? "true" : "false", null);
            case JsonValueKind.Number:
                return (ToNumberText(value.GetRawText(), type.Oid), null);
            case JsonValueKind.Array when type.Element != 0:
                return FromArray(value, type.Element, types);
            case JsonValueKind.Object when type.Attributes.Count > 0:
                return FromComposite(value, type, types);
            default:
                var kind = value.ValueKind == JsonValueKind.Array ? "a list" : "an object";
                return (null, $"is {kind}, which {type.Name} does not accept");
        }
    }

    private static (string? Text, string? Problem) FromString(JsonElement value, DbType type)
    {
        string text;
        try
        {
            text = value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return (null, "contains an unpaired surrogate");
        }

        if (text.Contains('\0', StringComparison.Ordinal))
        {
            return (null, "contains U+0000, which PostgreSQL does not accept");
        }

        if (type.Oid != TypeOids.Bytea)
        {
            return (text, null);
        }

        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length)
            ? ("\\x" + Convert.ToHexStringLower(bytes.AsSpan(0, length)), null)
            : (null, "is not base64, the JSON form of bytea");
    }

    // 5.0 and 5e0 are whole numbers in JSON, but the server does not read them as integers.
    private static string ToNumberText(string text, uint oid) =>
        TypeOids.IsInteger(oid)
        && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
        && decimal.Truncate(number) == number
            ? number.ToString("0", CultureInfo.InvariantCulture)
            : text;

    private static (string? Text, string? Problem) FromArray(JsonElement value, uint element, TypeCatalogue types)
    {
        var literal = new StringBuilder();
        return WriteArray(literal, value, types.Find(element), types) is { } problem ? (null, problem) : (literal.ToString(), null);
    }

    private static string? WriteArray(StringBuilder literal, JsonElement list, DbType element, TypeCatalogue types)
    {
        literal.Append('{');
        var first = true;
        foreach (var item in list.EnumerateArray())
        {
            if (!first)
            {
                literal.Append(element.Delimiter);
            }

            first = false;

            // A nested list is a further dimension, unless the elements may be lists themselves.
            var problem = item.ValueKind == JsonValueKind.Array && !TypeOids.IsJson(element.Oid) && element.Element == 0
                ? WriteArray(literal, item, element, types)
                : WriteElement(literal, item, element, types);
            if (problem is not null)
            {
                return problem;
            }
        }

        literal.Append('}');
        return null;
    }

    private static string? WriteElement(StringBuilder literal, JsonElement item, DbType element, TypeCatalogue types)
    {
        var (text, problem) = From(item, element.Oid, types);
        if (problem is not null)
        {
            return $"has an element that {problem}";
        }

        if (text is null)
        {
            literal.Append("NULL");
            return null;
        }

        WriteQuoted(literal, text);
        return null;
    }

    private static (string? Text, string? Problem) FromComposite(JsonElement value, DbType type, TypeCatalogue types)
    {
        foreach (var property in value.EnumerateObject())
        {
            if (!type.Attributes.Any(attribute => string.Equals(attribute.Name, property.Name, StringComparison.Ordinal)))
            {
                return (
                    null,
                    $"has a key that {type.Name} does not have: {string.Join(", ", type.Attributes.Select(attribute => attribute.Name))}");
            }
        }

        var literal = new StringBuilder("(");
        for (var index = 0; index < type.Attributes.Count; index++)
        {
            var (name, fieldType) = type.Attributes[index];
            literal.Append(index == 0 ? "" : ",");
            if (!value.TryGetProperty(name, out var field))
            {
                continue;
            }

            var (text, problem) = From(field, fieldType, types);
            if (problem is not null)
            {
                return (null, $"has a field '{name}' that {problem}");
            }

            if (text is not null)
            {
                WriteQuoted(literal, text);
            }
        }

        return (literal.Append(')').ToString(), null);
    }

    private static void WriteQuoted(StringBuilder literal, string text) => literal
        .Append('"')
        .Append(text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal))
        .Append('"');
}
