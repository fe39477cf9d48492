using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Onex.Tests.Support;

/// <summary>The built executable as a process: one role, which tests may freeze and kill.</summary>
public sealed class OnexProcess : IAsyncDisposable
{
    // The process gets only the settings of its test, not those of the machine or the run.
    private static readonly string[] _ownPrefixes = ["ONEX_", "KAFKA_", "POSTGRES_", "REDIS_", "VAULT_", "CONSUL_", "OTEL_", "CONTRACTS_"];
    private static readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };

    private readonly Process _process;
    private readonly Lock _lock = new();
    private readonly List<string> _output = [];
    private readonly List<string> _errors = [];
    private readonly string _reaperId;
    private readonly StreamWriter? _log;
    private bool _disposed;

    private OnexProcess(Process process, string name, int httpPort, string? logFile)
    {
        _process = process;
        Name = name;
        HttpPort = httpPort;
        Pid = process.Id;
        _reaperId = Reaper.KillAtExit(Pid);
        _log = logFile is null ? null : new StreamWriter(logFile, append: true) { AutoFlush = true };
        process.OutputDataReceived += (_, line) => Add(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Add(_errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Its name in messages: the role, or the command.</summary>
    public string Name { get; }

    /// <summary>Its process id.</summary>
    public int Pid { get; }

    /// <summary>The HTTP port on loopback.</summary>
    public int HttpPort { get; }

    /// <summary>Whether it is still running.</summary>
    public bool IsRunning => !_disposed && !_process.HasExited;

    /// <summary>The lines of its standard output so far.</summary>
    public IReadOnlyList<string> Output => Lines(_output);

    /// <summary>The lines of its standard error so far.</summary>
    public IReadOnlyList<string> Errors => Lines(_errors);

    /// <summary>Its peak memory so far, in bytes: the resident set, code included.</summary>
    public long PeakBytes
    {
        get
        {
            var line = File.ReadLines($"/proc/{Pid}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return 1024 * long.Parse(
                line["VmHWM:".Length..^"kB".Length],
                NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
                CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Starts <c>onex run</c> in a role with these settings and no others.</summary>
    public static OnexProcess Start(
        string role, IReadOnlyDictionary<string, string> settings, string? logFile = null, MemoryGroup? memory = null,
        string? assembly = null)
    {
        var port = FreePort.Next();
        var environment = new Dictionary<string, string>(settings)
        {
            ["RUNTIME_PROFILE"] = role,
            ["ONEX_HTTP_PORT"] = port.ToString(CultureInfo.InvariantCulture),
        };
        return Launch(["run"], environment, role, port, logFile, memory, assembly);
    }

    /// <summary>Runs another command of the executable to its end.</summary>
    public static async Task<ProgramResult> RunAsync(IReadOnlyDictionary<string, string> settings, params string[] arguments)
    {
        await using var process = Launch(arguments, settings, arguments[0], 0, null);
        var code = await process.WaitForExitAsync(TimeSpan.FromMinutes(2));
        return new ProgramResult(code, string.Join('\n', process.Output), string.Join('\n', process.Errors));
    }

    /// <summary>The status and body of a GET, or null without an answer.</summary>
    public async Task<(HttpStatusCode Status, string Body)?> GetAsync(string path)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri($"http://127.0.0.1:{HttpPort}{path}"));
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    /// <summary>Whether <c>/ready</c> says 200.</summary>
    public async Task<bool> IsReadyAsync() => await GetAsync("/ready") is { Status: HttpStatusCode.OK };

    /// <summary>Waits until <c>/ready</c> says 200; fails at once if the process ends.</summary>
    public async Task<OnexProcess> ReadyAsync(TimeSpan? within = null)
    {
        await Eventually.Async(
            async () =>
            {
                if (!IsRunning)
                {
                    // Also waits for its last lines.
                    await _process.WaitForExitAsync();
                    throw new InvalidOperationException($"{Name} ended with {_process.ExitCode} before it was ready:\n{Tail()}");
                }

                return await IsReadyAsync();
            },
            within ?? TimeSpan.FromMinutes(2),
            () => $"{Name} is not ready:\n{Tail()}");
        return this;
    }

    /// <summary>Kills it as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        if (IsRunning)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        Reaper.Remove(_reaperId);
    }

    /// <summary>Freezes the process: it keeps its connections and does nothing.</summary>
    public Task FreezeAsync() => SignalAsync("STOP");

    /// <summary>Thaws the process.</summary>
    public Task ThawAsync() => SignalAsync("CONT");

    /// <summary>Sends SIGHUP, after which the process reloads its files.</summary>
    public Task HangUpAsync() => SignalAsync("HUP");

    /// <summary>Sends SIGTERM and returns the exit code.</summary>
    public async Task<int> TerminateAsync(TimeSpan? within = null)
    {
        await SignalAsync("TERM");
        return await WaitForExitAsync(within ?? TimeSpan.FromMinutes(2));
    }

    /// <summary>Waits until it exits and returns the exit code.</summary>
    public async Task<int> WaitForExitAsync(TimeSpan within)
    {
        await Eventually.Async(() => !IsRunning, within, () => $"{Name} still runs:\n{Tail()}");
        await _process.WaitForExitAsync();
        Reaper.Remove(_reaperId);
        return _process.ExitCode;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        await KillAsync();
        _disposed = true;
        _process.Dispose();
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }
    }

    private static OnexProcess Launch(
        IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> settings, string name, int port, string? logFile,
        MemoryGroup? memory = null,
        string? assembly = null)
    {
        assembly ??= Repository.OnexAssembly;
        if (!File.Exists(assembly))
        {
            throw new InvalidOperationException($"{assembly} is not built: ./dev build");
        }

        // The shell joins the control group before it becomes dotnet, which reads the memory limit at its start.
        var start = new ProcessStartInfo(
            memory is null ? "dotnet" : "sh",
            [
                .. memory is null ? (string[])[] : ["-c", "echo $$ >\"$0\" && exec dotnet \"$@\"", memory.Members],
                assembly,
                .. arguments,
            ])
        {
            UseShellExecute = false,
            WorkingDirectory = Repository.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var inherited in start.Environment.Keys
            .Where(key => key is "RUNTIME_PROFILE" or "DOTNET_RUNNING_IN_CONTAINER"
                || _ownPrefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal)))
            .ToList())
        {
            start.Environment.Remove(inherited);
        }

        foreach (var (key, value) in settings)
        {
            start.Environment[key] = value;
        }

        if (memory is not null)
        {
            // As in docker/Dockerfile.runtime.
            start.Environment["DOTNET_GCHighMemPercent"] = "0x41";
            start.Environment["MALLOC_ARENA_MAX"] = "2";
        }

        var process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
        process.StandardInput.Close();
        return new OnexProcess(process, name, port, logFile);
    }

    private async Task SignalAsync(string signal) =>
        (await Shell.RunAsync("kill", $"-{signal}", Pid.ToString(CultureInfo.InvariantCulture))).OrThrow($"kill -{signal}");

    private void Add(List<string> lines, string? line)
    {
        if (line is not null)
        {
            lock (_lock)
            {
                lines.Add(line);
                _log?.WriteLine(line);
            }
        }
    }

    private List<string> Lines(List<string> lines)
    {
        lock (_lock)
        {
            return [.. lines];
        }
    }

    private string Tail() =>
        string.Join('\n', Output.TakeLast(8).Concat(Errors.TakeLast(8)).Select(line => line.Length > 500 ? line[..500] + "..." : line));
}
