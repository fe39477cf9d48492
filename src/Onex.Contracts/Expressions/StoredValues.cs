using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Onex.Contracts.Expressions;

/// <summary>
/// Maps values to a JSON column. The column holds plain JSON for queries: a timestamp is text, a uint a number. Kinds that plain JSON
/// cannot express are stored beside it in an object of marks, if there are any. A mark is the name of the kind. For a list it is an object
/// by index, or by <c>*</c> for all items; for a map an object by key, or, if the keys are not text, a list of that object and the kinds of
/// the keys. Without marks the JSON is read as it is.
/// </summary>
public static class StoredValues
{
    private const string All = "*";

    /// <summary>Writes the plain JSON; false with the reason for a value that has none.</summary>
    public static bool TryWrite(CelValue value, Utf8JsonWriter writer, [NotNullWhen(false)] out string? problem)
    {
        problem = CelJson.Write(value, writer, JsonForm.Stored);
        return problem is null;
    }

    /// <summary>Whether plain JSON loses types of the value.</summary>
    public static bool NeedsMark(CelValue value)
    {
        switch (value.Kind)
        {
            case CelKind.List:
                var items = value.AsList();
                for (var index = 0; index < items.Count; index++)
                {
                    if (NeedsMark(items[index]))
                    {
                        return true;
                    }
                }

                return false;
            case CelKind.Map:
                return value.MapValue.Entries.Exists(entry => entry.Key.Kind != CelKind.String || NeedsMark(entry.Value));
            default:
                return KindOf(value) is not null;
        }
    }

    /// <summary>Writes the marks of a value that needs them.</summary>
    public static void WriteMark(CelValue value, Utf8JsonWriter writer)
    {
        switch (value.Kind)
        {
            case CelKind.List:
                WriteItemMarks(value.AsList(), writer);
                break;
            case CelKind.Map when value.MapValue.Entries.TrueForAll(entry => entry.Key.Kind == CelKind.String):
                WriteEntryMarks(value.MapValue, writer);
                break;
            case CelKind.Map:
                writer.WriteStartArray();
                WriteEntryMarks(value.MapValue, writer);
                writer.WriteStartObject();
                foreach (var (key, _) in value.MapValue.Entries.Where(entry => entry.Key.Kind != CelKind.String))
                {
                    writer.WriteString(CelText.Scalar(key), NameOf(key.Kind));
                }

                writer.WriteEndObject();
                writer.WriteEndArray();
                break;
            default:
                writer.WriteStringValue(KindOf(value));
                break;
        }
    }

    /// <summary>Reads a value from plain JSON and its marks.</summary>
    public static CelValue Read(JsonElement json, JsonElement? marks = null)
    {
        var value = CelJson.ReadStored(json);
        return marks is { } mark ? Marked(value, mark) : value;
    }

