using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Onex.Contracts.Expressions;

/// <summary>
/// Maps values to a JSON column. The column holds plain JSON for queries: a timestamp is text, a uint a number. Where plain JSON loses a
/// kind, a mark with the kind is stored, too. The mark of a scalar is the name of its kind, or <c>-0.0</c>. The mark of a list is an
/// object with the marks of its items by index, or by <c>*</c> if all are scalars with the same mark. The mark of a map is an object with
/// marks by key; if some keys are not text, it is an array of that object and an object with the kinds of those keys.
/// </summary>
public static class StoredValues
{
    private const string AllItems = "*";
    private const string NegativeZero = "-0.0";

    /// <summary>Writes the plain JSON; false with the reason for a value that has none.</summary>
    public static bool TryWrite(CelValue value, Utf8JsonWriter writer, [NotNullWhen(false)] out string? problem)
    {
        problem = CelJson.Write(value, writer, JsonForm.Stored);
        return problem is null;
    }

    /// <summary>Whether plain JSON loses the kind of the value, of a part or of a key, or the sign of a zero.</summary>
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
                return ScalarMark(value) is not null;
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
                    writer.WriteString(CelText.Scalar(key), KindName(key.Kind));
                }

                writer.WriteEndObject();
                writer.WriteEndArray();
                break;
            default:
                writer.WriteStringValue(ScalarMark(value));
                break;
        }
    }

    /// <summary>Reads a value from plain JSON and its marks; without marks, JSON has lost no kind.</summary>
    public static CelValue Read(JsonElement json, JsonElement? marks = null)
    {
        var value = CelJson.ReadStored(json);
        return marks is { } mark ? ApplyMark(value, mark) : value;
    }

    /// <summary>Reads a value from plain JSON in UTF-8, without marks.</summary>
    public static CelValue Read(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = ExpressionLimits.StoredDepth });
        using var document = JsonDocument.ParseValue(ref reader);
        return Read(document.RootElement);
    }

    /// <summary>Sorts the entries of all maps in the value as jsonb does: by the length of the key in bytes, then by its bytes.</summary>
    public static CelValue SortMaps(CelValue value)
    {
        switch (value.Kind)
        {
            case CelKind.List when value.AsList().Any(item => item.Kind is CelKind.Map or CelKind.List):
                return CelValue.List([.. value.AsList().Select(SortMaps)]);
            case CelKind.Map:
                var map = new CelMap(value.MapValue.Count);
                foreach (var (_, (key, item)) in value.MapValue.Entries
                    .Select(entry => (Name: Encoding.UTF8.GetBytes(CelText.Scalar(entry.Key)), Entry: entry))
                    .OrderBy(entry => entry.Name.Length)
                    .ThenBy(entry => entry.Name, Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right))))
                {
                    map.Set(key, SortMaps(item));
                }

                return CelValue.Map(map);
            default:
                return value;
        }
    }

    private static void WriteItemMarks(IReadOnlyList<CelValue> items, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        if (HaveSameMark(items))
        {
            writer.WritePropertyName(AllItems);
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

    // The mark of a list of timestamps is written once. Nested lists and maps have marks of their own.
    private static bool HaveSameMark(IReadOnlyList<CelValue> items) =>
        items.Count > 1 && ScalarMark(items[0]) is { } kind && items.All(item => ScalarMark(item) == kind);

    private static CelValue ApplyMark(CelValue value, JsonElement mark)
    {
        switch (value.Kind)
        {
            case CelKind.List when mark.ValueKind == JsonValueKind.Object:
                var items = value.AsList();
                if (mark.TryGetProperty(AllItems, out var markOfAll))
                {
                    return CelValue.List([.. items.Select(item => ApplyMark(item, markOfAll))]);
                }

                return CelValue.List([.. items.Select((item, index) =>
                    mark.TryGetProperty(index.ToString(CultureInfo.InvariantCulture), out var ownMark) ? ApplyMark(item, ownMark) : item)]);
            case CelKind.Map when mark.ValueKind == JsonValueKind.Object:
                return ApplyMarks(value.MapValue, mark, keyKinds: default);
            case CelKind.Map when mark.ValueKind == JsonValueKind.Array && mark.GetArrayLength() == 2:
                return ApplyMarks(value.MapValue, mark[0], mark[1]);
            default:
                return mark.ValueKind == JsonValueKind.String ? Restore(mark.GetString(), value) : value;
        }
    }

    private static CelValue ApplyMarks(CelMap map, JsonElement marks, JsonElement keyKinds)
    {
        var marked = new CelMap(map.Count);
        foreach (var (key, value) in map.Entries)
        {
            var name = key.AsString();
            marked.Set(
                keyKinds.ValueKind == JsonValueKind.Object && keyKinds.TryGetProperty(name, out var kind)
                    ? RestoreKey(kind.GetString(), name) : key,
                marks.TryGetProperty(name, out var mark) ? ApplyMark(value, mark) : value);
        }

        return CelValue.Map(marked);
    }

    // The mark of a scalar whose kind or sign JSON loses, or null.
    private static string? ScalarMark(CelValue value) => value.Kind switch
    {
        CelKind.Uint when value.AsUint() <= long.MaxValue => KindName(CelKind.Uint),
        CelKind.Double when double.IsNegative(value.AsDouble()) && value.AsDouble() == 0 => NegativeZero,
        CelKind.Bytes or CelKind.Timestamp or CelKind.Duration => KindName(value.Kind),
        _ => null,
    };

    private static string KindName(CelKind kind) => kind.ToString().ToLowerInvariant();

    // A mark that does not fit the value is ignored, because an operator may have edited the row.
    private static CelValue Restore(string? mark, CelValue value) => mark switch
    {
        "uint" when value.Kind == CelKind.Int && value.AsInt() >= 0 => CelValue.Uint((ulong)value.AsInt()),
        NegativeZero when value.Kind == CelKind.Double => CelValue.Double(-0.0),
        "timestamp" when value.Kind == CelKind.String => CelTime.ParseTimestamp(value.AsString()) ?? value,
        "duration" when value.Kind == CelKind.String => CelTime.ParseDuration(value.AsString()) ?? value,
        "bytes" when value.Kind == CelKind.String => RestoreBytes(value),
        _ => value,
    };

    private static CelValue RestoreBytes(CelValue text)
    {
        var bytes = new byte[text.AsString().Length];
        return Convert.TryFromBase64String(text.AsString(), bytes, out var written) ? CelValue.Bytes(bytes[..written]) : text;
    }

    private static CelValue RestoreKey(string? kind, string name) => kind switch
    {
        "int" when long.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => CelValue.Int(whole),
        "uint" when ulong.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var whole) => CelValue.Uint(whole),
        "bool" => CelValue.Bool(name == "true"),
        _ => CelValue.String(name),
    };
}
