using System.Globalization;
using System.Net;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Secrets;

/// <summary>The rotation of Redis' password and of the tokens of Consul and Vault, in the steps of docs/operating.md.</summary>
public sealed class CredentialRotationTests : IDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-rotation-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task The_password_of_Redis_changes_while_both_are_valid()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var echo = await EchoService.StartAsync();
        Write("connections/echo.yaml", $$"""
            connections:
              echo: { type: http, url: "{{echo.Address}}", rate_limit: { permits: 100, per: 1s, scope: cluster } }
            """);
        Write("calling.yaml", CallingContract("http.post", "echo", "{ path: /once, body: {} }", "compensate: { none: a test }"));

        await using (var old = await StartAsync(redis, RedisServer.Password))
        {
            await CallAsync(old);
            await redis.CommandAsync(RedisServer.Password, "ACL", "SETUSER", "default", ">another password");
            await CallAsync(old);
            Assert.Empty(FailedHandlers(await old.TextAsync("/health")));
        }

        await using var rotated = await StartAsync(redis, "another password");
        await redis.CommandAsync("another password", "ACL", "SETUSER", "default", $"<{RedisServer.Password}");
        await CallAsync(rotated);

        Assert.Empty(FailedHandlers(await rotated.TextAsync("/health")));
        await Assert.ThrowsAsync<InvalidOperationException>(() => redis.CommandAsync(RedisServer.Password, "SET", "x", "1"));
    }

    [Fact]
    public async Task A_token_of_Consul_is_replaced_before_it_is_deleted()
    {
        await using var agent = await ConsulAgent.StartAsync();
        await agent.PutAsync("/v1/acl/policy", """
            { "Name": "onex", "Rules": "service_prefix \"onex-\" { policy = \"write\" }" }
            """);
        var (first, second) = (await agent.IssueAsync("onex"), await agent.IssueAsync("onex"));
        Write(
            "nothing.yaml",
            "{ contract: nothing, version: 1.0.0, input: { type: object }, initial: done, states: { done: { end: completed } } }");

        await using (var old = OnexProcess.Start("all", Registered(agent, first)))
        {
            await UntilPassingAsync(agent, old);
            Assert.Equal(0, await old.TerminateAsync());
        }

        await using var rotated = OnexProcess.Start("all", Registered(agent, second));
        await UntilPassingAsync(agent, rotated);
        await agent.RevokeAsync(first);
        await using var late = OnexProcess.Start("all", Registered(agent, first));
        await Eventually.Async(
            async () => await late.GetAsync("/health") is { Status: HttpStatusCode.OK } answer
                && FailedHandlers(answer.Body).Contains("consul registration"),
            _timeout, () => "the process with the deleted token is degraded");

        Assert.Empty(FailedHandlers((await rotated.GetAsync("/health"))!.Value.Body));
        Assert.Equal(0, await rotated.TerminateAsync());
        Assert.Empty(await InstancesAsync(agent));
    }

    [Fact]
    public async Task A_token_of_Vault_is_replaced_before_it_is_revoked()
    {
        await using var vault = await VaultServer.StartAsync();
        vault.Put("secret/onex", ("redis", "from vault"));
        vault.Put("secret/apps/stock", ("password", "pl4nted"));
        var (first, second) = (vault.Issue(seconds: 3600, isRenewable: true), vault.Issue(seconds: 3600, isRenewable: true));
        Write("connections/vault.yaml", $$"""connections: { vault: { type: vault, url: "{{vault.Address}}" } }""");
        Write("calling.yaml", CallingContract("vault.read_secret", "vault", "{ path: apps/stock }", ""));

        await using (var old = await StartAsync(vault, first))
        {
            await CallAsync(old);
            Assert.Contains(vault.Requests, seen => seen.Token == first && seen.Path.EndsWith("apps/stock", StringComparison.Ordinal));
        }

        await using var rotated = await StartAsync(vault, second);
        vault.RevokeToken(first);
        await CallAsync(rotated);
        Assert.Contains(vault.Requests, seen => seen.Token == second && seen.Path.EndsWith("apps/stock", StringComparison.Ordinal));

        await using var late = OnexProcess.Start("all", WithVault(vault, first));
        Assert.Equal(78, await late.WaitForExitAsync(_timeout));
        Assert.Contains("ONEX2033", string.Join('\n', late.Errors), StringComparison.Ordinal);
    }

    // A contract with one call of an effect.
    private static string CallingContract(string effect, string connection, string arguments, string further) => $$"""
        contract: calling
        version: 1.0.0
        input: { type: object }
        initial: calling
        states:
          calling:
            steps: [{ id: call, effect: {{effect}}, connection: {{connection}}, with: {{arguments}}, {{further}} }]
            next: done
          done: { end: completed }
        """;

    private static async Task CallAsync(EmbeddedOnex onex)
    {
        var (status, answer) = await onex.RequestAsync("""{"operation":"calling","payload":{}}""", "?wait=60s");
        Assert.True((status, (string?)answer["status"]) == (HttpStatusCode.OK, "success"), answer.ToJsonString());
    }

    private static IReadOnlyCollection<string> FailedHandlers(string health) =>
        [.. JsonNode.Parse(health)!["details"]!["failed_handlers"]!.AsObject().Select(handler => handler.Key)];

    private static async Task UntilPassingAsync(ConsulAgent agent, OnexProcess process) => await Eventually.Async(
        async () => await InstancesAsync(agent) is ["passing"], _timeout,
        () => $"the process is in Consul; it logged\n{string.Join('\n', process.Output.Concat(process.Errors))}");

    private static async Task<string[]> InstancesAsync(ConsulAgent agent) =>
    [
        .. (await agent.GetAsync("/v1/agent/checks")).AsObject()
            .Where(check => (string?)check.Value!["ServiceName"] == "onex-all").Select(check => (string)check.Value!["Status"]!),
    ];

    private Dictionary<string, string> Registered(ConsulAgent agent, string token) => new(Settings())
    {
        ["ONEX_CONSUL_REGISTER"] = "true",
        ["CONSUL_HOST"] = agent.Address.Host,
        ["CONSUL_PORT"] = agent.Address.Port.ToString(CultureInfo.InvariantCulture),
        ["CONSUL_TOKEN"] = token,
    };

    private Dictionary<string, string> WithVault(VaultServer vault, string token) => new(Settings())
    {
        ["VAULT_ADDR"] = vault.Address.ToString(),
        ["VAULT_TOKEN"] = token,
        ["REDIS_PASSWORD"] = "${secret:vault:secret/onex#redis}",
    };

    private Task<EmbeddedOnex> StartAsync(VaultServer vault, string token) => EmbeddedOnex.StartAsync(WithVault(vault, token));

    private Task<EmbeddedOnex> StartAsync(RedisServer redis, string password) => EmbeddedOnex.StartAsync(
        new Dictionary<string, string>(Settings())
        {
            ["REDIS_HOST"] = "127.0.0.1",
            ["REDIS_PORT"] = redis.Port.ToString(CultureInfo.InvariantCulture),
            ["REDIS_PASSWORD"] = password,
        });

    // Processes run at the same time, each with a store of its own.
    private Dictionary<string, string> Settings() => new(EmbeddedOnex.Settings(_directory))
    {
        ["ONEX_DATA_DIR"] = Path.Combine(_directory.FullName, "runtime", Names.Next("data")),
    };

    private void Write(string name, string text)
    {
        var path = Path.Combine(_directory.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
