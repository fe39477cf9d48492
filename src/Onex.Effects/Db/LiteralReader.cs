using System.Text;

namespace Onex.Effects.Db;

/// <summary>
/// Parses PostgreSQL's text form of arrays, with all dimensions, and of composites; elements and fields stay texts. Returns null if the
/// text does not have that form, which only a type of an extension can cause.
/// </summary>
internal static class LiteralReader
{
    /// <summary>An item of an array: the text of an element, a nested array, or neither for null.</summary>
    public sealed record Item(string? Text, List<Item>? Items);

    /// <summary>The items of <c>{1,"two, three",NULL,{4}}</c>, also behind bounds: <c>[0:1]={1,2}</c>.</summary>
    public static List<Item>? ParseArray(string text, char delimiter)
    {
        var position = text.StartsWith('[') ? text.IndexOf('=', StringComparison.Ordinal) + 1 : 0;
        var items = ReadArray(text, ref position, delimiter);
        return position == text.Length ? items : null;
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
        for (var position = 1; position < text.Length; position++)
        {
            var character = text[position];
            if (character == '"' && isQuoted && text[position + 1] == '"')
            {
                field.Append(text[++position]);
            }
            else if (character == '"')
            {
                (isQuoted, hasText) = (!isQuoted, true);
            }
            else if (character == '\\' && position + 1 < text.Length)
            {
                field.Append(text[++position]);
                hasText = true;
            }
            else if (!isQuoted && (character == ',' || position == text.Length - 1))
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

    private static List<Item>? ReadArray(string text, ref int position, char delimiter)
    {
        if (position >= text.Length || text[position] != '{')
        {
            return null;
        }

        position++;
        var items = new List<Item>();
        if (position < text.Length && text[position] == '}')
        {
            position++;
            return items;
        }

        while (position < text.Length)
        {
            if (ReadItem(text, ref position, delimiter) is not { } item || position >= text.Length)
            {
                return null;
            }

            items.Add(item);
            var separator = text[position++];
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

    private static Item? ReadItem(string text, ref int position, char delimiter)
    {
        if (text[position] == '{')
        {
            return ReadArray(text, ref position, delimiter) is { } nested ? new Item(null, nested) : null;
        }

        var element = new StringBuilder();
        var isQuoted = text[position] == '"';
        if (isQuoted)
        {
            position++;
        }

        for (; position < text.Length; position++)
        {
            if (isQuoted ? text[position] == '"' : text[position] == delimiter || text[position] == '}')
            {
                break;
            }

            if (text[position] == '\\' && position + 1 < text.Length)
            {
                position++;
            }

            element.Append(text[position]);
        }

        if (isQuoted)
        {
            position++;
        }

        var value = element.ToString();
        return new Item(!isQuoted && value.Equals("NULL", StringComparison.OrdinalIgnoreCase) ? null : value, null);
    }
}
