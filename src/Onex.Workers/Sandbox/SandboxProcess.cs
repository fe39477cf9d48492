using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Onex.Workers.Sandbox;

/// <summary>
/// A process that runs scripts or modules, one at a time. A run harms no later one: if it ends the process, or can only be ended with the
/// process, the process is not used again.
/// </summary>
internal sealed class SandboxProcess : IDisposable
{
    // A busy machine may need seconds to start a process.
    private static readonly TimeSpan _startMax = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _checkInterval = TimeSpan.FromMilliseconds(50);

    // The memory of .NET and its code, without the memory of a run.
    private const long BaseBytes = 128L * 1024 * 1024;

    private const int ErrorsMax = 4096;

    private readonly Process _process;
    private readonly TimeProvider _time;
    private readonly Task _reading;
    private readonly StringBuilder _errors = new();
    private readonly Stream _input;
    private readonly Stream _output;
    private volatile bool _killed;

    private SandboxProcess(Process process, TimeProvider time)
    {
        _process = process;
        _time = time;
        _input = process.StandardInput.BaseStream;
        _output = process.StandardOutput.BaseStream;
        _reading = ReadErrorsAsync(process.StandardError);
        Id = process.Id;
        UsedAt = time.GetTimestamp();
    }

    public int Id { get; }

    /// <summary>When it started, or its last run ended: a timestamp of the clock.</summary>
    public long UsedAt { get; private set; }

    public bool IsUsable => !_killed && !_process.HasExited;

