using System.Collections.Frozen;
using Onex.Workers.Operations;

namespace Onex.Workers.Sandbox;

/// <summary>
/// The codes with which a script or a module ends, besides <see cref="ComputeRejectedException.ResultTooLarge"/>. Those of failed attempts
/// are retried, the others are rejections.
/// </summary>
internal static class SandboxCodes
{
    /// <summary>It ran for longer than it may. Failed: on a machine with less load it may be faster.</summary>
    public const string TimeExceeded = "time_exceeded";

    /// <summary>It holds more memory than it may.</summary>
    public const string MemoryExceeded = "memory_exceeded";

    /// <summary>A script executed more statements than it may.</summary>
    public const string StatementsExceeded = "statements_exceeded";

    /// <summary>Its functions call each other too deep, or need a larger stack than there is.</summary>
    public const string RecursionExceeded = "recursion_exceeded";

    /// <summary>A module executed more instructions than it may.</summary>
    public const string FuelExceeded = "fuel_exceeded";

    /// <summary>The script cannot be parsed.</summary>
    public const string ScriptInvalid = "script_invalid";

    /// <summary>The script threw an error, or used something that it does not have, such as a clock or <c>import</c>.</summary>
    public const string ScriptFailed = "script_failed";

    /// <summary>The result is not JSON.</summary>
    public const string ResultNotJson = "result_not_json";

    /// <summary>The module's name is no path below the folder, or contains a symbolic link; or its file is empty or too large.</summary>
    public const string ModuleRejected = "module_refused";

    /// <summary>This worker has no such module, or cannot read it. Failed: it may be there after a deployment.</summary>
    public const string ModuleMissing = "module_missing";

    /// <summary>The module's file has another hash. Failed: a deployment may replace it.</summary>
    public const string ModuleMismatch = "module_mismatch";

    /// <summary>The file is not a module that can run here.</summary>
    public const string ModuleInvalid = "module_invalid";

    /// <summary>The module ended with an exit code other than 0.</summary>
    public const string WasmFailed = "wasm_failed";

    /// <summary>The module trapped.</summary>
    public const string WasmTrapped = "wasm_trapped";

    /// <summary>The process that ran it ended, and .NET reported neither a stack overflow nor a lack of memory. Failed.</summary>
    public const string SandboxDied = "sandbox_died";

    /// <summary>The process to run it could not be started, or was not ready in time. Failed.</summary>
    public const string SandboxUnavailable = "sandbox_unavailable";

    private static readonly FrozenSet<string> _failures = FrozenSet.ToFrozenSet(
        [TimeExceeded, ModuleMissing, ModuleMismatch, SandboxDied, SandboxUnavailable], StringComparer.Ordinal);

    /// <summary>The exception for a code: failed attempts are retried, rejections are not.</summary>
    public static Exception Exception(string code, string problem) =>
        _failures.Contains(code) ? new ComputeFailedException(code, problem) : new ComputeRejectedException(code, problem);
}
