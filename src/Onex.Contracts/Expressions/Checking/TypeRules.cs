namespace Onex.Contracts.Expressions.Checking;

/// <summary>Compatibility of types.</summary>
internal static class TypeRules
{
    // Types may be recursive. A comparison that goes deeper, or takes more steps, finds no problem: the evaluation still finds it.
    private const int DepthMax = 16;
    private const int StepsMax = 2_000;

    /// <summary>
    /// Whether a value of one type is accepted where another is expected. A nullable type is accepted, although a null fails at run time.
    /// </summary>
    public static bool Fits(CelType value, CelType wanted, int depth = 0)
    {
        if (value.IsDyn || wanted.IsDyn || depth == DepthMax)
        {
            return true;
        }

        if (value is CelType.Nullable nullable)
        {
            return Fits(nullable.Value, wanted, depth + 1);
        }

        if (wanted is CelType.Nullable wantedNullable)
        {
            return value == CelType.Null || Fits(value, wantedNullable.Value, depth + 1);
        }

        return (value, wanted) switch
        {
            (CelType.Basic a, CelType.Basic b) => a.Kind == b.Kind,
            (CelType.ListOf a, CelType.ListOf b) => Fits(a.Item, b.Item, depth + 1),
            (CelType.MapOf a, CelType.MapOf b) => Fits(a.Key, b.Key, depth + 1) && Fits(a.Value, b.Value, depth + 1),
            (CelType.ObjectOf, CelType.MapOf b) => Fits(CelType.Text, b.Key, depth + 1),
            (CelType.MapOf a, CelType.ObjectOf) => Fits(a.Key, CelType.Text, depth + 1),
            (CelType.ObjectOf, CelType.ObjectOf) => true,
            (CelType.OptionalOf a, CelType.OptionalOf b) => Fits(a.Value, b.Value, depth + 1),
            _ => false,
        };
    }

    /// <summary>Whether the type includes null. False for dyn, about which nothing is known.</summary>
    public static bool MayBeNull(CelType type) => type is CelType.Nullable || type == CelType.Null;

    /// <summary>The type that includes both: dyn if one of them is dyn. Null if only dyn includes both.</summary>
    public static CelType? Common(CelType a, CelType b)
    {
        if (a is CelType.NothingType)
        {
            return b;
        }

        if (b is CelType.NothingType || ReferenceEquals(a, b))
        {
            return a;
        }

        if (a.IsDyn || b.IsDyn)
        {
            return CelType.Dyn;
        }

        if (a == CelType.Null || b == CelType.Null)
        {
            return a == CelType.Null ? b.OrNull : a.OrNull;
        }

        if (a is CelType.Nullable || b is CelType.Nullable)
        {
            return Common(a.Plain, b.Plain)?.OrNull;
        }

        return (a, b) switch
        {
            (CelType.Basic x, CelType.Basic y) when x.Kind == y.Kind =>
                x.Size >= y.Size ? x : y.Size >= x.Size ? y : new CelType.Basic(x.Kind),
            (CelType.ListOf x, CelType.ListOf y) =>
                new CelType.ListOf(
                    Common(x.Item, y.Item) ?? CelType.Dyn,
                    x.Size is null || y.Size is null ? null : Math.Max(x.Size.Value, y.Size.Value),
                    x.IsSizeAssumed || y.IsSizeAssumed),
            (CelType.MapOf x, CelType.MapOf y) =>
                new CelType.MapOf(Common(x.Key, y.Key) ?? CelType.Dyn, Common(x.Value, y.Value) ?? CelType.Dyn),
            (CelType.OptionalOf x, CelType.OptionalOf y) => new CelType.OptionalOf(Common(x.Value, y.Value) ?? CelType.Dyn),
            (CelType.ObjectOf or CelType.MapOf, CelType.ObjectOf or CelType.MapOf) => new CelType.MapOf(CelType.Text, CelType.Dyn),
            _ => null,
        };
    }

    /// <summary>
    /// The first part of a value that cannot be converted to the type that a contract or a schema expects; null if all can. An integer
    /// converts to a double or an int, and in JSON some values convert to text.
    /// </summary>
    /// <param name="value">The type of the value.</param>
    /// <param name="wanted">The expected type.</param>
    /// <param name="asJson">Whether it is written as JSON, so timestamps, durations and bytes become text.</param>
    public static Mismatch? FindMismatch(CelType value, CelType wanted, bool asJson)
    {
        var steps = StepsMax;
        return FindMismatch(value, wanted, asJson, "", 0, ref steps);
    }

