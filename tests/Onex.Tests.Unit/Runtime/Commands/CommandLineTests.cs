using System.CommandLine;
using System.Text.RegularExpressions;
using Onex.Hosting.Plugins;
using Onex.Hosting.Settings;
using Onex.Runtime.Commands;
using Onex.Runtime.Running;

namespace Onex.Tests.Unit.Runtime.Commands;

public sealed partial class CommandLineTests
{
    [Fact]
    public void The_document_matches_the_command_help() =>
        Assert.Equal(CommandDocument.Render(), Repository.Golden(Repository.At("docs", "cli.md"), CommandDocument.Render()));

    [Fact]
    public void Every_command_argument_and_option_has_a_description() => Assert.All(
        Commands(CommandLine.Root()),
        command =>
        {
            Assert.False(string.IsNullOrWhiteSpace(command.Description), command.Name);
            Assert.All(
                command.Arguments,
                argument => Assert.False(string.IsNullOrWhiteSpace(argument.Description), $"{command.Name} {argument.Name}"));
            Assert.All(
                command.Options, option => Assert.False(string.IsNullOrWhiteSpace(option.Description), $"{command.Name} {option.Name}"));
        });

    [Fact]
    public async Task Help_lists_the_commands_in_lines_that_fit_a_screen()
    {
        using var output = new StringWriter();

        await CommandLine.Root().Parse("--help").InvokeAsync(new InvocationConfiguration { Output = output });

        var lines = output.ToString().Split('\n');
        Assert.Contains(lines, line => line.Contains("explain <code>", StringComparison.Ordinal));
        Assert.All(lines, line => Assert.True(line.Length <= 140, line));
    }

    [Fact]
    public void Every_command_of_the_runbook_is_valid()
    {
        var lines = RunbookCommand().Matches(File.ReadAllText(Repository.At("docs", "operating.md")))
            .Select(match => match.Groups["line"].Value).Distinct(StringComparer.Ordinal).ToList();

        Assert.Contains("topics rewind --to 2026-11-24T11:50:00Z --apply", lines);
        Assert.All(lines, line => Assert.Empty(CommandLine.Root().Parse(line.Replace("TEXT", "text", StringComparison.Ordinal)).Errors));
    }

