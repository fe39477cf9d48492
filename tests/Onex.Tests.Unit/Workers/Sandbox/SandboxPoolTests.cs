using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using Onex.Workers.Operations;
using Onex.Workers.Sandbox;

namespace Onex.Tests.Unit.Workers.Sandbox;

/// <summary>The processes of sandboxes: used again, replaced, without secrets, and never left behind.</summary>
public sealed class SandboxPoolTests : IDisposable
{
    private static readonly SandboxRequest _request = new()
    {
        Script = "return 1",
        TimeoutMs = 30_000,
        MemoryMb = 32,
        Statements = 1_000_000,
        Recursion = 100,
    };

    private static readonly SandboxRequest _endlessRequest = _request with
    {
        Script = "return [1, 2].sort(() => { while (true); })",
        Statements = int.MaxValue,
    };

    private readonly FakeTimeProvider _time = new();
    private readonly SandboxPool _pool;

    public SandboxPoolTests() => _pool = CreatePool(TimeProvider.System);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _pool.Dispose();

    [Fact]
    public async Task A_process_is_used_again()
    {
        var first = await RunAsync(_request);
        var process = Assert.Single(_pool.IdleProcessIds);
        await RunAsync(_request);

        Assert.Equal("1", first);
        Assert.Equal([process], _pool.IdleProcessIds);
    }

    [Fact]
    public async Task Runs_at_the_same_time_have_processes_of_their_own()
    {
        await Task.WhenAll(RunAsync(_request), RunAsync(_request));

        Assert.Equal(2, _pool.IdleProcessIds.Distinct().Count());
    }

