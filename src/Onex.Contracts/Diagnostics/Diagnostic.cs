using System.Globalization;
using System.Text;

namespace Onex.Contracts.Diagnostics;

/// <summary>Whether a diagnostic prevents the start.</summary>
public enum Severity
{
    /// <summary>Does not prevent the start of a role.</summary>
    Warning,

    /// <summary>Prevents the start of a role.</summary>
    Error,
}

/// <summary>A diagnostic about a contract, an operation, a connection, a setting or a plug-in: position, problem and remedy.</summary>
/// <param name="Code"><c>ONEX1xxx</c> or <c>ONEX2xxx</c>.</param>
/// <param name="Severity">Whether it prevents the start.</param>
/// <param name="Path">The path of the file, as messages show it; or <c>environment</c>, or a plug-in.</param>
/// <param name="Line">From 1; 0 if there is no file (an environment variable, a plug-in).</param>
/// <param name="Column">From 1.</param>
/// <param name="Length">The number of characters to mark; at least 1.</param>
/// <param name="Problem">What is wrong, as a sentence.</param>
/// <param name="Remedy">How to fix it, in one or more sentences.</param>
/// <param name="SourceLine">The line's text, or null if there is none.</param>
public sealed record Diagnostic(
    string Code, Severity Severity, string Path, int Line, int Column, int Length, string Problem, string Remedy, string? SourceLine)
{
    // Of a longer line a part is shown, because the line would wrap in a terminal and its carets would mark the wrong place.
    private const int ShownMax = 160;
    private const int ShownBeforeMarkMax = 60;

    /// <summary>Renders it like a compiler: a clickable position with the problem, the marked source line, and the remedy.</summary>
    public string Render()
    {
        var severity = Severity == Severity.Error ? "error" : "warning";
        var text = new StringBuilder().Append($"{Path}{(Line == 0 ? "" : $":{Line}:{Column}")}: {severity} {Code}: {Printable(Problem)}\n");
        if (SourceLine is not null)
        {
            AppendSource(text, SourceLine);
        }

        return text.Append($"      {Printable(Remedy)}\n").ToString();
    }

    private void AppendSource(StringBuilder text, string source)
    {
        var gutter = $"{(Line == 0 ? "" : $"{Line}"),5} | ";
        var column = Math.Clamp(Column - 1, 0, source.Length);
        var from = source.Length <= ShownMax ? 0 : Math.Max(0, column - ShownBeforeMarkMax);
        var shown = Printable(source.Substring(from, Math.Min(ShownMax, source.Length - from)));
        var before = shown[..(column - from)];
        var carets = Math.Max(1, Math.Min(Length, shown.Length - before.Length));

        text.Append(gutter).Append(shown).Append('\n');
        text.Append(' ', gutter.Length - 2).Append("| ");
        foreach (var character in before)
        {
            text.Append(character == '\t' ? '\t' : ' ');
        }

        text.Append('^', carets).Append('\n');
    }

    // Replaces control characters, because text of a contract must not control the terminal, and invisible ones and other blanks, which
    // hide why a name or a line is wrong.
    private static string Printable(string text) =>
        string.Create(text.Length, text, static (span, source) =>
        {
            for (var index = 0; index < span.Length; index++)
            {
                var character = source[index];
                span[index] = character is ' ' or '\t' || char.GetUnicodeCategory(character) is not (
                    UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator
                    or UnicodeCategory.ParagraphSeparator) ? character : '\uFFFD';
            }
        });
}
