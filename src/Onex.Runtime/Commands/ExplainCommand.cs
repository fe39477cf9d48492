using System.CommandLine;
using System.Reflection;
using Onex.Contracts.Text;

namespace Onex.Runtime.Commands;

/// <summary><c>onex explain [CODE]</c>: the page of docs/errors/ about a code, or the list of all codes.</summary>
internal static class ExplainCommand
{
    private const string Pages = "errors/";

    private static readonly Assembly _assembly = typeof(ExplainCommand).Assembly;

    /// <summary>Every code that has a page.</summary>
    public static IReadOnlyList<string> Codes { get; } =
    [
        .. _assembly.GetManifestResourceNames().Where(
            name => name.StartsWith(Pages, StringComparison.Ordinal)).Select(name => name[Pages.Length..]).Order(StringComparer.Ordinal),
    ];

    public static Command Make()
    {
        var code = new Argument<string?>("code")
        {
            // Without it, help shows all completions in its place.
            HelpName = "code",
            Arity = ArgumentArity.ZeroOrOne,
            Description = "The code: ONEX1001. Without it all codes are listed.",
        };
        code.CompletionSources.Add([.. Codes]);
        var command = new Command("explain", "Explain a code of an error or of a diagnostic: cause, example, remedy.") { code };
        command.SetAction(parsed => Explain(parsed.GetValue(code)));
        return command;
    }

    /// <summary>The page of a code, which is case-insensitive and may be its digits alone; null if there is none.</summary>
    public static string? Page(string code)
    {
        using var stream = _assembly.GetManifestResourceStream(
            Pages + (code.All(char.IsAsciiDigit) ? "ONEX" : "") + code.ToUpperInvariant());
        if (stream is null)
        {
            return null;
        }

        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static int Explain(string? code)
    {
        if (code is null)
        {
            foreach (var known in Codes)
            {
                Console.WriteLine(Page(known)!.Split('\n')[0].TrimStart('#', ' '));
            }

            return CommandLine.Done;
        }

        if (Page(code) is not { } page)
        {
            Console.Error.WriteLine(
                $"There is no code '{TableOutput.EscapeControls(code)}'."
                + (Spelling.Nearest(code, Codes) is { } near ? $" Did you mean {near}?" : "")
                + " 'onex explain' lists all codes.");
            return CommandLine.Failed;
        }

        Console.Write(page);
        return CommandLine.Done;
    }
}
