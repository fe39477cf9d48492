using Onex.Contracts.Expressions.Parsing;

namespace Onex.Contracts.Expressions.Checking;

/// <summary>
/// What the truth of an expression implies about fields that may be missing: <c>has(a.b) &amp;&amp; a.b > 1</c> reads <c>a.b</c> only if it
/// exists. The order of operands does not matter: in <c>&amp;&amp;</c> and <c>||</c>, the deciding operand absorbs the other's error.
/// </summary>
internal static class Presence
{
    /// <summary>The paths that exist if the expression is true, or if it is false.</summary>
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

    /// <summary>The paths that are not null if the expression is true, or if it is false.</summary>
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

    /// <summary>A name and the constant fields after it, as text; null for anything else.</summary>
    public static string? Chain(Syntax syntax) => syntax switch
    {
        NameSyntax name => name.Name,
        SelectSyntax select when Chain(select.Operand) is { } before => $"{before}.{select.Field}",
        IndexSyntax { Index: LiteralSyntax { Value: { Kind: CelKind.String } field } } index when Chain(index.Operand) is { } before =>
            $"{before}.{field.AsString()}",
        _ => null,
    };
}
