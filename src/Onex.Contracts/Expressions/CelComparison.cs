namespace Onex.Contracts.Expressions;

/// <summary>Equality and order as CEL defines them.</summary>
internal static class CelComparison
{
    /// <summary>
    /// Whether two values are equal. Numbers are compared across their types; values of other different kinds are never equal, and NaN
    /// equals nothing. Each compared element costs a unit of the budget, long text more; if it is exceeded, the result is meaningless.
    /// </summary>
    public static bool AreEqual(CelValue a, CelValue b, ref long budget)
    {
        budget--;
        if (budget < 0)
        {
            return false;
        }

        if (IsNumber(a.Kind) && IsNumber(b.Kind))
        {
            return CompareNumbers(a, b) == 0;
        }

        if (a.Kind != b.Kind)
        {
            return false;
        }

        if (a.Kind == CelKind.String && ReferenceEquals(a.Reference, b.Reference))
        {
            return true;
        }

        switch (a.Kind)
        {
            case CelKind.Null:
                return true;
            case CelKind.Bool:
                return a.Bits == b.Bits;
            case CelKind.Timestamp or CelKind.Duration:
                return a.Bits == b.Bits && a.Nanos == b.Nanos;
            case CelKind.String or CelKind.Type or CelKind.Error:
                {
                    var (left, right) = ((string)a.Reference!, (string)b.Reference!);
                    budget -= left.Length == right.Length ? left.Length / ExpressionLimits.ComparedPerUnit : 0;
                    return budget >= 0 && string.Equals(left, right, StringComparison.Ordinal);
                }

            case CelKind.Bytes:
                {
                    var left = a.AsBytes().Span;
                    var right = b.AsBytes().Span;
                    budget -= left.Length == right.Length ? left.Length / ExpressionLimits.ComparedPerUnit : 0;
                    return budget >= 0 && left.SequenceEqual(right);
                }

            case CelKind.Optional:
                return a.HasValue == b.HasValue && (!a.HasValue || AreEqual(a.Inner, b.Inner, ref budget));
            case CelKind.List:
                return ListsAreEqual(a.AsList(), b.AsList(), ref budget);
            default:
                return MapsAreEqual(a.MapValue, b.MapValue, ref budget);
        }
    }

    /// <summary>
    /// Less than, equal to or greater than 0, as in <see cref="IComparable"/>. Null if one is NaN, or if these kinds have no order. Only
    /// in the latter case <paramref name="areComparable"/> is false.
    /// </summary>
    public static int? Compare(CelValue a, CelValue b, out bool areComparable)
    {
        areComparable = true;
        if (IsNumber(a.Kind) && IsNumber(b.Kind))
        {
            return CompareNumbers(a, b);
        }

        if (a.Kind == b.Kind)
        {
            switch (a.Kind)
            {
                case CelKind.Bool:
                    return a.Bits.CompareTo(b.Bits);
                case CelKind.String:
                    return CompareText(a.AsString(), b.AsString());
                case CelKind.Bytes:
                    return a.AsBytes().Span.SequenceCompareTo(b.AsBytes().Span);
                case CelKind.Timestamp or CelKind.Duration:
                    return a.Bits != b.Bits ? a.Bits.CompareTo(b.Bits) : a.Nanos.CompareTo(b.Nanos);
            }
        }

        areComparable = false;
        return null;
    }

    /// <summary>Equal values have equal hashes, so numbers hash by their value as a double.</summary>
    public static int Hash(CelValue value)
    {
        switch (value.Kind)
        {
            case CelKind.Int:
                return ((double)value.AsInt()).GetHashCode();
            case CelKind.Uint:
                return ((double)value.AsUint()).GetHashCode();
            case CelKind.Double:
                return value.AsDouble().GetHashCode();
            case CelKind.String or CelKind.Type or CelKind.Error:
                return string.GetHashCode((string)value.Reference!, StringComparison.Ordinal);
            case CelKind.Bytes:
                {
                    var hash = default(HashCode);
                    hash.AddBytes(value.AsBytes().Span);
                    return hash.ToHashCode();
                }

            // Hashes all contents, because uniqueItems may compare thousands of lists or maps. Maps are unordered.
            case CelKind.List:
                {
                    var hash = default(HashCode);
                    foreach (var item in value.AsList())
                    {
                        hash.Add(Hash(item));
                    }

                    return hash.ToHashCode();
                }

            case CelKind.Map:
                {
                    var sum = value.MapValue.Count;
                    foreach (var (key, item) in value.MapValue.Entries)
                    {
                        sum = unchecked(sum + HashCode.Combine(Hash(key), Hash(item)));
                    }

                    return sum;
                }

            case CelKind.Optional:
                return HashCode.Combine(value.Kind, value.HasValue);
            default:
                return HashCode.Combine(value.Kind, value.Bits, value.Nanos);
        }
    }

    public static bool IsNumber(CelKind kind) => kind is CelKind.Int or CelKind.Uint or CelKind.Double;

    private static int? CompareNumbers(CelValue a, CelValue b) => (a.Kind, b.Kind) switch
    {
        (CelKind.Int, CelKind.Int) => a.Bits.CompareTo(b.Bits),
        (CelKind.Uint, CelKind.Uint) => a.AsUint().CompareTo(b.AsUint()),
        (CelKind.Int, CelKind.Uint) => a.Bits < 0 ? -1 : ((ulong)a.Bits).CompareTo(b.AsUint()),
        (CelKind.Uint, CelKind.Int) => b.Bits < 0 ? 1 : a.AsUint().CompareTo((ulong)b.Bits),
        // An int is compared with a double as a double, with loss, as CEL's conformance tests require.
        _ => CompareDoubles(ToDouble(a), ToDouble(b)),
    };

    private static int? CompareDoubles(double a, double b) => a < b ? -1 : a > b ? 1 : a == b ? 0 : null;

    private static double ToDouble(CelValue value) => value.Kind switch
    {
        CelKind.Int => value.Bits,
        CelKind.Uint => value.AsUint(),
        _ => value.AsDouble(),
    };

    // Compares by code point: U+1F600 is greater than U+FF5E, although the UTF-16 units of U+1F600 are smaller.
    private static int CompareText(string a, string b)
    {
        var common = a.AsSpan().CommonPrefixLength(b);
        if (common == a.Length || common == b.Length)
        {
            return a.Length.CompareTo(b.Length);
        }

        var (x, y) = (a[common], b[common]);
        return char.IsSurrogate(x) == char.IsSurrogate(y) ? x.CompareTo(y) : char.IsSurrogate(x) ? 1 : -1;
    }

    private static bool ListsAreEqual(IReadOnlyList<CelValue> a, IReadOnlyList<CelValue> b, ref long budget)
    {
        if (a.Count != b.Count)
        {
            return false;
        }

        for (var i = 0; i < a.Count; i++)
        {
            if (!AreEqual(a[i], b[i], ref budget))
            {
                return false;
            }
        }

        return true;
    }

    private static bool MapsAreEqual(CelMap a, CelMap b, ref long budget)
    {
        if (a.Count != b.Count)
        {
            return false;
        }

        foreach (var (key, value) in a.Entries)
        {
            if (!b.TryGet(key, out var other) || !AreEqual(value, other, ref budget))
            {
                return false;
            }
        }

        return true;
    }
}
