using System.Globalization;
using System.Text;

namespace Onex.Contracts.Expressions.Parsing;

/// <summary>Splits the text of an expression into tokens.</summary>
internal sealed class Lexer(string text)
{
    private static readonly string[] _symbols =
    [
        "==", "!=", "<=", ">=", "&&", "||", "+", "-", "*", "/", "%", "<", ">", "!", "?", ":", ".", ",", "(", ")", "[", "]", "{", "}",
    ];

    private int _at;

    public List<Token> ReadAll()
    {
        var tokens = new List<Token>();
        Token token;
        do
        {
            token = Next();
            tokens.Add(token);
        }
        while (token.Kind != TokenKind.End);

        return tokens;
    }

    private Token Next()
    {
        SkipBlanks();
        if (_at == text.Length)
        {
            return new Token(TokenKind.End, _at, 0, "");
        }

        var c = text[_at];
        if (StartsString(out var isBytes, out var isRaw, out var prefix))
        {
            return ReadString(isBytes, isRaw, prefix);
        }

        if (char.IsAsciiLetter(c) || c == '_')
        {
            var start = _at;
            while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] == '_'))
            {
                _at++;
            }

            return new Token(TokenKind.Identifier, start, _at - start, text[start.._at]);
        }

        if (char.IsAsciiDigit(c) || (c == '.' && char.IsAsciiDigit(Peek(1))))
        {
            return ReadNumber();
        }

        if (c == '`')
        {
            return ReadQuotedIdentifier();
        }

        foreach (var symbol in _symbols)
        {
            if (string.CompareOrdinal(text, _at, symbol, 0, symbol.Length) == 0)
            {
                _at += symbol.Length;
                return new Token(TokenKind.Symbol, _at - symbol.Length, symbol.Length, symbol);
            }
        }

        throw c switch
        {
            '=' => Fail(_at, 1, "'=' is not an operator", "write == to compare"),
            '&' => Fail(_at, 1, "'&' is not an operator", "write && for and"),
            '|' => Fail(_at, 1, "'|' is not an operator", "write || for or"),
            '$' => Fail(_at, 1, "'$' has no place in an expression", "write the name alone; ${...} belongs into text only"),
            '\u2018' or '\u2019' or '\u201C' or '\u201D' => Fail(_at, 1, $"'{c}' does not quote a string", "write \" or '"),
            _ => Fail(_at, 1, $"the character {Show(c)} has no meaning here", "remove it, or put it into a string"),
        };
    }

    private void SkipBlanks()
    {
        while (_at < text.Length)
        {
            if (text[_at] is ' ' or '\t' or '\n' or '\r' or '\f')
            {
                _at++;
            }
            else if (text[_at] == '/' && Peek(1) == '/')
            {
                var end = text.IndexOf('\n', _at);
                _at = end < 0 ? text.Length : end + 1;
            }
            else
            {
                return;
            }
        }
    }

    private Token ReadNumber()
    {
        var start = _at;
        if (text[_at] == '0' && Peek(1) is 'x' or 'X')
        {
            _at += 2;
            var digits = _at;
            SkipWhile(char.IsAsciiHexDigit);
            if (_at == digits)
            {
                throw Fail(start, 2, "a hexadecimal number without digits", "write at least one digit after 0x");
            }

            return Integer(start, text[digits.._at], NumberStyles.AllowHexSpecifier);
        }

        SkipWhile(char.IsAsciiDigit);
        var whole = text[start.._at];
        var isDouble = false;
        if (Peek(0) == '.' && char.IsAsciiDigit(Peek(1)))
        {
            isDouble = true;
            _at++;
            SkipWhile(char.IsAsciiDigit);
        }

        if (Peek(0) is 'e' or 'E' && (char.IsAsciiDigit(Peek(1)) || (Peek(1) is '+' or '-' && char.IsAsciiDigit(Peek(2)))))
        {
            isDouble = true;
            _at += 2;
            SkipWhile(char.IsAsciiDigit);
        }

        if (!isDouble)
        {
            return Integer(start, whole, NumberStyles.None);
        }

        RejectWordAfterNumber(start);
        return new Token(TokenKind.Double, start, _at - start, text[start.._at]);
    }

    // The token holds decimal digits without a sign. The parser adds the sign, because the smallest int has no positive counterpart.
    private Token Integer(int start, string digits, NumberStyles style)
    {
        var isUint = Peek(0) is 'u' or 'U';
        _at += isUint ? 1 : 0;
        RejectWordAfterNumber(start);
        if (!ulong.TryParse(digits, style, CultureInfo.InvariantCulture, out var value))
        {
            throw Fail(start, _at - start, "the number does not fit into 64 bits", "write it as a double, with a fraction: 1.0");
        }

        return new Token(isUint ? TokenKind.Uint : TokenKind.Int, start, _at - start, value.ToString(CultureInfo.InvariantCulture));
    }

    private void RejectWordAfterNumber(int start)
    {
        if (char.IsAsciiLetterOrDigit(Peek(0)) || Peek(0) == '_')
        {
            throw Fail(start, _at - start + 1, $"'{text[_at]}' directly after a number",
                "a name cannot begin with a digit; put an operator or a blank between");
        }
    }

    private Token ReadQuotedIdentifier()
    {
        var start = _at++;
        SkipWhile(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or '/' or ' ');
        if (Peek(0) != '`' || _at == start + 1)
        {
            throw Fail(start, _at - start, "a field name in `` is not closed or has a character that it cannot have",
                "letters, digits, _ . - / and blanks are allowed in ``; else write [\"name\"]");
        }

        _at++;
        return new Token(TokenKind.QuotedIdentifier, start, _at - start, text[(start + 1)..(_at - 1)]);
    }

    private bool StartsString(out bool isBytes, out bool isRaw, out int prefix)
    {
        isBytes = Peek(0) is 'b' or 'B';
        prefix = isBytes ? 1 : 0;
        isRaw = Peek(prefix) is 'r' or 'R';
        prefix += isRaw ? 1 : 0;
        return Peek(prefix) is '"' or '\'';
    }

    private Token ReadString(bool isBytes, bool isRaw, int prefix)
    {
        var start = _at;
        _at += prefix;
        var quote = text[_at];
        var isTriple = Peek(1) == quote && Peek(2) == quote;
        _at += isTriple ? 3 : 1;
        var content = new StringBuilder();
        var bytes = isBytes ? new List<byte>() : null;
        while (true)
        {
            if (_at >= text.Length || (!isTriple && text[_at] is '\n' or '\r'))
            {
                throw Fail(start, _at - start, "the string is not closed", $"close it with {new string(quote, isTriple ? 3 : 1)}");
            }

            var c = text[_at];
            if (c == quote && (!isTriple || (Peek(1) == quote && Peek(2) == quote)))
            {
                _at += isTriple ? 3 : 1;
                break;
            }

            if (c == '\\' && !isRaw)
            {
                ReadEscape(content, bytes);
                continue;
            }

            var width = char.IsHighSurrogate(c) ? 2 : 1;
            if (bytes is not null)
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(text.Substring(_at, width)));
            }

            content.Append(text, _at, width);
            _at += width;
        }

        return new Token(isBytes ? TokenKind.Bytes : TokenKind.String, start, _at - start, content.ToString(), bytes?.ToArray());
    }

    private void ReadEscape(StringBuilder content, List<byte>? bytes)
    {
        var start = _at++;
        var c = Peek(0);
        _at++;
        var simple = c switch
        {
            'a' => '\a',
            'b' => '\b',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\v',
            '\\' or '?' or '"' or '\'' or '`' => c,
            _ => '\0',
        };
        if (simple != '\0')
        {
            content.Append(simple);
            bytes?.Add((byte)simple);
            return;
        }

        var (digits, radix) = c switch
        {
            'x' or 'X' => (2, 16),
            'u' when bytes is null => (4, 16),
            'U' when bytes is null => (8, 16),
            >= '0' and <= '3' => (3, 8),
            _ => (0, 0),
        };
        // An octal escape has its digits at once. The others have x, u or U before them.
        _at -= radix == 8 ? 1 : 0;
        var code = 0L;
        for (var i = 0; i < digits; i++)
        {
            var digit = char.IsAsciiHexDigit(Peek(i)) ? Convert.ToInt32(Peek(i).ToString(), 16) : radix;
            if (digit >= radix)
            {
                throw Fail(start, i + 2, $"an escape with {digits} digits has fewer",
                    "write all digits: \\x41, \\101, \\u0041, \\U00000041");
            }

            code = (code * radix) + digit;
        }

        if (digits == 0 || (bytes is null && !Rune.IsValid((int)Math.Min(code, int.MaxValue))))
        {
            throw Fail(
                start,
                Math.Min(2 + digits, text.Length - start),
                digits == 0 ? "an escape that does not exist" : "not a character of Unicode",
                "for a backslash write \\\\, or a raw string r'...'; \\u and \\U have no place in bytes");
        }

        _at += digits;
        bytes?.Add((byte)code);
        content.Append(new Rune((int)code).ToString());
    }

    private char Peek(int ahead) => _at + ahead < text.Length ? text[_at + ahead] : '\0';

    private void SkipWhile(Func<char, bool> condition)
    {
        while (_at < text.Length && condition(text[_at]))
        {
            _at++;
        }
    }

    private static string Show(char c) => char.IsControl(c) || char.IsWhiteSpace(c) ? $"U+{(int)c:X4}" : $"'{c}'";

    private static ExpressionException Fail(int position, int length, string problem, string remedy) =>
        new(new ExpressionProblem(position, Math.Max(length, 1), problem, remedy));
}
