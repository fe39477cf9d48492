using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Onex.Tests.Support;

/// <summary>A Redis on loopback with a password, run from the <c>redis-server</c> in the PATH. It stores nothing on disk.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    /// <summary>Its password.</summary>
    public const string Password = "correct-horse-battery-staple";

    private readonly string[] _options;
    private Process? _process;
    private string? _reaperId;

    private RedisServer(int port, string[] options) => (Port, _options) = (port, options);

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Starts a server; with options for TLS, one that accepts only TLS.</summary>
    public static async Task<RedisServer> StartAsync(params string[] options)
    {
        Assert.SkipWhen(Shell.Which("redis-server") is null, "No Redis for tests: install it (apt-get install redis-server).");
        var server = new RedisServer(FreePort.NextLow(), options);
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Starts a server that accepts only TLS, and only clients with a certificate of the authority.</summary>
    public static Task<RedisServer> StartWithTlsAsync(TestCertificates certificates) => StartAsync(
        "--tls-cert-file", certificates.ServerFile, "--tls-key-file", certificates.ServerFile,
        "--tls-ca-cert-file", certificates.CaFile, "--tls-auth-clients", "yes");

    /// <summary>Starts the server at the same port, without its data.</summary>
    public async Task StartAgainAsync()
    {
        var port = Port.ToString(CultureInfo.InvariantCulture);
        string[] listening = _options.Length > 0 ? ["--port", "0", "--tls-port", port] : ["--port", port];
        var start = new ProcessStartInfo("redis-server", [.. listening, "--bind", "127.0.0.1", "--requirepass", Password,
            "--save", "", "--appendonly", "no", "--dir", Path.GetTempPath(), "--logfile", "/dev/null", .. _options])
        {
            UseShellExecute = false,
        };
        _process = Process.Start(start) ?? throw new InvalidOperationException("redis-server did not start.");
        _reaperId = Reaper.KillAtExit(_process.Id);
        await Eventually.Async(AcceptsConnectionsAsync, TimeSpan.FromSeconds(20), () => $"redis-server listens on {Port}");
    }

    /// <summary>Runs a command. Throws unless Redis answers OK.</summary>
    public async Task CommandAsync(string password, params string[] command)
    {
        var ended = await Shell.RunAsync(
            "redis-cli", ["-p", Port.ToString(CultureInfo.InvariantCulture), .. command],
            new Dictionary<string, string> { ["REDISCLI_AUTH"] = password });
        if (ended.Out.Trim() != "OK")
        {
            throw new InvalidOperationException($"redis-cli {command[0]}: {ended.Out} {ended.Error}");
        }
    }

    /// <summary>Kills the server.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        Reaper.Remove(_reaperId!);
    }

    /// <summary>Freezes the server: its sockets stay open, and it answers nothing.</summary>
    public Task FreezeAsync() => SignalAsync("-STOP");

    /// <summary>Lets the frozen server continue.</summary>
    public Task ThawAsync() => SignalAsync("-CONT");

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (!_process!.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private async Task<bool> AcceptsConnectionsAsync()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, Port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task SignalAsync(string signal) =>
        (await Shell.RunAsync("kill", signal, _process!.Id.ToString(CultureInfo.InvariantCulture))).OrThrow($"kill {signal}");
}
