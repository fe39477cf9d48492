using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Checking;

namespace Onex.Contracts.Schemas;

/// <summary>The static types of values that have been checked against a declared type or a JSON Schema.</summary>
internal static class StaticTypes
{
    private const int DepthMax = 16;

    // An alternative may refer back to its schema. So at most this many are followed, and each counts as several levels of the depth.
    private const int AlternativesMax = 16;
    private const int LevelsPerAlternative = 5;

    public static CelType From(DataType type) => type switch
    {
        DataType.Basic basic => new CelType.Basic(basic.Kind),
        DataType.ListOf list => new CelType.ListOf(From(list.Item)),
        DataType.MapOf map => new CelType.MapOf(CelType.Text, From(map.Value)),
        DataType.Optional optional => From(optional.Value).OrNull,
        DataType.Fields fields =>
            DeclaredShape.Create(isClosed: true,
            [.. fields.Declared.DistinctBy(field => field.Key).Select(field => (field.Key, From(field.Value)))]),
        DataType.Schema schema => From(schema.Rules),
        _ => CelType.Dyn,
    };

    public static CelType From(JsonSchema schema) => From([schema.Root], 0, mayConvert: false);

    /// <summary>
    /// The type of a constant of a contract or a connection. Its size is no bound, because a connection may have another value later.
    /// </summary>
    public static CelType From(CelValue value) => value.Kind switch
    {
        CelKind.List => new CelType.ListOf(
            value.AsList().Select(From).Aggregate(CelType.Nothing, (a, b) => TypeRules.Common(a, b) ?? CelType.Dyn),
            value.AsList().Count,
            IsSizeAssumed: true),
        CelKind.Map => DeclaredShape.Create(isClosed: true, [.. value.AsMap().Select(field => (field.Key, From(field.Value)))]),
        _ => CelType.ForConstant(value),
    };

    /// <summary>The type of a result that was checked against the operation's type and then against <c>returns</c>.</summary>
    public static CelType Refine(CelType result, CelType returns)
    {
        if (result is CelType.ObjectOf { Shape: var before } && returns is CelType.ObjectOf { Shape: var after })
        {
            string[] names = [.. before.Names.Union(after.Names)];
            return new CelType.ObjectOf(new DeclaredShape(
                names,
                name => (before.Find(name), after.Find(name)) switch
                {
                    ({ } a, { } b) => Refine(a, b),
                    (var a, var b) => b ?? a,
                },
                before.IsClosed && after.IsClosed,
                after.IsClosed ? after.Size : Math.Max(before.Size, after.Size)));
        }

        return returns.IsDyn ? result : returns;
    }

    /// <summary>
    /// Why no value of a type can match <c>returns</c>; null if some can. Text may match a timestamp, and a double may match an int.
    /// </summary>
    public static Mismatch? Contradiction(CelType given, DataType returns) => Contradiction(given, returns, "", 0);

    private static Mismatch? Contradiction(CelType given, DataType returns, string path, int depth)
    {
        var plain = given.Plain;
        if (plain.IsDyn || depth == DepthMax || (returns is DataType.Optional && TypeRules.MayBeNull(given)))
        {
            return null;
        }

        returns = returns is DataType.Optional optional ? optional.Value : returns;
        return (returns, plain) switch
        {
            (DataType.AnyType, _) => null,
            (DataType.Basic basic, CelType.Basic { Kind: var kind }) when Converts(kind, basic.Kind) => null,
            (DataType.ListOf list, CelType.ListOf givenList) => Contradiction(givenList.Item, list.Item, path + "[]", depth + 1),
            (DataType.MapOf map, CelType.MapOf givenMap) => Contradiction(givenMap.Value, map.Value, path + "{}", depth + 1),
            (DataType.MapOf map, CelType.ObjectOf { Shape: var shape }) =>
                FirstOf(shape.Names, name => shape.Find(name), _ => map.Value, path, depth),
            (DataType.Fields fields, CelType.MapOf givenMap) =>
                FirstOf(fields.Declared.Select(field => field.Key), _ => givenMap.Value, name => fields.Find(name)!, path, depth),
            (DataType.Fields fields, CelType.ObjectOf { Shape: var shape }) => fields.Declared
                .Where(field => shape.IsClosed && field.Value is not DataType.Optional && shape.Find(field.Key) is null)
                .Select(field => new Mismatch($"{path}.{field.Key}", null, From(field.Value)))
                .FirstOrDefault()
                ?? FirstOf(fields.Declared.Select(field => field.Key), shape.Find, name => fields.Find(name)!, path, depth),
            (DataType.Schema schema, _) =>
                TypeRules.FindMismatch(given, From(schema), asJson: true) is { } mismatch ? mismatch with { Path = path + mismatch.Path }
                : null,
            _ => new Mismatch(path, given, From(returns)),
        };
    }

