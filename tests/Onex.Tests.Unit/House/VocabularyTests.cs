using System.Text.RegularExpressions;

namespace Onex.Tests.Unit.House;

/// <summary>
/// Text uses the words of <c>docs/glossary.md</c>, and lines have at most 140 characters, in sources, tests and documents. The banned words
/// are in <c>vocabulary.txt</c> beside this file with their replacements; exceptions are in <c>vocabulary.exempt.txt</c> with their
/// reasons.
/// </summary>
public sealed partial class VocabularyTests
{
    private const int LineMax = 140;
    private const string Folder = "tests/Onex.Tests.Unit/House";

    private static readonly string[] _roots =
    [
        "src", "tests", "docs", "demo", "benchmarks", "contracts", "docker", "deploy", "README.md", "CHANGELOG.md",
    ];

    private static readonly string[] _kinds = [".cs", ".md", ".yaml", ".patch", ".expected.txt"];

    [Fact]
    public void Text_uses_the_words_of_the_glossary()
    {
        var words = Rules("vocabulary.txt")
            .Select(
                rule => (
                    Pattern: new Regex($@"\b(?:{rule.Text})(?!\w)", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)),
                    Instead: rule.Reason))
            .ToList();
        var exempt = Rules("vocabulary.exempt.txt").Select(rule => rule.Text).ToList();

        Report(
            from line in Lines()
            let text = Normalize(line.Text, exempt)
            from word in words
            let match = word.Pattern.Match(text)
            where match.Success
            select $"{line.Path}:{line.Number}: '{match.Value}': write {word.Instead}");
    }

    [Fact]
    public void No_line_is_longer_than_140_characters() => Report(
        from line in Lines()
        where line.Text.Length > LineMax && CanBreak(line)
        select $"{line.Path}:{line.Number}: {line.Text.Length} characters: break it after {LineMax}");

    private static void Report(IEnumerable<string> violations)
    {
        var found = violations.Take(500).ToList();
        Assert.True(found.Count == 0, $"{found.Count} places:\n{string.Join('\n', found)}");
    }

    // A row of a Markdown table cannot be broken, and neither can an address, the printed diagnostic on an error's page, or a command of
    // docker/README.md.
    private static bool CanBreak((string Path, int Number, string Text) line)
    {
        var isDocument = line.Path.EndsWith(".md", StringComparison.Ordinal);
        var isTableRow = isDocument && line.Text.TrimStart().StartsWith('|');
        var isDiagnostic = line.Path.StartsWith("docs/errors/", StringComparison.Ordinal)
            && (line.Text.StartsWith("ONEX", StringComparison.Ordinal) || line.Text.StartsWith("   ", StringComparison.Ordinal));
        return (isDocument || line.Path.EndsWith(".cs", StringComparison.Ordinal))
            && !isTableRow && !isDiagnostic && line.Path != "docker/README.md" && !LongAddress().IsMatch(line.Text);
    }

    // In lower case, with identifiers taken apart at their capitals and underscores.
    private static string Normalize(string line, List<string> exempt)
    {
        foreach (var text in exempt)
        {
            line = line.Replace(text, "", StringComparison.Ordinal);
        }

        return WordBoundary().Replace(line, " ").ToLowerInvariant();
    }

    private static IEnumerable<(string Path, int Number, string Text)> Lines()
    {
        var toDo = Rules("vocabulary.todo.txt").Select(rule => rule.Text).ToList();
        return _roots
            .Select(root => Repository.At(root))
            .SelectMany(root => File.Exists(root) ? [root] : Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories))
            .Where(path => _kinds.Any(kind => path.EndsWith(kind, StringComparison.Ordinal)) && File.Exists(path))
            .Select(path => Path.GetRelativePath(Repository.Root, path))
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            // The glossary lists the banned words, and another version has written the samples.
            .Where(path => path != "docs/glossary.md" && !path.StartsWith("tests/samples/", StringComparison.Ordinal))
            .Where(path => !toDo.Any(prefix => path.StartsWith(prefix, StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal)
            .SelectMany(path => File.ReadLines(Repository.At(path))
                .Select((text, index) => (Path: path, Number: index + 1, Text: text))
                // The other lines of a patch are source code.
                .Where(
                    line => !path.EndsWith(".patch", StringComparison.Ordinal) || line.Text.StartsWith('#') || line.Text.StartsWith('+')));
    }

    private static IEnumerable<(string Text, string Reason)> Rules(string file) => File.ReadLines(Repository.At(Folder, file))
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(
            line => (
                line[..line.LastIndexOf(" = ", StringComparison.Ordinal)],
                line[(line.LastIndexOf(" = ", StringComparison.Ordinal) + 3)..]));

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])|_", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WordBoundary();

    [GeneratedRegex(@"https?://\S{60,}", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LongAddress();
}
