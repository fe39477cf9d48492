using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Schemas;

/// <summary>Reads a file that a contract refers to, by path relative to the contracts directory.</summary>
internal delegate LoadedFile ReadReference(string path);

/// <summary>A referenced file, parsed once for all contracts. Each contract reports the diagnostics of the file again.</summary>
/// <param name="Text">Its text; null if there is none.</param>
/// <param name="Problem">Why it has no text.</param>
/// <param name="Root">The parsed content; null if it has syntax errors.</param>
/// <param name="Diagnostics">Its syntax errors and unfit numbers.</param>
internal sealed record LoadedFile(string? Text, string? Problem, SyntaxNode? Root, IReadOnlyList<DiagnosticDraft> Diagnostics)
{
    /// <summary>Parses the text of a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="text">Its text; null if there is none.</param>
    /// <param name="problem">Why it has no text.</param>
    /// <param name="depthMax">The maximum nesting depth.</param>
    /// <param name="isRegistered">
    /// Whether it is read for a registered contract. The sagas of the contract need it, so numbers that an earlier version of Onex accepted
    /// are not reported.
    /// </param>
    public static LoadedFile Parse(string path, string? text, string? problem, int depthMax, bool isRegistered = false)
    {
        if (text is null)
        {
            return new LoadedFile(null, problem, null, []);
        }

        var file = new SourceFile(path, text);
        var root = path.EndsWith(".json", StringComparison.Ordinal) ? JsonReader.Read(file, depthMax)
            : YamlReader.Read(file, depthMax, isRegistered);
        if (root is not null && !isRegistered)
        {
            root.ReportUnfitNumbers(file);
        }

        return new LoadedFile(text, null, root, file.Reported);
    }
}

/// <summary>A file that a contract refers to.</summary>
/// <param name="Path">Its path, relative to the contracts directory.</param>
/// <param name="File">Its text and diagnostics.</param>
/// <param name="Root">The parsed content; null if it has syntax errors.</param>
internal sealed record ReferencedFile(string Path, SourceFile File, SyntaxNode? Root);

/// <summary>The files that one contract refers to, each opened once.</summary>
/// <param name="read">Reads a file.</param>
/// <param name="show">Formats a path for diagnostics.</param>
internal sealed class References(ReadReference read, Func<string, string> show)
{
    private readonly Dictionary<string, ReferencedFile> _files = new(StringComparer.Ordinal);

    /// <summary>The opened files, in order of path.</summary>
    public IEnumerable<ReferencedFile> Files => _files.Values.OrderBy(file => file.Path, StringComparer.Ordinal);

    /// <summary>Their texts by path.</summary>
    public ImmutableSortedDictionary<string, string> Texts() =>
        _files.Values.ToImmutableSortedDictionary(file => file.Path, file => file.File.Text, StringComparer.Ordinal);

    /// <summary>
    /// The file that <paramref name="reference"/> names relative to <paramref name="from"/>; null with the reason if it cannot be opened.
    /// </summary>
    public ReferencedFile? Open(string from, string reference, out string? problem)
    {
        if (Resolve(from, reference, out problem) is not { } path)
        {
            return null;
        }

        if (_files.TryGetValue(path, out var known))
        {
            return known;
        }

        if (_files.Count >= Limits.ReferencesMax)
        {
            problem = $"a contract may refer to {Limits.ReferencesMax} files at most";
            return null;
        }

        var loaded = read(path);
        if (loaded.Text is null)
        {
            problem = loaded.Problem ?? "it cannot be read";
            return null;
        }

        var file = new SourceFile(show(path), loaded.Text);
        foreach (var draft in loaded.Diagnostics)
        {
            file.Report(draft);
        }

        return _files[path] = new ReferencedFile(path, file, loaded.Root);
    }

    /// <summary>The path relative to the contracts directory; null with the reason if the reference is invalid or leads outside.</summary>
    private static string? Resolve(string from, string reference, out string? problem)
    {
        problem = null;
        if (reference.StartsWith('/') || reference.Contains('\\', StringComparison.Ordinal)
            || reference.Contains(':', StringComparison.Ordinal)
            || reference.Contains('\0', StringComparison.Ordinal))
        {
            problem = "its path must be relative, with '/'";
            return null;
        }

        if (!reference.EndsWith(".json", StringComparison.Ordinal) && !reference.EndsWith(".yaml", StringComparison.Ordinal))
        {
            problem = "its name must end in .json or .yaml";
            return null;
        }

        var segments = from.Split('/').SkipLast(1).ToList();
        foreach (var segment in reference.Split('/'))
        {
            if (segment is "" or ".")
            {
                continue;
            }

            if (segment != "..")
            {
                segments.Add(segment);
            }
            else if (segments.Count > 0)
            {
                segments.RemoveAt(segments.Count - 1);
            }
            else
            {
                problem = "it is outside the contracts directory";
                return null;
            }
        }

        return string.Join('/', segments);
    }
}