    private static Mismatch? FirstOf(IEnumerable<string> names, Func<string, CelType?> given, Func<string, DataType> returns, string path,
        int depth) => names
        .Select(name => given(name) is { } type ? Contradiction(type, returns(name), $"{path}.{name}", depth + 1) : null)
        .FirstOrDefault(found => found is not null);

    // Whether some value of one kind can be converted to the other.
    private static bool Converts(CelKind given, CelKind wanted) => given == wanted || (given, wanted) switch
    {
        (CelKind.Int or CelKind.Uint or CelKind.Double, CelKind.Int or CelKind.Double) => true,
        (CelKind.String, CelKind.Timestamp or CelKind.Duration or CelKind.Bytes) => true,
        _ => false,
    };

    // The type of a value to which all of the nodes apply. With mayConvert, other rules may apply too and convert its numbers.
    private static CelType From(IReadOnlyList<SchemaNode> nodes, int depth, bool mayConvert)
    {
        if (depth == DepthMax)
        {
            return CelType.Dyn;
        }

        var all = Applied(nodes);
        var types = all.Where(node => node.Types != JsonTypes.None).Select(node => node.Types).ToList();
        var allowed = types.Aggregate((JsonTypes)~0, (a, b) => Intersection(a, b));
        if (types.Count == 0)
        {
            return TypeWithoutKeyword(all, depth, mayConvert);
        }

        var isNullable = allowed.HasFlag(JsonTypes.Null) && allowed != JsonTypes.Null;
        var type = (allowed & ~JsonTypes.Null) switch
        {
            JsonTypes.None when allowed == JsonTypes.Null => CelType.Null,
            JsonTypes.Boolean => CelType.Bool,
            JsonTypes.Integer or JsonTypes.Number => mayConvert ? CelType.Dyn : NumberType(nodes, all),
            JsonTypes.String => new CelType.Basic(CelKind.String, all.Min(LengthMax)),
            JsonTypes.Array => ListType(all, depth, mayConvert),
            JsonTypes.Object => new CelType.ObjectOf(new SchemaShape(all, depth, mayConvert)),
            _ => CelType.Dyn,
        };
        return isNullable ? type.OrNull : type;
    }

    private static long? LengthMax(SchemaNode node) => new[]
    {
        node.MaxLength,
        node.Const is { } constant ? CelType.ForConstant(constant).Size : null,
        node.Enum?.Max(value => CelType.ForConstant(value).Size),
    }.Min();

    // The type of a single schema is applied after those of its parts. Without it, all parts must agree on the type, and apply always.
    private static CelType NumberType(IReadOnlyList<SchemaNode> nodes, List<SchemaNode> all)
    {
        const JsonTypes Both = JsonTypes.Integer | JsonTypes.Number;
        var hasType = nodes is [{ Types: not JsonTypes.None }];
        var types = (hasType ? nodes : all.Where(node => node.Types != JsonTypes.None)).Select(node => node.Types & Both).Distinct();
        return (hasType || !all.Exists(HasConditionalParts)) && types.ToList() is [var type]
            ? type switch { JsonTypes.Integer => CelType.Int, JsonTypes.Number => CelType.Double, _ => CelType.Dyn }
            : CelType.Dyn;
    }

    // An integer is a number too.
    private static JsonTypes Intersection(JsonTypes a, JsonTypes b)
    {
        var both = a & b;
        var numbers = JsonTypes.Integer | JsonTypes.Number;
        return (both & numbers) == JsonTypes.None && (a & numbers) != JsonTypes.None && (b & numbers) != JsonTypes.None
            ? both | JsonTypes.Integer : both;
    }

    // The type of a schema without the keyword 'type', as far as its other keywords determine it.
    private static CelType TypeWithoutKeyword(List<SchemaNode> all, int depth, bool mayConvert)
    {
        if (all.Find(node => node.Const is not null)?.Const is { } constant)
        {
            return Numbers.IsNumber(constant) || constant.Kind is CelKind.List or CelKind.Map ? CelType.Dyn
                : CelType.ForConstant(constant);
        }

        if (all.Find(node => node.Enum is { Count: > 0 })?.Enum is { } values && !values.Any(Numbers.IsNumber)
            && values.All(value => value.Kind == values[0].Kind))
        {
            return values[0].Kind is CelKind.List or CelKind.Map ? CelType.Dyn
                : values.Select(CelType.ForConstant).MaxBy(type => type.Size)!;
        }

        if (all.Find(node => node.AnyOf.Count > 0 || node.OneOf.Count > 0) is { } choice)
        {
            var forms = choice.AnyOf.Count > 0 ? choice.AnyOf : choice.OneOf;
            mayConvert |= choice is { AnyOf.Count: > 0, OneOf.Count: > 0 } or { If: not null } || all.Count(HasConditionalParts) > 1;
            var type = forms
                .Take(AlternativesMax)
                .Select(form => From([form], Math.Min(DepthMax, depth + LevelsPerAlternative), mayConvert))
                .Aggregate(CelType.Nothing, (a, b) => TypeRules.Common(a, b) ?? CelType.Dyn);
            return type.Plain is CelType.Basic && forms.Count <= AlternativesMax ? type : CelType.Dyn;
        }

        return all.Exists(node => node.Properties is not null)
            ? new CelType.ObjectOf(new SchemaShape(all, depth, mayConvert))
            : CelType.Dyn;
    }

