using System.Collections.Immutable;
using Onex.Contracts.Expressions;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Schemas;

/// <summary>
/// A type of the short form: <c>string, bool, int, double, bytes, timestamp, duration, any, list(T), map(T), T?, { field: T }</c>; or a
/// JSON Schema.
/// </summary>
public abstract record DataType
{
    private protected DataType()
    {
    }

    /// <summary>Accepts every value unchanged.</summary>
    public static DataType Any { get; } = new AnyType();

    /// <summary>The type of a field that the short form declares; null for any other field, and for fields of a JSON Schema.</summary>
    public DataType? Field(string name) => (this as Fields)?.Find(name);

    /// <summary>Whether it is the short form's type for text, or text and null. False for a JSON Schema.</summary>
    public bool IsText => this is Basic { Kind: CelKind.String } or Optional { Value: Basic { Kind: CelKind.String } };

    /// <summary>
    /// Checks a JSON value and converts it to the type (an int to a <c>double</c>, RFC 3339 text to a timestamp). On failure, returns a
    /// JSON pointer and the problem.
    /// </summary>
    public bool TryConvert(CelValue value, out CelValue converted, out SchemaProblem? problem)
    {
        var path = new List<(string? Key, int Index)>();
        problem = Convert(value, path, out converted);
        return problem is null;
    }

    /// <summary>The short form; for a JSON Schema, a phrase for messages.</summary>
    public sealed override string ToString() => Describe();

    internal abstract string Describe();

    // 'path' leads to the value. It is not restored after a problem, because the first problem ends the conversion.
    internal abstract SchemaProblem? Convert(CelValue value, List<(string? Key, int Index)> path, out CelValue converted);

    private protected SchemaProblem WrongType(CelValue value, List<(string? Key, int Index)> path) =>
        new(JsonPointer.From(path), $"must be {Describe()}, not {SchemaValidation.Describe(value)}");

    internal sealed record AnyType : DataType
    {
        internal override string Describe() => "any";

        internal override SchemaProblem? Convert(CelValue value, List<(string? Key, int Index)> path, out CelValue converted)
        {
            converted = value;
            return null;
        }
    }

    /// <summary>A type without parts.</summary>
    internal sealed record Basic(CelKind Kind) : DataType
    {
        internal override string Describe() => Kind.ToString().ToLowerInvariant();

        internal override SchemaProblem? Convert(CelValue value, List<(string? Key, int Index)> path, out CelValue converted)
        {
            converted = value;
            if (value.Kind == Kind)
            {
                // A double is expected, so a rounded one is allowed.
                converted = value.IsRounded ? CelValue.Double(value.AsDouble()) : value;
                return null;
            }

            switch (Kind)
            {
                case CelKind.Int when Numbers.TryWhole(value, out var whole):
                    converted = CelValue.Int(whole);
                    return null;
                case CelKind.Double when value.Kind is CelKind.Int or CelKind.Uint:
                    converted = CelValue.Double(Numbers.ToDouble(value));
                    return null;
                case CelKind.Timestamp when value.Kind == CelKind.String && CelTime.ParseTimestamp(value.AsString()) is { } time:
                    converted = time;
                    return null;
                case CelKind.Duration when value.Kind == CelKind.String && CelTime.ParseDuration(value.AsString()) is { } duration:
                    converted = duration;
                    return null;
                case CelKind.Bytes when value.Kind == CelKind.String && TryBase64(value.AsString(), out var bytes):
                    converted = CelValue.Bytes(bytes);
                    return null;
                default:
                    return WrongType(value, path);
            }
        }

        private static bool TryBase64(string text, out byte[] bytes)
        {
            bytes = new byte[text.Length];
            var isBase64 = System.Convert.TryFromBase64String(text, bytes, out var written);
            bytes = bytes[..written];
            return isBase64;
        }
    }

    internal sealed record ListOf(DataType Item) : DataType
    {
        internal override string Describe() => $"list({Item})";

