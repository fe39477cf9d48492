using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Onex.Tests.EndToEnd.Secrets;

/// <summary><c>contracts/secret-rotation.yaml</c> against the stand-in for Vault and a role of a real PostgreSQL.</summary>
public sealed class SecretRotationTests
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task The_password_of_a_database_role_is_rotated_and_the_old_one_is_restored_if_the_new_one_does_not_work()
    {
        var server = await PostgresServer.SharedAsync();
        await using var vault = await VaultServer.StartAsync();
        await using var stack = await OnexStack.CreateAsync(server);
        var (good, bad) = (Names.Next("good"), Names.Next("bad"));
        await using var accounts = await Accounts.StartAsync(stack.Database, server, rejected: bad);
        foreach (var account in (string[])[good, bad])
        {
            await stack.Database.ExecuteAsync($"CREATE ROLE {account} LOGIN PASSWORD 'the first password'");
            vault.Put($"secret/apps/{account}", ("password", "the first password"), ("user", account));
        }

        try
        {
            stack.Set("ONEX_CONNECTION_VAULT_URL", vault.Address.ToString());
            stack.Set("ONEX_CONNECTION_ACCOUNTS_URL", accounts.Address.ToString());
            stack.Set("VAULT_ROLE_ID", VaultServer.RoleId);
            stack.Set("VAULT_SECRET_ID", vault.SecretId);
            await stack.StartReadyAsync("main", "effects");

            var rotated = await stack.RequestAsync(
                "secret-rotation", new JsonObject { ["account"] = good, ["path"] = $"apps/{good}" });
            var unchanged = await stack.RequestAsync(
                "secret-rotation", new JsonObject { ["account"] = bad, ["path"] = $"apps/{bad}" });

            var response = await stack.Responses.ReadAsync(rotated, _timeout);
            Assert.Equal(
                ("success", 2), (response.Field("status"), response.Json.GetProperty("payload").GetProperty("version").GetInt32()));
            var password = vault.Latest($"secret/apps/{good}", "password")!;
            Assert.True(await accounts.CanLogInAsync(good, password));
            Assert.False(await accounts.CanLogInAsync(good, "the first password"));
            Assert.Equal(good, vault.Latest($"secret/apps/{good}", "user"));
            Assert.True(vault.IsDeleted($"secret/apps/{good}", 1));

            Assert.Equal("new_password_refused", (await stack.Responses.ReadAsync(unchanged, _timeout)).Field("code"));
            Assert.True(await accounts.CanLogInAsync(bad, "the first password"));
            Assert.Equal((false, true), (vault.IsDeleted($"secret/apps/{bad}", 1), vault.IsDeleted($"secret/apps/{bad}", 2)));
        }
        finally
        {
            await stack.Database.ExecuteAsync($"DROP ROLE {good}; DROP ROLE {bad}");
        }
    }

    // The service of the contract: sets the password of a role, and says whether the last one works.
    private sealed class Accounts : IAsyncDisposable
    {
        private readonly WebApplication _server;
        private readonly PostgresServer _postgres;
        private readonly ConcurrentDictionary<string, string> _passwords = new();

        private Accounts(WebApplication server, Uri address, PostgresDatabase database, PostgresServer postgres, string rejected)
        {
            (_server, Address, _postgres) = (server, address, postgres);
            server.MapPut("/accounts/{account}/password", async (string account, HttpContext context) =>
            {
                using var reader = new StreamReader(context.Request.Body);
                var password = (string)JsonNode.Parse(await reader.ReadToEndAsync())!["password"]!;
                await database.ExecuteAsync($"ALTER ROLE {account} PASSWORD '{password.Replace("'", "''", StringComparison.Ordinal)}'");
                _passwords[account] = password;
            });
            server.MapGet("/accounts/{account}/health", async (string account) =>
                new { healthy = account != rejected && await CanLogInAsync(account, _passwords[account]) });
        }

        public Uri Address { get; }

        public static async Task<Accounts> StartAsync(PostgresDatabase database, PostgresServer postgres, string rejected)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            var address = new Uri($"http://127.0.0.1:{FreePort.Next()}");
            var server = builder.Build();
            server.Urls.Add(address.ToString());
            var accounts = new Accounts(server, address, database, postgres, rejected);
            await server.StartAsync();
            return accounts;
        }

        public async Task<bool> CanLogInAsync(string account, string password)
        {
            var address = new NpgsqlConnectionStringBuilder(_postgres.ConnectionString("postgres"))
            {
                Username = account,
                Password = password,
                Pooling = false,
            };
            await using var connection = new NpgsqlConnection(address.ConnectionString);
            try
            {
                await connection.OpenAsync();
                return true;
            }
            catch (PostgresException rejected) when (rejected.SqlState == PostgresErrorCodes.InvalidPassword)
            {
                return false;
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _server.StopAsync(new CancellationToken(canceled: true));
            await _server.DisposeAsync();
        }
    }
}
