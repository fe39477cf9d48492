using System.Globalization;
using System.Numerics;
using Onex.Contracts.Expressions;

namespace Onex.Workers.Operations;

/// <summary>A decimal number with any number of digits. Its sums are exact, so they do not depend on the order of the items.</summary>
/// <param name="Digits">The number without its decimal point: -1250 for -12.50, 5 for 0.005.</param>
/// <param name="Scale">The number of decimal places, zero or more: the value is <c>Digits / 10^Scale</c>.</param>
internal readonly record struct ExactNumber(BigInteger Digits, int Scale)
{
    /// <summary>The maximum length of a number that is given as text.</summary>
    public const int LengthMax = 100;

    public static ExactNumber Zero => new(BigInteger.Zero, 0);

    /// <summary>
    /// The value of a JSON number or of a text such as <c>12.50</c>; null for anything else. A double counts as the shortest digits that
    /// denote it, so 0.1 is exactly a tenth.
    /// </summary>
    public static ExactNumber? From(CelValue value) => value.Kind switch
    {
        CelKind.Int => new ExactNumber(value.AsInt(), 0),
        CelKind.Uint => new ExactNumber(value.AsUint(), 0),
        CelKind.Double when double.IsFinite(value.AsDouble()) => FromDouble(value.AsDouble()),
        CelKind.String => Parse(value.AsString()),
        _ => null,
    };

    public static ExactNumber operator +(ExactNumber left, ExactNumber right)
    {
        var scale = Math.Max(left.Scale, right.Scale);
        return new(left.DigitsAt(scale) + right.DigitsAt(scale), scale);
    }

    /// <summary>Negative if the left number is less, 0 if both are equal, positive if it is greater.</summary>
    public static int Compare(ExactNumber left, ExactNumber right)
    {
        var scale = Math.Max(left.Scale, right.Scale);
        return left.DigitsAt(scale).CompareTo(right.DigitsAt(scale));
    }

    /// <summary>The quotient, rounded to a scale, half away from zero. The divisor is positive, and the scale not below this one.</summary>
    public ExactNumber Divide(int divisor, int scale)
    {
        var doubled = BigInteger.Abs(DigitsAt(scale)) * 2;
        var rounded = (doubled + divisor) / (2 * (BigInteger)divisor);
        return new(Digits.Sign < 0 ? -rounded : rounded, scale);
    }

    /// <summary>The same number without zeros at the end of its decimal places beyond the minimum scale. Adds none.</summary>
    public ExactNumber Trim(int scaleMin)
    {
        var (digits, scale) = this;
        while (scale > scaleMin && (digits % 10).IsZero)
        {
            digits /= 10;
            scale--;
        }

        return new(digits, scale);
    }

    /// <summary>The nearest double; infinity if the number is too large for one.</summary>
    public double ToDouble() => double.Parse(ToString(), CultureInfo.InvariantCulture);

    /// <summary>The number in decimal digits, such as <c>-12.50</c>.</summary>
    public override string ToString()
    {
        var digits = BigInteger.Abs(Digits).ToString(CultureInfo.InvariantCulture).PadLeft(Scale + 1, '0');
        var sign = Digits.Sign < 0 ? "-" : "";
        return Scale == 0 ? sign + digits : $"{sign}{digits[..^Scale]}.{digits[^Scale..]}";
    }

    private static ExactNumber? Parse(string text)
    {
        var digits = text.AsSpan(text.StartsWith('-') ? 1 : 0);
        var point = digits.IndexOf('.');
        var whole = point < 0 ? digits : digits[..point];
        var rest = point < 0 ? [] : digits[(point + 1)..];
        if (text.Length > LengthMax || whole.IsEmpty || (point >= 0 && rest.IsEmpty)
            || whole.ContainsAnyExceptInRange('0', '9') || rest.ContainsAnyExceptInRange('0', '9'))
        {
            return null;
        }

        var number = BigInteger.Parse($"{whole}{rest}", NumberStyles.None, CultureInfo.InvariantCulture);
        return new(text.StartsWith('-') ? -number : number, rest.Length);
    }

    private static ExactNumber FromDouble(double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        var exponentAt = text.IndexOf('E', StringComparison.Ordinal);
        var exponent = exponentAt < 0
            ? 0
            : int.Parse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = Parse(exponentAt < 0 ? text : text[..exponentAt])!.Value;
        var scale = mantissa.Scale - exponent;
        return scale >= 0 ? mantissa with { Scale = scale } : new(mantissa.Digits * BigInteger.Pow(10, -scale), 0);
    }

    private BigInteger DigitsAt(int scale) => scale == Scale ? Digits : Digits * BigInteger.Pow(10, scale - Scale);
}
