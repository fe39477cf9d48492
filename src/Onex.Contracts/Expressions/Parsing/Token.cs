namespace Onex.Contracts.Expressions.Parsing;

internal enum TokenKind : byte
{
    End,
    Identifier,
    QuotedIdentifier,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Symbol,
}

/// <summary>A token and its position; <see cref="Text"/> is a symbol, a name, the digits of a number or the content of a string.</summary>
internal readonly record struct Token(TokenKind Kind, int Position, int Length, string Text, byte[]? Bytes = null)
{
    public int End => Position + Length;

    public bool Is(string symbol) => Kind == TokenKind.Symbol && Text == symbol;

    public bool IsWord(string word) => Kind == TokenKind.Identifier && Text == word;
}
