using System.Globalization;
using System.Text;
using System.Text.Json;
using Onex.Effects.Operations;

namespace Onex.Effects.Db;

/// <summary>
/// Writes values of the database as JSON, from the text form that the server gives them. Every type has a text form, so every value can be
/// written. docs/effects.md has the table.
/// </summary>
internal static class ColumnJson
{
    // Decimals with up to this many digits convert to distinct doubles and back.
    private const int DoubleDigits = 15;
    private const int NumericLengthMax = 300;

    // A member of a result may have StorableJson.DepthMax levels. The member of db.transaction has 4 around a column: the list of results,
    // a result, its list of rows, and a row.
    private const int DepthMax = StorableJson.DepthMax - 4;

    public static void Write(Utf8JsonWriter writer, TypeCatalogue types, uint oid, string text) => Write(writer, types, oid, text, 0);

    private static void Write(Utf8JsonWriter writer, TypeCatalogue types, uint oid, string text, int depth)
    {
        var type = types.Find(oid);
        if (
            type.Element != 0 && LiteralReader.ParseArray(text, types.Find(type.Element).Delimiter) is { } items
            && depth + Dimensions(items) <= DepthMax)
        {
            WriteItems(writer, types, type.Element, items, depth + 1);
        }
        else if (
            type.Attributes.Count > 0 && depth < DepthMax
            && LiteralReader.ParseComposite(text) is { } fields && fields.Count == type.Attributes.Count)
        {
            writer.WriteStartObject();
            foreach (var ((name, fieldType), field) in type.Attributes.Zip(fields))
            {
                writer.WritePropertyName(name);
                WriteOrNull(writer, types, fieldType, field, depth + 1);
            }

            writer.WriteEndObject();
        }
        else
        {
            WriteScalar(writer, type.Oid, text, depth);
        }
    }

    private static int Dimensions(List<LiteralReader.Item> items) => items is [{ Items: { } nested }, ..] ? 1 + Dimensions(nested) : 1;

    private static void WriteItems(Utf8JsonWriter writer, TypeCatalogue types, uint element, List<LiteralReader.Item> items, int depth)
    {
        writer.WriteStartArray();
        foreach (var item in items)
        {
            if (item.Items is { } nested)
            {
                WriteItems(writer, types, element, nested, depth + 1);
            }
            else
            {
                WriteOrNull(writer, types, element, item.Text, depth);
            }
        }

        writer.WriteEndArray();
    }

    private static void WriteOrNull(Utf8JsonWriter writer, TypeCatalogue types, uint oid, string? text, int depth)
    {
        if (text is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            Write(writer, types, oid, text, depth);
        }
    }

    private static void WriteScalar(Utf8JsonWriter writer, uint oid, string text, int depth)
    {
        if (oid == TypeOids.Bool && text is "t" or "f")
        {
            writer.WriteBooleanValue(text == "t");
        }
        else if (ToNumber(oid, text) is { } number)
        {
            writer.WriteRawValue(number);
        }
        else if (TypeOids.IsJson(oid) && ToJson(text, DepthMax - depth) is { } json)
        {
            writer.WriteRawValue(json);
        }
        else if (oid == TypeOids.Bytea && text.StartsWith("\\x", StringComparison.Ordinal))
        {
            writer.WriteBase64StringValue(Convert.FromHexString(text.AsSpan(2)));
        }
        else
        {
            writer.WriteStringValue(oid is TypeOids.Timestamp or TypeOids.TimestampTz ? ToRfc3339(text) : text);
        }
    }

    // Returns the text of a JSON number from which a reader gets the same value; null if there is none.
    private static string? ToNumber(uint oid, string text)
    {
        if (TypeOids.IsInteger(oid))
        {
            return text;
        }

        if (oid is not (TypeOids.Float4 or TypeOids.Float8 or TypeOids.Numeric) || !char.IsAsciiDigit(text[^1]))
        {
            // NaN, Infinity, -Infinity, and anything else that is not a number.
            return null;
        }

        if (oid == TypeOids.Numeric)
        {
            return IsExact(text) ? text : null;
        }

        // The fraction distinguishes a whole double from an int.
        return text.AsSpan().ContainsAny('.', 'e') ? text : text + ".0";
    }

    // Whether the number is a 64-bit integer, or a double keeps all its digits. Doubles end at about 1e308.
    private static bool IsExact(string numeric)
    {
        if (long.TryParse(numeric, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
        {
            return true;
        }

        var significant = numeric.AsSpan().Trim("-0.");
        var digits = significant.Contains('.') ? significant.Length - 1 : significant.Length;
        return digits <= DoubleDigits && numeric.AsSpan().TrimStart("-0").Length <= NumericLengthMax;
    }

    // Returns the text, without characters that cannot be stored; null if it is nested too deeply. For a reader, 0 is no maximum.
    private static byte[]? ToJson(string text, int depthMax)
    {
        if (depthMax <= 0)
        {
            return null;
        }

        var utf8 = Encoding.UTF8.GetBytes(text);
        StorableJson.Sanitize(utf8);
        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = depthMax });
            return utf8;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Returns RFC 3339, without an offset if there is none. What has no such form stays as it is: infinity, years before 1 or after 9999,
    // offsets with seconds. The server writes 2024-01-31 10:20:30 (19 characters), a fraction, and the offset as +00, +05:30 or +01:23:45.
    private static string ToRfc3339(string text)
    {
        if (text.Length < 19 || text[4] != '-' || text[10] != ' ' || text.EndsWith("BC", StringComparison.Ordinal))
        {
            return text;
        }

        var time = text[..10] + "T" + text[11..];
        var zone = time.AsSpan(19).IndexOfAny('+', '-');
        return zone < 0 ? time : time[(19 + zone)..] switch
        {
            "+00" => time[..^3] + "Z",
            { Length: 3 } => time + ":00",
            { Length: 6 } => time,
            _ => text,
        };
    }
}
