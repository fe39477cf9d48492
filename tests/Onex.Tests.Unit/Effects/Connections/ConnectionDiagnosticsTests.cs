using System.Text.RegularExpressions;
using Onex.Effects.Connections;
using Onex.Tests.Unit.Contracts;

namespace Onex.Tests.Unit.Effects.Connections;

/// <summary>
/// Every diagnostic that only files of connections have has an example in <c>tests/connections/invalid</c> (a file, or a folder of files),
/// the exact output expected of it beside it, and a page in <c>docs/errors</c> that shows it. None may be there without the others.
/// </summary>
public sealed partial class ConnectionDiagnosticsTests
{
    private static readonly string _invalid = RepositoryFiles.At("tests", "connections", "invalid");
    private static readonly string _pages = RepositoryFiles.At("docs", "errors");

    public static TheoryData<string> Codes => new(CodesOfReader());

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_diagnostic_about_connections_is_printed_as_its_example_expects(string code)
    {
        var golden = Path.Combine(_invalid, $"{code}.expected.txt");
        var actual = Render(code);
        if (RepositoryFiles.Updating)
        {
            File.WriteAllText(golden, actual);
        }

        Assert.Contains($" {code}: ", actual, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", actual, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllText(golden), actual);
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_diagnostic_about_connections_has_a_page_that_shows_it(string code)
    {
        var path = Path.Combine(_pages, $"{code}.md");
        var page = File.ReadAllText(path);
        var shown = Render(code);
        if (RepositoryFiles.Updating)
        {
            page = Fence().Replace(page, _ => $"```text\n{shown}```\n");
            File.WriteAllText(path, page);
        }

        Assert.StartsWith($"# {code}: ", page, StringComparison.Ordinal);
        Assert.Contains("## Cause\n", page, StringComparison.Ordinal);
        Assert.Contains($"## Example\n\n```text\n{shown}```\n", page, StringComparison.Ordinal);
        Assert.Contains("## Remedy\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_there_for_a_diagnostic_about_connections_that_does_not_exist()
    {
        var codes = CodesOfReader().ToHashSet();
        var named = Directory.EnumerateFileSystemEntries(_invalid).Concat(Directory.EnumerateFiles(_pages, "ONEX20*"))
            .Select(path => Path.GetFileName(path))
            .Where(name => !codes.Contains(name.Split('.')[0]));

        Assert.Empty(named);
    }

    private static IEnumerable<string> CodesOfReader()
    {
        var source = File.ReadAllText(RepositoryFiles.At("src", "Onex.Effects", "Connections", "ConnectionDiagnostics.cs"));
        return Code().Matches(source).Select(match => match.Value).Distinct().Order();
    }

    private static string Render(string code)
    {
        var folder = Path.Combine(_invalid, code);
        if (Directory.Exists(folder))
        {
            return RenderDirectory(folder);
        }

        var temporary = Directory.CreateTempSubdirectory("onex-");
        try
        {
            File.Copy(Path.Combine(_invalid, $"{code}.yaml"), Path.Combine(temporary.FullName, $"{code}.yaml"));
            return RenderDirectory(temporary.FullName);
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    private static string RenderDirectory(string directory) =>
        string.Concat(
            ConnectionsReader.Read(
                directory, new Dictionary<string, string>(), resolveSecrets: false).Diagnostics.Select(diagnostic => diagnostic.Render()))
            .Replace(directory + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);

    [GeneratedRegex("ONEX2[0-9]{3}", RegexOptions.NonBacktracking)]
    private static partial Regex Code();

    [GeneratedRegex(@"```text\n(?:.*\n)*?```\n", RegexOptions.NonBacktracking)]
    private static partial Regex Fence();
}
