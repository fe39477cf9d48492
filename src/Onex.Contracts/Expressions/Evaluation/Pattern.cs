using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>A regular expression that can run.</summary>
/// <param name="Regex">Finds it.</param>
/// <param name="Size">Its parts, repetitions written out: what a character of the text may cost at worst.</param>
internal sealed record CompiledPattern(Regex Regex, long Size);

/// <summary>
/// Regular expressions in the syntax of RE2 or of ECMA-262, run in linear time: the pattern is put into .NET's words (ASCII classes, <c>$</c>
/// as the very end, a character beyond U+FFFF as the pair that it is in a .NET string), and what cannot be run so is refused.
/// </summary>
internal sealed class Pattern
{
    // Any character beyond U+FFFF, and its halves.
    private const string Pair = "[\\uD800-\\uDBFF][\\uDC00-\\uDFFF]";
    private const string Halves = "\\uD800-\\uDFFF";

    private static readonly ConcurrentDictionary<(string Source, bool IsEcma), CompiledPattern> _kept = new();

    // The names of Unicode's general categories, of which .NET knows only the short ones.
    private static readonly Dictionary<string, string> _categories = new()
    {
        ["Letter"] = "L",
        ["Uppercase_Letter"] = "Lu",
        ["Lowercase_Letter"] = "Ll",
        ["Titlecase_Letter"] = "Lt",
        ["Modifier_Letter"] = "Lm",
        ["Other_Letter"] = "Lo",
        ["Mark"] = "M",
        ["Number"] = "N",
        ["Decimal_Number"] = "Nd",
        ["digit"] = "Nd",
        ["Letter_Number"] = "Nl",
        ["Other_Number"] = "No",
        ["Punctuation"] = "P",
        ["punct"] = "P",
        ["Symbol"] = "S",
        ["Math_Symbol"] = "Sm",
        ["Currency_Symbol"] = "Sc",
        ["Separator"] = "Z",
        ["Space_Separator"] = "Zs",
        ["Control"] = "Cc",
        ["Other"] = "C",
    };

    private static readonly Dictionary<string, string> _posix = new()
    {
        ["alnum"] = "0-9A-Za-z",
        ["alpha"] = "A-Za-z",
        ["ascii"] = "\\x00-\\x7F",
        ["blank"] = "\\t ",
        ["cntrl"] = "\\x00-\\x1F\\x7F",
        ["digit"] = "0-9",
        ["graph"] = "!-~",
        ["lower"] = "a-z",
        ["print"] = " -~",
        ["punct"] = "!-/:-@\\[-`{-~",
        ["space"] = "\\t-\\r ",
        ["upper"] = "A-Z",
        ["word"] = "0-9A-Za-z_",
        ["xdigit"] = "0-9A-Fa-f",
    };

    private readonly string _source;
    private readonly StringBuilder _target = new();
    private readonly Stack<long> _sizes = new();
    private readonly bool _multiline;
    private readonly bool _dotTakesAll;
    private readonly bool _isEcma;
    private int _at;

    // What the group read so far and its last part come to, repetitions written out.
    private long _size;
    private long _last;

    private Pattern(string source, bool isEcma)
    {
        _source = source;
        _isEcma = isEcma;
        _multiline = HasFlag('m');
        _dotTakesAll = HasFlag('s');
    }

    /// <summary>The expression, ready; or null and why not.</summary>
    public static CompiledPattern? Compile(string source, out string? problem) => Compile(source, isEcma: false, out problem);

    /// <summary>The same of a pattern of a JSON Schema, which is one of ECMA-262.</summary>
    public static CompiledPattern? OfSchema(string source, out string? problem) => Compile(source, isEcma: true, out problem);

