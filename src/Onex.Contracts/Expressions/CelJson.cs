using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Onex.Contracts.Expressions;

internal static class CelJson
{
    // Does not escape for HTML, because the text is never HTML.
    private static readonly JsonWriterOptions _compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static CelValue Read(JsonElement json) => Read(json, ExpressionLimits.ValueDepth, isStored: false);

    /// <summary>Reads JSON from a row. Marks no number as rounded, because such numbers are rejected before they are stored.</summary>
    public static CelValue ReadStored(JsonElement json) => Read(json, ExpressionLimits.StoredDepth, isStored: true);

    private static CelValue Read(JsonElement json, int depthMax, bool isStored)
    {
        try
        {
            var value = Read(json, depthMax, isStored, out var problem);
            return problem is null ? value : CelValue.Error(problem);
        }
        catch (InvalidOperationException)
        {
            // System.Text.Json throws this for an unpaired surrogate.
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

    /// <summary>Writes the value. Returns null, or the reason if the value cannot be written; the output is then incomplete.</summary>
    public static string? Write(CelValue value, Utf8JsonWriter writer, JsonForm form) => Write(value, writer, form, form.DepthMax);

    private static string? Write(CelValue value, Utf8JsonWriter writer, JsonForm form, int levelsLeft)
    {
        if (levelsLeft < (value.Kind is CelKind.List or CelKind.Map ? 1 : 0))
        {
            return $"the value is nested deeper than {form.DepthMax} levels";
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
                return WriteDouble(value, writer, form);
            case CelKind.String when form.IsChecked && ProblemOfText(value.AsString()) is { } problem:
                return problem;
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
                return WriteList(value.AsList(), writer, form, levelsLeft - 1);
            case CelKind.Map:
                return WriteMap(value.MapValue, writer, form, levelsLeft - 1);
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
            problem = Write(value, writer, JsonForm.Plain);
        }

        text = problem is null ? Encoding.UTF8.GetString(buffer.WrittenSpan) : "";
        return problem is null;
    }

    /// <summary>Why a text cannot be stored; null if it can.</summary>
    public static string? ProblemOfText(ReadOnlySpan<char> text)
    {
        if (text.Contains('\0'))
        {
            return "the text holds U+0000, which cannot be stored";
        }

        for (var at = text.IndexOfAnyInRange('\uD800', '\uDFFF'); at >= 0;)
        {
            if (at + 1 == text.Length || !char.IsSurrogatePair(text[at], text[at + 1]))
            {
                return "the text contains an unpaired surrogate, which is not Unicode text";
            }

            var next = text[(at + 2)..].IndexOfAnyInRange('\uD800', '\uDFFF');
            at = next < 0 ? -1 : at + 2 + next;
        }

        return null;
    }

    private static CelValue Read(JsonElement json, int levelsLeft, bool isStored, out string? problem)
    {
        problem = null;
        switch (json.ValueKind)
        {
            case JsonValueKind.True or JsonValueKind.False:
                return CelValue.Bool(json.ValueKind == JsonValueKind.True);
            case JsonValueKind.Number:
                return json.TryGetInt64(out var whole) ? CelValue.Int(whole)
                    : json.TryGetUInt64(out var large) ? CelValue.Uint(large)
                    : isStored || JsonMarshal.GetRawUtf8Value(json).ContainsAny(".eE"u8) ? CelValue.Double(ReadDouble(json))
                    : CelValue.Rounded(ReadDouble(json));
            case JsonValueKind.String:
                return CelValue.String(json.GetString()!);
            case JsonValueKind.Array or JsonValueKind.Object when levelsLeft == 0:
                problem = "the JSON is nested too deep";
                return default;
            case JsonValueKind.Array:
                {
                    var items = new CelValue[json.GetArrayLength()];
                    var count = 0;
                    foreach (var item in json.EnumerateArray())
                    {
                        items[count++] = Read(item, levelsLeft - 1, isStored, out problem);
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
                        map.Set(CelValue.String(property.Name), Read(property.Value, levelsLeft - 1, isStored, out problem));
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

    // System.Text.Json rounds a number halfway between two doubles up if ".0" follows. double.Parse rounds to even, as IEEE 754 requires.
    private static double ReadDouble(JsonElement json) =>
        double.Parse(JsonMarshal.GetRawUtf8Value(json), NumberStyles.Float, CultureInfo.InvariantCulture);

    private static string? WriteDouble(CelValue number, Utf8JsonWriter writer, JsonForm form)
    {
        var value = number.AsDouble();
        if (!double.IsFinite(value))
        {
            return $"{value.ToString(CultureInfo.InvariantCulture)} has no JSON";
        }

        if (form.IsChecked && number.IsRounded)
        {
            return "the whole number has more than 64 bits";
        }

        // Without a fraction or an exponent, the text would be read as an int.
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        writer.WriteRawValue(
            form.IsStored ? PlainDigits(text) : text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0",
            skipInputValidation: true);
        return null;
    }

    // As jsonb stores it: without an exponent, and zero without a sign. The fraction distinguishes it from an int.
    private static string PlainDigits(string text)
    {
        if (text == "-0")
        {
            return "0.0";
        }

        var at = text.IndexOf('E', StringComparison.Ordinal);
        if (at < 0)
        {
            return text.Contains('.', StringComparison.Ordinal) ? text : text + ".0";
        }

        var exponent = int.Parse(text.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var sign = text[0] == '-' ? "-" : "";
        var digits = text[sign.Length..at].Replace(".", "", StringComparison.Ordinal);
        return exponent < 0
            ? $"{sign}0.{new string('0', -exponent - 1)}{digits}"
            : digits.Length > exponent + 1
            ? $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}"
            : $"{sign}{digits.PadRight(exponent + 1, '0')}.0";
    }

    private static string? WriteList(IReadOnlyList<CelValue> items, Utf8JsonWriter writer, JsonForm form, int levelsLeft)
    {
        writer.WriteStartArray();
        for (var i = 0; i < items.Count; i++)
        {
            if (Write(items[i], writer, form, levelsLeft) is { } problem)
            {
                return problem;
            }
        }

        writer.WriteEndArray();
        return null;
    }

    private static string? WriteMap(CelMap map, Utf8JsonWriter writer, JsonForm form, int levelsLeft)
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

            if (form.IsChecked && ProblemOfText(name) is { } keyProblem)
            {
                return keyProblem;
            }

            writer.WritePropertyName(name);
            if (Write(value, writer, form, levelsLeft) is { } problem)
            {
                return problem;
            }
        }

        writer.WriteEndObject();
        return null;
    }
}

/// <summary>How a value is written as JSON.</summary>
/// <param name="DepthMax">The maximum of levels of lists and maps.</param>
/// <param name="IsChecked">Whether text that cannot be stored and rounded numbers are problems, as in incoming values.</param>
/// <param name="IsStored">Whether doubles are written as PostgreSQL's jsonb stores numbers.</param>
internal readonly record struct JsonForm(int DepthMax, bool IsChecked, bool IsStored)
{
    /// <summary>For error texts, and for values that are inserted into text.</summary>
    public static JsonForm Plain { get; } = new(ExpressionLimits.ValueDepth, IsChecked: false, IsStored: false);

    /// <summary>For Kafka messages, and to check values before they are stored.</summary>
    public static JsonForm Checked { get; } = new(ExpressionLimits.KeptDepth, IsChecked: true, IsStored: false);

    /// <summary>For a row.</summary>
    public static JsonForm Stored { get; } = new(ExpressionLimits.StoredDepth, IsChecked: false, IsStored: true);
}
