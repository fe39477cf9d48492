using System.Diagnostics;

namespace Onex.Tests.Support;

/// <summary>How a program ended.</summary>
public sealed record ProgramResult(int Code, string Out, string Error)
{
    /// <summary>Throws unless the program ended with 0.</summary>
    public ProgramResult OrThrow(string what) =>
        Code == 0 ? this : throw new InvalidOperationException($"{what} ended with {Code}: {Error.Trim()} {Out.Trim()}");
}

/// <summary>Runs programs of the machine.</summary>
public static class Shell
{
    /// <summary>Whether this process has the rights of root, as which PostgreSQL does not run.</summary>
    public static bool IsRoot { get; } = Environment.IsPrivilegedProcess;

    /// <summary>Runs a program until it ends and its output is closed. A process that it leaves running must not keep that open.</summary>
    public static Task<ProgramResult> RunAsync(string program, params string[] arguments) => RunAsync(program, arguments, null);

    /// <summary>The same, with environment variables in addition to the inherited ones.</summary>
    public static async Task<ProgramResult> RunAsync(
        string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new ProgramResult(process.ExitCode, await output, await error);
    }

    /// <summary>The full path of a program on PATH, or null. A broken link does not count.</summary>
    public static string? Which(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(directory => Path.Combine(directory, program))
            .FirstOrDefault(path => File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is null or { Exists: true });
}
