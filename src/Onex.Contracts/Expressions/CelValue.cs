using System.Text.Json;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Expressions;

/// <summary>What kind of value it is.</summary>
public enum CelKind : byte
{
    /// <summary>null; the default.</summary>
    Null,

    /// <summary>true or false.</summary>
    Bool,

    /// <summary>64-bit signed.</summary>
    Int,

    /// <summary>64-bit unsigned.</summary>
    Uint,

    /// <summary>IEEE 754, 64 bits.</summary>
    Double,

    /// <summary>Unicode text.</summary>
    String,

    /// <summary>Bytes.</summary>
    Bytes,

    /// <summary>A list.</summary>
    List,

    /// <summary>A map.</summary>
    Map,

    /// <summary>A point in time.</summary>
    Timestamp,

    /// <summary>A length of time.</summary>
    Duration,

    /// <summary>A type.</summary>
    Type,

    /// <summary>An optional.</summary>
    Optional,

    /// <summary>A failed evaluation.</summary>
    Error,
}

/// <summary>A value of the expression language, and of a saga's data. Immutable.</summary>
public readonly struct CelValue
{
    /// <summary>What kind of value it is.</summary>
    public CelKind Kind => throw new NotImplementedException();

    /// <summary>null.</summary>
    public static CelValue Null => default;

    /// <summary>Whether it is a failed evaluation.</summary>
    public bool IsError => Kind == CelKind.Error;

    /// <summary>Whether it is null.</summary>
    public bool IsNull => Kind == CelKind.Null;

    /// <summary>Makes a bool.</summary>
    public static CelValue Bool(bool value) => throw new NotImplementedException();

    /// <summary>Makes an int.</summary>
    public static CelValue Int(long value) => throw new NotImplementedException();

    /// <summary>Makes a double.</summary>
    public static CelValue Double(double value) => throw new NotImplementedException();

    /// <summary>Makes a string.</summary>
    public static CelValue String(string value) => throw new NotImplementedException();

    /// <summary>Makes a timestamp.</summary>
    public static CelValue Timestamp(DateTimeOffset value) => throw new NotImplementedException();

    /// <summary>Makes a list.</summary>
    public static CelValue List(IReadOnlyList<CelValue> items) => throw new NotImplementedException();

    /// <summary>Makes a map with text keys, which keeps its order. The caller gives the entries away.</summary>
    public static CelValue Map(IEnumerable<KeyValuePair<string, CelValue>> entries) => throw new NotImplementedException();

    /// <summary>Makes an error.</summary>
    public static CelValue Error(string message) => throw new NotImplementedException();

    /// <summary>The bool; throws <see cref="InvalidOperationException"/> for another kind, as the other <c>As</c> members do.</summary>
    public bool AsBool() => throw new NotImplementedException();

    /// <summary>The int.</summary>
    public long AsInt() => throw new NotImplementedException();

    /// <summary>The string.</summary>
    public string AsString() => throw new NotImplementedException();

    /// <summary>The items of a list.</summary>
    public IReadOnlyList<CelValue> AsList() => throw new NotImplementedException();

    /// <summary>The text-keyed entries of a map, in order.</summary>
    public IEnumerable<KeyValuePair<string, CelValue>> AsMap() => throw new NotImplementedException();

    /// <summary>The text of an error.</summary>
    public string AsError() => throw new NotImplementedException();

    /// <summary>The entry of a map; false for another kind or without such a key.</summary>
    public bool TryGetField(string name, out CelValue value) => throw new NotImplementedException();

    /// <summary>Reads JSON: a number without fraction and exponent that fits becomes an int, any other a double.</summary>
    public static CelValue FromJson(JsonElement json) => throw new NotImplementedException();

    /// <summary>The same from UTF-8 text that is known to be JSON.</summary>
    public static CelValue FromJson(ReadOnlySpan<byte> utf8) => throw new NotImplementedException();

    /// <summary>
    /// Writes JSON: bytes as base64, timestamps as RFC 3339, durations as seconds with <c>s</c>. False, and nothing useful written, for what
    /// has no JSON (NaN, an error, a type): the reason is in <paramref name="problem"/>.
    /// </summary>
    public bool TryWriteJson(Utf8JsonWriter writer, out string? problem) => throw new NotImplementedException();
}

/// <summary>Evaluation of templates.</summary>
public static class TemplateEvaluation
{
    /// <summary>
    /// The template's value in that scope; an error of any expression is the error of the whole, with the expression's text in it. In text,
    /// strings stand as they are, numbers and bools as CEL's <c>string()</c> gives them, null as nothing, lists and maps as JSON.
    /// </summary>
    public static CelValue Evaluate(this Template template, IExpressionScope scope) => throw new NotImplementedException();
}
