using System.Globalization;

namespace Onex.Contracts.Expressions.Patterns;

/// <summary>
/// Parses regular expressions in the syntax of RE2, or of ECMA-262 as in JSON Schema (with the flag <c>u</c>). A character is a code point.
/// Rejects constructs that cannot run in linear time (look-around, back-references, atomic groups) and unknown syntax.
/// </summary>
/// <param name="source">The expression.</param>
/// <param name="isEcma">Whether it has the syntax of ECMA-262.</param>
/// <param name="isStrict">Whether it may have only what ECMA-262 has.</param>
internal sealed class PatternReader(string source, bool isEcma, bool isStrict)
{
    private const int CountDigitsMax = 6;
    private const string Backtracking = "it needs backtracking (look-around, back-references, atomic groups)";
    private const string ClassInRange = "a range in [...] begins or ends with a class: write the '-' last";

    // The characters that may follow a backslash as themselves in ECMA-262.
    private const string EcmaSyntax = "^$\\.*+?()[]{}|/";

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
    private bool _isMultiline;
    private bool _dotMatchesLineEnds;

    /// <summary>The characters that end a line.</summary>
    public static CharacterSet LineEnds(bool isEcma) => isEcma ? _ecmaLineEnds : _lineEnds;

    /// <summary>The characters of words, <c>\w</c>.</summary>
    public static CharacterSet Words => _words;

    /// <summary>Parses the whole source.</summary>
    /// <exception cref="FormatException">The expression is invalid; the message is a clause for a diagnostic.</exception>
    public PatternSyntax Read()
    {
        var all = ReadAlternatives();
        return _at < source.Length ? throw new FormatException("a ')' closes nothing") : all;
    }

    private bool IsAt(string text) => string.CompareOrdinal(source, _at, text, 0, text.Length) == 0;

    private bool Take(string text)
    {
        var found = IsAt(text);
        _at += found ? text.Length : 0;
        return found;
    }

    private PatternSyntax ReadAlternatives()
    {
        var parts = new List<PatternSyntax> { ReadSequence() };
        while (Take("|"))
        {
            parts.Add(ReadSequence());
        }

        return CheckSize(parts.Count == 1 ? parts[0] : new PatternSyntax.Alternatives(parts));
    }

    private PatternSyntax.Sequence ReadSequence()
    {
        var parts = new List<PatternSyntax>();
        while (_at < source.Length && source[_at] is not ('|' or ')'))
        {
            if (!isEcma && Take("\\Q"))
            {
                ReadQuotedLiteral(parts);
            }
            else if (ReadPart() is { } part)
            {
                parts.Add(ReadRepetition(part));
            }
        }

        return new PatternSyntax.Sequence(parts);
    }

    // \Q...\E
    private void ReadQuotedLiteral(List<PatternSyntax> parts)
    {
        var first = parts.Count;
        while (_at < source.Length && !Take("\\E"))
        {
            parts.Add(CharacterOf(ReadCodePoint()));
        }

        if (parts.Count > first)
        {
            parts[^1] = ReadRepetition(parts[^1]);
        }
    }

    // Null for a group that only sets flags.
    private PatternSyntax? ReadPart()
    {
        switch (source[_at])
        {
            case '(':
                return ReadGroup();
            case '[':
                _at++;
                return new PatternSyntax.Character(ReadClass());
            case '.':
                _at++;
                return new PatternSyntax.Character(_dotMatchesLineEnds ? CharacterSet.All : LineEnds(isEcma).Complement());
            case '^':
                _at++;
                return new PatternSyntax.Assertion(_isMultiline ? AssertionKind.LineStart : AssertionKind.Start);
            case '$':
                _at++;
                return new PatternSyntax.Assertion(_isMultiline ? AssertionKind.LineEnd : AssertionKind.End);
            case '*' or '+' or '?':
                throw new FormatException($"'{source[_at]}' repeats nothing");
            case '\\':
                return ReadEscape();
            case '{' or '}' or ']' when isStrict:
                throw new FormatException($"a literal '{source[_at]}' is written '\\{source[_at]}'");
            default:
                return CharacterOf(ReadCharacter());
        }
    }

    private PatternSyntax ReadRepetition(PatternSyntax part)
    {
        if (_at >= source.Length || ReadCounts() is not var (min, max))
        {
            return part;
        }

        if (isStrict && part is PatternSyntax.Assertion)
        {
            throw new FormatException("an assertion (^, $, \\b, \\B) is repeated");
        }

        // Laziness does not affect whether there is a match.
        Take("?");
        if (_at < source.Length && source[_at] is var next && ReadCounts() is not null)
        {
            throw new FormatException($"'{next}' repeats a repetition");
        }

        return CheckSize(new PatternSyntax.Repetition(part, min, max));
    }

