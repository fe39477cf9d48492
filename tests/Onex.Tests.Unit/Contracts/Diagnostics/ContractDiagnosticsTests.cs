using System.Text.RegularExpressions;

namespace Onex.Tests.Unit.Contracts.Diagnostics;

/// <summary>
/// Every diagnostic of the compiler has an example in <c>tests/contracts/invalid</c> (a file, or a folder of files), next to it the exact
/// output that is expected, and a page in <c>docs/errors</c> that shows the output. None may exist without the others.
/// </summary>
public sealed partial class ContractDiagnosticsTests
{
    private static readonly string _invalid = Repository.At("tests", "contracts", "invalid");
    private static readonly string _pages = Repository.At("docs", "errors");

    public static TheoryData<string> Codes => new(CodesOfCompiler());

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_diagnostic_is_rendered_as_its_example_expects(string code)
    {
        var golden = Path.Combine(_invalid, $"{code}.expected.txt");
        var actual = Render(code);
        Assert.Contains($" {code}: ", actual, StringComparison.Ordinal);
        Assert.Equal(Repository.Golden(golden, actual), actual);
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_diagnostic_has_a_page_with_its_example(string code)
    {
        var path = Path.Combine(_pages, $"{code}.md");
        var page = File.ReadAllText(path);
        var shown = string.Concat(
            RenderedDiagnostic().Matches(Render(code)).Select(match => match.Value).First(
                text => text.Contains($" {code}: ", StringComparison.Ordinal)));
        if (Repository.Updating)
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
    public void Examples_and_pages_exist_only_for_known_codes()
    {
        var codes = CodesOfCompiler().ToHashSet();
        var withoutCode = Directory.EnumerateFileSystemEntries(_invalid).Concat(Directory.EnumerateFiles(_pages, "ONEX1*"))
            .Select(path => Path.GetFileName(path))
            .Where(name => !codes.Contains(name.Split('.')[0]));

        Assert.Empty(withoutCode);
    }

    private static IEnumerable<string> CodesOfCompiler()
    {
        var source = string.Concat(
            Directory.EnumerateFiles(
                Repository.At("src", "Onex.Contracts", "Diagnostics"), "ContractDiagnostics*.cs").Select(File.ReadAllText));
        return Code().Matches(source).Select(match => match.Value).Distinct().Order();
    }

    private static string Render(string code)
    {
        var folder = Path.Combine(_invalid, code);
        if (Directory.Exists(folder))
        {
            return Render(folder, folder, isStrict: false);
        }

        var temporary = Directory.CreateTempSubdirectory("onex-");
        try
        {
            var bytes = File.ReadAllBytes(Path.Combine(_invalid, $"{code}.yaml"));
            File.WriteAllBytes(Path.Combine(temporary.FullName, $"{code}.yaml"), Pad(bytes));
            return Render(temporary.FullName, temporary.FullName, bytes.AsSpan().StartsWith("# strict\n"u8));
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    // Some diagnostics are reported only by a strict check, which a file requests in its first line.
    private static string Render(string directory, string prefix, bool isStrict) =>
        string.Concat(
            ContractCompiler.CompileDirectory(
                directory, TestCatalogue.Context with { IsStrict = isStrict }).Diagnostics.Select(diagnostic => diagnostic.Render()))
            .Replace(prefix + Path.DirectorySeparatorChar, "", StringComparison.Ordinal)
            .Replace(prefix, "contracts", StringComparison.Ordinal);

    // Pads a file that requests it in its last line with comments, so that the repository need not contain a file of more than 1 MiB.
    private static byte[] Pad(byte[] bytes)
    {
        const string Mark = "# repeated to more than 1 MiB\n";
        return bytes.AsSpan().EndsWith(Encoding.UTF8.GetBytes(Mark))
            ? [.. bytes, .. Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(Mark, (1024 * 1024 / Mark.Length) + 1)))]
            : bytes;
    }

    [GeneratedRegex("ONEX1[0-9]{3}", RegexOptions.NonBacktracking)]
    private static partial Regex Code();

    // A line that is not indented, and the indented lines below it.
    [GeneratedRegex(@"^\S.*\n(?: .*\n)*", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex RenderedDiagnostic();

    [GeneratedRegex(@"```text\n(?:.*\n)*?```\n", RegexOptions.NonBacktracking)]
    private static partial Regex Fence();
}
