using System.Security.Cryptography;

namespace Onex.Tests.Unit.Workers.Sandbox;

/// <summary>Modules in real processes. They are made from text, so that no binary is in the repository.</summary>
public sealed class WasmRunTests(TestSandboxes sandboxes) : IClassFixture<TestSandboxes>
{
    // Reads standard input into the memory at 1024 and writes it to standard output. The list of buffers is at 0, the counts at 16 and 20.
    private const string Echo = """
        (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 60000))
        (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
        (i32.store (i32.const 4) (i32.load (i32.const 16)))
        (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))
        """;

    [Fact]
    public async Task A_module_reads_its_input_and_writes_its_result()
    {
        var hash = Write("echo.wasm", Module(Echo));

        await sandboxes.CompletesAsync(
            "wasm.run", Arguments("echo.wasm", hash, """{"a":[1,"ä",12345678901234567890]}"""), """{"a":[1,"ä",12345678901234567890]}""");
        await sandboxes.CompletesAsync("wasm.run", Arguments("echo.wasm", hash, "2"), "2");
    }

    [Theory]
    [InlineData("trap", "unreachable", "wasm_trapped", "Unreachable")]
    [InlineData("divide", "(drop (i32.div_s (i32.const 1) (i32.const 0)))", "wasm_trapped", "IntegerDivisionByZero")]
    [InlineData("outside", "(i32.store (i32.const 70000000) (i32.const 1))", "wasm_trapped", "of 32 MiB")]
    [InlineData("loop", "(loop $l br $l)", "fuel_exceeded", "more than 50 million instructions")]
    [InlineData("grow", "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable", "memory_exceeded",
        "more than its 32 MiB")]
    [InlineData("grow-once", "(drop (memory.grow (i32.const 600)))", "memory_exceeded", "37 MiB, more than its 32 MiB")]
    [InlineData("recurse", "(call $start)", "recursion_exceeded", "its stack is full")]
    [InlineData("exit", "(call $proc_exit (i32.const 3))", "wasm_failed", "exit code 3")]
    [InlineData("silent", "nop", "result_not_json", "0 bytes")]
    public async Task A_module_that_cannot_complete_is_rejected_and_the_next_one_runs(
        string name, string body, string code, string messagePart)
    {
        var hash = Write($"{name}.wasm", Module(body));
        var echo = Write("next.wasm", Module(Echo));

        await sandboxes.EndsAsync("wasm.run", Arguments($"{name}.wasm", hash, "1"), StepOutcomes.Rejected, code, messagePart);

        await sandboxes.CompletesAsync("wasm.run", Arguments("next.wasm", echo, "1"), "1");
    }

    [Fact]
    public async Task What_a_module_writes_to_standard_error_is_in_the_message_of_its_failure()
    {
        const string Body = """
            (i32.store (i32.const 0) (i32.const 32)) (i32.store (i32.const 4) (i32.const 8))
            (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 20)))
            (call $proc_exit (i32.const 1))
            """;
        var hash = Write("errors.wasm", Module(Body, """(data (i32.const 32) "no stock")"""));

        await sandboxes.EndsAsync("wasm.run", Arguments("errors.wasm", hash, "1"), StepOutcomes.Rejected, "wasm_failed", "no stock");
    }

    [Fact]
    public async Task A_module_that_exits_with_0_completes()
    {
        var hash = Write("exit-0.wasm", Module($"{Echo} (call $proc_exit (i32.const 0))"));

        await sandboxes.CompletesAsync("wasm.run", Arguments("exit-0.wasm", hash, "1"), "1");
    }

    [Fact]
    public async Task Clock_and_random_numbers_follow_from_module_and_input()
    {
        // Writes two digits: one from the time, one from a random number.
        const string Body = """
            (drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 64)))
            (drop (call $random_get (i32.const 72) (i32.const 1)))
            (i32.store8 (i32.const 1024) (i32.add (i32.const 49) (i32.rem_u (i32.load (i32.const 64)) (i32.const 9))))
            (i32.store8 (i32.const 1025) (i32.add (i32.const 48) (i32.rem_u (i32.load8_u (i32.const 72)) (i32.const 10))))
            (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 2))
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))
            """;
        var arguments = Arguments("pure.wasm", Write("pure.wasm", Module(Body)), "1");

        var first = (await sandboxes.Worker.RunAsync("wasm.run", arguments)).Result!.Value.ToString();
        using var otherSandboxes = new TestSandboxes();
        File.Copy(Path.Combine(sandboxes.Modules, "pure.wasm"), Path.Combine(otherSandboxes.Modules, "pure.wasm"));
        var second = (await otherSandboxes.Worker.RunAsync("wasm.run", arguments)).Result!.Value.ToString();

        Assert.Equal(first, second);
    }

