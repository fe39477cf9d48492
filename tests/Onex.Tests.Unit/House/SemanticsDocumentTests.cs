using System.Text.RegularExpressions;

namespace Onex.Tests.Unit.House;

/// <summary><c>docs/semantics.md</c> names the tests of each rule. They exist, and every rule has one.</summary>
public sealed partial class SemanticsDocumentTests
{
    [Fact]
    public void Every_rule_names_existing_tests()
    {
        var tests = Directory.EnumerateFiles(Repository.At("tests"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Test().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups["name"].Value)
            .ToHashSet(StringComparer.Ordinal);
        var rules = Rule()
            .Matches(File.ReadAllText(Repository.At("docs", "semantics.md")))
            .Where(rule => rule.Groups["rule"].Value is not ("rule" or "---"))
            .ToList();

        Assert.True(rules.Count > 60, $"only {rules.Count} rules are read");
        Assert.All(rules, rule =>
        {
            var names = Name().Matches(rule.Groups["held"].Value).Select(match => match.Groups["name"].Value).ToList();
            Assert.NotEmpty(names);
            Assert.All(names, name => Assert.Contains(name, tests));
        });
    }

    [GeneratedRegex(
        @"\[(?:Fact|Theory)[^\n]*\]\s(?:[^\n]*\n)*?\s+public (?:async )?(?:void|Task) (?<name>[A-Z]\w+)",
        RegexOptions.None,
        matchTimeoutMilliseconds: 5000)]
    private static partial Regex Test();

    [GeneratedRegex(@"^\| (?<rule>[^|\n]+) \| (?<held>[^|\n]+) \|$", RegexOptions.Multiline, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Rule();

    [GeneratedRegex("`(?<name>[^`]+)`", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Name();
}