    [Theory]
    [InlineData("sagsa list", "onex sagas")]
    [InlineData("dql", "onex dlq")]
    [InlineData("dlq redirve 1", "onex dlq redrive")]
    [InlineData("sagas lst", "onex sagas list")]
    [InlineData("dlq list --limt=5", "--limit")]
    [InlineData("dlq list --jsn", "--json")]
    [InlineData("frobnicate", null)]
    public void A_misspelt_word_is_reported_with_a_suggestion(string line, string? suggestion)
    {
        var parsed = CommandLine.Root().Parse(line);

        Assert.NotEmpty(parsed.Errors);
        Assert.Equal(suggestion, CommandLine.Suggest(parsed));
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
    public void A_missing_argument_is_a_usage_error(string line) => Assert.NotEmpty(CommandLine.Root().Parse(line).Errors);

    [Theory]
    [InlineData("sagas show", "The argument <id> is missing: The saga's id.")]
    [InlineData(
        "sagas send",
        "The argument <id> is missing: The saga's id.|The argument <event> is missing: The event's name, as the contract declares it.")]
    [InlineData("sagas send 1", "The argument <event> is missing: The event's name, as the contract declares it.")]
    [InlineData("sagas list --limit", "The option --limit needs a value: Rows of the page: 1 to 500.")]
    [InlineData("sagas list --limit many", "The option --limit takes a whole number, not 'many'.")]
    [InlineData("db", "A subcommand of 'onex db' is missing: ")]
    [InlineData("sagas terminate 1", "Option '--confirm' is required.")]
    public void A_missing_argument_is_named(string line, string expected)
    {
        var problems = CommandLine.Problems(CommandLine.Parse(line.Split(' '))).ToList();

        Assert.Equal(expected.Split('|').Length, problems.Count);
        Assert.All(expected.Split('|').Zip(problems), pair => Assert.StartsWith(pair.First, pair.Second, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_missing_argument_is_named() => Assert.All(
        Commands(CommandLine.Root()).Where(command => command.Arguments.Any(argument => argument.Arity.MinimumNumberOfValues > 0)),
        command => Assert.All(
            command.Arguments.Where(argument => argument.Arity.MinimumNumberOfValues > 0),
            argument => Assert.Contains(
                $"The argument <{argument.Name}> is missing: "
                    + $"{argument.Description}", CommandLine.Problems(
                        CommandLine.Parse([.. CommandLine.PathOf(command).Split(' ').Skip(1)])))));

    [Fact]
    public void A_text_argument_may_begin_with_an_at_sign()
    {
        foreach (var command in Commands(CommandLine.Root()).Where(command => command.Subcommands.Count == 0))
        {
            string[] path = [.. CommandLine.PathOf(command).Split(' ').Skip(1)];
            foreach (var option in command.Options.Where(option => option.ValueType == typeof(string)))
            {
                Assert.Equal("@ann", Assert.Single(ParseLine([.. path, option.Name, "@ann"]).GetResult(option.Name)!.Tokens).Value);
                Assert.Equal("@ann", Assert.Single(ParseLine([.. path, $"{option.Name}=@ann"]).GetResult(option.Name)!.Tokens).Value);
            }

            foreach (var argument in command.Arguments)
            {
                Assert.Contains(
                    "@ann",
                    ParseLine(
                        [.. path, .. Enumerable.Repeat(
                            "@ann", command.Arguments.Count)]).GetResult(argument.Name)!.Tokens.Select(token => token.Value));
            }
        }

        static ParseResult ParseLine(string[] line)
        {
            var parsed = CommandLine.Parse(line);
            Assert.DoesNotContain(
                parsed.Errors,
                error => error.Message.Contains("ann", StringComparison.Ordinal) && error.Message.Contains(
                    "not found", StringComparison.Ordinal));
            return parsed;
        }
    }

    [Theory]
    [InlineData("contract: x", false, 78)]
    [InlineData(ContractWithWarning, false, 0)]
    [InlineData(ContractWithWarning, true, 1)]
    public async Task Contracts_check_ends_with_the_documented_code(string contract, bool warningsAsErrors, int code)
    {
        var directory = Directory.CreateTempSubdirectory("onex-check-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(directory.FullName, "x.yaml"), contract, TestContext.Current.CancellationToken);
            string[] line = [
                "contracts",
                "check",
                directory.FullName,
                .. warningsAsErrors ? ["--warnings-as-errors"] : Array.Empty<string>(),
            ];

            Assert.Equal(code, await CommandLine.RunAsync(line));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("x.yaml", 0)]
    public async Task An_unused_connection_is_reported_for_a_directory_and_not_for_a_file(string path, int code)
    {
        var directory = Directory.CreateTempSubdirectory("onex-check-");
        try
        {
            var connections = directory.CreateSubdirectory("connections").FullName;
            await File.WriteAllTextAsync(
                Path.Combine(connections, "outside.yaml"), "connections: { stock: { type: http, url: 'http://127.0.0.1:9' } "
                    + "}\n", TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(
                Path.Combine(
                    directory.FullName,
                    "x.yaml"), "contract: x\nversion: 1.0.0\ninput: {}\ninitial: done\nstates: { done: { end: completed } }\n",
                TestContext.Current.CancellationToken);

            Assert.Equal(
                code, await CommandLine.RunAsync(["contracts", "check", Path.Combine(directory.FullName, path), "--warnings-as-errors"]));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("true", 0)]
    [InlineData("perhaps", 78)]
    public async Task A_file_of_operations_is_checked_with_its_directory(string changesWorld, int code)
    {
        var directory = Directory.CreateTempSubdirectory("onex-check-");
        try
        {
            var file = Path.Combine(directory.CreateSubdirectory("operations").FullName, "a.yaml");
            await File.WriteAllTextAsync(
                file,
                $"operations:\n  a.b: {{ topic: a-commands, changes_world: {changesWorld} }}\n",
                TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(
                Path.Combine(directory.FullName, "x.yaml"),
                "contract: x\nversion: 1.0.0\ninput: {}\ninitial: done\nstates: { done: { end: completed } }\n",
                TestContext.Current.CancellationToken);

            Assert.Equal(code, await CommandLine.RunAsync(["contracts", "check", file]));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_faulty_connection_is_reported_once_and_first()
    {
        var directory = Directory.CreateTempSubdirectory("onex-check-");
        try
        {
            File.WriteAllText(Path.Combine(directory.FullName, "a.yaml"), """
                contract: small
                version: 1.0.0
                input: {}
                initial: look
                states:
                  look:
                    steps: [{ id: look, effect: http.get, connection: stock, with: { path: / } }]
                    next: don
                  done: { end: completed }
                """);
            Directory.CreateDirectory(Path.Combine(directory.FullName, "connections"));
            File.WriteAllText(
                Path.Combine(directory.FullName, "connections", "outside.yaml"),
                "connections:\n  stock: { type: http, url: 'stock:9001' }\n");
            File.WriteAllText(Path.Combine(directory.FullName, "connections", "more.yml"), "connections: {}\n");
            var settings = SettingsReader.Read(
                new Dictionary<string,
                string>(),
                directory.FullName,
                SettingsUse.Nothing).Settings! with
            { ContractsDirectory = directory.FullName };

            var loaded = LoadedContracts.Load(settings, new Dictionary<string, string>(), resolveSecrets: false, PluginSet.None);

            Assert.Equal(["ONEX2001", "ONEX2005", "ONEX1023"], loaded.Diagnostics.Select(diagnostic => diagnostic.Code));
            Assert.Equal(
                [
                    $"{directory.FullName}/connections/outside.yaml:2:29: error ONEX2005:",
                    $"{directory.FullName}/a.yaml:8:11: error ONEX1023:"],
                loaded.ErrorLines.Select(line => line[..(line.IndexOf(" ONEX", StringComparison.Ordinal) + 10)]));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void Every_code_that_has_a_page_can_be_explained()
    {
        Assert.Equal(
            Directory.EnumerateFiles(
                Repository.At("docs", "errors"),
                "*.md").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal), ExplainCommand.Codes);
        Assert.StartsWith("# ONEX4007: ", ExplainCommand.Page("onex4007"), StringComparison.Ordinal);
        Assert.StartsWith("# ONEX4007: ", ExplainCommand.Page("4007"), StringComparison.Ordinal);
        Assert.Null(ExplainCommand.Page("ONEX9999"));
    }

    [Fact]
    public void Every_command_line_in_messages_and_documents_exists()
    {
        string[] files =
        [
            .. Directory.EnumerateFiles(Repository.At("src"), "*.cs", SearchOption.AllDirectories)
                .Where(file => !file.Contains("/obj/", StringComparison.Ordinal)),
            .. Directory.EnumerateFiles(Repository.At("docs"), "*.md", SearchOption.AllDirectories), Repository.At("README.md"),
            Repository.At("docker", "README.md"),
        ];
        var lines = files.SelectMany(file => QuotedCommandLine().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups["line"].Value)
            .Distinct(StringComparer.Ordinal)
            .ToList();

        Assert.True(lines.Count > 20, "hardly any line was found");
        Assert.All(lines, line =>
        {
            var parsed = CommandLine.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).ToArray());
            Assert.True(
                parsed.UnmatchedTokens.Count == 0
                    && (parsed.CommandResult.Command.Parents.Any() || line.StartsWith("onex -", StringComparison.Ordinal)),
                line);
        });
    }

    // Quoted text without placeholders of a shell or an interpolation.
    [System.Text.RegularExpressions.GeneratedRegex(
        """['`](?<line>onex [a-z-][^'`"{}|\[\]<>$\\/\n]*)['`]""",
        System.Text.RegularExpressions.RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 5000)]
    private static partial System.Text.RegularExpressions.Regex QuotedCommandLine();

    [Fact]
    public void Why_shows_the_last_error_and_the_proposed_commands()
    {
        using var why = System.Text.Json.JsonDocument.Parse("""
            {"sentence": "It is blocked.", "actions": ["sagas retry 1", "sagas list --parent 1"],
             "last_error": {"at": "2026-11-24T08:00:00Z", "step": "charge", "code": "http_503", "message": "later"}}
            """);

        Assert.Equal(
            [
                "It is blocked.",
                "Last error: step 'charge' at 2026-11-24 08:00:00Z: http_503: later",
                "  onex sagas retry 1",
                "  onex sagas list --parent 1"],
            SagasCommand.WhyLines(why.RootElement));
    }

    [Fact]
    public void Output_to_a_terminal_contains_no_control_characters() =>
        Assert.Equal("\\u001B[31mred\\u000A", TableOutput.EscapeControls("\u001b[31mred\n"));

    private const string ContractWithWarning = """
        contract: example
        version: 1.0.0
        input: { type: object }
        events:
          cancel: {}
          approve: {}
        initial: waiting
        states:
          waiting:
            on_event:
              - { event: cancel, next: done }
          done: { end: completed }
        """;

    private static IEnumerable<Command> Commands(Command command) => command.Subcommands.SelectMany(Commands).Prepend(command);

    [GeneratedRegex("""^ {4,}onex (?<line>.+)$""", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RunbookCommand();
}