    [Fact]
    public async Task A_file_with_another_hash_is_not_run()
    {
        var hash = Write("changed.wasm", Module(Echo));
        await sandboxes.CompletesAsync("wasm.run", Arguments("changed.wasm", hash, "1"), "1");
        var other = Write("changed.wasm", Module("unreachable"));

        // The module with this hash was compiled before, but the file is checked for each run.
        await sandboxes.EndsAsync("wasm.run", Arguments("changed.wasm", hash, "1"), StepOutcomes.Failed, "module_mismatch", other);
    }

    [Theory]
    [InlineData("../secret.wasm")]
    [InlineData("/etc/passwd")]
    [InlineData("a/../../b.wasm")]
    [InlineData(".hidden")]
    [InlineData("a//b")]
    [InlineData("")]
    public async Task A_name_that_is_no_path_below_the_folder_is_rejected(string name) =>
        await sandboxes.EndsAsync(
            "wasm.run", Arguments(name, new string('0', 64), "1"), StepOutcomes.Rejected, "module_refused", "below the folder of modules");

    [Fact]
    public async Task Symbolic_links_are_rejected()
    {
        var outside = Directory.CreateTempSubdirectory("onex-outside-");
        try
        {
            var bytes = Wasmtime.Module.ConvertText(Module(Echo));
            await File.WriteAllBytesAsync(Path.Combine(outside.FullName, "m.wasm"), bytes, TestContext.Current.CancellationToken);
            var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
            File.CreateSymbolicLink(Path.Combine(sandboxes.Modules, "link.wasm"), Path.Combine(outside.FullName, "m.wasm"));
            Directory.CreateSymbolicLink(Path.Combine(sandboxes.Modules, "linked"), outside.FullName);

            foreach (var name in (string[])["link.wasm", "linked/m.wasm"])
            {
                await sandboxes.EndsAsync(
                    "wasm.run", Arguments(name, hash, "1"), StepOutcomes.Rejected, "module_refused", "is a symbolic link");
            }
        }
        finally
        {
            outside.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_module_that_is_not_there_fails_the_attempt() =>
        await sandboxes.EndsAsync(
            "wasm.run", Arguments("absent.wasm", new string('0', 64), "1"), StepOutcomes.Failed, "module_missing", "absent.wasm");

    [Fact]
    public async Task A_hash_in_another_form_is_rejected() =>
        await sandboxes.EndsAsync(
            "wasm.run", Arguments("absent.wasm", new string('A', 64), "1"), StepOutcomes.Rejected, "arguments_invalid", "hexadecimal");

    [Fact]
    public async Task A_file_that_is_not_a_module_is_rejected()
    {
        var hash = Write("text.wasm", "text"u8.ToArray());

        await sandboxes.EndsAsync(
            "wasm.run", Arguments("text.wasm", hash, "1"), StepOutcomes.Rejected, "module_invalid", "cannot be compiled");
    }

    [Fact]
    public async Task A_module_with_an_import_that_does_not_exist_is_rejected_with_its_name()
    {
        var hash = Write("import.wasm", """(module (import "env" "host_call" (func)) (func (export "_start")))""");

        await sandboxes.EndsAsync("wasm.run", Arguments("import.wasm", hash, "1"), StepOutcomes.Rejected, "module_invalid", "host_call");
    }

    [Fact]
    public async Task A_module_that_begins_with_too_much_memory_is_rejected()
    {
        var hash = Write("large.wasm", """(module (memory (export "memory") 1000) (func (export "_start")))""");

        await sandboxes.EndsAsync(
            "wasm.run", Arguments("large.wasm", hash, "1"), StepOutcomes.Rejected, "memory_exceeded",
            "begins with 62 MiB, more than its 32 MiB");
    }

    [Fact]
    public async Task A_module_can_open_no_file()
    {
        // Writes the first digit of 52 (not supported), which opening a file returns, and 8 (bad descriptor), which a query of a file that
        // was opened in advance returns.
        const string Body = """
            (i32.store8 (i32.const 1024) (i32.add (i32.const 48) (i32.div_u
              (call $path_open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 0) (i64.const 0) (i64.const 0)
                (i32.const 0) (i32.const 64)) (i32.const 10))))
            (i32.store8 (i32.const 1025) (i32.add (i32.const 48) (call $fd_prestat_get (i32.const 3) (i32.const 64))))
            (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 2))
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))
            """;
        var hash = Write("files.wasm", Module(Body));

        await sandboxes.CompletesAsync("wasm.run", Arguments("files.wasm", hash, "1"), "58");
    }

    private static string Arguments(string module, string hash, string input) =>
        $$"""{"module":{{JsonSerializer.Serialize(module)}},"sha256":"{{hash}}","input":{{input}}}""";

    private static string Module(string body, string data = "") => $"""
        (module
          (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
          (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_open"
            (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (memory (export "memory") 1)
          {data}
          (func $start (export "_start") {body}))
        """;

    private string Write(string name, string text) => Write(name, Wasmtime.Module.ConvertText(text));

    private string Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(Path.Combine(sandboxes.Modules, name), bytes);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }
}