        internal override SchemaProblem? Convert(CelValue value, List<(string? Key, int Index)> path, out CelValue converted)
        {
            converted = value;
            if (value.Kind != CelKind.List)
            {
                return WrongType(value, path);
            }

            var items = value.AsList();
            var results = new CelValue[items.Count];
            for (var index = 0; index < results.Length; index++)
            {
                path.Add((null, index));
                if (Item.Convert(items[index], path, out results[index]) is { } problem)
                {
                    return problem;
                }

                path.RemoveAt(path.Count - 1);
            }

            converted = CelValue.List(results);
            return null;
        }
    }

    internal sealed record MapOf(DataType Value) : DataType
    {
        internal override string Describe() => $"map({Value})";

        internal override SchemaProblem? Convert(CelValue value, List<(string? Key, int Index)> path, out CelValue converted)
        {
            converted = value;
            if (value.Kind != CelKind.Map)
            {
                return WrongType(value, path);
            }

            var map = value.MapValue;
            var results = new CelMap(map.Count);
            foreach (var (name, item) in map.TextEntries)
            {
                path.Add((name, 0));
                if (Value.Convert(item, path, out var result) is { } problem)
                {
                    return problem;
                }

                path.RemoveAt(path.Count - 1);
                results.Set(CelValue.String(name), result);
            }

            converted = CelValue.Map(results);
            return null;
        }
    }

    internal sealed record Optional(DataType Value) : DataType
    {
        internal override string Describe() => $"{Value}?";

        internal override SchemaProblem? Convert(CelValue value, List<(string? Key, int Index)> path, out CelValue converted)
        {
            converted = value;
            return value.IsNull ? null : Value.Convert(value, path, out converted);
        }
    }

    /// <summary>Named fields. Other fields are accepted unchanged. A missing optional field becomes null, so that it can be read.</summary>
    internal sealed record Fields(ImmutableArray<KeyValuePair<string, DataType>> Declared) : DataType
    {
        internal override string Describe() =>
            Declared.IsEmpty ? "{}" : $"{{ {string.Join(", ", Declared.Select(field => $"{field.Key}: {field.Value}"))} }}";

        internal override SchemaProblem? Convert(CelValue value, List<(string? Key, int Index)> path, out CelValue converted)
        {
            converted = value;
            if (value.Kind != CelKind.Map)
            {
                return new SchemaProblem(JsonPointer.From(path), $"must be an object, not {SchemaValidation.Describe(value)}");
            }

            var map = value.MapValue;
            var results = new CelMap(Math.Max(map.Count, Declared.Length));
            foreach (var (name, type) in Declared)
            {
                if (!value.TryGetField(name, out var field) && type is not Optional)
                {
                    return new SchemaProblem(JsonPointer.From(path), $"needs '{name}' ({type})");
                }

                path.Add((name, 0));
                if (type.Convert(field, path, out var result) is { } problem)
                {
                    return problem;
                }

                path.RemoveAt(path.Count - 1);
                results.Set(CelValue.String(name), result);
            }

            foreach (var (name, other) in map.TextEntries)
            {
                if (Find(name) is null)
                {
                    results.Set(CelValue.String(name), other);
                }
            }

            converted = CelValue.Map(results);
            return null;
        }

        /// <summary>The type of a field; null if it is not declared.</summary>
        public DataType? Find(string name)
        {
            foreach (var (declared, type) in Declared)
            {
                if (string.Equals(declared, name, StringComparison.Ordinal))
                {
                    return type;
                }
            }

            return null;
        }
    }

    internal sealed record Schema(JsonSchema Rules) : DataType
    {
        internal override string Describe() => "what its schema says";

        internal override SchemaProblem? Convert(CelValue value, List<(string? Key, int Index)> path, out CelValue converted) =>
            Rules.Validate(value, out converted) is [var first, ..]
                ? first with { Pointer = JsonPointer.From(path) + first.Pointer }
                : null;
    }
}
