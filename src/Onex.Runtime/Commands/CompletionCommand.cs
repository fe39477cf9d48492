using System.CommandLine;

namespace Onex.Runtime.Commands;

/// <summary><c>onex completion bash|zsh</c>: prints a script with which the shell completes commands and options.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _onex() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$(onex "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _onex onex
        """;

    private const string Zsh = """
        _onex() {
          local -a found
          found=("${(@f)$(onex "[suggest:${#BUFFER}]" "$BUFFER" 2>/dev/null)}")
          compadd -a found
        }
        compdef _onex onex
        """;

    public static Command Make()
    {
        var shell = new Argument<string>("shell") { Description = "bash or zsh." };
        shell.AcceptOnlyFromAmong("bash", "zsh");
        var command = new Command("completion", "Print a completion script: source <(onex completion bash)") { shell };
        command.SetAction(parsed => Console.WriteLine(parsed.GetValue(shell) == "zsh" ? Zsh : Bash));
        return command;
    }
}
