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
/// Regular expressions in the syntax of RE2, run in linear time: the pattern is put into .NET's words (ASCII classes, <c>$</c> as the very
/// end), and what cannot be run so is refused.
/// </summary>
internal sealed class Pattern
{
    private static readonly ConcurrentDictionary<string, CompiledPattern> _kept = new();

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
    private int _at;

    // What the group read so far and its last part come to, repetitions written out.
    private long _size;
    private long _last;

    private Pattern(string source)
    {
        _source = source;
        _multiline = HasFlag('m');
    }

    /// <summary>The expression, ready; or null and why not.</summary>
    public static CompiledPattern? Compile(string source, out string? problem)
    {
        problem = null;
        if (_kept.TryGetValue(source, out var kept))
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
            var pattern = new Pattern(source);
            var regex = new Regex(pattern.Translate(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            var compiled = new CompiledPattern(regex, pattern._size);
            if (_kept.Count >= ExpressionLimits.PatternsKept)
            {
                _kept.Clear();
            }

            _kept[source] = compiled;
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
        if (next == 'Q')
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
            Add("[" + ascii + "]");
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
            case 'p' or 'P' when _at + 2 < _source.Length && _source[_at + 2] != '{':
                _target.Append('\\').Append(next).Append('{').Append(_source[_at + 2]).Append('}');
                _at += 3;
                break;
            case 'x' when _at + 2 < _source.Length && _source[_at + 2] == '{':
                var end = _source.IndexOf('}', _at);
                if (end < 0 || !int.TryParse(_source.AsSpan((_at + 3)..end), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || code is < 0 or > 0xFFFF)
                {
                    throw new FormatException("\\x{...} holds one to four hexadecimal digits");
                }

                _target.Append("\\u").Append(code.ToString("X4", CultureInfo.InvariantCulture));
                _at = end + 1;
                break;
            default:
                Copy(2);
                break;
        }
    }

    private void Class()
    {
        Copy(1);
        if (_at < _source.Length && _source[_at] == '^')
        {
            Copy(1);
        }

        var first = _at;
        while (_at < _source.Length && (_source[_at] != ']' || _at == first))
        {
            var c = _source[_at];
            if (c == '[' && _at + 1 < _source.Length && _source[_at + 1] == ':' && _source.IndexOf(":]", _at, StringComparison.Ordinal) is var end and > 0)
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
                _at += 2;
            }
            else if (c == '\\')
            {
                EscapedCharacter();
            }
            else
            {
                // Inside a class .NET would take [ for the start of a subtraction, and a first ] is itself.
                _target.Append(c is '[' or ']' ? "\\" : "").Append(c);
                _at++;
            }
        }

        Copy(1);
        Count();
    }

    private void Group()
    {
        _sizes.Push(_size);
        _size = 0;
        _last = 0;
        if (string.CompareOrdinal(_source, _at, "(?P<", 0, 4) == 0)
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

    private static string? PerlClass(char letter) => letter switch
    {
        'd' => "0-9",
        'D' => "\\x00-/:-\\uFFFF",
        'w' => "0-9A-Za-z_",
        'W' => "\\x00-/:-@\\[-^`{-\\uFFFF",
        's' => "\\t\\n\\f\\r ",
        'S' => "\\x00-\\x08\\x0B\\x0E-\\x1F!-\\uFFFF",
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
