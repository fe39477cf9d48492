namespace Onex.Contracts.Compiling;

/// <summary>Finds the end of an expression inside <c>${...}</c>; its strings, maps and comments may contain braces.</summary>
internal static class ExpressionEnd
{
    /// <summary>The offset of the closing brace, or -1. The start is the offset after <c>${</c>.</summary>
    public static int Find(string text, int start)
    {
        var depth = 0;
        var wordStart = start;
        for (var at = start; at < text.Length; at++)
        {
            switch (text[at])
            {
                case '{':
                    depth++;
                    break;
                case '}' when depth == 0:
                    return at;
                case '}':
                    depth--;
                    break;
                case '"' or '\'':
                    at = StringEnd(text, at, IsRaw(text.AsSpan(wordStart, at - wordStart)));
                    if (at < 0)
                    {
                        return -1;
                    }

                    break;
                case '/' when at + 1 < text.Length && text[at + 1] == '/':
                    at = text.IndexOf('\n', at);
                    if (at < 0)
                    {
                        return -1;
                    }

                    break;
                case var character when char.IsAsciiLetterOrDigit(character) || character == '_':
                    continue;
            }

            wordStart = at + 1;
        }

        return -1;
    }

    // A word right before a quote is a prefix: r"..." (raw) has no escapes, b"..." (bytes) has.
    private static bool IsRaw(ReadOnlySpan<char> prefix) =>
        prefix is "r" or "R" or "rb" or "rB" or "Rb" or "RB" or "br" or "bR" or "Br" or "BR";

    // The offset of the last character of the string that begins at `at`, or -1.
    private static int StringEnd(string text, int at, bool raw)
    {
        var quote = text[at];
        var triple = at + 2 < text.Length && text[at + 1] == quote && text[at + 2] == quote;
        for (at += triple ? 3 : 1; at < text.Length; at++)
        {
            if (text[at] == '\\' && !raw)
            {
                at++;
            }
            else if (text[at] == quote)
            {
                if (!triple)
                {
                    return at;
                }

                if (at + 2 < text.Length && text[at + 1] == quote && text[at + 2] == quote)
                {
                    return at + 2;
                }
            }
        }

        return -1;
    }
}
