using System.CommandLine;
using System.CommandLine.Parsing;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Effects.Vault;
using Onex.Hosting;
using Onex.Hosting.Plugins;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Runtime.Running;

namespace Onex.Runtime.Commands;

/// <summary>The commands of <c>onex</c>. Data goes to stdout, everything else to stderr.</summary>
internal static class CommandLine
{
    /// <summary>The command succeeded.</summary>
    public const int Done = 0;

    /// <summary>The command failed.</summary>
    public const int Failed = 1;

    private const int InvalidCommandLine = 2;

    private const string Executable = "onex";

    /// <summary>Runs the command and returns the exit code.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var parsed = Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (var line in Problems(parsed))
            {
                await Console.Error.WriteLineAsync(line);
            }

            if (Suggest(parsed) is { } suggestion)
            {
                await Console.Error.WriteLineAsync($"Did you mean '{suggestion}'?");
            }

            await Console.Error.WriteLineAsync($"'{PathOf(parsed.CommandResult.Command)} --help' shows what it takes.");
            return InvalidCommandLine;
        }

        try
        {
            // The host handles signals; the library would kill a draining role after two seconds.
            return await parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (ConfigurationException error)
        {
            foreach (var line in error.Lines)
            {
                await Console.Error.WriteLineAsync(line);
            }

            return OnexHost.BadConfiguration;
        }
        catch (NotReachableException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return Failed;
        }
        catch (Exception error)
        {
            await Console.Error.WriteLineAsync($"onex: crashed: {error}");
            return OnexHost.Crashed;
        }
    }

    /// <summary>Parses a command line. A word with '@' is an ordinary value; the library would read it as a response file.</summary>
    internal static ParseResult Parse(IReadOnlyList<string> arguments) =>
        Root().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });

    /// <summary>Reads the settings of a command; throws a <see cref="ConfigurationException"/> with all problems.</summary>
    public static RuntimeSettings Settings(SettingsUse use)
    {
        var result = Read(SettingsReader.ReadEnvironment(), use);
        return result.Settings ?? throw new ConfigurationException(result.Errors);
    }

    /// <summary>
    /// Reads the settings of a command, and the secrets of Vault that they refer to; throws a <see cref="ConfigurationException"/> with all
    /// problems, or a <see cref="NotReachableException"/> if Vault cannot be reached.
    /// </summary>
    public static async Task<RuntimeSettings> SettingsWithSecretsAsync(SettingsUse use)
    {
        var environment = SettingsReader.ReadEnvironment();
        var result = Read(environment, use);
        if (result is { Settings: not null, FromVault: { Count: > 0 } fromVault })
        {
            environment = await VaultSettings.ReadAsync(
                environment, fromVault, TimeProvider.System, logger: null, waitsFor: null, CancellationToken.None);
            result = Read(environment, use);
        }

        return result.Settings ?? throw new ConfigurationException(result.Errors);
    }

    private static SettingsResult Read(IReadOnlyDictionary<string, string> environment, SettingsUse use) =>
        SettingsReader.Read(environment, Environment.CurrentDirectory, use, Prefixes(environment));

    // Null if there are plug-ins, which these commands do not load: then names of operations are not checked.
    private static string[]? Prefixes(IReadOnlyDictionary<string, string> environment) =>
        string.IsNullOrWhiteSpace(environment.GetValueOrDefault(SettingsTable.PluginsDirectory.Name))
            ? Catalogue.Prefixes(PluginSet.None)
            : null;

    /// <summary>
    /// Reads the settings and loads the plug-ins of a command that checks contracts; throws a <see cref="ConfigurationException"/> with all
    /// problems.
    /// </summary>
    /// <param name="directory">The directory of the plug-ins; null for that in the environment.</param>
    public static (RuntimeSettings Settings, PluginSet Plugins) SettingsAndPlugins(string? directory)
    {
        var environment = SettingsReader.ReadEnvironment();
        var plugins = Catalogue.LoadPlugins(environment, Environment.CurrentDirectory, directory);
        var result = SettingsReader.Read(environment, Environment.CurrentDirectory, SettingsUse.Nothing, Catalogue.Prefixes(plugins));
        foreach (var warning in plugins.Diagnostics.Where(diagnostic => diagnostic.Severity == Severity.Warning))
        {
            Console.Error.Write(warning.Render());
        }

        return result.Settings is { } settings && !plugins.HasErrors
            ? (settings, plugins)
            : throw new ConfigurationException(
                [
                    .. plugins.Diagnostics.Where(diagnostic => diagnostic.Severity == Severity.Error)
                        .Select(diagnostic => diagnostic.Render().TrimEnd('\n')),
                    .. result.Errors,
                ]);
    }

    /// <summary>The option for the directory of plug-ins.</summary>
    public static Option<string?> PluginsOption() => new("--plugins")
    {
        Description = "The directory of plug-ins, whose operations contracts may name. Default: the directory in ONEX_PLUGINS_DIR.",
        Recursive = true,
    };

    /// <summary>All commands with their options, from which <c>--help</c>, completion and docs/cli.md are generated.</summary>
    public static RootCommand Root()
    {
        var json = new Option<bool>("--json") { Description = "Print data as JSON.", Recursive = true };
        var version = new Option<bool>("--version") { Description = "Show the version." };
        var root = new RootCommand("Onex: sagas from contracts, over Kafka.")
        {
            RoleCommand(),
            RequestCommand.Make(),
            SagasCommand.Make(json),
            DeadLettersCommand.Make(json),
            ContractsCommand.Make(json),
            OperationsCommand.Make(json),
            DatabaseCommand.Make(json),
            TopicsCommand.Make(json),
            WorkersCommand.Make(json),
            HealthCommand.Make(),
            ExplainCommand.Make(),
            CompletionCommand.Make(),
            VersionCommand(json),
        };

        // The library's version option prints the commit too.
        foreach (var option in root.Options.OfType<VersionOption>().ToList())
        {
            root.Options.Remove(option);
        }

        root.Options.Add(json);
        root.Options.Add(version);
        root.SetAction(parsed =>
        {
            if (parsed.GetValue(version))
            {
                PrintVersion(parsed.GetValue(json));
                return Done;
            }

            Console.Error.WriteLine("A command is missing. 'onex --help' shows the commands.");
            return InvalidCommandLine;
        });
        return root;
    }

    /// <summary>The problems of a command line. The library reports that an argument is missing, but not which one.</summary>
    internal static IEnumerable<string> Problems(ParseResult parsed) => parsed.Errors
        .Select(error => error.SymbolResult switch
        {
            OptionResult { Tokens.Count: 0, IdentifierToken: not null, Option: var option } =>
                $"The option {option.Name} needs a value: {option.Description}",
            ArgumentResult { Tokens.Count: 0, Argument: var argument } =>
                $"The argument <{argument.Name}> is missing: {argument.Description}",
            OptionResult { Tokens: [var token], Option: Option<int> option } =>
                $"The option {option.Name} takes a whole number, not '{token.Value}'.",
            CommandResult { Command: { Subcommands.Count: > 0 } command } when parsed.UnmatchedTokens.Count == 0 =>
                $"A subcommand of '{PathOf(command)}' is missing: {string.Join(", ", command.Subcommands.Select(sub => sub.Name))}.",
            CommandResult { Command.Subcommands.Count: > 0 } when error.Message.StartsWith("Required", StringComparison.Ordinal) => "",
            _ => error.Message,
        })
        .Where(line => line.Length > 0)
        .Distinct(StringComparer.Ordinal);

    /// <summary>A suggestion for the first unknown word, or null.</summary>
    internal static string? Suggest(ParseResult parsed)
    {
        if (parsed.UnmatchedTokens is not [var word, ..])
        {
            return null;
        }

        var command = parsed.CommandResult.Command;
        if (word.StartsWith('-'))
        {
            var recursive = parsed.RootCommandResult.Command.Options.Where(option => option.Recursive);
            return Spelling.Nearest(
                word.Split('=')[0], command.Options.Concat(recursive).SelectMany(option => option.Aliases.Prepend(option.Name)));
        }

        return Spelling.Nearest(word, command.Subcommands.Select(sub => sub.Name)) is { } name ? $"{PathOf(command)} {name}" : null;
    }

    /// <summary>The names of a command and its parents, as a user types them.</summary>
    internal static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{PathOf(parent)} {command.Name}" : Executable;

    private static Command RoleCommand()
    {
        var command = new Command("run", "Run the role that RUNTIME_PROFILE names until a signal stops it.");
        command.SetAction(
            (_, cancellation) => RunCommand.RunAsync(SettingsReader.ReadEnvironment(), Environment.CurrentDirectory, cancellation));
        return command;
    }

    private static Command VersionCommand(Option<bool> json)
    {
        var command = new Command("version", "Show the version.");
        command.SetAction(parsed => PrintVersion(parsed.GetValue(json)));
        return command;
    }

    private static void PrintVersion(bool json)
    {
        if (json)
        {
            Json.Print(writer => writer.WriteString("version", OnexHost.Version));
        }
        else
        {
            Console.WriteLine(OnexHost.Version);
        }
    }
}
