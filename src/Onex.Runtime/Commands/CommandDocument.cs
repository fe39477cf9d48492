using System.CommandLine;
using System.Text;

namespace Onex.Runtime.Commands;

/// <summary>Renders docs/cli.md from the commands.</summary>
internal static class CommandDocument
{
    private const string Failure = "The command failed: rejected, not found, or no response; stderr has the reason. "
        + "`onex run`: crashed. `onex contracts check`: warnings, with `--warnings-as-errors`. `onex contracts test`: an example failed.";

    /// <summary>Renders the document.</summary>
    public static string Render()
    {
        var text = new StringBuilder($"""
            # The command `onex`

            Generated from `src/Onex.Runtime/Commands/`; a test compares the two, and `ONEX_GOLDEN=update` with that test updates this file.
            `onex --help`, and `--help` after any command, show the same. `source <(onex completion bash)` enables completion in the shell.

            Data goes to stdout, everything else to stderr. `--json`, after any command, prints data as JSON. On a terminal lists are
            tables; otherwise they are plain columns for other programs.

            | exit code | meaning |
            | --- | --- |
            | 0 | The command succeeded. `onex run`: stopped by a signal, after draining. |
            | 1 | {Failure} |
            | 2 | The command line is invalid; stderr has the reason, and a suggestion if there is one. |
            | 78 | Settings or contracts are wrong. All problems are listed. |

            `request`, `sagas` and `dlq` call the orchestrator's [HTTP API](http-api.md): at `--url`, else `ONEX_API_URL`, else on this
            machine. They send the token in `ONEX_API_TOKEN` (or in the file that `ONEX_API_TOKEN_FILE` names). Reading needs the scope
            `read`, commands need `operate`. The other commands read the settings of [configuration.md](configuration.md).


            """);
        foreach (var command in CommandLine.Root().Subcommands)
        {
            Write(text, command, "##");
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static void Write(StringBuilder text, Command command, string heading)
    {
        text.Append($"{heading} {CommandLine.PathOf(command)}\n\n");
        if (command.Subcommands.Count == 0)
        {
            text.Append($"    {Usage(command)}\n\n");
        }

        text.Append($"{command.Description}\n\n");
        var rows = command.Arguments.Select(argument => ($"`{Placeholder(argument)}`", argument.Description ?? ""))
            .Concat(
                command.Options.Where(option => option is not { Hidden: true }).OrderBy(
                    option => option.Name, StringComparer.Ordinal).Select(Row))
            .ToList();
        if (rows.Count > 0)
        {
            text.Append("| | |\n| --- | --- |\n");
            foreach (var (name, meaning) in rows)
            {
                text.Append($"| {name} | {meaning.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
            }

            text.Append('\n');
        }

        foreach (var subcommand in command.Subcommands)
        {
            Write(text, subcommand, heading + "#");
        }
    }

    private static string Usage(Command command)
    {
        var required = command.Options.Where(option => option.Required).Select(option => $"{option.Name} {Value(option)}");
        var optional = command.Options.Any(option => !option.Required) ? ["[OPTIONS]"] : Array.Empty<string>();
        return string.Join(' ', [CommandLine.PathOf(command), .. command.Arguments.Select(Placeholder), .. required, .. optional]);
    }

    private static (string Name, string Meaning) Row(Option option)
    {
        var names = string.Join(", ", option.Aliases.Prepend(option.Name).Distinct(StringComparer.Ordinal).Select(name => $"`{name}`"));
        var value = option.Arity.MaximumNumberOfValues == 0 || option is Option<bool> ? ""
            : option.Arity.MinimumNumberOfValues == 0 ? $" [`{Value(option)}`]"
            : $" `{Value(option)}`";
        var defaultText = option is Option<int> { HasDefaultValue: true } ? $" {option.GetDefaultValue()} unless given." : "";
        return ($"{names}{value}", $"{(option.Required ? "Required. " : "")}{option.Description}{defaultText}");
    }

    private static string Value(Option option) => option.Name.TrimStart('-').Replace('-', '_').ToUpperInvariant();

    private static string Placeholder(Argument argument)
    {
        var name = argument.Name.ToUpperInvariant();
        name = argument.Arity.MaximumNumberOfValues > 1 ? $"{name}..." : name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }
}
