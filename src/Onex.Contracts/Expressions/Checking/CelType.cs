namespace Onex.Contracts.Expressions.Checking;

/// <summary>The static type of a value. An unknown type is <see cref="Dyn"/>, which fits everywhere.</summary>
internal abstract record CelType
{
    private protected CelType()
    {
    }

    public static CelType Dyn { get; } = new DynType();

    public static CelType Null { get; } = new Basic(CelKind.Null);

    public static CelType Bool { get; } = new Basic(CelKind.Bool);

    public static CelType Int { get; } = new Basic(CelKind.Int);

    public static CelType Uint { get; } = new Basic(CelKind.Uint);

    public static CelType Double { get; } = new Basic(CelKind.Double);

    public static CelType Text { get; } = new Basic(CelKind.String);

    public static CelType Bytes { get; } = new Basic(CelKind.Bytes);

    public static CelType Timestamp { get; } = new Basic(CelKind.Timestamp);

    public static CelType Duration { get; } = new Basic(CelKind.Duration);

    /// <summary>The type of a value that is itself a type: of <c>type(x)</c>, or of the name <c>int</c>.</summary>
    public static CelType Type { get; } = new Basic(CelKind.Type);

    /// <summary>The type of the parts of an empty list or map: compatible with every type.</summary>
    public static CelType Nothing { get; } = new NothingType();

    /// <summary>The type of a constant without parts, with its length.</summary>
    public static Basic ForConstant(CelValue value) => new(value.Kind, value.Kind switch
    {
        CelKind.String => value.AsString().Length,
        CelKind.Bytes => value.AsBytes().Length,
        _ => null,
    });

    public bool IsDyn => this is DynType or NothingType;

    public bool IsNumber => this is Basic { Kind: CelKind.Int or CelKind.Uint or CelKind.Double };

    /// <summary>The type without "or null".</summary>
    public CelType Plain => this is Nullable nullable ? nullable.Value : this;

    /// <summary>Whether its values are text, of whatever length, or null.</summary>
    public bool IsText => Plain is Basic { Kind: CelKind.String };

    /// <summary>The type with "or null".</summary>
    public CelType OrNull => this is Nullable or DynType || this == Null ? this : this is NothingType ? Null : new Nullable(this);

    /// <summary>As messages show it.</summary>
    public sealed override string ToString() => Describe(depth: 0);

    private const int DescribedDepthMax = 4;

    private string Describe(int depth) => this switch
    {
        Basic { Kind: CelKind.Null } => "null",
        Basic basic => basic.Kind.ToString().ToLowerInvariant(),
        _ when depth == DescribedDepthMax => "...",
        ListOf list => $"list({list.Item.Describe(depth + 1)})",
        MapOf map => $"map({map.Key.Describe(depth + 1)}, {map.Value.Describe(depth + 1)})",
        Nullable nullable => nullable.Value.Describe(depth) + "?",
        OptionalOf optional => $"optional({optional.Value.Describe(depth + 1)})",
        ObjectOf => "object",
        _ => "dyn",
    };

    internal sealed record DynType : CelType;

    internal sealed record NothingType : CelType;

    /// <summary>A type without parts.</summary>
    /// <param name="Kind">The kind of its values.</param>
    /// <param name="Size">The length of text or bytes for estimates of the cost: the maximum or an assumption; null if unknown.</param>
    internal sealed record Basic(CelKind Kind, long? Size = null) : CelType;

    /// <summary>A list.</summary>
    /// <param name="Item">The type of its items.</param>
    /// <param name="Size">The number of its items for estimates of the cost: the maximum or an assumption; null if unknown.</param>
    /// <param name="IsSizeAssumed">Whether the list may have more items than that.</param>
    internal sealed record ListOf(CelType Item, long? Size = null, bool IsSizeAssumed = false) : CelType
    {
        /// <summary>The proved maximum of its items; null if there is none.</summary>
        public long? SizeMax => IsSizeAssumed ? null : Size;
    }

    internal sealed record MapOf(CelType Key, CelType Value) : CelType;

    /// <summary>A map whose fields are known by name.</summary>
    internal sealed record ObjectOf(ObjectShape Shape) : CelType;

    /// <summary>An optional, the result of <c>.?</c>.</summary>
    internal sealed record OptionalOf(CelType Value) : CelType;

    /// <summary>The type or null, as <c>T?</c> of a contract.</summary>
    internal sealed record Nullable(CelType Value) : CelType;
}

/// <summary>The known fields of a map. Types are determined lazily, because a schema may contain itself.</summary>
internal abstract class ObjectShape
{
    /// <summary>The names of the declared fields.</summary>
    public abstract IReadOnlyCollection<string> Names { get; }

    /// <summary>The number of its fields for estimates of the cost: the maximum or an assumption.</summary>
    public virtual long Size => Names.Count;

    /// <summary>Whether the map has no other fields than the declared ones.</summary>
    public abstract bool IsClosed { get; }

    /// <summary>The type of a field; null if it is not declared.</summary>
    public abstract CelType? Find(string name);

    /// <summary>Whether a value must have the field to be of this type.</summary>
    public abstract bool Requires(string name);

    /// <summary>Whether a declared field may be missing; then reading it fails.</summary>
    public virtual bool MayLack(string name) => false;
}

/// <summary>Fields that are declared one by one.</summary>
/// <param name="names">The names of the declared fields.</param>
/// <param name="find">Returns the type of a field; null if it is not declared.</param>
/// <param name="isClosed">Whether there are no other fields.</param>
/// <param name="size">The number of its fields for estimates, if it has more than the declared ones.</param>
internal sealed class DeclaredShape(IReadOnlyCollection<string> names, Func<string, CelType?> find, bool isClosed, long size = 0)
    : ObjectShape
{
    public override IReadOnlyCollection<string> Names => names;

    public override long Size => Math.Max(names.Count, size);

    public override bool IsClosed => isClosed;

    public static CelType Create(bool isClosed, params (string Name, CelType Type)[] fields)
    {
        var types = fields.ToDictionary(field => field.Name, field => field.Type, StringComparer.Ordinal);
        return new CelType.ObjectOf(new DeclaredShape(types.Keys, types.GetValueOrDefault, isClosed));
    }

    public override CelType? Find(string name) => find(name);

    // A missing field of type T? reads as null.
    public override bool Requires(string name) => Find(name) is { } type && type is not CelType.Nullable;
}
