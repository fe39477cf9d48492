using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Onex.Workers.Sandbox;

/// <summary>How the process of a sandbox is started: this program again, without the environment of the worker.</summary>
/// <param name="File">The program.</param>
/// <param name="Arguments">Its arguments before those that make it a sandbox.</param>
internal sealed record SandboxCommand(string File, IReadOnlyList<string> Arguments)
{
    // The part of the managed heap for the engine, its caches and the arguments, besides the memory of the run.
    private const int OverheadMb = 48;

    /// <summary>The program of this process: <c>dotnet onex.dll</c>, the executable <c>onex</c>, or a single file.</summary>
    public static SandboxCommand ForThisProgram()
    {
        var program = Environment.ProcessPath ?? "onex";
        var executable = Path.Combine(AppContext.BaseDirectory, "onex");
        return Path.GetFileNameWithoutExtension(program) == "dotnet" ? new(program, [Path.Combine(AppContext.BaseDirectory, "onex.dll")])
            : System.IO.File.Exists(executable) ? new(executable, [])
            : new(program, []);
    }

    /// <summary>Describes the start of a process.</summary>
    /// <param name="engine">The engine that it runs.</param>
    /// <param name="memoryMb">The memory that a run may hold.</param>
    public ProcessStartInfo ToStartInfo(string engine, int memoryMb)
    {
        var start = new ProcessStartInfo(File)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        foreach (var argument in (IEnumerable<string>)[.. Arguments, SandboxChild.Verb, engine])
        {
            start.ArgumentList.Add(argument);
        }

        // The worker's environment may hold secrets, so none of it is passed on. These variables find .NET and keep it small.
        start.Environment.Clear();
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        start.Environment["DOTNET_GCHeapHardLimit"] =
            ((memoryMb + OverheadMb) * 1024L * 1024).ToString("X", CultureInfo.InvariantCulture);
        // In hexadecimal, like the limit of the heap: 4 MiB.
        start.Environment["DOTNET_GCgen0size"] = "400000";
        start.Environment["DOTNET_gcConcurrent"] = "0";
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";

        // Otherwise .NET opens a socket for debuggers below /tmp, which may be read-only.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        return start;
    }
}
