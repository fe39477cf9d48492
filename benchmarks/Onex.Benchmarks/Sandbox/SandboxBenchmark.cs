using System.Diagnostics;
using System.Globalization;
using System.Text;
using Onex.Hosting.Settings;
using Onex.Tests.Support;
using Onex.Workers.Sandbox;
using Wasmtime;

namespace Onex.Benchmarks.Sandbox;

/// <summary>Measures a process for scripts or modules: its start, its memory, and an empty run in a process that is warm.</summary>
internal static class SandboxBenchmark
{
    private const int Starts = 9;

    private const string EmptyModule = """
        (module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\10\00\00\00\02\00\00\00")
          (data (i32.const 16) "{}")
          (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))))
        """;

    private static readonly byte[] _input = Encoding.UTF8.GetBytes("{}");

    private static readonly SandboxSettings _settings = new()
    {
        Timeout = TimeSpan.FromSeconds(10),
        MemoryMb = 64,
        Statements = 10_000_000,
        Recursion = 1_000,
        FuelMillions = 10_000,
    };

    public static async Task<int> RunAsync(string[] options)
    {
        var seconds = BenchmarkOptions.Number(options, "--seconds", 5);
        var program = BenchmarkOptions.Text(options, "--program") is { } path
            ? new SandboxCommand(path, [])
            : new SandboxCommand("dotnet", [Repository.OnexAssembly]);
        var request = new SandboxRequest
        {
            TimeoutMs = 10_000,
            MemoryMb = _settings.MemoryMb,
            Statements = _settings.Statements,
            Recursion = _settings.Recursion,
            FuelMillions = _settings.FuelMillions,
        };
        await MeasureAsync("script", program, "script", request with { Script = "return {};" }, null, seconds);
        await MeasureAsync(
            "module", program, "wasm", request with { Module = "empty" }, Module.ConvertText(EmptyModule), seconds);
        return 0;
    }

    private static async Task MeasureAsync(
        string name, SandboxCommand program, string engine, SandboxRequest request, byte[]? module, int seconds)
    {
        var starts = new List<double>();
        for (var i = 0; i < Starts; i++)
        {
            var began = Stopwatch.GetTimestamp();
            using var process = await SandboxProcess.StartAsync(
                program, engine, _settings.MemoryMb, TimeProvider.System, CancellationToken.None);
            starts.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        starts.Sort();
        using var pool = new SandboxPool(program, engine, _settings, TimeProvider.System);
        await RunForAsync(pool, request, module, TimeSpan.FromSeconds(1));
        var runs = await RunForAsync(pool, request, module, TimeSpan.FromSeconds(seconds));
        using var warm = Process.GetProcessById(pool.IdleProcessIds[0]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: start {starts[Starts / 2]:F0} ms (median of {Starts}), {runs / (double)seconds:F0} empty runs a second in one "
                + $"process, which then holds {warm.WorkingSet64 >> 20} MiB"));
    }

    private static async Task<int> RunForAsync(SandboxPool pool, SandboxRequest request, byte[]? module, TimeSpan time)
    {
        var (began, runs) = (Stopwatch.GetTimestamp(), 0);
        while (Stopwatch.GetElapsedTime(began) < time)
        {
            await pool.RunAsync(request, _input, module, CancellationToken.None);
            runs++;
        }

        return runs;
    }
}
