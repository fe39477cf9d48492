using System.Text;

namespace Onex.Contracts.Diagnostics;

/// <summary>How bad it is.</summary>
public enum Severity
{
    /// <summary>Worth knowing.</summary>
    Warning,

    /// <summary>Nothing starts.</summary>
    Error,
}

/// <summary>One thing wrong with a contract: where, what, and what to do about it.</summary>
/// <param name="Code"><c>ONEX1xxx</c>.</param>
/// <param name="Severity">How bad it is.</param>
/// <param name="Path">The file, as given.</param>
/// <param name="Line">From 1; 0 if there is no file (an environment variable).</param>
/// <param name="Column">From 1.</param>
/// <param name="Length">Characters to mark; at least 1.</param>
/// <param name="Problem">What is wrong.</param>
/// <param name="Remedy">What to do.</param>
/// <param name="SourceLine">The line's text, or null if there is none.</param>
public sealed record Diagnostic(
    string Code, Severity Severity, string Path, int Line, int Column, int Length, string Problem, string Remedy, string? SourceLine)
{
    // Beyond this a terminal wraps and the carets point nowhere.
    private const int ShownMax = 160;
    private const int BeforeMax = 60;

    /// <summary>As a compiler prints it: first line clickable, then the source line with the culprit marked, then the way out.</summary>
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
        var from = source.Length <= ShownMax ? 0 : Math.Max(0, column - BeforeMax);
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

    // A contract's bytes reach the terminal: none of them may steer it.
    private static string Printable(string text) =>
        string.Create(text.Length, text, static (span, source) =>
        {
            for (var index = 0; index < span.Length; index++)
            {
                var character = source[index];
                span[index] = (char.IsControl(character) && character != '\t') || character is '\u2028' or '\u2029' ? '\uFFFD' : character;
            }
        });
}
