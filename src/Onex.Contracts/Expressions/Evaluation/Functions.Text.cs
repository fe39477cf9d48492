using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Expressions.Patterns;

namespace Onex.Contracts.Expressions.Evaluation;

internal static partial class Functions
{
    // A double has 15 significant decimal digits.
    private const int DigitsMax = 15;

    private const int HashCost = 20;

    // At worst a search compares every character of one text with every one of the other. A unit pays for 4,096 comparisons.
    private static long SearchCost(string text, string part) => (long)text.Length * part.Length / 4_096;

    private static CelValue TestTexts(ref Frame frame, string name, ReadOnlySpan<CelValue> a, Func<string, string, bool> test)
    {
        if (a[0].Kind != CelKind.String || a[1].Kind != CelKind.String)
        {
            return Failures.NoOverload(name, a[0], a[1]);
        }

        return frame.Spend(Math.Min(a[0].AsString().Length, a[1].AsString().Length) / ExpressionLimits.ComparedPerUnit)
            ? CelValue.Bool(test(a[0].AsString(), a[1].AsString())) : Failures.Budget;
    }

    private static CelValue Contains(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        if (a[0].Kind != CelKind.String || a[1].Kind != CelKind.String)
        {
            return Failures.NoOverload("contains", a[0], a[1]);
        }

        var (text, part) = (a[0].AsString(), a[1].AsString());
        return frame.Spend((text.Length / ExpressionLimits.ComparedPerUnit) + SearchCost(text, part))
            ? CelValue.Bool(text.Contains(part, StringComparison.Ordinal))
            : Failures.Budget;
    }

    private static CelValue Matches(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        if (a[0].Kind != CelKind.String || a[1].Kind != CelKind.String)
        {
            return Failures.NoOverload("matches", a[0], a[1]);
        }

        var (text, pattern) = (a[0].AsString(), a[1].AsString());
        if (!frame.Spend(pattern.Length))
        {
            return Failures.Budget;
        }

        if (Pattern.Compile(pattern, out var problem) is not { } compiled)
        {
            return CelValue.Error("the regular expression cannot be used: " + problem);
        }

        // At worst each character is compared with every part, eight parts per unit. Reading the character costs as much as four.
        return frame.Spend(text.Length * (4 + compiled.Size) / 8) ? CelValue.Bool(compiled.IsMatch(text)) : Failures.Budget;
    }

    private static CelValue MapText(ref Frame frame, string name, CelValue value, Func<string, string> map)
    {
        if (value.Kind != CelKind.String)
        {
            return Failures.NoOverload(name, value);
        }

        return frame.Spend(value.AsString().Length / ExpressionLimits.CreatedPerUnit)
            ? CelValue.String(map(value.AsString())) : Failures.Budget;
    }

    private static CelValue Split(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        if (a[0].Kind != CelKind.String || a[1].Kind != CelKind.String || (a.Length > 2 && a[2].Kind != CelKind.Int))
        {
            return Failures.NoOverload("split", a[0], a[1]);
        }

        var (text, separator) = (a[0].AsString(), a[1].AsString());
        var limit = a.Length > 2 && a[2].AsInt() >= 0 ? (int)Math.Min(a[2].AsInt(), int.MaxValue) : int.MaxValue;
        if (!frame.Spend((text.Length / ExpressionLimits.CreatedPerUnit) + SearchCost(text, separator)))
        {
            return Failures.Budget;
        }

        var parts = new List<CelValue>();
        var start = 0;
        while (parts.Count < limit)
        {
            // Each part costs two units: an item of the list and the header of a string.
            if (!frame.Spend(2))
            {
                return Failures.Budget;
            }

            var end = separator.Length > 0 ? text.IndexOf(separator, start, StringComparison.Ordinal) : NextCodePoint(text, start);
            if (end < 0 || parts.Count == limit - 1)
            {
                parts.Add(CelValue.String(text[start..]));
                break;
            }

            parts.Add(CelValue.String(text[start..end]));
            start = end + separator.Length;
        }

        return CelValue.List(separator.Length == 0 && text.Length == 0 ? [] : parts);
    }

    // The offset after a code point; -1 if it is the last. An empty separator splits there.
    private static int NextCodePoint(string text, int at)
    {
        var next = at + 1 < text.Length && char.IsSurrogatePair(text, at) ? at + 2 : at + 1;
        return next < text.Length ? next : -1;
    }

