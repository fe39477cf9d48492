namespace Onex.Tests.Unit.House;

/// <summary>Compares generated documents, or parts of them, with the code, or updates them with <c>ONEX_GOLDEN=update</c>.</summary>
internal static class GeneratedDocument
{
    private const string End = "<!-- end -->";
    private const int ColumnsMax = 140;

    /// <summary>Compares or updates a whole document.</summary>
    public static void Verify(string document, string expected)
    {
        var path = Repository.At("docs", document);
        if (Repository.Updating)
        {
            File.WriteAllText(path, expected);
        }

        Assert.Equal(expected, File.ReadAllText(path));
    }

    /// <summary>Compares or updates the part between <c>&lt;!-- made: name --&gt;</c> and <c>&lt;!-- end --&gt;</c>.</summary>
    public static void Verify(string document, string part, string expected)
    {
        expected = Wrap(expected);
        var path = Repository.At("docs", document);
        var text = File.ReadAllText(path);
        var begin = $"<!-- made: {part} -->\n";
        var start = text.IndexOf(begin, StringComparison.Ordinal);
        Assert.True(start >= 0, $"docs/{document} has no part '{begin.TrimEnd()}'.");
        start += begin.Length;
        var end = text.IndexOf(End, start, StringComparison.Ordinal);
        Assert.True(end >= 0, $"The part '{part}' of docs/{document} has no {End}.");
        if (Repository.Updating)
        {
            text = text[..start] + expected + text[end..];
            File.WriteAllText(path, text);
            end = start + expected.Length;
        }

        Assert.Equal(expected, text[start..end]);
    }

    // Breaks paragraphs, which begin with a capital letter. Rows of tables and examples have to stay on one line.
    private static string Wrap(string text) => string.Join('\n', text.Split('\n').Select(line =>
    {
        var from = 0;
        while (line.Length - from > ColumnsMax && line[0] is >= 'A' and <= 'Z')
        {
            var at = line.LastIndexOf(' ', from + ColumnsMax);
            line = $"{line[..at]}\n{line[(at + 1)..]}";
            from = at + 1;
        }

        return line;
    }));

    /// <summary>A Markdown table, or an empty text without rows.</summary>
    public static string Table(string head, IEnumerable<string> rows)
    {
        var all = rows.ToList();
        var line = string.Concat(head.Split('|').Select(_ => " --- |"));
        return all.Count == 0 ? "" : $"| {head} |\n|{line}\n{string.Concat(all.Select(row => $"| {row} |\n"))}";
    }

    /// <summary>Escapes text for a cell of a table.</summary>
    public static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
