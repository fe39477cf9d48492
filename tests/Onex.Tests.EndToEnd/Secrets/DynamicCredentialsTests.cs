using System.Net;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Secrets;

/// <summary>A connection with short-lived credentials from Vault. They are replaced without a failed query.</summary>
public sealed class DynamicCredentialsTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_role_starts_with_a_sealed_Vault_and_its_queries_outlive_every_rotation()
    {
        var server = await PostgresServer.SharedAsync();
        await using var target = await server.CreateDatabaseAsync();
        await using var vault = await VaultServer.StartAsync();
        var created = new List<string>();
        vault.LeaseSeconds = 3;
        vault.IsRenewable = false;
        vault.CreateCredentials = async _ =>
        {
            var user = Names.Next("v");
            await target.ExecuteAsync($"CREATE ROLE {user} LOGIN PASSWORD 'p-{user}'");
            lock (created)
            {
                created.Add(user);
            }

            return (user, $"p-{user}");
        };
        vault.IsSealed = true;
        Write(server, target);
        try
        {
            await using var onex = await EmbeddedOnex.StartAsync(
                _directory, ("VAULT_ADDR", vault.Address.ToString()), ("VAULT_TOKEN", VaultServer.RootToken));
            var health = $"{await onex.GetAsync("/health")} {await onex.GetAsync("/health/detailed")}";
            Assert.Contains("vault:database/creds/app", health, StringComparison.Ordinal);
            Assert.Contains("sealed", health, StringComparison.Ordinal);

            // Until then the connection has no user, and its commands are parked.
            vault.IsSealed = false;
            await Eventually.Async(
                () => Task.FromResult(onex.Output.Any(line => line.Contains("Connections were reloaded", StringComparison.Ordinal))),
                TimeSpan.FromMinutes(1),
                () => "the connection has its secrets");
            var users = new HashSet<string>();
            await Eventually.Async(
                async () =>
                {
                    foreach (var (status, answer) in await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => AskAsync(onex))))
                    {
                        Assert.Equal((HttpStatusCode.OK, "success"), (status, (string?)answer["status"]));
                        users.Add((string)answer["payload"]!["user"]!);
                    }

                    return users.Count >= 2;
                },
                TimeSpan.FromMinutes(1),
                () => $"two users have asked: {string.Join(", ", users)}");
            Assert.Subset(created.ToHashSet(), users);
        }
        finally
        {
            foreach (var user in created)
            {
                await target.ExecuteAsync($"DROP ROLE {user}");
            }
        }
    }

    private static Task<(HttpStatusCode Status, JsonNode Answer)> AskAsync(EmbeddedOnex onex) =>
        onex.RequestAsync("""{"operation":"asking","payload":{}}""", "?wait=30s");

    private void Write(PostgresServer server, PostgresDatabase target)
    {
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "connections"));
        File.WriteAllText(
            Path.Combine(_directory.FullName, "connections", "all.yaml"),
            $$"""
            connections:
              target:
                type: postgres
                host: "{{server.Host}}"
                port: {{server.Port}}
                database: {{target.Name}}
                user: "${secret:vault:database/creds/app#username}"
                password: "${secret:vault:database/creds/app#password}"
                breaker: { calls: 2, pause: 500ms }
            """);
        File.WriteAllText(
            Path.Combine(_directory.FullName, "asking.yaml"),
            """
            contract: asking
            version: 1.0.0
            input: { type: object }
            data: { user: string }
            initial: asking
            states:
              asking:
                steps:
                  - id: ask
                    effect: db.query
                    connection: target
                    with: { sql: "SELECT current_user::text AS name, pg_sleep(0.05)::text AS slept" }
                    returns: { rows: "list({ name: string })" }
                    save: { user: "result.rows[0].name" }
                    retry: { attempts: 1 }
                next: done
              done: { end: completed, output: { user: "${data.user}" } }
            """);
    }
}
