using System.Globalization;

namespace Onex.Contracts.Expressions.Patterns;

/// <summary>
/// Parses regular expressions in the syntax of RE2, or of ECMA-262 as in JSON Schema (with the flag <c>u</c>). A character is a code point.
/// Rejects constructs that cannot run in linear time (look-around, back-references, atomic groups) and unknown syntax.
/// </summary>
internal sealed class PatternReader(string source, bool isEcma)
{
    private const string Backtracking = "it needs backtracking (look-around, back-references, atomic groups)";

    private static readonly CharacterSet _digits = CharacterSet.Range('0', '9');
    private static readonly CharacterSet _words = CharacterSet.From([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]);
    private static readonly CharacterSet _blanks = CharacterSet.From([('\t', '\n'), ('\f', '\r'), (' ', ' ')]);

    private static readonly CharacterSet _ecmaBlanks = CharacterSet.From(
        [('\t', '\r'), (' ', ' '), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F),
            (0x3000, 0x3000), (0xFEFF, 0xFEFF)]);

    private static readonly CharacterSet _ecmaLineEnds = CharacterSet.From([('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029)]);
    private static readonly CharacterSet _lineEnds = CharacterSet.Range('\n', '\n');

    private static readonly Dictionary<string, CharacterSet> _posix = new(StringComparer.Ordinal)
    {
        ["alnum"] = CharacterSet.From([('0', '9'), ('A', 'Z'), ('a', 'z')]),
        ["alpha"] = CharacterSet.From([('A', 'Z'), ('a', 'z')]),
        ["ascii"] = CharacterSet.Range(0, 0x7F),
        ["blank"] = CharacterSet.From([('\t', '\t'), (' ', ' ')]),
        ["cntrl"] = CharacterSet.From([(0, 0x1F), (0x7F, 0x7F)]),
        ["digit"] = _digits,
        ["graph"] = CharacterSet.Range('!', '~'),
        ["lower"] = CharacterSet.Range('a', 'z'),
        ["print"] = CharacterSet.Range(' ', '~'),
        ["punct"] = CharacterSet.From([('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        ["space"] = CharacterSet.From([('\t', '\r'), (' ', ' ')]),
        ["upper"] = CharacterSet.Range('A', 'Z'),
        ["word"] = _words,
        ["xdigit"] = CharacterSet.From([('0', '9'), ('A', 'F'), ('a', 'f')]),
    };

    private int _at;
    private bool _ignoresCase;
    private bool _multiline;
    private bool _dotTakesAll;

    /// <summary>The characters that end a line.</summary>
    public static CharacterSet LineEnds(bool isEcma) => isEcma ? _ecmaLineEnds : _lineEnds;

    /// <summary>The characters of words.</summary>
    public static CharacterSet Words => _words;

    /// <summary>The whole value.</summary>
    /// <exception cref="FormatException">The expression is invalid.</exception>
    public PatternSyntax Read()
    {
        var all = Either();
        return _at < source.Length ? throw new FormatException("a ')' closes nothing") : all;
    }

    private bool IsAt(string text) => string.CompareOrdinal(source, _at, text, 0, text.Length) == 0;

    private bool Take(string text)
    {
        var found = IsAt(text);
        _at += found ? text.Length : 0;
        return found;
    }

    private PatternSyntax Either()
    {
        var parts = new List<PatternSyntax> { Sequence() };
        while (Take("|"))
        {
            parts.Add(Sequence());
        }

        return Checked(parts.Count == 1 ? parts[0] : new PatternSyntax.Either(parts));
    }

    private PatternSyntax.All Sequence()
    {
        var parts = new List<PatternSyntax>();
        while (_at < source.Length && source[_at] is not ('|' or ')'))
        {
            if (!isEcma && Take("\\Q"))
            {
                Literal(parts);
            }
            else if (Part() is { } part)
            {
                parts.Add(Quantified(part));
            }
        }

        return new PatternSyntax.All(parts);
    }

    // \Q...\E
    private void Literal(List<PatternSyntax> parts)
    {
        var first = parts.Count;
        while (_at < source.Length && !Take("\\E"))
        {
            parts.Add(One(Plain()));
        }

        if (parts.Count > first)
        {
            parts[^1] = Quantified(parts[^1]);
        }
    }

    // Null for a group that only sets flags.
    private PatternSyntax? Part()
    {
        switch (source[_at])
        {
            case '(':
                return Group();
            case '[':
                _at++;
                return new PatternSyntax.One(Class());
            case '.':
                _at++;
                return new PatternSyntax.One(_dotTakesAll ? CharacterSet.All : LineEnds(isEcma).Complement());
            case '^':
                _at++;
                return new PatternSyntax.Place(_multiline ? PatternPlace.LineStart : PatternPlace.Start);
            case '$':
                _at++;
                return new PatternSyntax.Place(_multiline ? PatternPlace.LineEnd : PatternPlace.End);
            case '*' or '+' or '?':
                throw new FormatException($"'{source[_at]}' repeats nothing");
            case '\\':
                return Escape();
            default:
                return One(Character());
        }
    }

    private PatternSyntax Quantified(PatternSyntax part)
    {
        if (_at >= source.Length || Times() is not var (least, most))
        {
            return part;
        }

        // Laziness does not affect whether there is a match.
        Take("?");
        if (_at < source.Length && source[_at] is '*' or '+' or '?')
        {
            throw new FormatException($"'{source[_at]}' repeats a repetition");
        }

        return Checked(new PatternSyntax.Repeated(part, least, most));
    }

    // *, +, ?, {n}, {n,}, {n,m}; null if there is none, or for a literal brace.
    private (int Least, int? Most)? Times()
    {
        switch (source[_at])
        {
            case '*':
                _at++;
                return (0, null);
            case '+':
                _at++;
                return (1, null);
            case '?':
                _at++;
                return (0, 1);
            case '{' when source.IndexOf('}', _at) is > 0 and var end:
                var counts = source[(_at + 1)..end].Split(',');
                if (counts.Length > 2 || !IsCount(counts[0]) || (counts.Length == 2 && counts[1].Length > 0 && !IsCount(counts[1])))
                {
                    return null;
                }

                _at = end + 1;
                var least = int.Parse(counts[0], CultureInfo.InvariantCulture);
                int? most = counts.Length == 1 ? least : counts[1].Length == 0 ? null : int.Parse(counts[1], CultureInfo.InvariantCulture);
                return most < least ? throw new FormatException("a repetition {n,m} is upside down") : (least, most);
            default:
                return null;
        }
    }

    private static bool IsCount(string text) => text.Length is >= 1 and <= 6 && text.All(char.IsAsciiDigit);

    // A group; null for one that only sets flags for what follows in the group around it.
    private PatternSyntax? Group()
    {
        _at++;
        var flags = (_ignoresCase, _multiline, _dotTakesAll);
        if (Take("?"))
        {
            if (IsAt("=") || IsAt("!") || IsAt("<=") || IsAt("<!") || IsAt(">"))
            {
                throw new FormatException(Backtracking);
            }

            if (IsAt("<") || (!isEcma && IsAt("P<")))
            {
                var end = source.IndexOf('>', _at);
                var name = end < 0 ? "" : source[(source.IndexOf('<', _at) + 1)..end];
                if (name.Length == 0 || !name.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '$'))
                {
                    throw new FormatException("a group has a name of letters, digits and underlines: (?<name>...)");
                }

                _at = end + 1;
            }
            else if (Flags())
            {
                return null;
            }
        }

        var all = Either();
        if (!Take(")"))
        {
            throw new FormatException("a group in (...) is not closed");
        }

        (_ignoresCase, _multiline, _dotTakesAll) = flags;
        return all;
    }

    // True if the group ends after its flags: (?i), not (?i:...).
    private bool Flags()
    {
        var on = true;
        while (_at < source.Length)
        {
            switch (source[_at++])
            {
                case 'i':
                    _ignoresCase = on;
                    break;
                case 'm':
                    _multiline = on;
                    break;
                case 's':
                    _dotTakesAll = on;
                    break;
                case 'U' when !isEcma:
                    // Lazy: see above.
                    break;
                case '-' when on:
                    on = false;
                    break;
                case ':':
                    return false;
                case ')':
                    return true;
                case var flag:
                    throw new FormatException($"the flag '{flag}' is not known");
            }
        }

        throw new FormatException("a group in (...) is not closed");
    }

    private PatternSyntax Escape()
    {
        if (_at + 1 >= source.Length)
        {
            throw new FormatException("a '\\' at the end escapes nothing");
        }

        switch (source[_at + 1])
        {
            case 'b':
                _at += 2;
                return new PatternSyntax.Place(PatternPlace.WordBorder);
            case 'B':
                _at += 2;
                return new PatternSyntax.Place(PatternPlace.NoWordBorder);
            case 'A':
                _at += 2;
                return new PatternSyntax.Place(PatternPlace.Start);
            case 'z':
                _at += 2;
                return new PatternSyntax.Place(PatternPlace.End);
            default:
                return EscapedSet() is { } set ? new PatternSyntax.One(set) : One(Character());
        }
    }

    // A class escape; null without advancing for an escape of one character.
    private CharacterSet? EscapedSet()
    {
        var character = _at + 1 < source.Length ? source[_at + 1] : '\0';
        if (character is 'p' or 'P')
        {
            _at += 2;
            var set = Property();
            return character == 'P' ? set.Complement() : set;
        }

        var ascii = character switch
        {
            'd' or 'D' => _digits,
            'w' or 'W' => _words,
            's' or 'S' => isEcma ? _ecmaBlanks : _blanks,
            _ => null,
        };
        if (ascii is null)
        {
            return null;
        }

        _at += 2;
        ascii = Folded(ascii);
        return char.IsAsciiLetterUpper(character) ? ascii.Complement() : ascii;
    }

    // \pL, \p{Lu}, \p{Greek}, \p{Script=Greek}, \p{^Greek}.
    private CharacterSet Property()
    {
        var name = "";
        if (Take("{"))
        {
            var end = source.IndexOf('}', _at);
            name = end < 0 ? "" : source[_at..end];
            _at = end < 0 ? _at : end + 1;
        }
        else if (_at < source.Length && !isEcma)
        {
            name = source[_at++].ToString();
        }

        var isNegated = !isEcma && name.StartsWith('^');
        var set = CharacterSets.Find(isNegated ? name[1..] : name)
            ?? throw new FormatException($"there is no category, script or property '{name}'");
        set = Folded(set);
        return isNegated ? set.Complement() : set;
    }

    private CharacterSet Class()
    {
        var isNegated = Take("^");
        var sets = new List<CharacterSet>();
        var first = _at;

        // In RE2 a bracket at the start is literal; in ECMA-262 [] matches nothing and [^] anything.
        while (_at < source.Length && (source[_at] != ']' || (_at == first && !isEcma)))
        {
            sets.Add(ClassItem());
        }

        if (!Take("]"))
        {
            throw new FormatException("a class in [...] is not closed");
        }

        var set = CharacterSet.Union(sets);
        return isNegated ? set.Complement() : set;
    }

    private CharacterSet ClassItem()
    {
        if (!isEcma && IsAt("[:") && source.IndexOf(":]", _at + 2, StringComparison.Ordinal) is > 0 and var end)
        {
            var name = source[(_at + 2)..end];
            var isNegated = name.StartsWith('^');
            if (!_posix.TryGetValue(isNegated ? name[1..] : name, out var named))
            {
                throw new FormatException($"there is no class {source[_at..(end + 2)]}");
            }

            _at = end + 2;
            named = Folded(named);
            return isNegated ? named.Complement() : named;
        }

        if (source[_at] == '\\' && EscapedSet() is { } set)
        {
            return set;
        }

        var first = ClassCharacter();
        var last = first;

        // A range ends in a character; in [a-] and [a-\w] the dash is literal.
        if (_at + 1 < source.Length && source[_at] == '-' && source[_at + 1] != ']' && !(source[_at + 1] == '\\' && IsSetAt(_at + 2)))
        {
            _at++;
            last = ClassCharacter();
        }

        return last < first ? throw new FormatException("a range in [...] is upside down") : Folded(CharacterSet.Range(first, last));
    }

    private bool IsSetAt(int at) => at < source.Length && source[at] is 'd' or 'D' or 'w' or 'W' or 's' or 'S' or 'p' or 'P';

    // \b is a backspace there in ECMA-262.
    private int ClassCharacter() => isEcma && Take("\\b") ? '\b' : Character();

    private PatternSyntax.One One(int character) => new(Folded(CharacterSet.Range(character, character)));

    private CharacterSet Folded(CharacterSet set) => _ignoresCase ? CharacterSets.Fold(set) : set;

    // A literal or escaped character.
    private int Character()
    {
        if (source[_at] != '\\')
        {
            return Plain();
        }

        var character = _at + 1 < source.Length ? source[_at + 1] : '\0';
        _at += 2;
        switch (character)
        {
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'f':
                return '\f';
            case 'v':
                return '\v';
            case 'a' when !isEcma:
                return '\a';
            case 'c' when isEcma && _at < source.Length && char.IsAsciiLetter(source[_at]):
                return source[_at++] % 32;
            case 'x':
                return Hexadecimal(2);
            case 'u':
                return Hexadecimal(4);
            case '0' when isEcma && !(_at < source.Length && char.IsAsciiDigit(source[_at])):
                return 0;
            case >= '0' and <= '7' when !isEcma && (character == '0' || (_at < source.Length && source[_at] is >= '0' and <= '7')):
                return Octal(character - '0');
            case 'k' or (>= '0' and <= '9'):
                throw new FormatException(Backtracking);
            case '\0' when _at > source.Length:
                throw new FormatException("a '\\' at the end escapes nothing");
            case var _ when char.IsAsciiLetterOrDigit(character):
                throw new FormatException($"'\\{character}' is not an escape");
            default:
                return character;
        }
    }

    private int Plain()
    {
        var isPair = _at + 1 < source.Length && char.IsSurrogatePair(source[_at], source[_at + 1]);
        _at += isPair ? 2 : 1;
        return isPair ? char.ConvertToUtf32(source[_at - 2], source[_at - 1]) : source[_at - 1];
    }

    // \123
    private int Octal(int code)
    {
        for (var digits = 1; digits < 3 && _at < source.Length && source[_at] is >= '0' and <= '7'; digits++)
        {
            code = (code * 8) + (source[_at++] - '0');
        }

        return code;
    }

    // \x41, \u0041, \x{1F600}, and two \u of a surrogate pair.
    private int Hexadecimal(int digits)
    {
        var code = Take("{") ? Digits(source.IndexOf('}', _at) - _at, braced: true) : Digits(digits, braced: false);
        if (code is >= 0xD800 and <= 0xDBFF && digits == 4 && IsAt("\\u") && _at + 6 <= source.Length
            && int.TryParse(source.AsSpan(_at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var low)
                && low is >= 0xDC00 and <= 0xDFFF)
        {
            _at += 6;
            return char.ConvertToUtf32((char)code, (char)low);
        }

        return code;
    }

    private int Digits(int length, bool braced)
    {
        if (length is < 1 or > 6 || _at + length > source.Length
            || !int.TryParse(source.AsSpan(_at, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
                || code > 0x10FFFF)
        {
            throw new FormatException("'\\x' and '\\u' are followed by the hexadecimal digits of a character");
        }

        _at += length + (braced ? 1 : 0);
        return code;
    }

    private static T Checked<T>(T syntax)
        where T : PatternSyntax => syntax.Size <= ExpressionLimits.PatternSize
            ? syntax
            : throw new FormatException($"written out, it has more than {ExpressionLimits.PatternSize} parts");
}