    /// <summary>Starts a process and waits until it can run something. Throws if it cannot be started.</summary>
    public static async Task<SandboxProcess> StartAsync(
        SandboxCommand command, string engine, int memoryMb, TimeProvider time, CancellationToken cancellation)
    {
        Process started;
        try
        {
            started = Process.Start(command.ToStartInfo(engine, memoryMb))!;
        }
        catch (Win32Exception problem)
        {
            throw SandboxCodes.Exception(
                SandboxCodes.SandboxUnavailable, $"the process for it cannot be started: {command.File}: {problem.Message}");
        }

        var process = new SandboxProcess(started, time);
        try
        {
            await process.WaitUntilReadyAsync(memoryMb, cancellation);
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Runs a request and returns its result. Throws what <see cref="ISandboxEngine.Run"/> throws in the process, or an exception that says
    /// why the process ended.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="input">Its input, as JSON.</param>
    /// <param name="module">The module, or null for a script.</param>
    /// <param name="cancellation">Kills the process.</param>
    public async Task<ReadOnlyMemory<byte>> RunAsync(
        SandboxRequest request, ReadOnlyMemory<byte> input, ReadOnlyMemory<byte>? module, CancellationToken cancellation)
    {
        await using var onCancel = cancellation.Register(Kill);
        var exchange = ExchangeAsync(request, input, module);
        try
        {
            await WatchAsync(exchange, request);
            var (response, result) = await exchange;
            UsedAt = _time.GetTimestamp();
            return response.Code is { } code ? throw SandboxCodes.Exception(code, response.Message!) : result;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or JsonException)
        {
            Kill();
            cancellation.ThrowIfCancellationRequested();
            await _process.WaitForExitAsync(CancellationToken.None);
            await _reading;
            throw SandboxDeath.Exception(Errors(), _process.ExitCode, request.MemoryMb);
        }
    }

    /// <summary>Ends the process at once. A run in it fails.</summary>
    public void Kill()
    {
        _killed = true;
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended, or was disposed of.
        }
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private async Task WaitUntilReadyAsync(int memoryMb, CancellationToken cancellation)
    {
        await using var onCancel = cancellation.Register(Kill);
        var ready = SandboxFrames.ReadAsync(_output);
        try
        {
            await Task.WhenAny(ready, Task.Delay(_startMax, _time, cancellation));
            cancellation.ThrowIfCancellationRequested();
            if (!ready.IsCompleted)
            {
                Kill();
                await IgnoreErrorsAsync(ready);
                throw SandboxCodes.Exception(
                    SandboxCodes.SandboxUnavailable, $"the process for it was not ready within {_startMax.TotalSeconds} s");
            }

            await ready;
        }
        catch (IOException)
        {
            cancellation.ThrowIfCancellationRequested();
            await _process.WaitForExitAsync(CancellationToken.None);
            await _reading;
            throw SandboxDeath.Exception(Errors(), _process.ExitCode, memoryMb);
        }
    }

    private async Task<(SandboxResponse Response, ReadOnlyMemory<byte> Result)> ExchangeAsync(
        SandboxRequest request, ReadOnlyMemory<byte> input, ReadOnlyMemory<byte>? module)
    {
        var response = await SendAsync(request, input);
        if (response.NeedsModule)
        {
            await SandboxFrames.WriteAsync(_input, Serialize(request with { ModuleFollows = true }));
            await SandboxFrames.WriteAsync(_input, input);
            await SandboxFrames.WriteAsync(_input, module ?? default);
            response = await ReceiveAsync();
        }

        return (response, response.Code is null ? await SandboxFrames.ReadAsync(_output) : default);
    }

    private async Task<SandboxResponse> SendAsync(SandboxRequest request, ReadOnlyMemory<byte> input)
    {
        await SandboxFrames.WriteAsync(_input, Serialize(request));
        await SandboxFrames.WriteAsync(_input, input);
        return await ReceiveAsync();
    }

    private async Task<SandboxResponse> ReceiveAsync() =>
        JsonSerializer.Deserialize(await SandboxFrames.ReadAsync(_output), SandboxJson.Default.SandboxResponse)
        ?? throw new InvalidDataException("A response is null.");

    private static byte[] Serialize(SandboxRequest request) =>
        JsonSerializer.SerializeToUtf8Bytes(request, SandboxJson.Default.SandboxRequest);

    // A single step of an engine can take any time or memory without a chance to interrupt it, so the process is ended from outside.
    private async Task WatchAsync(Task exchange, SandboxRequest request)
    {
        var (began, time) = (_time.GetTimestamp(), TimeSpan.FromMilliseconds(request.TimeoutMs));

        // Twice the memory of a run, because a module's memory lies outside the managed heap, and either may have that size.
        var memory = BaseBytes + (2 * request.MemoryBytes());
        while (true)
        {
            var left = time - _time.GetElapsedTime(began);
            if (left <= TimeSpan.Zero)
            {
                await EndAsync(exchange);
                throw SandboxCodes.Exception(SandboxCodes.TimeExceeded, $"it did not end within its {request.TimeoutMs} ms");
            }

            await Task.WhenAny(exchange, Task.Delay(left < _checkInterval ? left : _checkInterval, _time, CancellationToken.None));
            if (exchange.IsCompleted)
            {
                return;
            }

            var resident = ResidentBytes();
            if (resident > memory)
            {
                await EndAsync(exchange);
                throw SandboxCodes.Exception(SandboxCodes.MemoryExceeded, string.Create(
                    CultureInfo.InvariantCulture,
                    $"its process holds {resident >> 20} MiB, more than the {memory >> 20} MiB that a run of {request.MemoryMb} MiB "
                    + $"may take"));
            }
        }
    }

    private long ResidentBytes()
    {
        try
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
        catch (InvalidOperationException)
        {
            // It has ended; the exchange says why.
            return 0;
        }
    }

    private async Task EndAsync(Task exchange)
    {
        Kill();
        await IgnoreErrorsAsync(exchange);
    }

    private static async Task IgnoreErrorsAsync(Task task)
    {
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ReadErrorsAsync(StreamReader errors)
    {
        var buffer = new char[ErrorsMax];
        int count;
        while ((count = await errors.ReadAsync(buffer)) > 0)
        {
            lock (_errors)
            {
                _errors.Append(buffer, 0, Math.Min(count, ErrorsMax - _errors.Length));
            }

            if (SandboxDeath.IsFatal(Errors()))
            {
                Kill();
            }
        }
    }

    private string Errors()
    {
        lock (_errors)
        {
            return _errors.ToString();
        }
    }
}
