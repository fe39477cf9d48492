using System.Globalization;
using Onex.Workers.Operations;
using Wasmtime;
using WasmtimeEngine = Wasmtime.Engine;

namespace Onex.Workers.Sandbox;

/// <summary>
/// Runs modules with Wasmtime. A module is a command of WASI: it reads its input from standard input and writes its result to standard
/// output. Up to eight compiled modules are kept; the next one evicts all of them.
/// </summary>
internal sealed class WasmEngine : ISandboxEngine
{
    private const int ModulesMax = 8;
    private const int FuelUnit = 1_000_000;
    private const int TableElementsMax = 1_000_000;
    private const int PageBytes = 65_536;
    private const string Entry = "_start";
    private const string Memory = "memory";

    // The same module and input give the same result, to the bits of NaN. A module has no threads, and is compiled on one processor.
    private static readonly WasmtimeEngine _engine = new(new Config()
        .WithFuelConsumption(true)
        .WithCraneliftNaNCanonicalization(true)
        .WithRelaxedSIMD(enable: true, deterministic: true)
        .WithWasmThreads(false)
        .WithParallelCompilation(false));

    private readonly Dictionary<string, Module> _modules = new(StringComparer.Ordinal);

    public void WarmUp()
    {
        using var module = Module.FromText(
            _engine, "warm",
            """
            (module
              (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
            """);
        Run(module, new SandboxRequest { TimeoutMs = 10_000, MemoryMb = 1, FuelMillions = 1 }, []);
    }

    public bool HasModule(SandboxRequest request) => _modules.ContainsKey(request.Module!);

    public ReadOnlyMemory<byte> Run(SandboxRequest request, byte[] input, byte[]? module)
    {
        if (module is not null)
        {
            Compile(request.Module!, module);
        }

        return Run(_modules[request.Module!], request, input);
    }

    private void Compile(string hash, byte[] module)
    {
        if (_modules.Count >= ModulesMax)
        {
            foreach (var each in _modules.Values)
            {
                each.Dispose();
            }

            _modules.Clear();
        }

        try
        {
            _modules[hash] = Module.FromBytes(_engine, "module", module);
        }
        catch (WasmtimeException problem)
        {
            throw SandboxCodes.Exception(SandboxCodes.ModuleInvalid, $"it cannot be compiled: {FirstLines(problem.Message)}");
        }
    }

    private static ReadOnlyMemory<byte> Run(Module module, SandboxRequest request, byte[] input)
    {
        CheckMemory(module, request);
        using var store = new Store(_engine);

        // A module does not report why its memory could not grow. So it may grow to twice its limit here, and its run is then rejected.
        store.SetLimits(
            memorySize: 2 * request.MemoryBytes(), tableElements: TableElementsMax, instances: 1, tables: 16, memories: 1);
        var fuel = (ulong)request.FuelMillions * FuelUnit;
        store.Fuel = fuel;
        using var linker = new Linker(_engine);
        var wasi = new WasiImports(input, request.Module ?? "");
        Instance? instance = null;
        try
        {
            wasi.Define(linker, module);
            instance = linker.Instantiate(store, module);
            var start = instance.GetAction(Entry) ?? throw SandboxCodes.Exception(
                SandboxCodes.ModuleInvalid, $"it exports no function '{Entry}' without parameters");
            start();
        }
        catch (WasmtimeException ended) when (ended.InnerException is WasmExit { Code: 0 })
        {
        }
        catch (WasmtimeException problem)
        {
            throw MemoryProblem(instance, request) ?? Describe(problem, wasi, fuel - store.Fuel, instance, request);
        }
        catch (Exception problem) when (problem is ArgumentException or InvalidOperationException or NotSupportedException)
        {
            // An import or export has a type that the package Wasmtime does not support.
            throw SandboxCodes.Exception(SandboxCodes.ModuleInvalid, $"it cannot run here: {FirstLines(problem.Message)}");
        }

        return MemoryProblem(instance, request) is { } exceeded ? throw exceeded : wasi.Output;
    }

    private static void CheckMemory(Module module, SandboxRequest request)
    {
        foreach (var minimum in module.Exports.OfType<MemoryExport>().Select(memory => memory.Minimum * PageBytes))
        {
            if (minimum > request.MemoryBytes())
            {
                throw SandboxCodes.Exception(
                    SandboxCodes.MemoryExceeded, $"it begins with {minimum >> 20} MiB, more than its {request.MemoryMb} MiB");
            }
        }
    }

    private static Exception? MemoryProblem(Instance? instance, SandboxRequest request) =>
        MemoryBytes(instance) > request.MemoryBytes()
            ? SandboxCodes.Exception(
                SandboxCodes.MemoryExceeded, $"it holds {MemoryBytes(instance) >> 20} MiB, more than its {request.MemoryMb} MiB")
            : null;

    private static long MemoryBytes(Instance? instance) => instance?.GetMemory(Memory)?.GetLength() ?? 0;

    private static Exception Describe(
        WasmtimeException problem, WasiImports wasi, ulong used, Instance? instance, SandboxRequest request)
    {
        var usage = string.Create(
            CultureInfo.InvariantCulture,
            $"after {used:N0} instructions, with {(double)MemoryBytes(instance) / (1024 * 1024):0.0} of {request.MemoryMb} MiB");
        var detail = wasi.Errors is { Length: > 0 } errors ? $": {errors}" : "";
        return problem switch
        {
            { InnerException: ComputeRejectedException or ComputeFailedException } => problem.InnerException,
            { InnerException: OutOfMemoryException } => SandboxCodes.Exception(
                SandboxCodes.MemoryExceeded, $"it writes more than fits beside its {request.MemoryMb} MiB"),
            { InnerException: WasmExit exit } => SandboxCodes.Exception(
                SandboxCodes.WasmFailed, $"the module ended with exit code {exit.Code} {usage}{detail}"),
            TrapException { Type: TrapCode.OutOfFuel } => SandboxCodes.Exception(
                SandboxCodes.FuelExceeded, $"it executes more than {request.FuelMillions:N0} million instructions"),
            TrapException { Type: TrapCode.StackOverflow } => SandboxCodes.Exception(
                SandboxCodes.RecursionExceeded, $"its functions call each other too deep: its stack is full {usage}"),
            TrapException trap => SandboxCodes.Exception(
                SandboxCodes.WasmTrapped, $"the module trapped ({trap.Type}) {usage}{detail}"),
            _ => SandboxCodes.Exception(SandboxCodes.ModuleInvalid, $"it cannot run here: {FirstLines(problem.Message)}"),
        };
    }

    private static string FirstLines(string message) => string.Join(
        ": ",
        message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line != "Caused by:")
            .Take(4));
}
