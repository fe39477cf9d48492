using System.CommandLine;
using Onex.Runtime.Commands;
using Onex.Tests.Support;

namespace Onex.Tests.Unit.Runtime;

public sealed class CommandLineTests
{
    [Fact]
    public void The_document_says_what_the_commands_say()
    {
        var path = Repository.At("docs", "cli.md");
        if (Environment.GetEnvironmentVariable("ONEX_GOLDEN") == "update")
        {
            File.WriteAllText(path, CommandDocument.Render());
        }

        Assert.Equal(CommandDocument.Render(), File.ReadAllText(path));
    }

    [Fact]
    public void Every_word_argument_and_option_says_what_it_is_for() => Assert.All(
        Commands(CommandLine.Root()),
        command =>
        {
            Assert.False(string.IsNullOrWhiteSpace(command.Description), command.Name);
            Assert.All(command.Arguments, argument => Assert.False(string.IsNullOrWhiteSpace(argument.Description), $"{command.Name} {argument.Name}"));
            Assert.All(command.Options, option => Assert.False(string.IsNullOrWhiteSpace(option.Description), $"{command.Name} {option.Name}"));
        });

    [Theory]
    [InlineData("sagsa list", "onex sagas")]
    [InlineData("dql", "onex dlq")]
    [InlineData("dlq redirve 1", "onex dlq redrive")]
    [InlineData("sagas lst", "onex sagas list")]
    [InlineData("dlq list --limt=5", "--limit")]
    [InlineData("dlq list --jsn", "--json")]
    [InlineData("frobnicate", null)]
    public void A_misspelt_word_is_told_what_it_may_have_meant(string line, string? meant)
    {
        var parsed = CommandLine.Root().Parse(line);

        Assert.NotEmpty(parsed.Errors);
        Assert.Equal(meant, CommandLine.Meant(parsed));
    }

    [Theory]
    [InlineData("dl", "dlq")]
    [InlineData("dlq re", "redrive")]
    [InlineData("dlq dis", "discard")]
    [InlineData("dlq list --st", "--status")]
    [InlineData("dlq redrive --f", "--force")]
    [InlineData("dlq list --status ", "redriven")]
    [InlineData("sagas lis", "list")]
    public void The_shell_completes_words_and_options(string line, string word) =>
        Assert.Contains(CommandLine.Root().Parse(line).GetCompletions(line.Length), completion => completion.Label == word);

    [Theory]
    [InlineData("dlq discard 1")]
    [InlineData("dlq redrive")]
    [InlineData("dlq")]
    public void What_is_missing_is_an_error_of_usage(string line) => Assert.NotEmpty(CommandLine.Root().Parse(line).Errors);

    [Fact]
    public void A_terminal_is_not_sent_what_it_would_obey() => Assert.Equal("\\u001B[31mred\\u000A", Show.Harmless("\u001b[31mred\n"));

    private static IEnumerable<Command> Commands(Command command) => command.Subcommands.SelectMany(Commands).Prepend(command);
}
