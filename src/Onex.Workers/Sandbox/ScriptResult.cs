using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Jint;
using Jint.Native;
using Onex.Workers.Operations;

namespace Onex.Workers.Sandbox;

/// <summary>
/// Writes the result of a script as JSON. Unlike <c>JSON.stringify</c> it rejects a value that JSON does not have, with its path. Only a
/// field that is <c>undefined</c>, not enumerable or named by a symbol is left out.
/// </summary>
internal sealed class ScriptResult
{
    // One less than what readers of JSON accept, because the result becomes a field of an object.
    private const int DepthMax = 63;

    // Above it, doubles do not have every whole number.
    private const double SafeIntegerMax = (1L << 53) - 1;

    private static readonly JsonWriterOptions _writerOptions =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = DepthMax + 1 };

    private static readonly UTF8Encoding _strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Utf8JsonWriter _writer;
    private readonly List<string> _path = ["result"];

    private ScriptResult(Utf8JsonWriter writer) => _writer = writer;

    /// <summary>Writes a value as JSON; <c>undefined</c> becomes <c>null</c>.</summary>
    public static ReadOnlyMemory<byte> Write(JsValue value)
    {
        var buffer = new ResultBuffer(ComputeLimits.ResultBytesMax);
        using var writer = new Utf8JsonWriter(buffer, _writerOptions);
        new ScriptResult(writer).Add(value.IsUndefined() ? JsValue.Null : value);
        writer.Flush();
        return buffer.Written;
    }

    private void Add(JsValue value)
    {
        if (_path.Count > DepthMax)
        {
            throw NotJson(string.Create(CultureInfo.InvariantCulture, $"is nested more than {DepthMax} deep"));
        }

        switch (value)
        {
            case JsNull:
                _writer.WriteNullValue();
                break;
            case JsBoolean:
                _writer.WriteBooleanValue(value.AsBoolean());
                break;
            case JsNumber:
                Add(value.AsNumber());
                break;
            case JsString:
                _writer.WriteStringValue(Text(value.ToString()));
                break;
            case JsArray list:
                Add(list);
                break;
            case JsObject map:
                Add(map);
                break;
            default:
                throw NotJson($"is {Describe(value)}, which JSON does not have");
        }
    }

    private void Add(double number)
    {
        if (!double.IsFinite(number))
        {
            throw NotJson($"is {number.ToString(CultureInfo.InvariantCulture)}, which JSON does not have");
        }

        if (Math.Abs(number) <= SafeIntegerMax && Math.Truncate(number) == number)
        {
            _writer.WriteNumberValue((long)number);
        }
        else
        {
            _writer.WriteNumberValue(number);
        }
    }

    private void Add(JsArray list)
    {
        _writer.WriteStartArray();
        for (uint i = 0; i < list.Length; i++)
        {
            _path.Add($"[{i}]");
            Add(list[i]);
            _path.RemoveAt(_path.Count - 1);
        }

        _writer.WriteEndArray();
    }

    private void Add(JsObject map)
    {
        _writer.WriteStartObject();
        foreach (var (key, property) in map.GetOwnProperties())
        {
            if (!key.IsString() || !property.Enumerable || map.Get(key) is not { } value || value.IsUndefined())
            {
                continue;
            }

            _path.Add($".{key}");
            _writer.WritePropertyName(Text(key.ToString()));
            Add(value);
            _path.RemoveAt(_path.Count - 1);
        }

        _writer.WriteEndObject();
    }

    private string Text(string text)
    {
        try
        {
            _strictUtf8.GetByteCount(text);
            return text;
        }
        catch (EncoderFallbackException)
        {
            throw NotJson("has half of a surrogate pair, which UTF-8 does not have");
        }
    }

    private static string Describe(JsValue value) => value switch
    {
        JsUndefined => "undefined",
        JsBigInt => "a BigInt (String(x) makes it a text)",
        JsSymbol => "a symbol",
        JsDate => "a Date (toISOString() makes it a text)",
        JsMap => "a Map (Object.fromEntries(x) makes it an object)",
        JsSet => "a Set (Array.from(x) makes it an array)",
        _ when value.IsPromise() => "a promise (a script cannot wait for anything)",
        Jint.Native.Function.Function => "a function",
        _ => $"of the class {value.GetType().Name.Replace("Js", "", StringComparison.Ordinal)}",
    };

    private ComputeRejectedException NotJson(string problem) =>
        new(SandboxCodes.ResultNotJson, $"{string.Concat(_path)} {problem}");
}
