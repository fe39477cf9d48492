namespace Onex.Contracts.Compiling;

/// <summary>The allowed values of a key, as far as JSON Schema expresses them. The compiler checks more.</summary>
internal abstract record Shape
{
    /// <summary>Text that is not empty.</summary>
    public static Shape Text { get; } = new Plain("""{ "type": "string", "minLength": 1 }""");

    /// <summary>A semantic version.</summary>
    public static Shape Version { get; } = new Plain("""{ "type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+" }""");

    public static Shape Bool { get; } = new Plain("""{ "type": "boolean" }""");

    public static Shape True { get; } = new Plain("""{ "const": true }""");

    /// <summary>A duration, such as <c>1h30m</c>.</summary>
    public static Shape Duration { get; } =
        new Plain("""{ "type": "string", "pattern": "^(([0-9]+([.][0-9]*)?|[.][0-9]+)(ms|us|ns|s|m|h|d))+$" }""");

    /// <summary>A bare expression. YAML may read a short one as a number or a bool.</summary>
    public static Shape Expression { get; } = new Plain("""{ "type": ["string", "number", "boolean", "null"] }""");

    /// <summary>Any value; its texts may contain <c>${...}</c>.</summary>
    public static Shape Value { get; } = new Plain("true");

    /// <summary>No value, as in <c>card_updated:</c> under <c>events</c>.</summary>
    public static Shape Nothing { get; } = new Plain("""{ "type": "null" }""");

    /// <summary>A type in the short form.</summary>
    public static Shape Type { get; } = new Plain("""{ "type": ["string", "object"] }""");

    /// <summary>A JSON Schema.</summary>
    public static Shape Schema { get; } = new Plain("""{ "type": ["object", "boolean"] }""");

    /// <summary>The name of an effect operation.</summary>
    public static Shape Effect { get; } = new OperationName(Catalogue.OperationRole.Effect);

    /// <summary>The name of a compute operation.</summary>
    public static Shape Compute { get; } = new OperationName(Catalogue.OperationRole.Compute);

    /// <summary>The arguments of the operation that the same map names.</summary>
    public static Shape Arguments { get; } = new Plain("""{ "type": ["object", "null"] }""");

    /// <summary>A name that matches a regular expression.</summary>
    public static Shape Name(string pattern) => new Plain($$"""{ "type": "string", "pattern": "^{{pattern}}$" }""");

    public static Shape Number(int least, int most) => new Plain($$"""{ "type": "number", "minimum": {{least}}, "maximum": {{most}} }""");

    public static Shape Whole(int least, int most) => new Plain($$"""{ "type": "integer", "minimum": {{least}}, "maximum": {{most}} }""");

    /// <summary>One of some words.</summary>
    public static Shape OneOf(params string[] words) =>
        new Plain($$"""{ "enum": [{{string.Join(", ", words.Select(word => $"\"{word}\""))}}] }""");

    public static Shape ListOf(Shape item) => new List(item);

    /// <summary>A map whose keys the author chooses.</summary>
    public static Shape MapOf(Shape value) => new Named(value);

    /// <summary>A map with keys of the language, as a function because the tables in <see cref="Keys"/> refer to each other.</summary>
    public static Shape Map(Func<Keys?> keys) => new Keyed(keys);

    /// <summary>One of several shapes.</summary>
    public static Shape Any(params Shape[] shapes) => new Either(shapes);

    /// <summary>A step of any kind.</summary>
    public static Shape Step() => Any(
        Map(() => Keys.Step), Map(() => Keys.ChildStep), Map(() => Keys.DetachedStep), Map(() => Keys.ParallelStep),
        Map(() => Keys.EmitStep), Map(() => Keys.WaitStep), Map(() => Keys.SetStep), Map(() => Keys.RespondStep), Map(() => Keys.FailStep));

    /// <summary>A shape with a constant JSON Schema.</summary>
    internal sealed record Plain(string Json) : Shape;

    internal sealed record OperationName(Catalogue.OperationRole Role) : Shape;

    internal sealed record List(Shape Item) : Shape;

    internal sealed record Named(Shape Item) : Shape;

    internal sealed record Keyed(Func<Keys?> Target) : Shape;

    internal sealed record Either(IReadOnlyList<Shape> Shapes) : Shape;
}
