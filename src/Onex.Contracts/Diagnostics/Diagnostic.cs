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
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="Length">Characters to mark; at least 1.</param>
/// <param name="Problem">What is wrong.</param>
/// <param name="Remedy">What to do.</param>
/// <param name="SourceLine">The line's text, or null if there is none.</param>
public sealed record Diagnostic(
    string Code, Severity Severity, string Path, int Line, int Column, int Length, string Problem, string Remedy, string? SourceLine)
{
    /// <summary>As a compiler prints it: first line clickable, then the source line with the culprit marked, then the way out.</summary>
    public string Render() => throw new NotImplementedException();
}
