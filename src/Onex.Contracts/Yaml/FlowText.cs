namespace Onex.Contracts.Yaml;

/// <summary>
/// Finds values in flow syntax that must be quoted, because YAML ends them early or rejects them: <c>f(x, y)</c> in
/// <c>{ a: f(x, y) }</c>. Also finds keys that are joined to a bracket, as in <c>{ a:[1] }</c>.
/// </summary>
internal sealed class FlowText
{
    private readonly string _text;
    private readonly List<MisreadValue> _misread = [];
    private int _at;
    private int _levelsLeft;
    private bool _isClosed = true;

    private FlowText(string text, int open) => (_text, _at) = (text, open);

    /// <summary>The misread values; none if the bracket is not closed or too deep, because then their end is unknown.</summary>
    /// <param name="text">The file.</param>
    /// <param name="open">The offset of the opening bracket.</param>
    /// <param name="depthMax">The maximum nesting depth.</param>
    public static IReadOnlyList<MisreadValue> FindMisread(string text, int open, int depthMax)
    {
        var flow = new FlowText(text, open) { _levelsLeft = depthMax };
        flow.ReadBrackets();
        return flow._isClosed ? flow._misread : [];
    }

    /// <summary>The offset after the bracket that closes the one at the start of the text; -1 if it is not closed.</summary>
    public static int EndOfBrackets(string text) => new FlowText(text, 0).EndOfBrackets(0);

    private void ReadBrackets()
    {
        var isMap = _text[_at] == '{';
        var close = isMap ? '}' : ']';
        _at++;
        if (_levelsLeft-- == 0)
        {
            _isClosed = false;
        }

        while (_isClosed)
        {
            SkipBlanks();
            if (_at == _text.Length || (_text[_at] is '}' or ']' && _text[_at] != close))
            {
                _isClosed = false;
            }
            else if (_text[_at] == close)
            {
                _at++;
                break;
            }
            else if (_text[_at] == ',')
            {
                _at++;
            }
            else
            {
                ReadValue(isMap ? ReadKey() : null);
            }
        }

        _levelsLeft++;
    }

    // Returns null and does not advance if there is no key. Records a key that is joined to a bracket.
    private string? ReadKey()
    {
        var (start, end) = (_at, _at);
        if (_text[start] is '"' or '\'')
        {
            end = EndOfString(start, _text.Length);
        }
        else
        {
            while (end < _text.Length && (char.IsLetterOrDigit(_text[end]) || _text[end] is '_' or '-' or '.' or '$' or '/'))
            {
                end++;
            }
        }

        if (end <= start || end >= _text.Length || _text[end] != ':')
        {
            return null;
        }

        _at = end + 1;
        if (_at < _text.Length && _text[_at] is '{' or '[' && _text[start] is not ('"' or '\'') && EndOfBrackets(_at) is > 0 and var close)
        {
            _misread.Add(new MisreadValue(start, _text[start..end], _text[start..Math.Min(close, EndOfLine(start))], IsJoined: true));
        }

        SkipBlanks();
        return _text[start..end];
    }

    private void ReadValue(string? key)
    {
        if (_at == _text.Length || _text[_at] is ',' or '}' or ']')
        {
            return;
        }

        var start = _at;
        if (_text[start] is '{' or '[')
        {
            var end = EndOfBrackets(start);
            if (end < 0 || EndsValue(end))
            {
                ReadBrackets();
                return;
            }
        }
        else if (_text[start] is '"' or '\'')
        {
            var end = EndOfString(start, _text.Length);
            if (end < 0 || EndsValue(end))
            {
                _at = end < 0 ? _text.Length : end;
                return;
            }
        }

        var stop = EndOfValue(start);
        var value = _text[start..stop].TrimEnd();
        if (MustBeQuoted(value))
        {
            _misread.Add(new MisreadValue(start, key, value));
        }

        _at = Math.Max(stop, start + 1);
    }

    // The offset of the comma, bracket or line break after a value, or of the end. Nested brackets and strings are skipped.
    private int EndOfValue(int start)
    {
        var open = 0;
        for (var at = start; at < _text.Length; at++)
        {
            switch (_text[at])
            {
                case '\n' or '\r':
                    return at;
                case '(' or '[' or '{':
                    open++;
                    break;
                case ',' when open == 0:
                    return at;
                case ']' or '}' when open == 0:
                    return at;
                case ')' or ']' or '}':
                    open = Math.Max(0, open - 1);
                    break;
                case '"' or '\'' when (at == start || !char.IsLetterOrDigit(_text[at - 1]))
                    && EndOfString(at, EndOfLine(at)) is > 0 and var end:
                    at = end - 1;
                    break;
            }
        }

        return _text.Length;
    }

    // The offset after the matching closing bracket; -1 if there is none.
    private int EndOfBrackets(int start)
    {
        var open = 0;
        for (var at = start; at < _text.Length; at++)
        {
            switch (_text[at])
            {
                case '[' or '{':
                    open++;
                    break;
                case ']' or '}' when --open == 0:
                    return at + 1;
                case '"' or '\'' when !char.IsLetterOrDigit(_text[at - 1]) && EndOfString(at, EndOfLine(at)) is > 0 and var end:
                    at = end - 1;
                    break;
            }
        }

        return -1;
    }

    // Whether a value that ends there is complete: a comma, a closing bracket, a colon, a comment or the end follows.
    private bool EndsValue(int at)
    {
        while (at < _text.Length && char.IsWhiteSpace(_text[at]))
        {
            at++;
        }

        return at == _text.Length || _text[at] is ',' or '}' or ']' or ':' or '#';
    }

    // The offset after the closing quote; -1 if there is none before the limit.
    private int EndOfString(int start, int limit)
    {
        for (var at = start + 1; at < limit; at++)
        {
            if (_text[at] == '\\' && _text[start] == '"')
            {
                at++;
            }
            else if (_text[at] == _text[start])
            {
                if (_text[start] == '"' || at + 1 >= _text.Length || _text[at + 1] != '\'')
                {
                    return at + 1;
                }

                at++;
            }
        }

        return -1;
    }

    private int EndOfLine(int at) => _text.IndexOf('\n', at) is >= 0 and var end ? end : _text.Length;

    private void SkipBlanks()
    {
        while (_at < _text.Length)
        {
            if (_text[_at] == '#' && char.IsWhiteSpace(_text[_at - 1]))
            {
                _at = EndOfLine(_at);
            }
            else if (char.IsWhiteSpace(_text[_at]))
            {
                _at++;
            }
            else
            {
                break;
            }
        }
    }

    private static bool MustBeQuoted(string value) =>
        value.AsSpan().ContainsAny(",[]{}")
        || value.Contains(": ", StringComparison.Ordinal) || value.EndsWith(':') || value.Contains(" #", StringComparison.Ordinal)
        || value[0] is '"' or '\'' or '@' or '`' or '%' or '|' or '>';
}

/// <summary>A value that YAML misreads unless it is quoted, or separated from its key.</summary>
/// <param name="Start">Its offset in the file.</param>
/// <param name="Key">Its key, as it is written; null if it is an item of a list.</param>
/// <param name="Value">The whole value.</param>
/// <param name="IsJoined">Whether only the blank after the colon is missing. Then <c>Value</c> has the key and the colon, too.</param>
internal readonly record struct MisreadValue(int Start, string? Key, string Value, bool IsJoined = false)
{
    /// <summary>The entry as it should be written, unless it is joined.</summary>
    public string Quoted => Key is null ? BareExpression.Quote(Value) : $"{Key}: {BareExpression.Quote(Value)}";
}
