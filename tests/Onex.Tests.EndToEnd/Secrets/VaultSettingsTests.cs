using System.Net;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Secrets;

/// <summary>A role whose database password is in Vault.</summary>
public sealed class VaultSettingsTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public VaultSettingsTests() => File.WriteAllText(
        Path.Combine(_directory.FullName, "nothing.yaml"),
        """
        contract: nothing
        version: 1.0.0
        input: { type: object }
        initial: done
        states:
          done: { end: completed }
        """);

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_role_and_its_commands_read_the_password_of_the_database_from_Vault()
    {
        var server = await PostgresServer.SharedAsync();
        await using var database = await server.CreateDatabaseAsync();
        await using var vault = await VaultServer.StartAsync();
        vault.Put("secret/onex", ("postgres", server.Password));
        vault.IsSealed = true;
        var settings = EmbeddedOnex.Settings(_directory);
        settings["ONEX_STORE"] = "postgres";
        foreach (var (name, value) in database.Environment)
        {
            settings[name] = value;
        }

        settings["POSTGRES_PASSWORD"] = "${secret:vault:secret/onex#postgres}";
        settings["VAULT_ADDR"] = vault.Address.ToString();
        settings["VAULT_TOKEN"] = VaultServer.RootToken;

        await using var process = OnexProcess.Start("all", settings);
        await Eventually.Async(
            () => process.Output.Any(line => line.Contains("The start waits for Vault at", StringComparison.Ordinal)),
            TimeSpan.FromMinutes(1),
            () => "the start waits for Vault");
        foreach (var path in new[] { "/health", "/ready" })
        {
            var (status, body) = (await process.GetAsync(path))!.Value;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
            Assert.Contains(
                $"Runtime not initialized: it waits for Vault at {vault.Address}", body, StringComparison.Ordinal);
        }

        vault.IsSealed = false;
        await process.ReadyAsync();

        Assert.Equal(HttpStatusCode.OK, (await process.GetAsync("/health"))!.Value.Status);
        Assert.True(await database.ScalarAsync<long>("SELECT count(*) FROM pg_tables WHERE tablename = 'sagas'") > 0);
        Assert.DoesNotContain(server.Password, string.Join('\n', process.Output.Concat(process.Errors)), StringComparison.Ordinal);

        (await OnexProcess.RunAsync(settings, "db", "status")).OrThrow("onex db status");
        Assert.Equal(0, await process.TerminateAsync());
    }

    [Fact]
    public async Task A_wrong_reference_ends_the_start_with_the_code_of_configuration_errors()
    {
        await using var vault = await VaultServer.StartAsync();
        var settings = EmbeddedOnex.Settings(_directory);
        settings["REDIS_PASSWORD"] = "${secret:vault:secret/onex#redis}";
        settings["VAULT_ADDR"] = vault.Address.ToString();
        settings["VAULT_TOKEN"] = VaultServer.RootToken;

        await using var process = OnexProcess.Start("all", settings);

        Assert.Equal(78, await process.WaitForExitAsync(TimeSpan.FromMinutes(1)));
        Assert.Contains("ONEX2033: REDIS_PASSWORD", string.Join('\n', process.Errors), StringComparison.Ordinal);
    }
}
