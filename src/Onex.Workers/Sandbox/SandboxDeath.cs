using System.Globalization;

namespace Onex.Workers.Sandbox;

/// <summary>Why a sandbox ended during a run, from what .NET wrote to its standard error.</summary>
internal static class SandboxDeath
{
    private const int TextMax = 200;

    /// <summary>Whether .NET reports an error that ends the process. Do not wait for the end: it may come only seconds later.</summary>
    public static bool IsFatal(string errors) =>
        errors.StartsWith("Stack overflow", StringComparison.Ordinal) || errors.Contains("Out of memory", StringComparison.Ordinal);

    /// <summary>The exception for a run whose process ended.</summary>
    /// <param name="errors">The beginning of its standard error.</param>
    /// <param name="exitCode">Its exit code; 128 plus the number of the signal if one ended the process.</param>
    /// <param name="memoryMb">The memory that it was allowed.</param>
    public static Exception Exception(string errors, int exitCode, int memoryMb)
    {
        if (errors.StartsWith("Stack overflow", StringComparison.Ordinal))
        {
            return SandboxCodes.Exception(
                SandboxCodes.RecursionExceeded, $"it needs a larger stack than its {SandboxChild.StackBytes / (1024 * 1024)} MiB");
        }

        if (errors.Contains("Out of memory", StringComparison.Ordinal))
        {
            return SandboxCodes.Exception(SandboxCodes.MemoryExceeded, $"it needs more memory than its {memoryMb} MiB");
        }

        var cause = exitCode > 128
            ? string.Create(CultureInfo.InvariantCulture, $"signal {exitCode - 128}")
            : string.Create(CultureInfo.InvariantCulture, $"exit code {exitCode}");
        var line = errors.Split('\n')[0].Trim();
        var detail = line.Length == 0 ? "" : $": {line[..Math.Min(line.Length, TextMax)]}";
        return SandboxCodes.Exception(
            SandboxCodes.SandboxDied,
            $"the process of the computation ended with {cause}{detail}. "
                + "Signal 9 comes from the kernel if the container is out of memory: raise its limit");
    }
}
