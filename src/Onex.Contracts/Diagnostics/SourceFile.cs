using Onex.Contracts.Text;

namespace Onex.Contracts.Diagnostics;

/// <summary>The text of one file, and what is wrong with it.</summary>
/// <param name="path">As people are to see it.</param>
/// <param name="text">All of it.</param>
/// <param name="masked">Masks secrets in what is shown of a line; null where there are none.</param>
internal sealed class SourceFile(string path, string text, Func<string, string>? masked = null)
{
    private readonly List<DiagnosticDraft> _complaints = [];
    private readonly Dictionary<int, string> _lines = [];
    private List<int>? _lineStarts;

    public string Path { get; } = path;

    public string Text { get; } = text;

    /// <summary>Whether further complaints would not be shown, so that looking for more is in vain.</summary>
    public bool IsFull => _complaints.Count >= Limits.DiagnosticsPerFileMax - 1;

    /// <summary>Everything reported so far.</summary>
    public IReadOnlyList<DiagnosticDraft> Reported => _complaints;

    /// <summary>How much has been reported so far.</summary>
    public int Count => _complaints.Count;

    public bool HasErrors => _complaints.Exists(complaint => complaint.Severity == Severity.Error);

    public void Report(DiagnosticDraft complaint)
    {
        if (!IsFull)
        {
            _complaints.Add(complaint);
        }
    }

    /// <summary>Everything reported, by place.</summary>
    public IEnumerable<Diagnostic> Diagnostics()
    {
        var sorted = _complaints
            .Distinct()
            .OrderBy(complaint => complaint.At.Line)
            .ThenBy(complaint => complaint.At.Column)
            .ThenBy(complaint => complaint.Code, StringComparer.Ordinal)
            .ToList();

        if (IsFull)
        {
            sorted.Add(ContractDiagnostics.MoreProblems(sorted[^1].At));
        }

        return sorted.Select(complaint => new Diagnostic(
            complaint.Code,
            complaint.Severity,
            Path,
            complaint.At.Line,
            complaint.At.Column,
            complaint.At.Length,
            complaint.Problem,
            complaint.Remedy,
            Line(complaint.At.Line) is { } line ? Shown(line) : null));
    }

    /// <summary>A piece of the text as it may be shown.</summary>
    public string Shown(string piece) => masked?.Invoke(piece) ?? piece;

    /// <summary>The text of a line, from 1; null behind the last one.</summary>
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

    /// <summary>Where a line and a column of it, both from 1, are in the text.</summary>
    public int Offset(int line, int column)
    {
        _lineStarts ??= FindLines(Text);
        return Math.Min(Text.Length, _lineStarts[Math.Clamp(line, 1, _lineStarts.Count) - 1] + column - 1);
    }

    /// <summary>The place of a part of the text on one line.</summary>
    public SourceSpan Place(int offset, int length)
    {
        _lineStarts ??= FindLines(Text);
        var line = _lineStarts.BinarySearch(offset) is >= 0 and var exact ? exact : ~_lineStarts.BinarySearch(offset) - 1;
        return new SourceSpan(line + 1, offset - _lineStarts[line] + 1, Math.Max(1, length));
    }

    // The breaks that YAML's scanner counts.
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
