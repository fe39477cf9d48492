using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Onex.Contracts.Expressions;

/// <summary>Values from JSON and to JSON.</summary>
internal static class CelJson
{
    // The text is data, never HTML: only what JSON itself must escape is escaped.
    private static readonly JsonWriterOptions _compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static CelValue Read(JsonElement json)
    {
        try
        {
            return Read(json, 0, out var problem) is var value && problem is null ? value : CelValue.Error(problem!);
        }
        catch (InvalidOperationException)
        {
            // How System.Text.Json says "\ud800" without its other half.
            return CelValue.Error("the JSON has text that is not Unicode: half of a surrogate pair");
        }
    }

    public static CelValue Read(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = ExpressionLimits.ValueDepth });
            using var document = JsonDocument.ParseValue(ref reader);
            return Read(document.RootElement);
        }
        catch (JsonException failure)
        {
            return CelValue.Error("not JSON that can be read: " + failure.Message);
        }
    }

    /// <summary>Writes it and answers null, or answers why it has no JSON.</summary>
    public static string? Write(CelValue value, Utf8JsonWriter writer, int depth)
    {
        if (depth > ExpressionLimits.ValueDepth)
        {
            return $"the value is nested deeper than {ExpressionLimits.ValueDepth} levels";
        }

        switch (value.Kind)
        {
            case CelKind.Null:
                writer.WriteNullValue();
                return null;
            case CelKind.Bool:
                writer.WriteBooleanValue(value.AsBool());
                return null;
            case CelKind.Int:
                writer.WriteNumberValue(value.AsInt());
                return null;
            case CelKind.Uint:
                writer.WriteNumberValue(value.AsUint());
                return null;
            case CelKind.Double:
                return WriteDouble(value.AsDouble(), writer);
            case CelKind.String:
                writer.WriteStringValue(value.AsString());
                return null;
            case CelKind.Bytes:
                writer.WriteBase64StringValue(value.AsBytes().Span);
                return null;
            case CelKind.Timestamp:
                writer.WriteStringValue(CelTime.TimestampText(value));
                return null;
            case CelKind.Duration:
                writer.WriteStringValue(CelTime.DurationText(value));
                return null;
            case CelKind.List:
                return WriteList(value.AsList(), writer, depth);
            case CelKind.Map:
                return WriteMap(value.MapValue, writer, depth);
            case CelKind.Optional:
                return "an optional has no JSON: take its value with .orValue(...)";
            case CelKind.Type:
                return "a type has no JSON: take its name with string(type(...))";
            default:
                return value.AsError();
        }
    }

    public static bool TryToText(CelValue value, out string text, out string? problem)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, _compact))
        {
            problem = Write(value, writer, 0);
        }

        text = problem is null ? Encoding.UTF8.GetString(buffer.WrittenSpan) : "";
        return problem is null;
    }

    private static CelValue Read(JsonElement json, int depth, out string? problem)
    {
        problem = null;
        switch (json.ValueKind)
        {
            case JsonValueKind.True or JsonValueKind.False:
                return CelValue.Bool(json.ValueKind == JsonValueKind.True);
            case JsonValueKind.Number:
                return json.TryGetInt64(out var whole) ? CelValue.Int(whole)
                    : json.TryGetUInt64(out var large) ? CelValue.Uint(large)
                    : JsonMarshal.GetRawUtf8Value(json).ContainsAny(".eE"u8) ? CelValue.Double(json.GetDouble())
                    : CelValue.Rounded(json.GetDouble());
            case JsonValueKind.String:
                return CelValue.String(json.GetString()!);
            case JsonValueKind.Array or JsonValueKind.Object when depth >= ExpressionLimits.ValueDepth:
                problem = $"the JSON is nested deeper than {ExpressionLimits.ValueDepth} levels";
                return default;
            case JsonValueKind.Array:
                {
                    var items = new CelValue[json.GetArrayLength()];
                    var count = 0;
                    foreach (var item in json.EnumerateArray())
                    {
                        items[count++] = Read(item, depth + 1, out problem);
                        if (problem is not null)
                        {
                            return default;
                        }
                    }

                    return CelValue.List(items);
                }

            case JsonValueKind.Object:
                {
                    var map = new CelMap(4);
                    foreach (var property in json.EnumerateObject())
                    {
                        map.Set(CelValue.String(property.Name), Read(property.Value, depth + 1, out problem));
                        if (problem is not null)
                        {
                            return default;
                        }
                    }

                    return CelValue.Map(map);
                }

            default:
                return CelValue.Null;
        }
    }

    private static string? WriteDouble(double value, Utf8JsonWriter writer)
    {
        if (!double.IsFinite(value))
        {
            return $"{value.ToString(CultureInfo.InvariantCulture)} has no JSON";
        }

        // "1" would come back as an int.
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        writer.WriteRawValue(text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0", skipInputValidation: true);
        return null;
    }

    private static string? WriteList(IReadOnlyList<CelValue> items, Utf8JsonWriter writer, int depth)
    {
        writer.WriteStartArray();
        for (var i = 0; i < items.Count; i++)
        {
            if (Write(items[i], writer, depth + 1) is { } problem)
            {
                return problem;
            }
        }

        writer.WriteEndArray();
        return null;
    }

    private static string? WriteMap(CelMap map, Utf8JsonWriter writer, int depth)
    {
        var seen = map.Entries.TrueForAll(entry => entry.Key.Kind == CelKind.String) ? null : new HashSet<string>(map.Count);
        writer.WriteStartObject();
        foreach (var (key, value) in map.Entries)
        {
            var name = CelText.Scalar(key);
            if (seen is not null && !seen.Add(name))
            {
                return $"two keys of the map are \"{name}\" in JSON";
            }

            writer.WritePropertyName(name);
            if (Write(value, writer, depth + 1) is { } problem)
            {
                return problem;
            }
        }

        writer.WriteEndObject();
        return null;
    }
}
