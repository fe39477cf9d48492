using System.Globalization;
using System.Text;

namespace Onex.Contracts.Expressions.Evaluation;

internal static partial class Functions
{
    private static readonly UTF8Encoding _strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static CelValue Size(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        switch (a[0].Kind)
        {
            case CelKind.String:
                {
                    // Counts code points: a surrogate pair is one. A text without pairs is only scanned, which is faster.
                    var text = a[0].AsString();
                    var hasPairs = text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF');
                    if (!frame.Spend(text.Length / (hasPairs ? 32 : 128)))
                    {
                        return Failures.Budget;
                    }

                    if (!hasPairs)
                    {
                        return CelValue.Int(text.Length);
                    }

                    var count = text.Length;
                    for (var i = 0; i + 1 < text.Length; i++)
                    {
                        count -= char.IsSurrogatePair(text[i], text[i + 1]) ? 1 : 0;
                    }

                    return CelValue.Int(count);
                }

            case CelKind.Bytes:
                return CelValue.Int(a[0].AsBytes().Length);
            case CelKind.List:
                return CelValue.Int(a[0].AsList().Count);
            case CelKind.Map:
                return CelValue.Int(a[0].MapValue.Count);
            default:
                return Failures.NoOverload("size", a[0]);
        }
    }

    private static CelValue ToInt(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        var value = a[0];
        switch (value.Kind)
        {
            case CelKind.Int:
                return value;
            case CelKind.Uint:
                return value.AsUint() <= long.MaxValue ? CelValue.Int((long)value.AsUint()) : Failures.Overflow;
            case CelKind.Double:
                // Excludes 2^63 and NaN, for which the comparison is false.
                return Math.Abs(value.AsDouble()) < 9223372036854775808.0 ? CelValue.Int((long)value.AsDouble()) : Failures.Overflow;
            case CelKind.Timestamp:
                return CelValue.Int(value.Bits);
            case CelKind.String:
                return IsFreeOfNul(value.AsString())
                    && long.TryParse(value.AsString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
                    ? CelValue.Int(whole)
                    : NotA("int", value);
            default:
                return Failures.NoOverload("int", value);
        }
    }

    private static CelValue ToUint(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        var value = a[0];
        switch (value.Kind)
        {
            case CelKind.Uint:
                return value;
            case CelKind.Int:
                return value.AsInt() >= 0 ? CelValue.Uint((ulong)value.AsInt()) : Failures.Overflow;
            case CelKind.Double:
                return value.AsDouble() is >= 0 and < 18446744073709551616.0 ? CelValue.Uint((ulong)value.AsDouble()) : Failures.Overflow;
            case CelKind.String:
                return IsFreeOfNul(value.AsString())
                    && ulong.TryParse(value.AsString(), NumberStyles.None, CultureInfo.InvariantCulture, out var whole)
                    ? CelValue.Uint(whole)
                    : NotA("uint", value);
            default:
                return Failures.NoOverload("uint", value);
        }
    }

    private static CelValue ToDouble(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        var value = a[0];
        switch (value.Kind)
        {
            case CelKind.Double:
                return value;
            case CelKind.Int:
                return CelValue.Double(value.AsInt());
            case CelKind.Uint:
                return CelValue.Double(value.AsUint());
            case CelKind.String:
                return frame.Spend(value.AsString().Length / ExpressionLimits.CreatedPerUnit) ? ParseDouble(value) : Failures.Budget;
            default:
                return Failures.NoOverload("double", value);
        }
    }

    // The parsers of .NET accept trailing U+0000 characters, so these are checked before.
    private static bool IsFreeOfNul(string number) => !number.Contains('\0', StringComparison.Ordinal);

    // A text such as "Infinity" is infinity. A number that is too large is an error, although TryParse returns infinity for it.
    private static CelValue ParseDouble(CelValue value)
    {
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        var text = value.AsString();
        switch (text.ToUpperInvariant())
        {
            case "INF" or "+INF" or "INFINITY" or "+INFINITY":
                return CelValue.Double(double.PositiveInfinity);
            case "-INF" or "-INFINITY":
                return CelValue.Double(double.NegativeInfinity);
            case "NAN":
                return CelValue.Double(double.NaN);
            default:
                if (!IsFreeOfNul(text) || !double.TryParse(text, Style, CultureInfo.InvariantCulture, out var number)
                    || double.IsNaN(number))
                {
                    return NotA("double", value);
                }

                return double.IsFinite(number) ? CelValue.Double(number) : Failures.Overflow;
        }
    }

    private static CelValue ToText(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        var value = a[0];
        switch (value.Kind)
        {
            case CelKind.String:
                return value;
            case CelKind.Bool or CelKind.Int or CelKind.Uint or CelKind.Double or CelKind.Timestamp or CelKind.Duration:
                return frame.Spend(4) ? CelValue.String(CelText.Scalar(value)) : Failures.Budget;
            case CelKind.Type:
                return CelValue.String((string)value.Reference!);
            case CelKind.Bytes:
                try
                {
                    return frame.Spend(value.AsBytes().Length / ExpressionLimits.CreatedPerUnit)
                        ? CelValue.String(_strictUtf8.GetString(value.AsBytes().Span)) : Failures.Budget;
                }
                catch (DecoderFallbackException)
                {
                    return CelValue.Error("the bytes are not UTF-8");
                }

            default:
                return Failures.NoOverload("string", value);
        }
    }

    private static CelValue ToBytes(ref Frame frame, ReadOnlySpan<CelValue> a) => a[0].Kind switch
    {
        CelKind.Bytes => a[0],
        CelKind.String => frame.Spend(a[0].AsString().Length / ExpressionLimits.CreatedPerUnit)
            ? CelValue.Bytes(Encoding.UTF8.GetBytes(a[0].AsString())) : Failures.Budget,
        _ => Failures.NoOverload("bytes", a[0]),
    };

    private static CelValue ToBool(ref Frame frame, ReadOnlySpan<CelValue> a) => a[0].Kind switch
    {
        CelKind.Bool => a[0],
        CelKind.String => a[0].AsString() switch
        {
            "1" or "t" or "T" or "true" or "TRUE" or "True" => CelValue.Bool(true),
            "0" or "f" or "F" or "false" or "FALSE" or "False" => CelValue.Bool(false),
            _ => NotA("bool", a[0]),
        },
        _ => Failures.NoOverload("bool", a[0]),
    };

    private static CelValue ToTimestamp(ref Frame frame, ReadOnlySpan<CelValue> a) => a[0].Kind switch
    {
        CelKind.Timestamp => a[0],
        CelKind.Int => CelTime.Timestamp(a[0].AsInt(), 0) ?? Failures.TimeRange,
        CelKind.String => CelTime.ParseTimestamp(a[0].AsString()) ?? NotA("timestamp", a[0]),
        _ => Failures.NoOverload("timestamp", a[0]),
    };

    private static CelValue ToDuration(ref Frame frame, ReadOnlySpan<CelValue> a) => a[0].Kind switch
    {
        CelKind.Duration => a[0],
        CelKind.String => CelTime.ParseDuration(a[0].AsString()) ?? NotA("duration", a[0]),
        _ => Failures.NoOverload("duration", a[0]),
    };

    private const string TimestampSignatures = "(timestamp) -> int; (timestamp, string) -> int";

    // A function that reads a part of a timestamp, in a time zone if there is a second argument, or of a duration.
    private static Function TimePart(string name, Func<DateTime, long>? ofTimestamp, Func<CelValue, long>? ofDuration) =>
        new(name, false, true, 1, 2, $"time.{name}() or time.{name}('Europe/Zurich')",
            ofDuration is null ? TimestampSignatures : $"{TimestampSignatures}; (duration) -> int", (ref frame, a) =>
        {
            if (a.Length == 1 && a[0].Kind == CelKind.Duration && ofDuration is not null)
            {
                return CelValue.Int(ofDuration(a[0]));
            }

            if (a[0].Kind != CelKind.Timestamp || (a.Length > 1 && a[1].Kind != CelKind.String))
            {
                return a.Length == 1 ? Failures.NoOverload(name, a[0]) : Failures.NoOverload(name, a[0], a[1]);
            }

            // getMilliseconds has no function of a local time, because milliseconds are the same in every time zone.
            if (ofTimestamp is null)
            {
                return CelValue.Int(a[0].Nanos / 1_000_000);
            }

            // Looking up the rules of a zone is slower than other functions.
            const int ZoneCost = 20;
            if (a.Length > 1 && !frame.Spend(ZoneCost))
            {
                return Failures.Budget;
            }

            if ((a.Length == 1 ? a[0].Bits : CelTime.WallSeconds(a[0], a[1].AsString())) is not { } localSeconds)
            {
                return CelValue.Error($"there is no time zone '{Failures.Clip(a[1].AsString())}'");
            }

            return CelTime.Timestamp(localSeconds, 0) is null ? Failures.TimeRange
                : CelValue.Int(ofTimestamp(DateTime.UnixEpoch.AddSeconds(localSeconds)));
        });

    private static CelValue HasValue(ref Frame frame, ReadOnlySpan<CelValue> a) =>
        a[0].Kind == CelKind.Optional ? CelValue.Bool(a[0].HasValue) : Failures.NoOverload("hasValue", a[0]);

    private static CelValue Value(ref Frame frame, ReadOnlySpan<CelValue> a) =>
        a[0].Kind != CelKind.Optional ? Failures.NoOverload("value", a[0]) : a[0].HasValue ? a[0].Inner
            : CelValue.Error("the optional has no value");

    private static bool IsZero(CelValue value) => value.Kind switch
    {
        CelKind.Null => true,
        CelKind.Bool or CelKind.Int or CelKind.Uint => value.Bits == 0,
        CelKind.Double => value.AsDouble() == 0,
        CelKind.String => value.AsString().Length == 0,
        CelKind.Bytes => value.AsBytes().IsEmpty,
        CelKind.List => value.AsList().Count == 0,
        CelKind.Map => value.MapValue.Count == 0,
        CelKind.Duration => value.Bits == 0 && value.Nanos == 0,
        CelKind.Optional => !value.HasValue,
        _ => false,
    };

    private static CelValue NotA(string type, CelValue text) =>
        CelValue.Error($"'{Failures.Clip(text.AsString())}' is not {(type == "int" ? "an" : "a")} {type}");
}
