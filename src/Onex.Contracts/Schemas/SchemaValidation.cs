using System.Globalization;
using System.Numerics;
using System.Text;
using Onex.Contracts.Expressions;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Schemas;

/// <summary>Validates a value against a schema. Never throws; depth and work are bounded.</summary>
internal sealed class SchemaValidation
{
    // Bounds the recursion of a schema that refers to itself without descending into the value.
    private const int DepthMax = 256;

    private static readonly EqualityComparer<CelValue> _exactly = EqualityComparer<CelValue>.Create(IsSame, value => value.GetHashCode());

    private readonly List<SchemaProblem> _problems = [];
    private readonly List<(string? Key, int Index)> _path = [];
    private int _checks;
    private int _depth;

    // Above 0 no problems are collected, because only the result counts: in anyOf, oneOf, if, not, contains and propertyNames.
    private int _suppressions;
    private bool _failed;

    // Set if a limit was reached. Then the value is invalid, even if that happened inside a `not`.
    private string? _limitProblem;

    /// <summary>
    /// Returns the problems. If there are none, <paramref name="converted"/> is the value with its numbers in the types of the schema.
    /// </summary>
    public static IReadOnlyList<SchemaProblem> Run(SchemaNode schema, CelValue value, out CelValue converted)
    {
        var validation = new SchemaValidation();
        converted = validation.Check(schema, value);
        return validation._limitProblem is { } reason && validation._problems.Count == 0
            ? [new SchemaProblem("", reason)]
            : validation._problems;
    }

    private CelValue Check(SchemaNode schema, CelValue value)
    {
        if (_limitProblem is not null)
        {
            return value;
        }

        if (++_checks > Limits.SchemaChecksMax || _depth >= DepthMax)
        {
            _limitProblem = _depth < DepthMax
                ? "takes too long to check"
                : "is nested too deep, or its schema refers to itself without end";
            return Fail(value, _limitProblem);
        }

        if (schema.Never)
        {
            return Fail(value, "is not allowed");
        }

        _depth++;
        var converted = CheckKeywords(schema, value);
        _depth--;
        return converted;
    }

    private CelValue CheckKeywords(SchemaNode schema, CelValue value)
    {
        // A number keeps all its digits until every rule is checked. Then it takes the type of the schema.
        var typed = value;
        if (schema.Types != JsonTypes.None && !ConvertType(schema.Types, ref typed))
        {
            return Fail(value, $"must be {Describe(schema.Types)}, not {Describe(value)}");
        }

        if (schema.Enum is { } allowed && !allowed.Any(each => IsSame(each, value)))
        {
            Fail(value, $"must be one of {Spelling.Clip(string.Join(", ", allowed.Take(10).Select(Show)))}");
        }

        if (schema.Const is { } constant && !IsSame(constant, value))
        {
            Fail(value, $"must be {Show(constant)}");
        }

        var here = value.Kind switch
        {
            CelKind.Int or CelKind.Uint or CelKind.Double => CheckNumber(schema, value),
            CelKind.String => CheckText(schema, value),
            CelKind.List => CheckItems(schema, value),
            CelKind.Map => CheckProperties(schema, value),
            _ => value,
        };

        value = CheckCombined(schema, value, here);
        if (schema.Types != JsonTypes.None)
        {
            ConvertType(schema.Types, ref value);
        }

        return value;
    }