    /// <summary>The same from UTF-8 text.</summary>
    public static CelValue Read(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = ExpressionLimits.StoredDepth });
        using var document = JsonDocument.ParseValue(ref reader);
        return Read(document.RootElement);
    }

    /// <summary>The value with its maps in the order of jsonb: by the length of the key in bytes, then by its bytes.</summary>
    public static CelValue Ordered(CelValue value)
    {
        switch (value.Kind)
        {
            case CelKind.List when value.AsList().Any(item => item.Kind is CelKind.Map or CelKind.List):
                return CelValue.List([.. value.AsList().Select(Ordered)]);
            case CelKind.Map:
                var map = new CelMap(value.MapValue.Count);
                foreach (var (_, (key, item)) in value.MapValue.Entries
                    .Select(entry => (Name: Encoding.UTF8.GetBytes(CelText.Scalar(entry.Key)), Entry: entry))
                    .OrderBy(entry => entry.Name.Length)
                    .ThenBy(entry => entry.Name, Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right))))
                {
                    map.Set(key, Ordered(item));
                }

                return CelValue.Map(map);
            default:
                return value;
        }
    }

    private static void WriteItemMarks(IReadOnlyList<CelValue> items, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        if (AreAlike(items))
        {
            writer.WritePropertyName(All);
            WriteMark(items[0], writer);
        }
        else
        {
            for (var index = 0; index < items.Count; index++)
            {
                if (NeedsMark(items[index]))
                {
                    writer.WritePropertyName(index.ToString(CultureInfo.InvariantCulture));
                    WriteMark(items[index], writer);
                }
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteEntryMarks(CelMap map, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        foreach (var (key, value) in map.Entries)
        {
            if (NeedsMark(value))
            {
                writer.WritePropertyName(CelText.Scalar(key));
                WriteMark(value, writer);
            }
        }

        writer.WriteEndObject();
    }

    // One mark suffices for a list of timestamps. Nested lists and maps have their own.
    private static bool AreAlike(IReadOnlyList<CelValue> items) =>
        items.Count > 1 && KindOf(items[0]) is { } kind && items.All(item => KindOf(item) == kind);

    private static CelValue Marked(CelValue value, JsonElement mark)
    {
        switch (value.Kind)
        {
            case CelKind.List when mark.ValueKind == JsonValueKind.Object:
                var items = value.AsList();
                return mark.TryGetProperty(All, out var all)
                    ? CelValue.List([.. items.Select(item => Marked(item, all))])
                    : CelValue.List(
                        [.. items.Select((item, index) => mark.TryGetProperty(index.ToString(CultureInfo.InvariantCulture), out var own)
                            ? Marked(item, own) : item)]);
            case CelKind.Map when mark.ValueKind == JsonValueKind.Object:
                return Marked(value.MapValue, mark, keys: default);
            case CelKind.Map when mark.ValueKind == JsonValueKind.Array && mark.GetArrayLength() == 2:
                return Marked(value.MapValue, mark[0], mark[1]);
            default:
                return mark.ValueKind == JsonValueKind.String ? Restore(mark.GetString(), value) : value;
        }
    }

    private static CelValue Marked(CelMap map, JsonElement marks, JsonElement keys)
    {
        var marked = new CelMap(map.Count);
        foreach (var (key, value) in map.Entries)
        {
            var name = key.AsString();
            marked.Set(
                keys.ValueKind == JsonValueKind.Object && keys.TryGetProperty(name, out var kind) ? Key(kind.GetString(), name) : key,
                marks.TryGetProperty(name, out var mark) ? Marked(value, mark) : value);
        }

        return CelValue.Map(marked);
    }

    // The mark of a scalar whose kind JSON loses, or null.
    private static string? KindOf(CelValue value) => value.Kind switch
    {
        CelKind.Uint when value.AsUint() <= long.MaxValue => NameOf(CelKind.Uint),
        CelKind.Double when double.IsNegative(value.AsDouble()) && value.AsDouble() == 0 => "-0.0",
        CelKind.Bytes or CelKind.Timestamp or CelKind.Duration => NameOf(value.Kind),
        _ => null,
    };

    private static string NameOf(CelKind kind) => kind.ToString().ToLowerInvariant();

    // A mark that does not fit is ignored: the row may have been edited.
    private static CelValue Restore(string? mark, CelValue value) => mark switch
    {
        "uint" when value.Kind == CelKind.Int && value.AsInt() >= 0 => CelValue.Uint((ulong)value.AsInt()),
        "-0.0" when value.Kind == CelKind.Double => CelValue.Double(-0.0),
        "timestamp" when value.Kind == CelKind.String => CelTime.ParseTimestamp(value.AsString()) ?? value,
        "duration" when value.Kind == CelKind.String => CelTime.ParseDuration(value.AsString()) ?? value,
        "bytes" when value.Kind == CelKind.String => Bytes(value),
        _ => value,
    };

    private static CelValue Bytes(CelValue text)
    {
        var bytes = new byte[text.AsString().Length];
        return Convert.TryFromBase64String(text.AsString(), bytes, out var written) ? CelValue.Bytes(bytes[..written]) : text;
    }

    private static CelValue Key(string? kind, string name) => kind switch
    {
        "int" when long.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => CelValue.Int(whole),
        "uint" when ulong.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var whole) => CelValue.Uint(whole),
        "bool" => CelValue.Bool(name == "true"),
        _ => CelValue.String(name),
    };
}
