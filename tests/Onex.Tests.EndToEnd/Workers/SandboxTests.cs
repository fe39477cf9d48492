using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Workers;

/// <summary>A script and a module in a contract, between real processes: the runtime and the sandboxes that it starts.</summary>
public sealed class SandboxTests : IDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(1);

    // Reads standard input into 1024 and writes it to standard output.
    private static readonly byte[] _echo = Wasmtime.Module.ConvertText("""
        (module
          (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "_start")
            (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 60000))
            (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
            (i32.store (i32.const 4) (i32.load (i32.const 16)))
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))))
        """);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-sandbox-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_script_and_a_module_serve_a_contract_and_their_processes_end_with_the_worker()
    {
        Write("runtime/runtime_config.yaml", $$"""
            handlers: { enabled: [script, wasm] }
            sandbox: { modules: '{{_directory.FullName}}/modules' }
            """);
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "modules"));
        await File.WriteAllBytesAsync(Path.Combine(_directory.FullName, "modules", "echo.wasm"), _echo);
        Write("price.yaml", $$"""
            contract: price
            version: 1.0.0
            input:
              type: object
              required: [quantity, script_runs]
              properties: { quantity: { type: integer }, script_runs: { type: boolean } }
            data: { cents: int?, echoed: int? }
            initial: pricing
            states:
              pricing:
                steps:
                  - id: script
                    compute: script.run
                    with:
                      script: |
                        while (!input.runs);
                        return { cents: input.quantity * 250 };
                      input: { quantity: "${input.quantity}", runs: "${input.script_runs}" }
                    save: { cents: result.value.cents }
                    timeout: 5m
                  - id: module
                    compute: wasm.run
                    with: { module: echo.wasm, sha256: {{Convert.ToHexStringLower(SHA256.HashData(_echo))}}, input: "${data.cents}" }
                    save: { echoed: result.value }
                next: done
              done: { end: completed, output: { cents: "${data.echoed}" } }
            """);
        var settings = new Dictionary<string, string>(EmbeddedOnex.Settings(_directory)) { ["ONEX_TEST_SECRET"] = "hunter2" };
        await using var process = OnexProcess.Start("all", settings);
        await process.ReadyAsync();
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{process.HttpPort}") };

        var endless = await RequestAsync(http, runs: false);
        var complete = await RequestAsync(http, runs: true);

        Assert.Equal("statements_exceeded", (string?)endless["code"]);
        Assert.Equal(("success", 1000), ((string?)complete["status"], (int?)complete["payload"]?["cents"]));
        var children = ChildrenOf(process.Pid);
        Assert.NotEmpty(children);
        Assert.All(children, child =>
            Assert.DoesNotContain("hunter2", File.ReadAllText($"/proc/{child}/environ"), StringComparison.Ordinal));

        await process.KillAsync();

        await Eventually.Async(
            () => children.All(child => !IsRunning(child)), _timeout, () => "the processes of the sandboxes end with the worker");
    }

    [Fact]
    public async Task A_contract_that_names_script_run_does_not_compile_unless_it_is_enabled()
    {
        Write("price.yaml", """
            contract: price
            version: 1.0.0
            input: { type: object }
            initial: pricing
            states:
              pricing:
                steps: [{ id: script, compute: script.run, with: { script: return 1 } }]
                next: done
              done: { end: completed }
            """);

        var ended = await OnexProcess.RunAsync(EmbeddedOnex.Settings(_directory), "contracts", "check", _directory.FullName);

        Assert.Contains("ONEX1030", ended.Out + ended.Error, StringComparison.Ordinal);
        Assert.Contains(
            "off unless handlers.enabled in runtime_config.yaml names 'script'", ended.Out + ended.Error, StringComparison.Ordinal);
    }

    private static async Task<JsonNode> RequestAsync(HttpClient http, bool runs)
    {
        using var response = await http.PostAsJsonAsync(
            "/api/v1/requests?wait=60s",
            new { operation = "price", payload = new { quantity = 4, script_runs = runs } });
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }

    private static List<int> ChildrenOf(int pid) =>
    [
        .. Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
            .Where(id => Status(id) is { } status && status.Contains($"PPid:\t{pid}\n", StringComparison.Ordinal)),
    ];

    // A process that has ended stays a zombie until its parent reads its exit code.
    private static bool IsRunning(int pid) => Status(pid) is { } status && !status.Contains("State:\tZ", StringComparison.Ordinal);

    private static string? Status(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/status");
        }
        catch (IOException)
        {
            return null;
        }
    }

    private void Write(string name, string text)
    {
        var path = Path.Combine(_directory.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
