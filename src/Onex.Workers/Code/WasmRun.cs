using System.Text.Json;
using Onex.Operations;
using Onex.Workers.Operations;
using Onex.Workers.Sandbox;
using ComputeContext = Onex.Workers.Operations.ComputeContext;

namespace Onex.Workers.Code;

[Operation(
    "wasm.run",
    Description = "Runs a WebAssembly module, which reads JSON from standard input and writes JSON to standard output, in a process of its "
        + "own. Off unless `handlers.enabled` names `wasm`.")]
internal sealed class WasmRun(Sandboxes sandboxes) : ComputeOperation<WasmArguments, SandboxResult>(
    SandboxOperationsJson.Default.WasmArguments, SandboxOperationsJson.Default.SandboxResult)
{
    protected override async ValueTask<SandboxResult> RunAsync(WasmArguments arguments, ComputeContext context)
    {
        var limits = sandboxes.Settings;
        var request = SandboxArguments.Request(limits, arguments.TimeoutMs, arguments.MemoryMb) with
        {
            Module = arguments.Sha256,
            FuelMillions = SandboxArguments.Limit("fuel_millions", arguments.FuelMillions, limits.FuelMillions, "sandbox.fuel_millions"),
        };
        var module = new ModuleFolder(limits.ModulesDirectory).Read(arguments.Module, arguments.Sha256);
        return SandboxResult.Parse(await sandboxes.Modules.RunAsync(
            request, SandboxArguments.ToJson(arguments.Input), module, context.Cancellation));
    }
}

internal sealed record WasmArguments
{
    [Argument(
        "The path of the module below the folder of the setting `sandbox.modules`: `pricing.wasm`.",
        Filling = ArgumentFilling.Constant)]
    public required string Module { get; init; }

    [Argument(
        "The SHA-256 of the module's file, in 64 hexadecimal digits. A file with another hash is not run.",
        Filling = ArgumentFilling.Constant)]
    public required string Sha256 { get; init; }

    [Argument("Any value: JSON on the module's standard input.", Default = "null")]
    public JsonElement? Input { get; init; }

    [Argument("How long it may run, in milliseconds. At most, and by default, the setting `sandbox.timeout`.")]
    public int? TimeoutMs { get; init; }

    [Argument("The memory that it may hold, in MiB. At most, and by default, the setting `sandbox.memory_mb`.")]
    public int? MemoryMb { get; init; }

    [Argument("How many millions of instructions it may execute. At most, and by default, the setting `sandbox.fuel_millions`.")]
    public int? FuelMillions { get; init; }
}
