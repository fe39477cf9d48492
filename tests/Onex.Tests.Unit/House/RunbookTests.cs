using System.Text.RegularExpressions;

namespace Onex.Tests.Unit.House;

/// <summary>The sections of the runbook, docs/operating.md, to which health reports and alerts refer exist.</summary>
public sealed partial class RunbookTests
{
    private static readonly string _runbook = File.ReadAllText(Repository.At("docs", "operating.md"));

    [Fact]
    public void Each_component_of_health_has_a_section()
    {
        var components = Sources().Where(text => text.Contains("IHealthComponent", StringComparison.Ordinal))
            .SelectMany(text => ComponentName().Matches(text)).Select(match => match.Groups["name"].Value).ToList();

        Assert.Contains("database", components);
        Assert.Contains("bus", components);
        Assert.All(components, name => Assert.Contains($"\n### Component {name}\n", _runbook, StringComparison.Ordinal));
    }

    [Fact]
    public void Each_remedy_of_a_handler_leads_to_a_section()
    {
        var sections = Sources().SelectMany(text => RemedySection().Matches(text)).Select(match => match.Groups["section"].Value).ToList();

        Assert.Contains("vault-is-unavailable", sections);
        Assert.Contains("onexbreakeropen", sections);
        Assert.All(sections, section => Assert.Contains(section, Anchors()));
    }

    [Theory]
    [MemberData(nameof(AlertRulesTests.Alerts), MemberType = typeof(AlertRulesTests))]
    public void Each_alert_has_a_section_with_meaning_commands_and_remedy(string alert)
    {
        var start = _runbook.IndexOf($"\n### {alert}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"### {alert} is missing");
        var section = _runbook[start.._runbook.IndexOf("\n##", start + 1, StringComparison.Ordinal)];

        Assert.All(
            new[] { "**Means**", "**Look**", "**Do**", "**Clears**" }, part => Assert.Contains(part, section, StringComparison.Ordinal));
    }

    private static HashSet<string> Anchors() =>
        [.. Heading().Matches(_runbook).Select(match => match.Groups["text"].Value.ToLowerInvariant().Replace(' ', '-'))];

    private static IEnumerable<string> Sources() => Directory
        .EnumerateFiles(Repository.At("src"), "*.cs", SearchOption.AllDirectories)
        .Where(path => !path.Contains("/obj/", StringComparison.Ordinal))
        .Select(File.ReadAllText);

    [GeneratedRegex("""string (Name =>|ComponentName =) "(?<name>[a-z_]+)";""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ComponentName();

    [GeneratedRegex("""Remedy( \w+ = new)?\(\s*"[^"]*", "(?<section>[a-z-]+)"\)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RemedySection();

    [GeneratedRegex("^##+ (?<text>.+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Heading();
}
