using System.Net;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Secrets;

/// <summary>A Vault that is sealed between the step that reads a secret and the step that uses it.</summary>
public sealed class SealedVaultTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_step_that_needs_a_sealed_Vault_waits_and_completes_with_its_only_attempt()
    {
        await using var vault = await VaultServer.StartAsync();
        await using var echo = await EchoService.StartAsync();
        vault.Put("secret/apps/stock", ("password", "pl4nted"));
        vault.Allows = (_, path) =>
        {
            // This request is still answered; Vault is sealed for the next one.
            vault.IsSealed = path == "secret/data/apps/stock";
            return true;
        };
        Write(vault, echo);
        await using var onex = await EmbeddedOnex.StartAsync(_directory, ("VAULT_TOKEN", VaultServer.RootToken));
        var (accepted, _) = await onex.RequestAsync("""{"operation":"using","payload":{}}""");
        Assert.Equal(HttpStatusCode.Accepted, accepted);
        var id = "";
        var why = "";
        await Eventually.Async(
            async () =>
            {
                id = (string?)(await onex.GetAsync("/api/v1/sagas"))["sagas"]!.AsArray().FirstOrDefault()?["id"] ?? "";
                why = id.Length == 0 ? "" : (await onex.GetAsync($"/api/v1/sagas/{id}/why")).ToJsonString();
                return why.Contains("parked", StringComparison.Ordinal) && why.Contains("sealed", StringComparison.Ordinal);
            },
            TimeSpan.FromMinutes(1),
            () => $"the command is parked: {why}");
        Assert.Empty(echo.Received);

        vault.Allows = (_, _) => true;
        vault.IsSealed = false;
        await onex.UntilAsync(id, "done");

        Assert.Contains("pl4nted", Assert.Single(echo.Received), StringComparison.Ordinal);
    }

    private void Write(VaultServer vault, EchoService echo)
    {
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "connections"));
        File.WriteAllText(
            Path.Combine(_directory.FullName, "connections", "all.yaml"),
            $$"""
            connections:
              vault: { type: vault, url: "{{vault.Address}}", breaker: { pause: 500ms } }
              echo: { type: http, url: "{{echo.Address}}" }
            """);
        File.WriteAllText(
            Path.Combine(_directory.FullName, "using.yaml"),
            """
            contract: using
            version: 1.0.0
            input: { type: object }
            initial: using
            states:
              using:
                steps:
                  - id: read
                    effect: vault.read_secret
                    connection: vault
                    with: { path: apps/stock }
                  - id: call
                    effect: http.post
                    connection: echo
                    with: { path: /once, body: { password: "${steps.read.fields.password}" } }
                    retry: { attempts: 1 }
                    compensate: { none: a test }
                next: done
              done: { end: completed }
            """);
    }
}