    // *, +, ?, {n}, {n,}, {n,m}. Null without advancing if no repetition follows; a brace that is none of these is a literal.
    private (int Min, int? Max)? ReadCounts()
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

                if (Array.Exists(counts, count => count.Length > CountDigitsMax))
                {
                    throw new FormatException($"a count of a repetition has more than {CountDigitsMax} digits");
                }

                _at = end + 1;
                var min = int.Parse(counts[0], CultureInfo.InvariantCulture);
                int? max = counts.Length == 1 ? min : counts[1].Length == 0 ? null : int.Parse(counts[1], CultureInfo.InvariantCulture);
                return max < min ? throw new FormatException("the maximum of a repetition {n,m} is below its minimum") : (min, max);
            default:
                return null;
        }
    }

    private static bool IsCount(string text) => text.Length > 0 && text.All(char.IsAsciiDigit);

    // A group. Null for (?i), which only sets flags for the rest of the enclosing group.
    private PatternSyntax? ReadGroup()
    {
        _at++;
        var flags = (_ignoresCase, _isMultiline, _dotMatchesLineEnds);
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
                    throw new FormatException("a group has a name of letters, digits and underscores: (?<name>...)");
                }

                _at = end + 1;
            }
            else if (ReadFlags())
            {
                return isStrict ? throw new FormatException("flags have no group: write (?i:...) instead of (?i)...") : null;
            }
        }

        var all = ReadAlternatives();
        if (!Take(")"))
        {
            throw new FormatException("a group in (...) is not closed");
        }

        (_ignoresCase, _isMultiline, _dotMatchesLineEnds) = flags;
        return all;
    }

    // True if the group ends after its flags: (?i), not (?i:...).
    private bool ReadFlags()
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
                    _isMultiline = on;
                    break;
                case 's':
                    _dotMatchesLineEnds = on;
                    break;
                case 'U' when !isEcma:
                    // Makes repetitions lazy, which does not affect whether there is a match.
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

    private PatternSyntax ReadEscape()
    {
        if (_at + 1 >= source.Length)
        {
            throw new FormatException("a '\\' at the end escapes nothing");
        }

        switch (source[_at + 1])
        {
            case 'b':
                _at += 2;
                return new PatternSyntax.Assertion(AssertionKind.WordBoundary);
            case 'B':
                _at += 2;
                return new PatternSyntax.Assertion(AssertionKind.NotWordBoundary);
            case 'A' when !isStrict:
                _at += 2;
                return new PatternSyntax.Assertion(AssertionKind.Start);
            case 'z' when !isStrict:
                _at += 2;
                return new PatternSyntax.Assertion(AssertionKind.End);
            default:
                return ReadEscapedSet() is { } set ? new PatternSyntax.Character(set) : CharacterOf(ReadCharacter());
        }
    }

    // A class escape; null without advancing for an escape of one character.
    private CharacterSet? ReadEscapedSet()
    {
        var character = _at + 1 < source.Length ? source[_at + 1] : '\0';
        if (character is 'p' or 'P')
        {
            _at += 2;
            var set = ReadProperty();
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
        ascii = FoldIfIgnoringCase(ascii);
        return char.IsAsciiLetterUpper(character) ? ascii.Complement() : ascii;
    }

    // \pL, \p{Lu}, \p{Greek}, \p{Script=Greek}, \p{^Greek}.
    private CharacterSet ReadProperty()
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

        if (isStrict && CharacterSets.Find($"Script={name}") is not null)
        {
            throw new FormatException($"the script '{name}' is written '\\p{{Script={name}}}'");
        }

        var isNegated = !isEcma && name.StartsWith('^');
        var set = CharacterSets.Find(isNegated ? name[1..] : name)
            ?? throw new FormatException($"there is no category, script or property '{name}'");
        set = FoldIfIgnoringCase(set);
        return isNegated ? set.Complement() : set;
    }

    private CharacterSet ReadClass()
    {
        var isNegated = Take("^");
        var sets = new List<CharacterSet>();
        var first = _at;

        // In RE2 a bracket at the start is literal; in ECMA-262 [] matches nothing and [^] anything.
        while (_at < source.Length && (source[_at] != ']' || (_at == first && !isEcma)))
        {
            sets.Add(ReadClassItem());
        }

        if (!Take("]"))
        {
            throw new FormatException("a class in [...] is not closed");
        }

        var set = CharacterSet.Union(sets);
        return isNegated ? set.Complement() : set;
    }

    private CharacterSet ReadClassItem()
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
            named = FoldIfIgnoringCase(named);
            return isNegated ? named.Complement() : named;
        }

        if (source[_at] == '\\' && ReadEscapedSet() is { } set)
        {
            return isStrict && IsRangeNext() ? throw new FormatException(ClassInRange) : set;
        }

        var first = ReadClassCharacter();
        var last = first;
        if (IsRangeNext())
        {
            // Except in ECMA-262, the dash of [a-\w] is literal.
            if (!(source[_at + 1] == '\\' && IsSetAt(_at + 2)))
            {
                _at++;
                last = ReadClassCharacter();
            }
            else if (isStrict)
            {
                throw new FormatException(ClassInRange);
            }
        }

        return last < first
            ? throw new FormatException("a range in [...] ends before it starts")
            : FoldIfIgnoringCase(CharacterSet.Range(first, last));
    }

    // A dash before the end of the class is literal.
    private bool IsRangeNext() => _at + 1 < source.Length && source[_at] == '-' && source[_at + 1] != ']';

    private bool IsSetAt(int at) => at < source.Length && source[at] is 'd' or 'D' or 'w' or 'W' or 's' or 'S' or 'p' or 'P';

    // In a class of ECMA-262, \b is a backspace.
    private int ReadClassCharacter() => isEcma && Take("\\b") ? '\b' : Take("\\-") ? '-' : ReadCharacter();

    private PatternSyntax.Character CharacterOf(int character) => new(FoldIfIgnoringCase(CharacterSet.Range(character, character)));

    private CharacterSet FoldIfIgnoringCase(CharacterSet set) => _ignoresCase ? CharacterSets.Fold(set) : set;

    // A literal or escaped character.
    private int ReadCharacter()
    {
        if (source[_at] != '\\')
        {
            return ReadCodePoint();
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
                return ReadHexadecimal(2);
            case 'u':
                return ReadHexadecimal(4);
            case '0' when isEcma && !(_at < source.Length && char.IsAsciiDigit(source[_at])):
                return 0;
            case >= '0' and <= '7' when !isEcma && (character == '0' || (_at < source.Length && source[_at] is >= '0' and <= '7')):
                return ReadOctal(character - '0');
            case 'k' or (>= '0' and <= '9'):
                throw new FormatException(Backtracking);
            case '\0' when _at > source.Length:
                throw new FormatException("a '\\' at the end escapes nothing");
            case var _ when char.IsAsciiLetterOrDigit(character):
                throw new FormatException($"'\\{character}' is not an escape");
            case var _ when isStrict && !EcmaSyntax.Contains(character, StringComparison.Ordinal):
                throw new FormatException($"'\\{character}' is not an escape: write '{character}'");
            default:
                return character;
        }
    }

    private int ReadCodePoint()
    {
        var isPair = _at + 1 < source.Length && char.IsSurrogatePair(source[_at], source[_at + 1]);
        _at += isPair ? 2 : 1;
        return isPair ? char.ConvertToUtf32(source[_at - 2], source[_at - 1]) : source[_at - 1];
    }

    // \123
    private int ReadOctal(int code)
    {
        for (var digits = 1; digits < 3 && _at < source.Length && source[_at] is >= '0' and <= '7'; digits++)
        {
            code = (code * 8) + (source[_at++] - '0');
        }

        return code;
    }

    // \x41, \u0041, \x{1F600}, \u{1F600}, and two \uXXXX that form a surrogate pair.
    private int ReadHexadecimal(int digits)
    {
        var code = (digits == 4 || !isStrict) && Take("{")
            ? ReadHexDigits(source.IndexOf('}', _at) - _at, braced: true)
            : ReadHexDigits(digits, braced: false);
        if (code is >= 0xD800 and <= 0xDBFF && digits == 4 && IsAt("\\u") && _at + 6 <= source.Length
            && int.TryParse(source.AsSpan(_at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var low)
            && low is >= 0xDC00 and <= 0xDFFF)
        {
            _at += 6;
            return char.ConvertToUtf32((char)code, (char)low);
        }

        return code;
    }

    private int ReadHexDigits(int length, bool braced)
    {
        if (length is < 1 or > 6 || _at + length > source.Length
            || !int.TryParse(source.AsSpan(_at, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
            || code >= CharacterSet.CodePointEnd)
        {
            throw new FormatException("'\\x' and '\\u' need the hexadecimal digits of a character");
        }

        _at += length + (braced ? 1 : 0);
        return code;
    }

    private static T CheckSize<T>(T syntax)
        where T : PatternSyntax => syntax.Size <= ExpressionLimits.PatternSize
            ? syntax
            : throw new FormatException($"written out, it has more than {ExpressionLimits.PatternSize} parts");
}
