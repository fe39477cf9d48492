using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Onex.Tests.Support;

/// <summary>
/// A Consul agent on loopback that demands a token, from the binary that <c>ONEX_CONSUL</c> names or PATH has. Debian has no package of it.
/// </summary>
public sealed class ConsulAgent : IAsyncDisposable
{
    /// <summary>The variable that names the binary.</summary>
    public const string Variable = "ONEX_CONSUL";

    /// <summary>The token that may do everything.</summary>
    public const string Token = "correct-horse-battery-staple";

    private readonly Process _process;
    private readonly string _reaperId;

    private ConsulAgent(Process process, Uri address) =>
        (_process, Address, _reaperId) = (process, address, Reaper.Kill(process.Id));

    /// <summary>The address of its HTTP API.</summary>
    public Uri Address { get; }

    /// <summary>Starts one.</summary>
    public static async Task<ConsulAgent> StartAsync()
    {
        var binary = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given ? given : Shell.Which("consul");
        Assert.SkipWhen(binary is null, $"No Consul for tests: set {Variable} to the path of its binary.");
        var ports = Enumerable.Range(0, 4).Select(_ => FreePort.NextLow().ToString(CultureInfo.InvariantCulture)).ToArray();
        var process = Process.Start(new ProcessStartInfo(
            binary!,
            [
                "agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-grpc-port", "-1", "-dns-port", "-1", "-log-level", "err",
                "-http-port", ports[0], "-serf-lan-port", ports[1], "-serf-wan-port", ports[2], "-server-port", ports[3],
                "-hcl", $$"""acl { enabled = true, default_policy = "deny", tokens { master = "{{Token}}", agent = "{{Token}}" } }""",
            ])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException("consul did not start.");
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var agent = new ConsulAgent(process, new Uri($"http://127.0.0.1:{ports[0]}"));
        await Eventually.Async(agent.IsReadyAsync, TimeSpan.FromSeconds(30), () => "Consul has a leader and knows its token");
        return agent;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        Reaper.Forget(_reaperId);
        _process.Dispose();
    }

    private async Task<bool> IsReadyAsync()
    {
        Assert.False(_process.HasExited, "consul ended");
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Add("X-Consul-Token", Token);
        try
        {
            var nodes = await client.GetStringAsync(new Uri(Address, "/v1/health/service/consul"));
            return nodes.Contains("\"passing\"", StringComparison.Ordinal);
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
