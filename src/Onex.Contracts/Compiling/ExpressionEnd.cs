namespace Onex.Contracts.Compiling;

/// <summary>Finds the end of an expression inside <c>${...}</c>, whose strings, maps and comments may contain braces.</summary>
internal static class ExpressionEnd
{
    /// <summary>The offset of the closing brace, or -1. Reads each character once.</summary>
    public static int Find(string text, int start)
    {
        var depth = 0;
        var word = start;
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
                    at = StringEnd(text, at, IsRaw(text.AsSpan(word, at - word)));
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

            word = at + 1;
        }

        return -1;
    }

    // A word right before a quote is a prefix: r"..." has no escapes, b"..." has.
    private static bool IsRaw(ReadOnlySpan<char> prefix) =>
        prefix is "r" or "R" or "rb" or "rB" or "Rb" or "RB" or "br" or "bR" or "Br" or "BR";

    // The last character of the string that begins here, or -1.
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
