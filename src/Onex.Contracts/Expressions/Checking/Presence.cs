using Onex.Contracts.Expressions.Parsing;

namespace Onex.Contracts.Expressions.Checking;

/// <summary>
/// What the value of a condition implies about paths that may be missing or null: where <c>has(a.b)</c> is true, <c>a.b</c> exists. In
/// <c>has(a.b) &amp;&amp; a.b > 1</c> the order of the operands does not matter, because a false operand absorbs the error of the other.
/// </summary>
internal static class Presence
{
    /// <summary>The paths that exist if the condition is true (<paramref name="holds"/>), or if it is false.</summary>
    public static IEnumerable<string> Tested(Syntax syntax, bool holds) => syntax switch
    {
        HasSyntax has when holds && Chain(has.Select) is { } chain => [chain],
        BinarySyntax { Operator: "in", Left: LiteralSyntax { Value: { Kind: CelKind.String } field }, Right: var map } when holds
            && Chain(map) is { } chain =>
            [$"{chain}.{field.AsString()}"],
        UnarySyntax { Operator: '!' } not => Tested(not.Operand, !holds),
        LogicSyntax logic when logic.IsAnd == holds => logic.Operands.SelectMany(operand => Tested(operand, holds)),
        _ => [],
    };

    /// <summary>The paths that are not null if the condition is true (<paramref name="holds"/>), or if it is false.</summary>
    public static IEnumerable<string> NotNull(Syntax syntax, bool holds) => syntax switch
    {
        BinarySyntax { Operator: "!=" or "==" } compared when holds == (compared.Operator == "!=") =>
            IsNull(compared.Left) && Chain(compared.Right) is { } right ? [right]
            : IsNull(compared.Right) && Chain(compared.Left) is { } left ? [left]
            : [],
        UnarySyntax { Operator: '!' } not => NotNull(not.Operand, !holds),
        LogicSyntax logic when logic.IsAnd == holds => logic.Operands.SelectMany(operand => NotNull(operand, holds)),
        _ => [],
    };

    private static bool IsNull(Syntax syntax) => syntax is LiteralSyntax { Value.Kind: CelKind.Null };

    /// <summary>The text of a path (<c>a.b.c</c>), a name and the constant fields after it; null for any other expression.</summary>
    public static string? Chain(Syntax syntax) => syntax switch
    {
        NameSyntax name => name.Name,
        SelectSyntax select when Chain(select.Operand) is { } before => $"{before}.{select.Field}",
        IndexSyntax { Index: LiteralSyntax { Value: { Kind: CelKind.String } field } } index when Chain(index.Operand) is { } before =>
            $"{before}.{field.AsString()}",
        _ => null,
    };
}