    // Each part checks the original value, whose numbers have all their digits, and not the value that another part has converted.
    private CelValue CheckCombined(SchemaNode schema, CelValue original, CelValue value)
    {
        if (schema.Reference is { } reference)
        {
            value = Merge(original, value, Check(reference, original));
        }

        foreach (var part in schema.AllOf)
        {
            value = Merge(original, value, Check(part, original));
        }

        if (schema.AnyOf.Count > 0)
        {
            value = Merge(original, value, CountFitting(schema.AnyOf, original, atMost: 1, out var fitting));
            if (fitting == 0)
            {
                Fail(value, "fits none of the forms that are allowed (anyOf)");
            }
        }

        if (schema.OneOf.Count > 0)
        {
            value = Merge(original, value, CountFitting(schema.OneOf, original, atMost: 2, out var fitting));
            if (fitting != 1)
            {
                Fail(value, fitting == 0 ? "fits none of the forms that are allowed (oneOf)"
                    : "fits more than one of the forms that are allowed (oneOf)");
            }
        }

        if (schema.If is { } condition)
        {
            var holds = Fits(condition, original, out var asCondition);
            value = holds ? Merge(original, value, asCondition) : value;
            value = (holds ? schema.Then : schema.Else) is { } branch ? Merge(original, value, Check(branch, original)) : value;
        }

        if (schema.Not is { } forbidden && Fits(forbidden, original, out _))
        {
            Fail(value, "has a form that is not allowed (not)");
        }

        return value;
    }

    // Returns the value, in which each number that the part has converted has the part's type.
    private static CelValue Merge(CelValue original, CelValue value, CelValue part)
    {
        if (Numbers.IsNumber(original))
        {
            return part.Kind == original.Kind ? value : part;
        }

        if (part.Kind != original.Kind || value.Kind != original.Kind)
        {
            return part;
        }

        if (original.Kind == CelKind.List)
        {
            var (items, valueItems, partItems) = (original.AsList(), value.AsList(), part.AsList());
            return ReferenceEquals(partItems, items) ? value
                : ReferenceEquals(valueItems, items) ? part
                : CelValue.List([.. items.Select((item, index) => Merge(item, valueItems[index], partItems[index]))]);
        }

        if (original.Kind == CelKind.Map)
        {
            return ReferenceEquals(part.MapValue, original.MapValue) ? value
                : ReferenceEquals(value.MapValue, original.MapValue) ? part
                : CelValue.Map(original.AsMap().Zip(value.AsMap(), part.AsMap()).Select(
                    field => KeyValuePair.Create(field.First.Key, Merge(field.First.Value, field.Second.Value, field.Third.Value))));
        }

        return part;
    }

    private CelValue CheckNumber(SchemaNode schema, CelValue value)
    {
        if (schema.Minimum is { } min && Compare(value, min) < 0)
        {
            Fail(value, $"must be at least {Show(min)}");
        }

        if (schema.Maximum is { } max && Compare(value, max) > 0)
        {
            Fail(value, $"must be at most {Show(max)}");
        }

        if (schema.ExclusiveMinimum is { } above && Compare(value, above) <= 0)
        {
            Fail(value, $"must be more than {Show(above)}");
        }

        if (schema.ExclusiveMaximum is { } below && Compare(value, below) >= 0)
        {
            Fail(value, $"must be less than {Show(below)}");
        }

        if (schema.MultipleOf is { } step && !IsMultiple(value, step))
        {
            Fail(value, $"must be a multiple of {Show(step)}");
        }

        return value;
    }

    // Compares numbers by all their digits. Expressions compare an int with a double as doubles, which loses digits.
    private static int? Compare(CelValue a, CelValue b)
    {
        if ((a.Kind == CelKind.Double) == (b.Kind == CelKind.Double) || !double.IsFinite(Numbers.ToDouble(a))
            || !double.IsFinite(Numbers.ToDouble(b)))
        {
            return CelComparison.Compare(a, b, out _);
        }

        var (left, right) = ToCommonPower(a, b);
        return left.CompareTo(right);
    }

    private static bool IsSame(CelValue a, CelValue b) => (a.Kind, b.Kind) switch
    {
        _ when Numbers.IsNumber(a) && Numbers.IsNumber(b) => Compare(a, b) == 0,
        (CelKind.List, CelKind.List) =>
            a.AsList().Count == b.AsList().Count && a.AsList().Zip(b.AsList()).All(pair => IsSame(pair.First, pair.Second)),
        (CelKind.Map, CelKind.Map) =>
            a.MapValue.Count == b.MapValue.Count
            && a.AsMap().All(field => b.TryGetField(field.Key, out var other) && IsSame(field.Value, other)),
        _ => a == b,
    };

