using System.Text.RegularExpressions;

namespace Onex.Tests.Unit.House;

/// <summary>The files, headings and decisions that documents and comments refer to exist.</summary>
public sealed partial class ReferenceTests
{
    private static readonly string[] _codeFolders = ["src", "tests", "migrations", "benchmarks", "contracts", "docker", "findings"];
    private static readonly string[] _extensions = [".cs", ".sql", ".yaml", ".yml", ".sh", ".csproj", ".props"];
    private static readonly Dictionary<string, HashSet<string>> _anchors = [];

    public static TheoryData<string> Documents =>
    [
        "README.md", "docker/README.md",
        .. Directory.EnumerateFiles(Repository.At("docs"), "*.md", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Repository.Root, path))
            .Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Documents))]
    public void A_document_link_leads_to_an_existing_file_and_heading(string document) => Assert.Empty(
        Link().Matches(WithoutCode(File.ReadAllText(Repository.At(document))))
            .Select(link => link.Groups["to"].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal))
            .Where(target => !Exists(Path.GetDirectoryName(Repository.At(document))!, Repository.At(document), target))
            .Select(target => $"{document}: '{target}' leads nowhere"));

    [Fact]
    public void A_document_reference_in_a_comment_exists() => Assert.Empty(
        Sources().SelectMany(path => File.ReadLines(path).Select((line, index) => (path, line, index)))
            .SelectMany(entry => FindProblems(entry.line)
                .Select(problem => $"{Path.GetRelativePath(Repository.Root, entry.path)}:{entry.index + 1}: {problem}")));

    [Fact]
    public void Every_file_named_in_the_contributors_page_exists() => Assert.Empty(
        Named().Matches(File.ReadAllText(Repository.At("docs", "contributing.md")))
            .Select(match => match.Groups["path"].Value)
            .Where(path => !File.Exists(Repository.At(path)) && !Directory.Exists(Repository.At(path)))
            .Select(path => $"docs/contributing.md names {path}, which does not exist"));

    [Fact]
    public void Every_document_is_in_the_index()
    {
        var index = Link().Matches(File.ReadAllText(Repository.At("docs", "README.md"))).Select(link => link.Groups["to"].Value);
        var documents = Directory.EnumerateFiles(Repository.At("docs"), "*.md").Select(path => Path.GetFileName(path));

        Assert.Empty(documents.Except(index).Except(["README.md"]));
    }

    private static IEnumerable<string> Sources() => _codeFolders
        .SelectMany(folder => Directory.EnumerateFiles(Repository.At(folder), "*", SearchOption.AllDirectories))
        .Where(path => _extensions.Any(extension => path.EndsWith(extension, StringComparison.Ordinal)))
        .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/contracts/invalid/", StringComparison.Ordinal))
        .Append(Repository.At("dev")).Append(Repository.At("Directory.Packages.props")).Append(Repository.At("Directory.Build.props"));

    private static IEnumerable<string> FindProblems(string line)
    {
        // A reference must name a heading: the numbers of sections would change, so the documents have none.
        foreach (Match number in Numbered().Matches(line))
        {
            yield return $"'{number.Value}' is no heading of a document: cite the document and its heading, NAME.md#heading below docs";
        }

        foreach (Match cited in Cited().Matches(line))
        {
            var place = cited.Value.StartsWith("docs/", StringComparison.Ordinal) ? cited.Value : $"docs/{cited.Value}";
            if (!Exists(Repository.Root, "", place))
            {
                yield return $"'{cited.Value}' does not exist";
            }
        }

        foreach (Match decision in Decision().Matches(line))
        {
            var number = int.Parse(decision.Groups["number"].Value).ToString("0000");
            if (!Directory.EnumerateFiles(Repository.At("docs", "adr"), $"{number}-*.md").Any())
            {
                yield return $"there is no decision {number} in docs/adr";
            }
        }
    }

    private static bool Exists(string folder, string document, string target)
    {
        var (file, heading) = target.Split('#') is [var before, var after] ? (before, after) : (target, null);
        var path = file.Length == 0 ? document : Path.GetFullPath(Path.Combine(folder, file));
        return heading is null ? File.Exists(path) || Directory.Exists(path) : File.Exists(path) && Anchors(path).Contains(heading);
    }

    // GitHub's form of anchors: lower case, without punctuation, dashes for blanks.
    private static HashSet<string> Anchors(string path)
    {
        lock (_anchors)
        {
            if (!_anchors.TryGetValue(path, out var anchors))
            {
                var headings = Heading().Matches(WithoutFences(File.ReadAllText(path))).Select(match => match.Groups["text"].Value);
                anchors = [.. headings.Select(heading => Anchor(heading.Trim()))];
                _anchors.Add(path, anchors);
            }

            return anchors;
        }
    }

    private static string Anchor(string heading)
    {
        var text = new StringBuilder();
        foreach (var character in heading.ToLowerInvariant())
        {
            if (char.IsLetterOrDigit(character) || character is ' ' or '-' or '_')
            {
                text.Append(character == ' ' ? '-' : character);
            }
        }

        return text.ToString();
    }

    private static string WithoutFences(string text) => Fence().Replace(text, "");

    private static string WithoutCode(string text) => Inline().Replace(WithoutFences(text), "");

    [GeneratedRegex(@"(?<!!)\[[^\]\n]*(?:\n[^\]\n]*)?\]\((?<to>[^)\s]+)\)", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Link();

    [GeneratedRegex(@"^#{1,6} (?<text>.+)$", RegexOptions.Multiline, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Fence();

    [GeneratedRegex("`[^`\n]*`", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Inline();

    [GeneratedRegex(
        @"\b(contract-language|operations|architecture|semantics)(\.md)?, *(\d|""|section|sentence)",
        RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase,
        matchTimeoutMilliseconds: 5000)]
    private static partial Regex Numbered();

    [GeneratedRegex(
        @"\bdocs/[A-Za-z0-9_./-]*[A-Za-z0-9_](#[a-z0-9-]+)?|(?<![\w./#-])[a-z][a-z-]*\.md\b(#[a-z0-9-]+)?",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 5000)]
    private static partial Regex Cited();

    [GeneratedRegex(@"\b(ADR |docs/adr/)(?<number>\d+)\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Decision();

    [GeneratedRegex(
        @"`(?<path>(src|tests|docs|migrations|docker|contracts|benchmarks)/[^`\s]+)`",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 5000)]
    private static partial Regex Named();
}
