using System.Text.Json;
using Onex.Operations;
using Onex.Workers.Operations;
using Onex.Workers.Sandbox;
using ComputeContext = Onex.Workers.Operations.ComputeContext;

namespace Onex.Workers.Code;

[Operation(
    "script.run",
    Description = "Runs JavaScript without access to files, network, clock or random numbers, in a process of its own. Off unless "
        + "`handlers.enabled` names `script`.")]
internal sealed class ScriptRun(Sandboxes sandboxes) : ComputeOperation<ScriptArguments, SandboxResult>(
    SandboxOperationsJson.Default.ScriptArguments, SandboxOperationsJson.Default.SandboxResult)
{
    private const int LengthMax = 256 * 1024;

    protected override async ValueTask<SandboxResult> RunAsync(ScriptArguments arguments, ComputeContext context)
    {
        if (arguments.Script.Length > LengthMax)
        {
            throw ComputeRejectedException.Arguments($"'script' has {arguments.Script.Length:N0} characters, more than {LengthMax:N0}");
        }

        var limits = sandboxes.Settings;
        var request = SandboxArguments.Request(limits, arguments.TimeoutMs, arguments.MemoryMb) with
        {
            Script = arguments.Script,
            Statements = SandboxArguments.Limit("statements", arguments.Statements, limits.Statements, "sandbox.statements"),
            Recursion = SandboxArguments.Limit("recursion", arguments.Recursion, limits.Recursion, "sandbox.recursion"),
        };
        var input = SandboxArguments.ToJson(arguments.Input);
        SandboxArguments.CheckNumbers(input);
        return SandboxResult.Parse(await sandboxes.Scripts.RunAsync(request, input, null, context.Cancellation));
    }
}

internal sealed record ScriptArguments
{
    [Argument(
        "The body of a function that reads `input` and returns the value, such as `return input.a + 1;`. At most 262,144 characters.",
        Filling = ArgumentFilling.Constant)]
    public required string Script { get; init; }

    [Argument("Any value: `input` in the script.", Default = "null")]
    public JsonElement? Input { get; init; }

    [Argument("How long it may run, in milliseconds. At most, and by default, the setting `sandbox.timeout`.")]
    public int? TimeoutMs { get; init; }

    [Argument("The memory that it may hold, in MiB. At most, and by default, the setting `sandbox.memory_mb`.")]
    public int? MemoryMb { get; init; }

    [Argument("How many statements it may execute. At most, and by default, the setting `sandbox.statements`.")]
    public int? Statements { get; init; }

    [Argument("How deep its functions may call each other. At most, and by default, the setting `sandbox.recursion`.")]
    public int? Recursion { get; init; }
}
