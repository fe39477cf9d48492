using System.Globalization;

namespace Onex.Tests.Unit.Contracts.Expressions;

/// <summary>A message in the text format of protobuf. A field has the text of a scalar, the bytes of a string, or a message.</summary>
internal sealed class TextProto
{
    private readonly List<(string Name, object Value)> _fields = [];

    public static TextProto Read(string text)
    {
        var at = 0;
        return ReadMessage(text, ref at, '\0');
    }

    public IEnumerable<TextProto> Messages(string name) => All(name).Cast<TextProto>();

    public TextProto? Message(string name) => (TextProto?)All(name).FirstOrDefault();

    public string? Text(string name) =>
        All(name).FirstOrDefault() is { } value ? value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : (string)value : null;

    public byte[] Bytes(string name) => (byte[])All(name).First();

    public string? FirstField => _fields.Count == 0 ? null : _fields[0].Name;

    /// <summary>The names of all fields, including those of nested messages.</summary>
    public IEnumerable<string> Names() =>
        _fields.SelectMany(field => field.Value is TextProto message ? message.Names().Prepend(field.Name) : [field.Name]);

    private IEnumerable<object> All(string name) => _fields.Where(field => field.Name == name).Select(field => field.Value);

    private static TextProto ReadMessage(string text, ref int at, char close)
    {
        var message = new TextProto();
        while (true)
        {
            SkipBlanks(text, ref at);
            if (at >= text.Length || text[at] == close)
            {
                at++;
                return message;
            }

            var name = text[at] == '[' ? text[at..(text.IndexOf(']', at) + 1)] : ReadWord(text, at);
            at += name.Length;
            SkipBlanks(text, ref at);
            if (text[at] == ':')
            {
                at++;
                SkipBlanks(text, ref at);
            }

            if (text[at] == '{')
            {
                at++;
                message._fields.Add((name, ReadMessage(text, ref at, '}')));
            }
            else if (text[at] is '"' or '\'')
            {
                message._fields.Add((name, ReadStrings(text, ref at)));
            }
            else
            {
                var value = ReadWord(text, at);
                at += value.Length;
                message._fields.Add((name, value));
            }
        }
    }

    private static string ReadWord(string text, int at)
    {
        var end = at;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '_' or '.' or '-' or '+'))
        {
            end++;
        }

        return end > at ? text[at..end] : throw new FormatException($"Nothing to read at {at}: {text[at..Math.Min(at + 30, text.Length)]}");
    }

    // Adjacent strings are one value.
    private static byte[] ReadStrings(string text, ref int at)
    {
        var bytes = new List<byte>();
        while (at < text.Length && text[at] is '"' or '\'')
        {
            var quote = text[at++];
            while (text[at] != quote)
            {
                if (text[at] == '\\')
                {
                    bytes.AddRange(ReadEscape(text, ref at));
                    continue;
                }

                var width = char.IsHighSurrogate(text[at]) ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(text.Substring(at, width)));
                at += width;
            }

            at++;
            SkipBlanks(text, ref at);
        }

        return [.. bytes];
    }

    private static byte[] ReadEscape(string text, ref int at)
    {
        var c = text[at + 1];
        at += 2;
        if (c is 'x' or 'X')
        {
            var hex = text.Substring(at, char.IsAsciiHexDigit(text[at + 1]) ? 2 : 1);
            at += hex.Length;
            return [byte.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)];
        }

        if (c is 'u' or 'U')
        {
            var digits = c == 'u' ? 4 : 8;
            at += digits;
            return Encoding.UTF8.GetBytes(
                new Rune(
                    int.Parse(text.AsSpan(at - digits, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)).ToString());
        }

        if (c is >= '0' and <= '7')
        {
            var value = c - '0';
            for (var i = 0; i < 2 && text[at] is >= '0' and <= '7'; i++)
            {
                value = (value * 8) + (text[at++] - '0');
            }

            return [(byte)value];
        }

        return [(byte)(c switch { 'a' => '\a', 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', 'v' => '\v', _ => c })];
    }

    private static void SkipBlanks(string text, ref int at)
    {
        while (at < text.Length && (char.IsWhiteSpace(text[at]) || text[at] is ',' or ';' or '#'))
        {
            var lineEnd = text.IndexOf('\n', at);
            at = text[at] != '#' ? at + 1 : lineEnd >= 0 ? lineEnd : text.Length;
        }
    }
}
