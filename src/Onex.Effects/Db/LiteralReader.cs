using System.Text;

namespace Onex.Effects.Db;

/// <summary>
/// Parses PostgreSQL's text form of arrays and composites, one level of nesting at a time. Returns null if the text does not have that
/// form, which only a type of an extension can cause.
/// </summary>
internal static class LiteralReader
{
    /// <summary>An item of an array: the text of an element, a nested array, or neither for null.</summary>
    public sealed record Item(string? Text, List<Item>? Items);

    /// <summary>The items of <c>{1,"two, three",NULL,{4}}</c>, also behind bounds: <c>[0:1]={1,2}</c>.</summary>
    public static List<Item>? ParseArray(string text, char delimiter)
    {
        var at = text.StartsWith('[') ? text.IndexOf('=', StringComparison.Ordinal) + 1 : 0;
        var items = ReadArray(text, ref at, delimiter);
        return at == text.Length ? items : null;
    }

    /// <summary>The fields of <c>(1,"two ""quoted""",)</c>; a field without any text is null.</summary>
    public static List<string?>? ParseComposite(string text)
    {
        if (text is not ['(', .., ')'])
        {
            return null;
        }

        var fields = new List<string?>();
        var field = new StringBuilder();
        var (isQuoted, hasText) = (false, false);
        for (var at = 1; at < text.Length; at++)
        {
            var character = text[at];
            if (character == '"' && isQuoted && text[at + 1] == '"')
            {
                field.Append(text[++at]);
            }
            else if (character == '"')
            {
                (isQuoted, hasText) = (!isQuoted, true);
            }
            else if (character == '\\' && at + 1 < text.Length)
            {
                field.Append(text[++at]);
                hasText = true;
            }
            else if (!isQuoted && (character == ',' || at == text.Length - 1))
            {
                fields.Add(hasText ? field.ToString() : null);
                field.Clear();
                hasText = false;
            }
            else
            {
                field.Append(character);
                hasText = true;
            }
        }

        return isQuoted ? null : fields;
    }

    private static List<Item>? ReadArray(string text, ref int at, char delimiter)
    {
        if (at >= text.Length || text[at] != '{')
        {
            return null;
        }

        at++;
        var items = new List<Item>();
        if (at < text.Length && text[at] == '}')
        {
            at++;
            return items;
        }

        while (at < text.Length)
        {
            if (ReadItem(text, ref at, delimiter) is not { } item || at >= text.Length)
            {
                return null;
            }

            items.Add(item);
            var separator = text[at++];
            if (separator == '}')
            {
                return items;
            }

            if (separator != delimiter)
            {
                return null;
            }
        }

        return null;
    }

    private static Item? ReadItem(string text, ref int at, char delimiter)
    {
        if (text[at] == '{')
        {
            return ReadArray(text, ref at, delimiter) is { } nested ? new Item(null, nested) : null;
        }

        var element = new StringBuilder();
        var isQuoted = text[at] == '"';
        if (isQuoted)
        {
            at++;
        }

        for (; at < text.Length; at++)
        {
            if (isQuoted ? text[at] == '"' : text[at] == delimiter || text[at] == '}')
            {
                break;
            }

            if (text[at] == '\\' && at + 1 < text.Length)
            {
                at++;
            }

            element.Append(text[at]);
        }

        if (isQuoted)
        {
            at++;
        }

        var read = element.ToString();
        return new Item(!isQuoted && read.Equals("NULL", StringComparison.OrdinalIgnoreCase) ? null : read, null);
    }
}