    private static CompiledPattern? Compile(string source, bool isEcma, out string? problem)
    {
        problem = null;
        if (_kept.TryGetValue((source, isEcma), out var kept))
        {
            return kept;
        }

        if (source.Length > ExpressionLimits.PatternLength)
        {
            problem = $"it is longer than {ExpressionLimits.PatternLength} characters";
            return null;
        }

        try
        {
            var pattern = new Pattern(source, isEcma);
            var regex = new Regex(pattern.Translate(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            var compiled = new CompiledPattern(regex, pattern._size);
            if (_kept.Count >= ExpressionLimits.PatternsKept)
            {
                _kept.Clear();
            }

            _kept[(source, isEcma)] = compiled;
            return compiled;
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException)
        {
            problem = failure.Message;
        }
        catch (NotSupportedException)
        {
            problem = "it needs backtracking (look-around, back-references, atomic groups)";
        }

        return null;
    }

    private string Translate()
    {
        while (_at < _source.Length)
        {
            var c = _source[_at];
            switch (c)
            {
                case '\\':
                    Escape();
                    break;
                case '[':
                    Class();
                    break;
                case '(':
                    Group();
                    break;
                case ')':
                    Copy(1);
                    _last = _size;
                    _size += _sizes.Count > 0 ? _sizes.Pop() : 0;
                    Check();
                    break;
                case '*' or '+' or '?':
                    Copy(1);
                    break;
                case '{' when Repetition() is { } times:
                    _size += _last * (Math.Max(times, 1) - 1);
                    _last *= Math.Max(times, 1);
                    Check();
                    break;
                case '$' when !_multiline:
                    _at++;
                    Add("\\z");
                    break;
                case '.' when !_dotTakesAll:
                    _at++;
                    Add($"(?:[^{(_isEcma ? "\\n\\r\\u2028\\u2029" : "\\n")}{Halves}]|{Pair})");
                    break;
                case '.':
                    _at++;
                    Add($"(?:[^{Halves}]|{Pair})");
                    break;
                case var _ when char.IsHighSurrogate(c) && _at + 1 < _source.Length:
                    // One character, so that what repeats it repeats the whole.
                    _at += 2;
                    Add($"(?:{_source.AsSpan(_at - 2, 2)})");
                    break;
                default:
                    Copy(1);
                    Count();
                    break;
            }
        }

        return _target.ToString();
    }

    private void Escape()
    {
        var next = _at + 1 < _source.Length ? _source[_at + 1] : '\0';
        if (next == 'Q' && !_isEcma)
        {
            var end = _source.IndexOf("\\E", _at + 2, StringComparison.Ordinal);
            var literal = end < 0 ? _source[(_at + 2)..] : _source[(_at + 2)..end];
            foreach (var c in literal)
            {
                Add(Regex.Escape(c.ToString()));
            }

            _at = end < 0 ? _source.Length : end + 2;
            return;
        }

        if (PerlClass(next) is { } ascii)
        {
            _at += 2;
            Add(char.IsAsciiLetterUpper(next) ? $"(?:[{ascii}]|{Pair})" : $"[{ascii}]");
            return;
        }

        if (CodePoint() is { } code)
        {
            Add(code <= 0xFFFF ? Bmp(code) : $"(?:{char.ConvertFromUtf32(code)})");
            return;
        }

        EscapedCharacter();
        Count();
    }

    // What both a class and the outside may have.
    private void EscapedCharacter()
    {
        var next = _at + 1 < _source.Length ? _source[_at + 1] : '\0';
        switch (next)
        {
            case 'p' or 'P' when _at + 2 < _source.Length && _source[_at + 2] == '{' && _source.IndexOf('}', _at) is var close and > 0:
                {
                    var name = _source[(_at + 3)..close];
                    name = name[(name.IndexOf('=', StringComparison.Ordinal) is var equals && name[..(equals + 1)] is "General_Category=" or "gc=" ? equals + 1 : 0)..];
                    _target.Append('\\').Append(next).Append('{').Append(_categories.GetValueOrDefault(name, name)).Append('}');
                    _at = close + 1;
                    break;
                }

            case 'p' or 'P' when _at + 2 < _source.Length && _source[_at + 2] != '{':
                _target.Append('\\').Append(next).Append('{').Append(_source[_at + 2]).Append('}');
                _at += 3;
                break;
            default:
                Copy(2);
                break;
        }
    }

    // A set of characters: those up to U+FFFF as a class, those beyond as the pairs that they are.
    private void Class()
    {
        _at++;
        var isNegated = _at < _source.Length && _source[_at] == '^';
        _at += isNegated ? 1 : 0;
        var start = _target.Length;
        var beyond = new List<(int First, int Last)>();
        var first = _at;
        while (_at < _source.Length && (_source[_at] != ']' || _at == first))
        {
            ClassItem(beyond);
        }

        if (_at >= _source.Length)
        {
            throw new FormatException("a class in [...] is not closed");
        }

        _at++;
        var set = _target.ToString(start, _target.Length - start);
        _target.Length = start;
        if (isNegated)
        {
            var others = Complement(beyond);
            Add(others.Count == 0 ? $"[^{set}{Halves}]" : $"(?:[^{set}{Halves}]|{Pairs(others)})");
        }
        else
        {
            Add(beyond.Count == 0 ? $"[{set}]" : set.Length == 0 ? $"(?:{Pairs(beyond)})" : $"(?:[{set}]|{Pairs(beyond)})");
        }
    }

    private void ClassItem(List<(int First, int Last)> beyond)
    {
        var c = _source[_at];
        if (c == '[' && !_isEcma && _at + 1 < _source.Length && _source[_at + 1] == ':' && _source.IndexOf(":]", _at, StringComparison.Ordinal) is var end and > 0)
        {
            if (!_posix.TryGetValue(_source[(_at + 2)..end], out var set))
            {
                throw new FormatException($"there is no class {_source[_at..(end + 2)]}");
            }

            _target.Append(set);
            _at = end + 2;
        }
        else if (c == '\\' && _at + 1 < _source.Length && PerlClass(_source[_at + 1]) is { } ascii)
        {
            _target.Append(ascii);
            if (char.IsAsciiLetterUpper(_source[_at + 1]))
            {
                beyond.Add((0x10000, 0x10FFFF));
            }

            _at += 2;
        }
        else if (CodePoint() is { } code)
        {
            // A range ends in a character too; in [a-] and [\w-a] the dash is itself.
            var last = code;
            var dash = _at;
            if (_at + 1 < _source.Length && _source[_at] == '-' && _source[_at + 1] != ']')
            {
                _at++;
                last = CodePoint() ?? -1;
                (_at, last) = last < 0 ? (dash, code) : (_at, last);
            }

            if (last < code)
            {
                throw new FormatException("a range in [...] is upside down");
            }

            if (code <= 0xFFFF)
            {
                _target.Append(Bmp(code)).Append(last == code ? "" : "-" + Bmp(Math.Min(last, 0xFFFF)));
            }

            if (last > 0xFFFF)
            {
                beyond.Add((Math.Max(code, 0x10000), last));
            }
        }
        else
        {
            EscapedCharacter();
        }
    }

    // The character at this place, written plainly or escaped; null, and the place unchanged, for an escape that is no single character.
    private int? CodePoint()
    {
        var c = _source[_at];
        if (c != '\\')
        {
            var pair = char.IsHighSurrogate(c) && _at + 1 < _source.Length;
            _at += pair ? 2 : 1;
            return pair ? char.ConvertToUtf32(c, _source[_at - 1]) : c;
        }

        var next = _at + 1 < _source.Length ? _source[_at + 1] : '\0';
        if (next is 'x' or 'u')
        {
            return Hexadecimal(next == 'x' ? 2 : 4);
        }

        var simple = next switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\f',
            'v' => '\v',
            'a' when !_isEcma => '\a',
            '\0' => -1,
            _ when char.IsAsciiLetterOrDigit(next) || next > 0x7F => -1,
            _ => next,
        };
        _at += simple < 0 ? 0 : 2;
        return simple < 0 ? null : simple;
    }

    // \x41, \u0041, \x{1F600}, and two \u that are a pair.
    private int? Hexadecimal(int digits)
    {
        var (start, length) = (_at + 2, digits);
        if (start < _source.Length && _source[start] == '{')
        {
            start++;
            length = _source.IndexOf('}', start) - start;
        }

        if (length is < 1 or > 6 || start + length > _source.Length
            || !int.TryParse(_source.AsSpan(start, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || code > 0x10FFFF)
        {
            throw new FormatException($"\\{_source[_at + 1]} is followed by hexadecimal digits of a character");
        }

        var isBraced = _source[start - 1] == '{';
        _at = start + length + (isBraced ? 1 : 0);
        if (!isBraced && char.IsHighSurrogate((char)code) && string.CompareOrdinal(_source, _at, "\\u", 0, 2) == 0 && _at + 6 <= _source.Length
            && int.TryParse(_source.AsSpan(_at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var low) && char.IsLowSurrogate((char)low))
        {
            _at += 6;
            return char.ConvertToUtf32((char)code, (char)low);
        }

        return code;
    }

    private static string Bmp(int code) => $"\\u{code:X4}";

    private static List<(int First, int Last)> Complement(List<(int First, int Last)> ranges)
    {
        var (others, next) = (new List<(int, int)>(), 0x10000);
        foreach (var (first, last) in ranges.Order())
        {
            if (first > next)
            {
                others.Add((next, first - 1));
            }

            next = Math.Max(next, last + 1);
        }

        if (next <= 0x10FFFF)
        {
            others.Add((next, 0x10FFFF));
        }

        return others;
    }

    // A range of characters as ranges of pairs: with one first half, with all second halves, with one first half again.
    private static string Pairs(List<(int First, int Last)> ranges)
    {
        var parts = new List<string>();
        foreach (var (first, last) in ranges)
        {
            var (from, to) = (char.ConvertFromUtf32(first), char.ConvertFromUtf32(last));
            if (from[0] == to[0])
            {
                parts.Add($"{Bmp(from[0])}[{Bmp(from[1])}-{Bmp(to[1])}]");
                continue;
            }

            parts.Add($"{Bmp(from[0])}[{Bmp(from[1])}-\\uDFFF]");
            if (from[0] + 1 < to[0])
            {
                parts.Add($"[{Bmp(from[0] + 1)}-{Bmp(to[0] - 1)}][\\uDC00-\\uDFFF]");
            }

            parts.Add($"{Bmp(to[0])}[\\uDC00-{Bmp(to[1])}]");
        }

        return string.Join('|', parts);
    }

    private void Group()
    {
        _sizes.Push(_size);
        _size = 0;
        _last = 0;
        if (!_isEcma && string.CompareOrdinal(_source, _at, "(?P<", 0, 4) == 0)
        {
            _target.Append("(?<");
            _at += 4;
            return;
        }

        if (_at + 1 < _source.Length && _source[_at + 1] == '?')
        {
            var flags = _at + 2;
            while (flags < _source.Length && (char.IsAsciiLetter(_source[flags]) || _source[flags] == '-'))
            {
                if (_source[flags] is not ('i' or 'm' or 's' or '-'))
                {
                    throw new FormatException($"the flag '{_source[flags]}' is not known");
                }

                flags++;
            }

            Copy(flags - _at);
            if (_at < _source.Length && _source[_at] == ':')
            {
                Copy(1);
            }

            return;
        }

        Copy(1);
    }

    // The times of {n}, {n,} and {n,m}; null if the brace stands for itself.
    private long? Repetition()
    {
        var match = _countedRepetition.Match(_source, _at);
        if (!match.Success || match.Index != _at)
        {
            return null;
        }

        Copy(match.Length);
        var least = long.Parse(match.Groups["least"].ValueSpan, CultureInfo.InvariantCulture);
        return match.Groups["most"].Length == 0 ? least : Math.Max(least, long.Parse(match.Groups["most"].ValueSpan, CultureInfo.InvariantCulture));
    }

    private static readonly Regex _countedRepetition = new(@"\{(?<least>[0-9]{1,6})(,(?<most>[0-9]{0,6}))?\}", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture);

    // Those in capitals have the characters beyond U+FFFF too.
    private string? PerlClass(char letter) => letter switch
    {
        'd' => "0-9",
        'D' => "\\x00-/:-\\uD7FF\\uE000-\\uFFFF",
        'w' => "0-9A-Za-z_",
        'W' => "\\x00-/:-@\\[-^`{-\\uD7FF\\uE000-\\uFFFF",
        's' when _isEcma => "\\t-\\r \\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000\\uFEFF",
        'S' when _isEcma =>
            "\\x00-\\x08\\x0E-\\x1F!-\\u009F\\u00A1-\\u167F\\u1681-\\u1FFF\\u200B-\\u2027\\u202A-\\u202E\\u2030-\\u205E\\u2060-\\u2FFF\\u3001-\\uD7FF\\uE000-\\uFEFE\\uFF00-\\uFFFF",
        's' => "\\t\\n\\f\\r ",
        'S' => "\\x00-\\x08\\x0B\\x0E-\\x1F!-\\uD7FF\\uE000-\\uFFFF",
        _ => null,
    };

    private bool HasFlag(char flag)
    {
        for (var open = _source.IndexOf("(?", StringComparison.Ordinal); open >= 0; open = _source.IndexOf("(?", open + 2, StringComparison.Ordinal))
        {
            for (var i = open + 2; i < _source.Length && char.IsAsciiLetter(_source[i]); i++)
            {
                if (_source[i] == flag)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void Add(string text)
    {
        _target.Append(text);
        Count();
    }

    private void Copy(int count)
    {
        count = Math.Min(count, _source.Length - _at);
        _target.Append(_source, _at, count);
        _at += count;
    }

    private void Count()
    {
        _size++;
        _last = 1;
        Check();
    }

    private void Check()
    {
        if (_size > ExpressionLimits.PatternSize)
        {
            throw new FormatException($"written out, it has more than {ExpressionLimits.PatternSize} parts");
        }
    }
}
