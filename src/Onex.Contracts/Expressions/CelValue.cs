using System.Runtime.InteropServices;
using System.Text.Json;

namespace Onex.Contracts.Expressions;

/// <summary>The dynamic type of a value.</summary>
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

    /// <summary>The error of a failed evaluation.</summary>
    Error,
}

/// <summary>A value of the expression language, and of a saga's data. Immutable.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly struct CelValue : IEquatable<CelValue>
{
    private const int NanosPerTick = 100;

    // A bool, a number or whole seconds use the 64 bits, other kinds the reference. The nanoseconds use bytes that would be padding.
    private readonly object? _object;
    private readonly long _bits;
    private readonly int _nanos;
    private readonly CelKind _kind;

    private CelValue(CelKind kind, long bits = 0, object? reference = null, int nanos = 0)
    {
        _kind = kind;
        _bits = bits;
        _object = reference;
        _nanos = nanos;
    }

    /// <summary>Its dynamic type.</summary>
    public CelKind Kind => _kind;

    /// <summary>null.</summary>
    public static CelValue Null => default;

    /// <summary>Whether it is a failed evaluation.</summary>
    public bool IsError => _kind == CelKind.Error;

    /// <summary>Whether it is null.</summary>
    public bool IsNull => _kind == CelKind.Null;

    /// <summary>Makes a bool.</summary>
    public static CelValue Bool(bool value) => new(CelKind.Bool, value ? 1 : 0);

    /// <summary>Makes an int.</summary>
    public static CelValue Int(long value) => new(CelKind.Int, value);

    /// <summary>Makes a uint.</summary>
    public static CelValue Uint(ulong value) => new(CelKind.Uint, unchecked((long)value));

    /// <summary>Makes a double.</summary>
    public static CelValue Double(double value) => new(CelKind.Double, BitConverter.DoubleToInt64Bits(value));

    /// <summary>Makes a string.</summary>
    public static CelValue String(string value) => new(CelKind.String, 0, value);

    /// <summary>Makes bytes. The caller must not change the array afterwards.</summary>
    public static CelValue Bytes(byte[] value) => new(CelKind.Bytes, 0, value);

    /// <summary>Makes a timestamp.</summary>
    public static CelValue Timestamp(DateTimeOffset value)
    {
        var ticks = value.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        var seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out var rest);
        return rest < 0
            ? Timestamp(seconds - 1, (int)(rest + TimeSpan.TicksPerSecond) * NanosPerTick)
            : Timestamp(seconds, (int)rest * NanosPerTick);
    }

    /// <summary>Makes a duration.</summary>
    public static CelValue Duration(TimeSpan value)
    {
        var seconds = Math.DivRem(value.Ticks, TimeSpan.TicksPerSecond, out var rest);
        return Duration(seconds, (int)rest * NanosPerTick);
    }

    /// <summary>Makes a list. The caller must not change the items afterwards.</summary>
    public static CelValue List(IReadOnlyList<CelValue> items) => new(CelKind.List, 0, items);

    /// <summary>Makes a map with text keys in the given order; of equal keys the last value wins.</summary>
    public static CelValue Map(IEnumerable<KeyValuePair<string, CelValue>> entries)
    {
        var map = new CelMap(entries is ICollection<KeyValuePair<string, CelValue>> known ? known.Count : 4);
        foreach (var (key, value) in entries)
        {
            map.Set(String(key), value);
        }

        return Map(map);
    }

    /// <summary>Makes an optional that holds a value.</summary>
    public static CelValue Some(CelValue value) => new(CelKind.Optional, 0, new Box(value));

    /// <summary>An optional that holds nothing.</summary>
    public static CelValue None => new(CelKind.Optional);

    /// <summary>Makes an error.</summary>
    public static CelValue Error(string message) => new(CelKind.Error, 0, message);

    /// <summary>The bool; throws <see cref="InvalidOperationException"/> for another kind, as the other <c>As</c> members do.</summary>
    public bool AsBool() => Expect(CelKind.Bool)._bits != 0;

    /// <summary>The int.</summary>
    public long AsInt() => Expect(CelKind.Int)._bits;

    /// <summary>The uint.</summary>
    public ulong AsUint() => unchecked((ulong)Expect(CelKind.Uint)._bits);

    /// <summary>The double.</summary>
    public double AsDouble() => BitConverter.Int64BitsToDouble(Expect(CelKind.Double)._bits);

    /// <summary>The string.</summary>
    public string AsString() => (string)Expect(CelKind.String)._object!;

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> AsBytes() => (byte[])Expect(CelKind.Bytes)._object!;

    /// <summary>The point in time, truncated to 100 ns.</summary>
    public DateTimeOffset AsTimestamp() =>
        DateTimeOffset.UnixEpoch.AddTicks((Expect(CelKind.Timestamp)._bits * TimeSpan.TicksPerSecond) + (_nanos / NanosPerTick));

    /// <summary>The length of time, truncated to 100 ns.</summary>
    public TimeSpan AsDuration() =>
        TimeSpan.FromTicks((Expect(CelKind.Duration)._bits * TimeSpan.TicksPerSecond) + (_nanos / NanosPerTick));

    /// <summary>The items of a list.</summary>
    public IReadOnlyList<CelValue> AsList() => (IReadOnlyList<CelValue>)Expect(CelKind.List)._object!;

    /// <summary>The text-keyed entries of a map, in order.</summary>
    public IEnumerable<KeyValuePair<string, CelValue>> AsMap() => MapOf(Expect(CelKind.Map)).TextEntries;

    /// <summary>The text of an error.</summary>
    public string AsError() => (string)Expect(CelKind.Error)._object!;

    /// <summary>The value of a key in a map; false if the map does not have the key, or this is not a map.</summary>
    public bool TryGetField(string name, out CelValue value)
    {
        if (_kind == CelKind.Map)
        {
            return MapOf(this).TryGet(name, out value);
        }

        value = default;
        return false;
    }

    /// <summary>
    /// Reads JSON: a number without fraction and exponent that fits becomes an int (a uint from 2^63), any other a double. Lone surrogates
    /// and nesting deeper than <see cref="ExpressionLimits.ValueDepth"/> yield an error value.
    /// </summary>
    public static CelValue FromJson(JsonElement json) => CelJson.Read(json);

    /// <summary>Reads UTF-8 JSON by the same rules; an error value if the text is not JSON.</summary>
    public static CelValue FromJson(ReadOnlySpan<byte> utf8) => CelJson.Read(utf8);

    /// <summary>
    /// Writes JSON: bytes as base64, timestamps as RFC 3339, durations as seconds with <c>s</c>, keys of maps as text; a double keeps a
    /// fraction or an exponent, so it is read back as a double. False for a value without JSON (NaN, an error, a type), with the reason in
    /// <paramref name="problem"/>; the output is then incomplete.
    /// </summary>
    public bool TryWriteJson(Utf8JsonWriter writer, out string? problem)
    {
        problem = CelJson.Write(this, writer, JsonForm.Plain);
        return problem is null;
    }

    /// <summary>
    /// Writes JSON that leaves or is stored, under the same rules as for values that arrive: at most
    /// <see cref="ExpressionLimits.KeptDepth"/> levels, no implicitly rounded number, no text that cannot be stored.
    /// </summary>
    public bool TryWriteChecked(Utf8JsonWriter writer, out string? problem)
    {
        problem = CelJson.Write(this, writer, JsonForm.Checked);
        return problem is null;
    }

    /// <summary>Equality as in CEL (1 == 1u == 1.0), except that NaN equals itself; inside a list or a map it does not.</summary>
    public bool Equals(CelValue other)
    {
        var budget = long.MaxValue;
        return CelComparison.AreEqual(this, other, ref budget) || (IsNaN && other.IsNaN);
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is CelValue other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => CelComparison.Hash(this);

    /// <summary>For messages: as <c>string()</c> or as JSON; a value without either, by the name of its type.</summary>
    public override string ToString() =>
        IsError ? "error: " + AsError() : Kind == CelKind.Null ? "null" : CelText.TryToText(this, out var text, out _) ? text
        : CelTypes.NameOf(this);

    public static bool operator ==(CelValue left, CelValue right) => left.Equals(right);

    public static bool operator !=(CelValue left, CelValue right) => !left.Equals(right);

    /// <summary>A timestamp from whole seconds since 1970 and 0 to 999,999,999 nanoseconds after them.</summary>
    internal static CelValue Timestamp(long seconds, int nanos) => new(CelKind.Timestamp, seconds, null, nanos);

    /// <summary>A duration from whole seconds and nanoseconds of the same sign.</summary>
    internal static CelValue Duration(long seconds, int nanos) => new(CelKind.Duration, seconds, null, nanos);

    /// <summary>
    /// The double nearest to a JSON integer of more than 64 bits. A 1 as its nanoseconds marks it until a schema expects a double.
    /// </summary>
    internal static CelValue Rounded(double value) => new(CelKind.Double, BitConverter.DoubleToInt64Bits(value), null, nanos: 1);

    /// <summary>Whether it was rounded, and no schema has expected a double.</summary>
    internal bool IsRounded => _kind == CelKind.Double && _nanos != 0;

    internal static CelValue Map(CelMap map) => new(CelKind.Map, 0, map);

    internal static CelValue Type(string name) => new(CelKind.Type, 0, name);

    /// <summary>The bits of a bool or a number, or the seconds of a timestamp or duration. Does not check the kind.</summary>
    internal long Bits => _bits;

    /// <summary>The nanoseconds of a timestamp or duration.</summary>
    internal int Nanos => _nanos;

    internal object? Reference => _object;

    internal CelMap MapValue => MapOf(this);

    internal bool HasValue => _object is not null;

    internal CelValue Inner => ((Box)_object!).Value;

    internal bool IsNaN => _kind == CelKind.Double && double.IsNaN(BitConverter.Int64BitsToDouble(_bits));

    private static CelMap MapOf(CelValue value) => (CelMap)value._object!;

    private CelValue Expect(CelKind kind) =>
        _kind == kind ? this : throw new InvalidOperationException($"The value is of kind {_kind}, not {kind}.");

    private sealed class Box(CelValue value)
    {
        public CelValue Value => value;
    }
}