    // Computes with decimals, as they are written: 0.3 is a multiple of 0.1, although it is not with doubles.
    private static bool IsMultiple(CelValue value, CelValue step)
    {
        if (value.Kind == CelKind.Double && !double.IsFinite(value.AsDouble()))
        {
            return false;
        }

        var (dividend, divisor) = ToCommonPower(value, step);
        return (dividend % divisor).IsZero;
    }

    // Two numbers as integers in units of the same power of ten.
    private static (BigInteger Left, BigInteger Right) ToCommonPower(CelValue a, CelValue b)
    {
        var ((left, leftPower), (right, rightPower)) = (ToDecimal(a), ToDecimal(b));
        var power = Math.Min(leftPower, rightPower);
        return (left * BigInteger.Pow(10, leftPower - power), right * BigInteger.Pow(10, rightPower - power));
    }

    // A number as an integer times a power of ten.
    private static (BigInteger Digits, int Power) ToDecimal(CelValue number)
    {
        if (number.Kind != CelKind.Double)
        {
            return (number.Kind == CelKind.Int ? number.AsInt() : number.AsUint(), 0);
        }

        var text = number.AsDouble().ToString("R", CultureInfo.InvariantCulture);
        var exponent = text.IndexOf('E', StringComparison.Ordinal);
        var mantissa = exponent < 0 ? text : text[..exponent];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        return (
            BigInteger.Parse(mantissa.Replace(".", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture),
            (exponent < 0 ? 0 : int.Parse(text.AsSpan(exponent + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture))
                - (point < 0 ? 0 : mantissa.Length - point - 1));
    }

    private CelValue CheckText(SchemaNode schema, CelValue value)
    {
        var text = value.AsString();
        if (schema.MinLength is not null || schema.MaxLength is not null)
        {
            // Characters are code points: a surrogate pair counts once.
            long length = text.Length - text.Count(char.IsLowSurrogate);
            if (length < schema.MinLength)
            {
                Fail(value, $"must have at least {Plural.Format(schema.MinLength!.Value, "character")}");
            }

            if (length > schema.MaxLength)
            {
                Fail(value, $"must have at most {Plural.Format(schema.MaxLength!.Value, "character")}");
            }
        }

        if (schema.Pattern is { } pattern && !pattern.IsMatch(text))
        {
            Fail(value, $"must match the pattern {Spelling.Clip(schema.PatternText!)}");
        }

        if (schema.Format is { } format && !Formats.Has(format, text))
        {
            Fail(value, $"must be {(format == "email" ? "an" : "a")} {format}");
        }

        return value;
    }

    private CelValue CheckItems(SchemaNode schema, CelValue value)
    {
        var items = value.AsList();
        if (items.Count < schema.MinItems)
        {
            Fail(value, $"must have at least {Plural.Format(schema.MinItems!.Value, "item")}");
        }

        if (items.Count > schema.MaxItems)
        {
            Fail(value, $"must have at most {Plural.Format(schema.MaxItems!.Value, "item")}");
        }

        if (schema.UniqueItems && new HashSet<CelValue>(items, _exactly).Count < items.Count)
        {
            Fail(value, "has an item twice");
        }

        CheckContained(schema, items, value);
        if (schema.Items is null && schema.PrefixItems.Count == 0)
        {
            return value;
        }

        var converted = new CelValue[items.Count];
        for (var index = 0; index < items.Count && !IsOver; index++)
        {
            var rule = index < schema.PrefixItems.Count ? schema.PrefixItems[index] : schema.Items;
            _path.Add((null, index));
            converted[index] = rule is null ? items[index] : Check(rule, items[index]);
            _path.RemoveAt(_path.Count - 1);
        }

        return IsOver ? value : CelValue.List(converted);
    }

    private void CheckContained(SchemaNode schema, IReadOnlyList<CelValue> items, CelValue value)
    {
        if (schema.Contains is not { } contained)
        {
            return;
        }

        var (min, count) = (schema.MinContains ?? 1, 0L);
        for (var index = 0; index < items.Count && !IsOver && (count < min || schema.MaxContains is not null); index++)
        {
            count += Fits(contained, items[index], out _) ? 1 : 0;
        }

        if (count < min)
        {
            Fail(value, $"must have at least {Plural.Format(min, "item")} of the form under 'contains'");
        }

        if (count > schema.MaxContains)
        {
            Fail(value, $"must have at most {Plural.Format(schema.MaxContains!.Value, "item")} of the form under 'contains'");
        }
    }

    private CelValue CheckProperties(SchemaNode schema, CelValue value)
    {
        foreach (var name in schema.Required)
        {
            if (!value.TryGetField(name, out _))
            {
                Fail(value, $"needs '{Spelling.Clip(name)}'");
            }
        }

        foreach (var (name, others) in schema.DependentRequired ?? [])
        {
            if (value.TryGetField(name, out _) && others.FirstOrDefault(other => !value.TryGetField(other, out _)) is { } missing)
            {
                Fail(value, $"needs '{Spelling.Clip(missing)}', as it has '{Spelling.Clip(name)}'");
            }
        }

        if (value.MapValue.Count < schema.MinProperties)
        {
            Fail(value, $"must have at least {Plural.Format(schema.MinProperties!.Value, "field")}");
        }

        if (value.MapValue.Count > schema.MaxProperties)
        {
            Fail(value, $"must have at most {Plural.Format(schema.MaxProperties!.Value, "field")}");
        }

        CheckNames(schema, value);
        var original = value;
        if (schema.Properties is not null || schema.AdditionalProperties is not null || schema.PatternProperties.Count > 0)
        {
            value = CheckFields(schema, value);
        }

        foreach (var (name, dependent) in schema.DependentSchemas ?? [])
        {
            if (original.TryGetField(name, out _))
            {
                value = Merge(original, value, Check(dependent, original));
            }
        }

        return value;
    }

    private void CheckNames(SchemaNode schema, CelValue value)
    {
        foreach (var (name, _) in schema.PropertyNames is null ? [] : value.AsMap())
        {
            if (!IsOver && !Fits(schema.PropertyNames!, CelValue.String(name), out _))
            {
                Fail(value, $"has a field '{Spelling.Clip(name)}', whose name 'propertyNames' does not allow");
            }
        }
    }

    private CelValue CheckFields(SchemaNode schema, CelValue value)
    {
        var converted = new List<KeyValuePair<string, CelValue>>(value.MapValue.Count);
        foreach (var (name, original) in value.AsMap())
        {
            var field = original;
            var known = schema.Properties is { } properties && properties.TryGetValue(name, out var property) ? property : null;
            _path.Add((name, 0));
            if (known is not null)
            {
                field = Check(known, original);
            }

            var matched = false;
            foreach (var (pattern, rule) in schema.PatternProperties)
            {
                if (pattern.IsMatch(name))
                {
                    matched = true;
                    field = Merge(original, field, Check(rule, original));
                }
            }

            if (known is null && !matched && schema.AdditionalProperties is { Never: false } rest)
            {
                field = Check(rest, field);
            }

            _path.RemoveAt(_path.Count - 1);
            if (known is null && !matched && schema.AdditionalProperties is { Never: true })
            {
                var guess = schema.Properties is { } all && Spelling.Nearest(name, all.Keys) is { } nearest ? $"; did you mean '{nearest}'?"
                    : "";
                Fail(value, $"has no field '{Spelling.Clip(name)}'{guess}");
            }

            converted.Add(KeyValuePair.Create(name, field));
            if (IsOver)
            {
                return value;
            }
        }

        return CelValue.Map(converted);
    }

    // Returns the conversion of the first form that fits. Stops counting at atMost.
    private CelValue CountFitting(IReadOnlyList<SchemaNode> forms, CelValue value, int atMost, out int fitting)
    {
        fitting = 0;
        var result = value;
        foreach (var form in forms)
        {
            if (Fits(form, value, out var converted))
            {
                result = fitting == 0 ? converted : result;
                fitting++;
                if (fitting == atMost)
                {
                    break;
                }
            }
        }

        return result;
    }

    private bool Fits(SchemaNode schema, CelValue value, out CelValue converted)
    {
        var outer = _failed;
        _failed = false;
        _suppressions++;
        converted = Check(schema, value);
        _suppressions--;
        var fits = !_failed;
        _failed = outer;
        return fits;
    }

    // Further problems would not change the result.
    private bool IsOver =>
        _limitProblem is not null || (_suppressions > 0 ? _failed : _problems.Count >= Limits.SchemaProblemsMax);

    private CelValue Fail(CelValue value, string problem)
    {
        _failed = true;
        if (_suppressions == 0 && _problems.Count < Limits.SchemaProblemsMax)
        {
            _problems.Add(new SchemaProblem(JsonPointer.From(_path), problem));
        }

        return value;
    }

    private static bool ConvertType(JsonTypes types, ref CelValue value)
    {
        switch (value.Kind)
        {
            case CelKind.Null:
                return types.HasFlag(JsonTypes.Null);
            case CelKind.Bool:
                return types.HasFlag(JsonTypes.Boolean);
            case CelKind.Int or CelKind.Uint or CelKind.Double:
                return ConvertNumber(types, ref value);
            case CelKind.List:
                return types.HasFlag(JsonTypes.Array);
            case CelKind.Map:
                return types.HasFlag(JsonTypes.Object);
            default:
                // Text, and values that JSON writes as text: bytes, timestamps, durations.
                return types.HasFlag(JsonTypes.String)
                    && value.Kind is CelKind.String or CelKind.Bytes or CelKind.Timestamp or CelKind.Duration;
        }
    }

    private static bool ConvertNumber(JsonTypes types, ref CelValue value)
    {
        if (types.HasFlag(JsonTypes.Integer) && Numbers.TryWhole(value, out var whole))
        {
            value = CelValue.Int(whole);
            return true;
        }

        if (!types.HasFlag(JsonTypes.Number))
        {
            return false;
        }

        value = CelValue.Double(Numbers.ToDouble(value));
        return true;
    }

    internal static string Describe(CelValue value) => value.Kind switch
    {
        CelKind.Null => "null",
        CelKind.Bool => "a boolean",
        CelKind.Int or CelKind.Uint => "an integer",
        CelKind.Double => "a number",
        CelKind.List => "an array",
        CelKind.Map => "an object",
        _ => "a string",
    };

    private static string Describe(JsonTypes types)
    {
        var names = new List<string>();
        foreach (var (type, name) in new[]
        {
            (JsonTypes.Null, "null"), (JsonTypes.Boolean, "a boolean"), (JsonTypes.Integer, "an integer"), (JsonTypes.Number, "a number"),
            (JsonTypes.String, "a string"), (JsonTypes.Array, "an array"), (JsonTypes.Object, "an object"),
        })
        {
            if (types.HasFlag(type))
            {
                names.Add(name);
            }
        }

        return string.Join(" or ", names);
    }

    private static string Show(CelValue value)
    {
        using var stream = new MemoryStream();
        using (var writer = new System.Text.Json.Utf8JsonWriter(stream))
        {
            if (!value.TryWriteJson(writer, out _))
            {
                return Describe(value);
            }
        }

        return Spelling.Clip(Encoding.UTF8.GetString(stream.ToArray()));
    }
}
