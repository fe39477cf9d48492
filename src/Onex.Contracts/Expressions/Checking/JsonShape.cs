namespace Onex.Contracts.Expressions.Checking;

/// <summary>The fields of a map that was sent as JSON, with the types that they then have.</summary>
internal sealed class JsonShape(ObjectShape inner) : ObjectShape
{
    public override IReadOnlyCollection<string> Names => inner.Names;

    public override long Size => inner.Size;

    public override bool IsClosed => inner.IsClosed;

    /// <summary>The type of a value after it was sent as JSON: timestamps, durations, bytes and keys of maps are text.</summary>
    public static CelType AsJson(CelType type) => type switch
    {
        CelType.Basic { Kind: CelKind.Timestamp or CelKind.Duration or CelKind.Bytes } => CelType.Text,
        CelType.Basic { Kind: CelKind.Null or CelKind.Bool or CelKind.Int or CelKind.Double or CelKind.String } => type,
        CelType.Nullable nullable => AsJson(nullable.Value).OrNull,
        CelType.ListOf list => list with { Item = AsJson(list.Item) },
        CelType.MapOf map => new CelType.MapOf(CelType.Text, AsJson(map.Value)),
        CelType.ObjectOf declared => new CelType.ObjectOf(new JsonShape(declared.Shape)),
        _ => CelType.Dyn,
    };

    public override CelType? Find(string name) => inner.Find(name) is { } type ? AsJson(type) : null;

    public override bool Requires(string name) => inner.Requires(name);

    public override bool MayLack(string name) => inner.MayLack(name);
}
