using System.Text.RegularExpressions;
using Onex.Engine.Examples;
using Onex.Runtime.Commands;
using Onex.Tests.Unit.Contracts;

namespace Onex.Tests.Unit.House;

/// <summary><c>docs/tutorial.md</c>: every contract compiles and its examples pass, and every command exists.</summary>
public sealed partial class TutorialTests
{
    private const string LastContract = "contract: order-fulfilment\n";
    private static readonly string _text = File.ReadAllText(Repository.At("docs", "tutorial.md"));

    public static TheoryData<string> Contracts => [.. Pieces().Where(text => !text.StartsWith(LastContract, StringComparison.Ordinal))];

    public static TheoryData<string> Commands => [.. Command().Matches(_text).Select(match => match.Groups["line"].Value)];

    [Theory]
    [MemberData(nameof(Contracts))]
    public void Every_contract_compiles_without_a_warning_and_its_examples_hold(string contract)
    {
        var compilation = ContractCompiler.Compile(
            new ContractSource("tutorial.yaml", contract, ImmutableSortedDictionary<string, string>.Empty),
            TestCatalogue.OrderFulfilmentContext);
        Assert.Equal("", string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));

        var report = ContractExamples.Run(compilation.Plans.Single());
        Assert.NotEmpty(report.Examples);
        Assert.Empty(report.Examples.SelectMany(example => example.Problems));
    }

    [Fact]
    public void The_last_contract_is_the_whole_example_and_its_examples_hold()
    {
        var directory = Repository.At("tests", "contracts", "valid", "order-fulfilment-full");
        Assert.Contains(
            File.ReadAllText(Path.Combine(directory, "order-fulfilment.yaml")).TrimEnd(),
            Pieces().Single(text => text.StartsWith(LastContract, StringComparison.Ordinal)),
            StringComparison.Ordinal);

        var compilation = ContractCompiler.CompileDirectory(directory, TestCatalogue.OrderFulfilmentContext);
        Assert.Empty(compilation.Diagnostics);
        Assert.Empty(ContractExamples.Run(compilation.Plans.Single()).Examples.SelectMany(example => example.Problems));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Every_tutorial_command_exists(string line)
    {
        // Splits as a shell does: text in apostrophes is one word.
        var words = line.Split('\'')
            .SelectMany((part, index) => index % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Empty(CommandLine.Parse([.. words]).Errors);
    }

    private static IEnumerable<string> Pieces() => Yaml().Matches(_text).Select(match => match.Groups["text"].Value);

    [GeneratedRegex(
        @"^```yaml\n(?<text>(.*\n)*?)```$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Yaml();

    [GeneratedRegex(@"^\$ \./dev onex (?<line>.*)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Command();
}
