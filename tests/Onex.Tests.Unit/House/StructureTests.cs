using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Onex.Tests.Unit.House;

/// <summary>
/// The structure of the code: the direction of references between folders, names of files, unused members, and patches that apply.
/// </summary>
public sealed partial class StructureTests
{
    // Suites that the test projects inherit.
    private const string Suites = "tests/Onex.Tests.Compliance/";

    private static readonly Lazy<List<(string Path, string Text)>> _sources = new(() =>
    [
        .. new[] { "src", "tests", "benchmarks", "demo", "migrations" }
            .SelectMany(folder => Directory.EnumerateFiles(Repository.At(folder), "*.cs", SearchOption.AllDirectories))
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/Migrations/", StringComparison.Ordinal))
            .Select(path => (Path.GetRelativePath(Repository.Root, path), File.ReadAllText(path)))
            .OrderBy(file => file.Item1, StringComparer.Ordinal),
    ]);

    public static TheoryData<string> Patches() =>
    [
        .. Directory.EnumerateFiles(Repository.At("tests", "breaks"), "*.patch")
            .Select(path => Path.GetFileName(path))
            .Order(StringComparer.Ordinal),
    ];

    [Fact]
    public void Folder_references_of_a_project_are_acyclic()
    {
        var references = (
            from file in ProductionFiles()
            let parts = file.Path.Split('/')
            where parts.Length > 3
            from Match match in Regex.Matches(
                file.Text,
                $@"^using (static )?{Regex.Escape(parts[1])}\.(?<to>\w+)",
                RegexOptions.Multiline | RegexOptions.NonBacktracking)
            let to = match.Groups["to"].Value
            where to != parts[2] && Directory.Exists(Repository.At("src", parts[1], to))
            select (Project: parts[1], From: parts[2], To: to, file.Path)).ToList();
        var cycles = references
            .Where(reference => Reaches(reference.Project, reference.To, reference.From))
            .Select(
                reference => $"{reference.Path}: {reference.From} refers to {reference.To}, which refers back: move the type that both "
                    + $"need")
            .ToList();

        Assert.True(cycles.Count == 0, string.Join('\n', cycles));

        bool Reaches(string project, string from, string to)
        {
            var (seen, next) = (new HashSet<string> { from }, new Queue<string>([from]));
            while (next.TryDequeue(out var folder))
            {
                foreach (var reference in references.Where(reference => reference.Project == project && reference.From == folder))
                {
                    if (seen.Add(reference.To))
                    {
                        next.Enqueue(reference.To);
                    }
                }
            }

            return seen.Contains(to);
        }
    }

    [Fact]
    public void A_file_is_named_after_a_type_in_it() => Assert.Empty(
        from file in ProductionFiles()
        let name = Path.GetFileName(file.Path).Split('.')[0]
        let types = Declaration().Matches(file.Text).Select(match => match.Groups["name"].Value).ToList()
        where types.Count > 0 && name != "Program"
            && !types.Exists(type => type == name || type.StartsWith(name.TrimEnd('s'), StringComparison.Ordinal) || type == $"I{name}")
        select $"{file.Path}: holds {string.Join(", ", types)}: name the file after the type that a reader looks for");

    [Fact]
    public void No_declaration_is_unused()
    {
        var uses = _sources.Value
            .SelectMany(file => Word().Matches(Code(file.Text)).Select(match => match.Value))
            .GroupBy(word => word, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);

        Assert.Empty(
            from file in ProductionFiles()
            from Match match in Member().Matches(Code(file.Text))
            let name = match.Groups["name"].Value
            where uses[name] == 1 && !match.Value.Contains(" override ", StringComparison.Ordinal)
            select $"{file.Path}: nothing uses {name}: delete it");
    }

    [Theory]
    [MemberData(nameof(Patches))]
    public void A_break_patch_applies(string patch)
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["apply", "--check", Repository.At("tests", "breaks", patch)])
        {
            WorkingDirectory = Repository.Root,
            UseShellExecute = false,
            RedirectStandardError = true,
        })!;
        var errors = git.StandardError.ReadToEnd();
        git.WaitForExit();

        Assert.True(git.ExitCode == 0, $"tests/breaks/{patch} does not apply: make the patch again from the present source. {errors}");
    }

    // ./dev break says so only when it runs the patch, which CI does not.
    [Theory]
    [MemberData(nameof(Patches))]
    public void The_tests_that_a_break_names_exist(string patch)
    {
        var parts = File.ReadLines(Repository.At("tests", "breaks", patch))
            .Where(line => line.StartsWith("# tests: ", StringComparison.Ordinal))
            .Select(line => line.Split(' '))
            .ToList();
        Assert.NotEmpty(parts);
        Assert.All(parts, line => Assert.All(
            line[3].Split(['.', '*'], StringSplitOptions.RemoveEmptyEntries),
            name => Assert.Contains(
                _sources.Value,
                file => (file.Path.StartsWith($"tests/{line[2]}/", StringComparison.Ordinal)
                        || file.Path.StartsWith(Suites, StringComparison.Ordinal))
                    && file.Text.Contains(name, StringComparison.Ordinal))));
    }

    private static IEnumerable<(string Path, string Text)> ProductionFiles() =>
        _sources.Value.Where(file => file.Path.StartsWith("src/", StringComparison.Ordinal));

    private static string Code(string text) => Comment().Replace(text, "");

    [GeneratedRegex(@"^\s*//.*$", RegexOptions.Multiline, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b[A-Za-z_]\w*\b", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Word();

    [GeneratedRegex(
        @"\b(class|record struct|record|struct|interface|enum) (?<name>\w+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Declaration();

    // Private and internal members only, because a public one may belong to an interface, a wire type or a framework.
    [GeneratedRegex(
        @"^ +((private|internal|static|readonly|const|async|volatile) )+[\w<>\[\]?.,]+ (?<name>\w+) ?([({=;]|=>)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 5000)]
    private static partial Regex Member();
}
