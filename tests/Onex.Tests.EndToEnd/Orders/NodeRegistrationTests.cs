using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Onex.Tests.EndToEnd.Orders;

/// <summary>
/// <c>contracts/node-registration.yaml</c> with a real Consul and a real database, and with shorter times. <c>ONEX_OUTAGE_SECONDS</c>
/// lengthens the time without Consul.
/// </summary>
public sealed class NodeRegistrationTests : IAsyncLifetime
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-nodes-");
    private ConsulAgent _agent = null!;
    private OnexStack _stack = null!;
    private PostgresDatabase _inventory = null!;
    private WebApplication _nodes = null!;

    public async ValueTask InitializeAsync()
    {
        _agent = await ConsulAgent.StartAsync();
        _stack = await OnexStack.CreateAsync();
        _inventory = await _stack.Database.Server.CreateDatabaseAsync();
        await _inventory.ExecuteAsync(
            "CREATE TABLE nodes (id text PRIMARY KEY, zone text NOT NULL, address text, port int, left_at timestamptz)");
        var port = FreePort.Next();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _nodes = builder.Build();
        _nodes.Urls.Add($"http://127.0.0.1:{port}");
        _nodes.MapGet(
            "/{node}/introspection",
            () => Results.Text($$"""{"address":"127.0.0.1","port":{{port}},"roles":["store"]}""", "application/json"));
        await _nodes.StartAsync();

        File.WriteAllText(
            Path.Combine(_directory.FullName, "node-registration.yaml"),
            File.ReadAllText(Repository.At("contracts", "node-registration.yaml"))
                .Replace("90s", "2s", StringComparison.Ordinal).Replace("Interval: 10s", "Interval: 1s", StringComparison.Ordinal));
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "connections"));
        var inventory = _inventory.Environment;
        File.WriteAllText(
            Path.Combine(_directory.FullName, "connections", "outside.yaml"),
            $$$"""
            connections:
              nodes: { type: http, url: "http://127.0.0.1:{{{port}}}" }
              consul: { type: consul, url: "{{{_agent.Address}}}", token: "${secret:CONSUL_TOKEN}" }
              inventory:
                type: postgres
                host: {{{inventory["POSTGRES_HOST"]}}}
                port: {{{inventory["POSTGRES_PORT"]}}}
                database: {{{inventory["POSTGRES_DATABASE"]}}}
                user: {{{inventory["POSTGRES_USER"]}}}
                password: "${secret:POSTGRES_PASSWORD}"
            """);
        _stack.Set("CONTRACTS_DIR", _directory.FullName);
        _stack.Set("CONSUL_TOKEN", ConsulAgent.Token);
        await _stack.StartReadyAsync("main", "effects");
    }

    public async ValueTask DisposeAsync()
    {
        await _stack.DisposeAsync();
        await _nodes.DisposeAsync();
        await _inventory.DisposeAsync();
        await _agent.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_registration_waits_for_Consul_and_is_removed_when_the_node_falls_silent()
    {
        // Consul is unavailable: the commands wait, and nothing is compensated.
        await _agent.StopAsync();
        string[] nodes = [.. Enumerable.Range(1, 5).Select(number => string.Create(CultureInfo.InvariantCulture, $"n-{number}"))];
        var requests = await Task.WhenAll(nodes.Select(RegisterAsync));
        await Eventually.Async(
            async () => await _stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.effect_ledger WHERE outcome = 'parked'") == 5,
            _timeout, () => "the commands are parked");

        if (int.TryParse(Environment.GetEnvironmentVariable("ONEX_OUTAGE_SECONDS"), CultureInfo.InvariantCulture, out var seconds))
        {
            await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System);
        }

        await _agent.StartAgainAsync();
        foreach (var node in nodes)
        {
            await _stack.InStateAsync(node, "awaiting_acknowledgement", _timeout);
            await Eventually.Async(async () => await StatusAsync(node) == "passing", _timeout, () => $"{node} is in Consul with its check");
        }

        Assert.Equal(nodes, await _inventory.QueryAsync("SELECT id FROM nodes WHERE address = '127.0.0.1' ORDER BY id"));
        Assert.Empty(await _stack.Database.QueryAsync("SELECT kind FROM onex.saga_history WHERE kind LIKE 'compensation%'"));
        Assert.All(requests, request => Assert.Empty(_stack.Responses.For(request)));

        // A node that sends one heartbeat and then none.
        await _stack.EventAsync("node-registration.acknowledge", nodes[0], new JsonObject { ["by"] = "alice" });
        await _stack.EventAsync("node-registration.heartbeat", nodes[0], new JsonObject { ["load"] = 0.5 });
        var response = await _stack.Responses.ReadAsync(requests[0], _timeout);

        Assert.Equal("node_silent", response.Field("code"));
        Assert.Equal("", await StatusAsync(nodes[0]));
        Assert.Equal("passing", await StatusAsync(nodes[1]));
        Assert.Equal(nodes[1..], await _inventory.QueryAsync("SELECT id FROM nodes ORDER BY id"));
    }

    private Task<string> RegisterAsync(string node) =>
        _stack.RequestAsync("node-registration", new JsonObject { ["node_id"] = node, ["zone"] = "north" });

    // The status of the node's check in Consul, or empty without one.
    private async Task<string> StatusAsync(string node)
    {
        var entries = (await _agent.GetAsync("/v1/health/service/node")).AsArray();
        return entries.FirstOrDefault(entry => (string?)entry!["Service"]!["ID"] == node)?["Checks"]!.AsArray()
            .Where(check => (string?)check!["ServiceID"] == node).Select(check => (string?)check!["Status"]).SingleOrDefault() ?? "";
    }
}
