using Onex.Contracts.Text;

namespace Onex.Contracts.Diagnostics;

/// <summary>The text of a file and the diagnostics about it.</summary>
/// <param name="path">The path as messages show it.</param>
/// <param name="text">The whole text.</param>
/// <param name="mask">Masks secrets in the parts of the text that diagnostics show; null if the text has no secrets.</param>
internal sealed class SourceFile(string path, string text, Func<string, string>? mask = null)
{
    private readonly List<DiagnosticDraft> _drafts = [];
    private readonly Dictionary<int, string> _lines = [];
    private List<int>? _lineStarts;

    public string Path { get; } = path;

    public string Text { get; } = text;

    /// <summary>Whether the file has as many diagnostics as are shown, so further checks are pointless.</summary>
    public bool IsFull => _drafts.Count >= Limits.DiagnosticsPerFileMax - 1;

    /// <summary>All diagnostics so far.</summary>
    public IReadOnlyList<DiagnosticDraft> Reported => _drafts;

    public bool HasErrors => _drafts.Exists(draft => draft.Severity == Severity.Error);

    public void Report(DiagnosticDraft draft)
    {
        if (!IsFull)
        {
            _drafts.Add(draft);
        }
    }

    /// <summary>The diagnostics without repetitions, in order of position; if the file is full, a last one says so.</summary>
    public IEnumerable<Diagnostic> Diagnostics()
    {
        var sorted = _drafts
            .Distinct()
            .OrderBy(draft => draft.At.Line)
            .ThenBy(draft => draft.At.Column)
            .ThenBy(draft => draft.Code, StringComparer.Ordinal)
            .ToList();

        if (IsFull)
        {
            sorted.Add(ContractDiagnostics.MoreProblems(sorted[^1].At));
        }

        return sorted.Select(draft => new Diagnostic(
            draft.Code,
            draft.Severity,
            Path,
            draft.At.Line,
            draft.At.Column,
            draft.At.Length,
            draft.Problem,
            draft.Remedy,
            Line(draft.At.Line) is { } line ? Shown(line) : null));
    }

    /// <summary>A part of the text with its secrets masked.</summary>
    public string Shown(string piece) => mask?.Invoke(piece) ?? piece;

    /// <summary>The text of a line, counted from 1; null if there is no such line.</summary>
    public string? Line(int number)
    {
        if (_lines.TryGetValue(number, out var known))
        {
            return known;
        }

        _lineStarts ??= FindLines(Text);
        if (number < 1 || number > _lineStarts.Count || Text.Length == 0)
        {
            return null;
        }

        var start = _lineStarts[number - 1];
        var end = number < _lineStarts.Count ? _lineStarts[number] : Text.Length;
        return _lines[number] = Text[start..end].TrimEnd('\r', '\n', '\u0085', '\u2028', '\u2029');
    }

    /// <summary>The offset of a line and column, both from 1.</summary>
    public int Offset(int line, int column)
    {
        _lineStarts ??= FindLines(Text);
        return Math.Min(Text.Length, _lineStarts[Math.Clamp(line, 1, _lineStarts.Count) - 1] + column - 1);
    }

    /// <summary>The position of a part of the text on one line.</summary>
    public SourceSpan Place(int offset, int length)
    {
        _lineStarts ??= FindLines(Text);
        var found = _lineStarts.BinarySearch(offset);
        var line = found >= 0 ? found : ~found - 1;
        return new SourceSpan(line + 1, offset - _lineStarts[line] + 1, Math.Max(1, length));
    }

    // Lines end at the same characters as in the YAML scanner, so that its line numbers apply here.
    private static List<int> FindLines(string text)
    {
        var starts = new List<int> { 0 };
        for (var index = 0; index < text.Length; index++)
        {
            if (text[index] is '\n' or '\u0085' or '\u2028' or '\u2029'
                || (text[index] == '\r' && (index + 1 == text.Length || text[index + 1] != '\n')))
            {
                starts.Add(index + 1);
            }
        }

        return starts;
    }
}
