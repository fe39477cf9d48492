using System.Text.Json;
using Onex.Contracts.Text;
using Spectre.Console;

namespace Onex.Runtime.Commands;

/// <summary>Prints data as text on stdout.</summary>
internal static class TableOutput
{
    /// <summary>Prints a table: with borders on a terminal, else as plain columns for other programs.</summary>
    public static void Table(IReadOnlyList<string> heads, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        if (Console.IsOutputRedirected)
        {
            foreach (var line in Columns([heads, .. rows]))
            {
                Console.WriteLine(line);
            }

            return;
        }

        var table = new Table().Border(TableBorder.Rounded);
        foreach (var head in heads)
        {
            table.AddColumn(new TableColumn(new Text(head)) { NoWrap = head is "id" or "at" });
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        AnsiConsole.Write(table);
    }

    /// <summary>Lines of columns, each as wide as its widest cell.</summary>
    internal static IEnumerable<string> Columns(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = Enumerable.Range(0, rows[0].Count).Select(column => rows.Max(row => row[column].Length)).ToList();
        return rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    /// <summary>Prints the members of an object, one per line, except those with these names.</summary>
    public static void Members(JsonElement json, IReadOnlyCollection<string> except)
    {
        foreach (var member in json.EnumerateObject().Where(member => !except.Contains(member.Name, StringComparer.Ordinal)))
        {
            Console.WriteLine($"{member.Name + ":",-18} {Cell(json, member.Name)}");
        }
    }

    /// <summary>
    /// Text on one line, with control characters as <c>\u001B</c>, because a terminal obeys them and anybody who writes to a topic can send
    /// them.
    /// </summary>
    public static string EscapeControls(string text) => text.Any(char.IsControl)
        ? string.Concat(text.Select(character => char.IsControl(character) ? $"\\u{(int)character:X4}" : character.ToString()))
        : text;

    /// <summary>A member as a cell; empty if it is missing or null.</summary>
    public static string Cell(JsonElement json, string name) => json.TryGetProperty(name, out var value)
        ? value.ValueKind switch
        {
            JsonValueKind.String => EscapeControls(value.GetString()!),
            JsonValueKind.Null => "",
            _ => value.GetRawText(),
        }
        : "";

    /// <summary>A member that is a time, in UTC, to the second; empty if it is none.</summary>
    public static string Time(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.TryGetDateTimeOffset(out var at)
            ? TimeText.Format(at)
            : "";
}