    private static Mismatch? FindMismatch(CelType value, CelType wanted, bool asJson, string path, int depth, ref int steps)
    {
        var plain = value.Plain;
        if (plain is CelType.OptionalOf or CelType.Basic { Kind: CelKind.Type })
        {
            return new Mismatch(path, value, wanted);
        }

        if (wanted.IsDyn || plain.IsDyn || depth == DepthMax || --steps < 0)
        {
            return null;
        }

        if (plain == CelType.Null)
        {
            return wanted is CelType.Nullable || wanted == CelType.Null ? null : new Mismatch(path, value, wanted);
        }

        switch (plain, wanted.Plain)
        {
            case (CelType.Basic { Kind: CelKind.Int or CelKind.Uint }, CelType.Basic { Kind: CelKind.Double or CelKind.Int }):
            case (CelType.Basic { Kind: CelKind.Bytes or CelKind.Timestamp or CelKind.Duration },
                CelType.Basic { Kind: CelKind.String }) when asJson:
                return null;
            case (CelType.Basic a, CelType.Basic b):
                return a.Kind == b.Kind ? null : new Mismatch(path, value, wanted);
            case (CelType.ListOf a, CelType.ListOf b):
                return FindMismatch(a.Item, b.Item, asJson, path + "[]", depth + 1, ref steps);
            case (CelType.MapOf a, CelType.MapOf b):
                return Fits(a.Key, CelType.Text) ? FindMismatch(a.Value, b.Value, asJson, path + "{}", depth + 1, ref steps)
                    : new Mismatch(path, value, wanted);
            case (CelType.MapOf a, CelType.ObjectOf b):
                return FieldMismatch(b.Shape.Names, _ => a.Value, b.Shape.Find, asJson, path, depth, ref steps);
            case (CelType.ObjectOf a, CelType.MapOf b):
                return FieldMismatch(a.Shape.Names, a.Shape.Find, _ => b.Value, asJson, path, depth, ref steps);
            case (CelType.ObjectOf a, CelType.ObjectOf b):
                return ReferenceEquals(a.Shape, b.Shape) ? null
                    : MissingField(a.Shape, b.Shape) is { } missing ? new Mismatch($"{path}.{missing}", null, b.Shape.Find(missing)!)
                    : FieldMismatch(b.Shape.Names, a.Shape.Find, b.Shape.Find, asJson, path, depth, ref steps);
            default:
                return new Mismatch(path, value, wanted);
        }
    }

    private static string? MissingField(ObjectShape value, ObjectShape wanted) =>
        value.IsClosed ? wanted.Names.FirstOrDefault(name => wanted.Requires(name) && value.Find(name) is null) : null;

    private static Mismatch? FieldMismatch(
        IEnumerable<string> names, Func<string, CelType?> value, Func<string, CelType?> wanted, bool asJson, string path, int depth,
        ref int steps)
    {
        foreach (var name in names)
        {
            if (value(name) is { } given && wanted(name) is { } needed
                && FindMismatch(given, needed, asJson, $"{path}.{name}", depth + 1, ref steps) is { } mismatch)
            {
                return mismatch;
            }
        }

        return null;
    }
}

/// <summary>A part of a value with the wrong type.</summary>
/// <param name="Path">The path of the part in the value; empty for the whole value.</param>
/// <param name="Value">The type of the part; null if the part is missing.</param>
/// <param name="Wanted">The expected type.</param>
internal sealed record Mismatch(string Path, CelType? Value, CelType Wanted)
{
    /// <summary>How to convert the whole value, or null if no conversion is known.</summary>
    public string? Remedy => Path.Length > 0 ? null : (Value?.Plain, Wanted.Plain) switch
    {
        (CelType.OptionalOf, _) => "Take the value of the optional with .orValue(...).",
        (CelType.Basic { Kind: CelKind.Null }, _) when Value == CelType.Null => $"Give a value, or let the type be '{Wanted}?'.",
        (CelType.Basic { Kind: CelKind.String }, CelType.Basic { Kind: CelKind.Timestamp }) => "Convert it: timestamp(...).",
        (CelType.Basic { Kind: CelKind.String }, CelType.Basic { Kind: CelKind.Duration }) => "Convert it: duration(...).",
        (CelType.Basic, CelType.Basic { Kind: CelKind.String }) => "Convert it: string(...).",
        (CelType.Basic { Kind: CelKind.Double or CelKind.String }, CelType.Basic { Kind: CelKind.Int }) => "Convert it: int(...).",
        (CelType.Basic { Kind: CelKind.String }, CelType.Basic { Kind: CelKind.Double }) => "Convert it: double(...).",
        (CelType.Basic { Kind: CelKind.String }, CelType.Basic { Kind: CelKind.Bool }) => "Convert it, bool(...), or compare it.",
        _ => null,
    };
}