    [Fact]
    public async Task The_environment_of_a_process_has_nothing_but_what_NET_needs()
    {
        Environment.SetEnvironmentVariable("ONEX_TEST_SECRET", "hunter2");
        await RunAsync(_request);

        var variables = (await File.ReadAllTextAsync($"/proc/{_pool.IdleProcessIds[0]}/environ", Token))
            .Split('\0', StringSplitOptions.RemoveEmptyEntries);

        Assert.NotEmpty(variables);
        Assert.All(variables, variable => Assert.StartsWith("DOTNET_", variable, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_process_that_is_killed_fails_its_run_and_is_replaced()
    {
        await RunAsync(_request);
        using var process = Process.GetProcessById(_pool.IdleProcessIds[0]);
        var running = RunAsync(_endlessRequest);
        Assert.Empty(_pool.IdleProcessIds);
        process.Kill();

        var failed = await Assert.ThrowsAsync<ComputeFailedException>(() => running);

        Assert.Equal("sandbox_died", failed.Code);
        Assert.Contains("signal 9", failed.Message, StringComparison.Ordinal);
        Assert.Equal("1", await RunAsync(_request));
    }

    [Fact]
    public async Task A_process_that_ended_while_it_was_idle_is_replaced()
    {
        await RunAsync(_request);
        using var process = Process.GetProcessById(_pool.IdleProcessIds[0]);
        process.Kill();
        await process.WaitForExitAsync(Token);

        Assert.Equal("1", await RunAsync(_request));
    }

    [Fact]
    public async Task A_cancellation_ends_the_process()
    {
        await RunAsync(_request);
        using var process = Process.GetProcessById(_pool.IdleProcessIds[0]);
        using var cancelled = new CancellationTokenSource();
        var running = _pool.RunAsync(_endlessRequest, "null"u8.ToArray(), null, cancelled.Token);
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await process.WaitForExitAsync(Token);

        Assert.Empty(_pool.IdleProcessIds);
    }

    [Fact]
    public async Task A_process_that_holds_more_than_a_run_may_take_is_ended()
    {
        // The heap of the process is larger than this run may hold, and the engine checks it only between statements: the script is one.
        using var pool = new SandboxPool(
            TestSandboxes.Command, "script", TestSandboxes.SettingsWith(null) with { MemoryMb = 400 }, TimeProvider.System);
        var request = _endlessRequest with { Script = "return new Uint8Array(200e6).fill(1).sort().length", MemoryMb = 1 };

        var rejected = await Assert.ThrowsAsync<ComputeRejectedException>(
            () => pool.RunAsync(request, "null"u8.ToArray(), null, Token));

        Assert.Equal("memory_exceeded", rejected.Code);
        Assert.Contains("more than the 130 MiB that a run of 1 MiB may take", rejected.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_idle_process_is_ended_after_a_minute()
    {
        using var pool = CreatePool(_time);
        await pool.RunAsync(_request, "null"u8.ToArray(), null, Token);
        using var process = Process.GetProcessById(Assert.Single(pool.IdleProcessIds));

        _time.Advance(TimeSpan.FromMinutes(1));

        await process.WaitForExitAsync(Token);
        Assert.Empty(pool.IdleProcessIds);
    }

    [Fact]
    public async Task A_process_ends_with_its_standard_input_even_while_it_computes()
    {
        using var process = Process.Start(TestSandboxes.Command.ToStartInfo("script", 32))!;
        await SandboxFrames.ReadAsync(process.StandardOutput.BaseStream);
        var input = process.StandardInput.BaseStream;
        await SandboxFrames.WriteAsync(input, JsonSerializer.SerializeToUtf8Bytes(_endlessRequest, SandboxJson.Default.SandboxRequest));
        await SandboxFrames.WriteAsync(input, "null"u8.ToArray());

        process.StandardInput.Close();

        await process.WaitForExitAsync(Token);
    }

    [Fact]
    public async Task SIGTERM_does_not_end_a_process()
    {
        await RunAsync(_request);
        var process = _pool.IdleProcessIds[0];
        using (var kill = Process.Start("kill", ["-TERM", $"{process}"]))
        {
            await kill.WaitForExitAsync(Token);
        }

        await RunAsync(_request);

        Assert.Equal([process], _pool.IdleProcessIds);
    }

    [Fact]
    public async Task A_program_that_cannot_be_started_fails_the_run()
    {
        using var pool = new SandboxPool(
            new SandboxCommand("/no/such/program", []), "script", TestSandboxes.SettingsWith(null), TimeProvider.System);

        var failed = await Assert.ThrowsAsync<ComputeFailedException>(
            () => pool.RunAsync(_request, "null"u8.ToArray(), null, Token));

        Assert.Equal("sandbox_unavailable", failed.Code);
        Assert.Contains("/no/such/program", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_ends_at_once_fails_the_run()
    {
        using var pool = new SandboxPool(
            new SandboxCommand("/bin/false", []), "script", TestSandboxes.SettingsWith(null), TimeProvider.System);

        var failed = await Assert.ThrowsAsync<ComputeFailedException>(
            () => pool.RunAsync(_request, "null"u8.ToArray(), null, Token));

        Assert.Equal("sandbox_died", failed.Code);
        Assert.Contains("exit code 1", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Stack overflow.\n   at X", 134, "recursion_exceeded")]
    [InlineData("Out of memory.\n", 134, "memory_exceeded")]
    [InlineData("", 137, "sandbox_died")]
    public void What_NET_wrote_to_standard_error_decides_the_code(string errors, int exitCode, string code)
    {
        var exception = SandboxDeath.Exception(errors, exitCode, 64);

        Assert.Equal(code, (exception as ComputeFailedException)?.Code ?? ((ComputeRejectedException)exception).Code);
    }

    private static SandboxPool CreatePool(TimeProvider time) =>
        new(TestSandboxes.Command, "script", TestSandboxes.SettingsWith(null), time);

    private async Task<string> RunAsync(SandboxRequest request) =>
        Encoding.UTF8.GetString((await _pool.RunAsync(request, "null"u8.ToArray(), null, Token)).Span);
}
