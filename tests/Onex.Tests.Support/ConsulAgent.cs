using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Onex.Tests.Support;

/// <summary>
/// A Consul agent on loopback that requires a token. Its binary is that in <c>ONEX_CONSUL</c>, or on PATH: Debian has no package of it.
/// </summary>
public sealed class ConsulAgent : IAsyncDisposable
{
    /// <summary>The variable that names the binary.</summary>
    public const string Variable = "ONEX_CONSUL";

    /// <summary>The token that may do everything.</summary>
    public const string Token = "correct-horse-battery-staple";

    private readonly string _binary;

    // HTTP, LAN gossip, WAN gossip, server and DNS.
    private readonly string[] _ports;
    private readonly HttpClient _client = new();
    private Process? _process;
    private string _reaperId = "";

    private ConsulAgent(string binary)
    {
        _binary = binary;
        _ports = [.. Enumerable.Range(0, 5).Select(_ => FreePort.NextLow().ToString(CultureInfo.InvariantCulture))];
        Address = new Uri($"http://127.0.0.1:{_ports[0]}");
        Dns = new IPEndPoint(IPAddress.Loopback, int.Parse(_ports[4], CultureInfo.InvariantCulture));
        _client.BaseAddress = Address;
        _client.DefaultRequestHeaders.Add("X-Consul-Token", Token);
    }

    /// <summary>The address of its HTTP API.</summary>
    public Uri Address { get; }

    /// <summary>The address of its DNS server, for the domain <c>consul</c>.</summary>
    public IPEndPoint Dns { get; }

    /// <summary>Starts an agent.</summary>
    public static async Task<ConsulAgent> StartAsync()
    {
        var binary = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given ? given : Shell.Which("consul");
        Assert.SkipWhen(binary is null, $"No Consul for tests: set {Variable} to the path of its binary.");
        var agent = new ConsulAgent(binary!);
        await agent.StartAgainAsync();
        return agent;
    }

    /// <summary>Starts the agent again, at the same address and without its data.</summary>
    public async Task StartAgainAsync()
    {
        Launch();
        await Eventually.Async(IsReadyAsync, TimeSpan.FromSeconds(30), () => "Consul has a leader and knows its token");
    }

    /// <summary>Kills the agent.</summary>
    public async Task StopAsync()
    {
        if (_process is not { } process)
        {
            return;
        }

        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        Reaper.Remove(_reaperId);
        process.Dispose();
        _process = null;
    }

    /// <summary>Gets JSON from its API.</summary>
    public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await _client.GetStringAsync(path))!;

    /// <summary>Puts JSON to its API.</summary>
    public async Task PutAsync(string path, string json)
    {
        using var content = new StringContent(json);
        using var response = await _client.PutAsync(path, content);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Issues a token with a policy.</summary>
    public async Task<string> IssueAsync(string policy)
    {
        var token = new Guid(RandomNumberGenerator.GetBytes(16)).ToString();
        await PutAsync(
            "/v1/acl/token",
            JsonSerializer.Serialize(new { AccessorID = token, SecretID = token, Policies = new[] { new { Name = policy } } }));
        return token;
    }

    /// <summary>Deletes a token of <see cref="IssueAsync"/>.</summary>
    public async Task RevokeAsync(string token)
    {
        using var response = await _client.DeleteAsync($"/v1/acl/token/{token}");
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Registers a healthy instance of a service, and waits until the catalogue has it.</summary>
    public async Task RegisterAsync(string service, string id, string address, int port, params string[] tags)
    {
        await PutAsync(
            "/v1/agent/service/register",
            JsonSerializer.Serialize(new { ID = id, Name = service, Address = address, Port = port, Tags = tags }));
        await Eventually.Async(
            async () => (await GetAsync($"/v1/catalog/service/{service}")).AsArray().Any(instance => (string?)instance!["ServiceID"] == id),
            TimeSpan.FromSeconds(30), () => $"the catalogue has {id}");
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _client.Dispose();
    }

    private void Launch()
    {
        _process = Process.Start(new ProcessStartInfo(
            _binary,
            [
                "agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-grpc-port", "-1", "-dns-port", _ports[4], "-log-level",
                "err", "-http-port", _ports[0], "-serf-lan-port", _ports[1], "-serf-wan-port", _ports[2], "-server-port", _ports[3],
                "-hcl",
                $$"""
                acl { enabled = true, default_policy = "deny", tokens { master = "{{Token}}", agent = "{{Token}}", default = "{{Token}}" } }
                """,
            ])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException("consul did not start.");
        _reaperId = Reaper.KillAtExit(_process.Id);
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private async Task<bool> IsReadyAsync()
    {
        if (_process!.HasExited)
        {
            // Another process used one of the ports for a moment while it looked for a free one.
            await StopAsync();
            Launch();
            return false;
        }

        try
        {
            var nodes = await _client.GetStringAsync("/v1/health/service/consul");
            return nodes.Contains("\"passing\"", StringComparison.Ordinal);
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