    private static CelType.ListOf ListType(List<SchemaNode> all, int depth, bool mayConvert)
    {
        var items = all.Where(node => node.Items is not null).Select(node => node.Items!).ToList();
        var isPlain = all.TrueForAll(node => node.PrefixItems.Count == 0 && !HasConditionalParts(node));
        return new CelType.ListOf(
            items.Count > 0 && isPlain ? From(items, depth + 1, mayConvert) : CelType.Dyn, all.Min(node => node.MaxItems));
    }

    // Parts that apply only to some values.
    private static bool HasConditionalParts(SchemaNode node) =>
        node.AnyOf.Count > 0 || node.OneOf.Count > 0 || node.If is not null || node.DependentSchemas is not null;

    /// <summary>The nodes and those that they refer to or include with <c>allOf</c>, each once, as validated; at most 17.</summary>
    public static List<SchemaNode> Applied(IReadOnlyList<SchemaNode> nodes)
    {
        var all = new List<SchemaNode>();
        var pending = new Stack<SchemaNode>(nodes.Reverse());
        while (pending.TryPop(out var node))
        {
            if (all.Contains(node) || all.Count > DepthMax)
            {
                continue;
            }

            all.Add(node);
            foreach (var part in node.AllOf.Reverse())
            {
                pending.Push(part);
            }

            if (node.Reference is { } reference)
            {
                pending.Push(reference);
            }
        }

        return all;
    }

    /// <summary>The fields that a schema declares.</summary>
    private sealed class SchemaShape(List<SchemaNode> all, int depth, bool mayConvert) : ObjectShape
    {
        private readonly Dictionary<string, CelType?> _known = new(StringComparer.Ordinal);
        private string[]? _names;
        private HashSet<string>? _required;

        public override IReadOnlyCollection<string> Names =>
            _names ??= [.. all.Where(node => node.Properties is not null).SelectMany(node => node.Properties!.Keys)
                .Distinct(StringComparer.Ordinal)];

        public override long Size =>
            Math.Min(all.Min(node => node.MaxProperties) ?? long.MaxValue, Names.Count + (HasOthers ? ExpressionLimits.ItemsAssumed : 0));

        // Whether to assume undeclared fields: only if the schema declares none or has a rule for them.
        private bool HasOthers => !IsClosed
            && (Names.Count == 0 || all.Exists(node => node.AdditionalProperties is not null || node.PatternProperties.Count > 0));

        // 'additionalProperties: false' allows no other fields, unless 'patternProperties' allows some.
        public override bool IsClosed { get; } = all.Exists(
            node => node is { AdditionalProperties.Never: true, PatternProperties.Count: 0 });

        public override CelType? Find(string name)
        {
            if (!_known.TryGetValue(name, out var type))
            {
                _known[name] = type = Read(name);
            }

            return type;
        }

        public override bool Requires(string name) => (_required ??= [.. all.SelectMany(node => node.Required)]).Contains(name);

        public override bool MayLack(string name) => !Requires(name);

        private CelType? Read(string name)
        {
            var nodes = all.Select(node => node.Properties?.GetValueOrDefault(name)).OfType<SchemaNode>().ToList();
            if (nodes.Count > 0)
            {
                return From(
                    nodes, depth + 1,
                    mayConvert || all.Exists(node => HasConditionalParts(node) || MatchesPattern(node, name)
                        || (node.AdditionalProperties is not null && node.Properties?.ContainsKey(name) != true)));
            }

            var rest = all.Where(node => node is { AdditionalProperties: { Never: false }, PatternProperties.Count: 0 })
                .Select(node => node.AdditionalProperties!).ToList();
            return rest.Exists(node => node.Types != JsonTypes.None) && !all.Exists(HasConditionalParts)
                ? From(rest, depth + 1, mayConvert || all.Exists(node => MatchesPattern(node, name)))
                : null;
        }

        private static bool MatchesPattern(SchemaNode node, string name) =>
            node.PatternProperties.Any(rule => rule.Name.IsMatch(name));
    }
}
