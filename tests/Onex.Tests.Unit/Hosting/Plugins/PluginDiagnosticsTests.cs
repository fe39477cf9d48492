using System.Text.RegularExpressions;
using Onex.Hosting.Plugins;

namespace Onex.Tests.Unit.Hosting.Plugins;

public sealed partial class PluginDiagnosticsTests
{
    public static TheoryData<string> Codes() =>
    [
        .. Code().Matches(File.ReadAllText(Repository.At("src", "Onex.Hosting", "Plugins", "PluginDiagnostics.cs")))
            .Select(match => match.Value).Distinct(),
    ];

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_diagnostic_has_a_page_with_an_example(string code)
    {
        var page = File.ReadAllText(Repository.At("docs", "errors", $"{code}.md"));

        Assert.StartsWith($"# {code}: ", page, StringComparison.Ordinal);
        Assert.Matches($"## Cause\n\n.+(?s:.*)## Example\n\n```text\n[^\n]*: (error|warning) {code}: (?s:.*)## Remedy\n\n.+", page);
    }

    [Fact]
    public void A_missing_assembly_is_reported_as_its_page_shows()
    {
        var page = File.ReadAllText(Repository.At("docs", "errors", "ONEX2101.md"));

        Assert.Contains(
            PluginDiagnostics.NoAssembly("/app/plugins/Acme.Shipping", "Acme.Shipping.dll").Render(), page, StringComparison.Ordinal);
    }

    [GeneratedRegex("ONEX2[0-9]{3}", RegexOptions.NonBacktracking)]
    private static partial Regex Code();
}