    private static CelValue Join(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        if (a[0].Kind != CelKind.List || (a.Length > 1 && a[1].Kind != CelKind.String))
        {
            return Failures.NoOverload("join", a[0]);
        }

        var separator = a.Length > 1 ? a[1].AsString() : "";
        var text = new StringBuilder();
        var items = a[0].AsList();
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i].Kind != CelKind.String)
            {
                return Failures.NoOverload("join", items[i]);
            }

            if (!frame.Spend(1 + ((items[i].AsString().Length + separator.Length) / ExpressionLimits.CreatedPerUnit)))
            {
                return Failures.Budget;
            }

            text.Append(i == 0 ? "" : separator).Append(items[i].AsString());
        }

        return CelValue.String(text.ToString());
    }

    private static CelValue Round(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        if (a.Length > 1 && a[1].Kind != CelKind.Int)
        {
            return Failures.NoOverload("round", a[0], a[1]);
        }

        var digits = a.Length > 1 ? a[1].AsInt() : 0;
        if (digits is < 0 or > DigitsMax)
        {
            return CelValue.Error($"round has 0 to {DigitsMax} digits");
        }

        return a[0].Kind switch
        {
            CelKind.Int or CelKind.Uint => a[0],
            CelKind.Double => CelValue.Double(RoundDecimal(a[0].AsDouble(), (int)digits)),
            _ => Failures.NoOverload("round", a[0]),
        };
    }

    // Rounds the decimal digits that string() shows and not the binary value: the double 2.675 is a little less, but is shown as 2.675.
    private static double RoundDecimal(double value, int digits)
    {
        if (!double.IsFinite(value) || value == Math.Truncate(value))
        {
            return value;
        }

        var parts = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture).Split('E');
        var (mantissa, exponent) = (parts[0], parts.Length == 1 ? 0 : int.Parse(parts[1], CultureInfo.InvariantCulture));
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var shown = mantissa.Replace(".", "", StringComparison.Ordinal);
        var decimals = (point < 0 ? 0 : mantissa.Length - point - 1) - exponent;
        var dropped = decimals - digits;
        if (dropped <= 0)
        {
            return value;
        }

        if (dropped > shown.Length)
        {
            return 0;
        }

        var kept = long.Parse($"0{shown[..^dropped]}", CultureInfo.InvariantCulture) + (shown[^dropped] >= '5' ? 1 : 0);
        var rounded = double.Parse(string.Create(CultureInfo.InvariantCulture, $"{kept}E-{digits}"), CultureInfo.InvariantCulture);
        return value < 0 && kept > 0 ? -rounded : rounded;
    }

    private static CelValue MinOrMax(ref Frame frame, string name, ReadOnlySpan<CelValue> a, int sign)
    {
        if (a.Length == 1 && a[0].Kind != CelKind.List)
        {
            return Failures.NoOverload(name, a[0]);
        }

        IReadOnlyList<CelValue> items = a.Length == 1 ? a[0].AsList() : a.ToArray();
        if (items.Count == 0)
        {
            return CelValue.Error($"{name} of an empty list");
        }

        var best = items[0];
        for (var i = 0; i < items.Count; i++)
        {
            if (!frame.Spend(1 + Operators.KeyCost(items[i])))
            {
                return Failures.Budget;
            }

            // The first item is compared with itself, so that its kind is checked even if it is the only one.
            var order = CelComparison.Compare(items[i], best, out var areComparable);
            if (!areComparable)
            {
                return Failures.NoOverload(name, best, items[i]);
            }

            best = order * sign > 0 ? items[i] : best;
        }

        return best;
    }

    private static CelValue Sum(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        if (a[0].Kind != CelKind.List)
        {
            return Failures.NoOverload("sum", a[0]);
        }

        var items = a[0].AsList();
        var sum = items.Count == 0 ? CelValue.Int(0) : items[0];
        for (var i = 0; i < items.Count; i++)
        {
            if (!frame.Spend(1))
            {
                return Failures.Budget;
            }

            if (!CelComparison.IsNumber(items[i].Kind) && items[i].Kind != CelKind.Duration)
            {
                return Failures.NoOverload("sum", items[i]);
            }

            sum = i == 0 ? sum : Operators.Add(ref frame, sum, items[i]);
            if (sum.IsError)
            {
                return sum;
            }
        }

        return sum;
    }

    private static CelValue Base64(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        if (a[0].Kind is not (CelKind.Bytes or CelKind.String))
        {
            return Failures.NoOverload("base64", a[0]);
        }

        return frame.Spend(Operators.Length(a[0]) / 4) ? CelValue.String(Convert.ToBase64String(BytesOf(a[0]))) : Failures.Budget;
    }

    private static CelValue Sha256(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        if (a[0].Kind is not (CelKind.Bytes or CelKind.String))
        {
            return Failures.NoOverload("sha256", a[0]);
        }

        return frame.Spend(HashCost + (Operators.Length(a[0]) / 16))
            ? CelValue.String(Convert.ToHexStringLower(SHA256.HashData(BytesOf(a[0])))) : Failures.Budget;
    }

    /// <summary>UUID version 5 (RFC 9562) with the saga id as the namespace, so that other systems can compute it, too.</summary>
    private static CelValue Uuid(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        var id = a[0].TryGetField("id", out var field) ? field : a[0];
        if (id.Kind != CelKind.String || a[1].Kind != CelKind.String)
        {
            return Failures.NoOverload("uuid", a[0], a[1]);
        }

        if (!Guid.TryParse(id.AsString(), CultureInfo.InvariantCulture, out var namespaceId))
        {
            return NotA("UUID", id);
        }

        if (!frame.Spend(HashCost + (Operators.Length(a[1]) / 8)))
        {
            return Failures.Budget;
        }

        var name = BytesOf(a[1]);
        var input = new byte[16 + name.Length];
        namespaceId.TryWriteBytes(input, bigEndian: true, out _);
        name.CopyTo(input, 16);
#pragma warning disable CA5350 // Version 5 prescribes SHA-1. Security does not depend on it here.
        var hash = SHA1.HashData(input).AsSpan(0, 16);
#pragma warning restore CA5350
        // The version (5) and the variant of RFC 9562.
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return CelValue.String(new Guid(hash, bigEndian: true).ToString());
    }

    private static byte[] BytesOf(CelValue value) =>
        value.Kind == CelKind.String ? Encoding.UTF8.GetBytes(value.AsString()) : value.AsBytes().ToArray();
}
