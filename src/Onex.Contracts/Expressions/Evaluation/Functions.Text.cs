using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Expressions.Patterns;

namespace Onex.Contracts.Expressions.Evaluation;

internal static partial class Functions
{
    // A double has no more digits after the point.
    private const int DigitsMax = 15;

    private static CelValue OnTexts(ref Frame frame, string name, ReadOnlySpan<CelValue> a, Func<string, string, bool> test)
    {
        if (a[0].Kind != CelKind.String || a[1].Kind != CelKind.String)
        {
            return Failures.NoOverload(name, a[0], a[1]);
        }

        return frame.Spend(Math.Min(a[0].AsString().Length, a[1].AsString().Length) / 64)
            ? CelValue.Bool(test(a[0].AsString(), a[1].AsString())) : Failures.Budget;
    }

    private static CelValue Contains(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        if (a[0].Kind != CelKind.String || a[1].Kind != CelKind.String)
        {
            return Failures.NoOverload("contains", a[0], a[1]);
        }

        // Costs the worst case of the search, the product of both lengths.
        var (text, part) = (a[0].AsString(), a[1].AsString());
        return frame.Spend((text.Length / 64) + ((long)text.Length * part.Length / 4_096))
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

        // At worst each character is compared with every part.
        return frame.Spend(text.Length * (4 + compiled.Size) / 8) ? CelValue.Bool(compiled.IsMatch(text)) : Failures.Budget;
    }

    private static CelValue OfText(ref Frame frame, string name, CelValue value, Func<string, string> make)
    {
        if (value.Kind != CelKind.String)
        {
            return Failures.NoOverload(name, value);
        }

        return frame.Spend(value.AsString().Length / 8) ? CelValue.String(make(value.AsString())) : Failures.Budget;
    }

    private static CelValue Split(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        if (a[0].Kind != CelKind.String || a[1].Kind != CelKind.String || (a.Length > 2 && a[2].Kind != CelKind.Int))
        {
            return Failures.NoOverload("split", a[0], a[1]);
        }

        var (text, separator) = (a[0].AsString(), a[1].AsString());
        var limit = a.Length > 2 && a[2].AsInt() >= 0 ? (int)Math.Min(a[2].AsInt(), int.MaxValue) : int.MaxValue;
        if (!frame.Spend((text.Length / 8) + ((long)text.Length * separator.Length / 4_096)))
        {
            return Failures.Budget;
        }

        var parts = new List<CelValue>();
        var rest = 0;
        while (parts.Count < limit)
        {
            // Two units each: an item and the header of a string.
            if (!frame.Spend(2))
            {
                return Failures.Budget;
            }

            // Without a separator every code point is a part.
            var end = separator.Length > 0 ? text.IndexOf(separator, rest, StringComparison.Ordinal)
                : rest + 1 >= text.Length ? -1
                : char.IsSurrogatePair(text, rest) ? (rest + 2 < text.Length ? rest + 2 : -1) : rest + 1;
            if (end < 0 || parts.Count == limit - 1)
            {
                parts.Add(CelValue.String(text[rest..]));
                break;
            }

            parts.Add(CelValue.String(text[rest..end]));
            rest = end + separator.Length;
        }

        return CelValue.List(separator.Length == 0 && text.Length == 0 ? [] : parts);
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

            if (!frame.Spend(1 + ((items[i].AsString().Length + separator.Length) / 8)))
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
            CelKind.Double => CelValue.Double(Rounded(a[0].AsDouble(), (int)digits)),
            _ => Failures.NoOverload("round", a[0]),
        };
    }

    // Rounds by the digits that string() shows, not by the binary value: 2.675 is a little less than 2.675, but people see 2.675.
    private static double Rounded(double value, int digits)
    {
        if (!double.IsFinite(value) || value == Math.Truncate(value))
        {
            return value;
        }

        var (mantissa, exponent) = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture).Split('E') is [var before, var power]
            ? (before, int.Parse(power, CultureInfo.InvariantCulture))
            : (Math.Abs(value).ToString("R", CultureInfo.InvariantCulture), 0);
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var shown = mantissa.Replace(".", "", StringComparison.Ordinal);
        var dropped = (point < 0 ? 0 : mantissa.Length - point - 1) - exponent - digits;
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

    private static CelValue Extreme(ref Frame frame, string name, ReadOnlySpan<CelValue> a, int sign)
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

            // The first item is compared with itself, so a list of one is checked too.
            var order = CelComparison.Compare(items[i], best, out var comparable);
            if (!comparable)
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

        return frame.Spend(Length(a[0]) / 4) ? CelValue.String(Convert.ToBase64String(Raw(a[0]))) : Failures.Budget;
    }

    private static CelValue Sha256(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        if (a[0].Kind is not (CelKind.Bytes or CelKind.String))
        {
            return Failures.NoOverload("sha256", a[0]);
        }

        return frame.Spend(20 + (Length(a[0]) / 16)) ? CelValue.String(Convert.ToHexStringLower(SHA256.HashData(Raw(a[0]))))
            : Failures.Budget;
    }

    /// <summary>UUID version 5 (RFC 9562) with the saga id as the namespace, so anyone can compute it again.</summary>
    private static CelValue Uuid(ref Frame frame, ReadOnlySpan<CelValue> a)
    {
        var id = a[0].TryGetField("id", out var field) ? field : a[0];
        if (id.Kind != CelKind.String || a[1].Kind != CelKind.String)
        {
            return Failures.NoOverload("uuid", a[0], a[1]);
        }

        if (!Guid.TryParse(id.AsString(), CultureInfo.InvariantCulture, out var space))
        {
            return NotA("UUID", id);
        }

        if (!frame.Spend(20 + (Length(a[1]) / 8)))
        {
            return Failures.Budget;
        }

        var name = Raw(a[1]);
        var input = new byte[16 + name.Length];
        space.TryWriteBytes(input, bigEndian: true, out _);
        name.CopyTo(input, 16);
#pragma warning disable CA5350 // SHA-1 is what version 5 is made of; nothing rests on its strength.
        var hash = SHA1.HashData(input).AsSpan(0, 16);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return CelValue.String(new Guid(hash, bigEndian: true).ToString());
    }

    private static int Length(CelValue value) => value.Kind == CelKind.String ? value.AsString().Length : value.AsBytes().Length;

    private static byte[] Raw(CelValue value) =>
        value.Kind == CelKind.String ? Encoding.UTF8.GetBytes(value.AsString()) : value.AsBytes().ToArray();
}
