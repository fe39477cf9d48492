namespace Onex.Tests.EndToEnd.Plugins;

/// <summary>Plug-ins in processes of one role each.</summary>
public sealed class PluginRolesTests : IDisposable
{
    private readonly DirectoryInfo _contracts = Directory.CreateTempSubdirectory("onex-contracts-");
    private readonly PluginDirectory _plugins = new("Acme.Trials");

    public void Dispose()
    {
        _plugins.Dispose();
        _contracts.Delete(recursive: true);
    }

    [Fact]
    public async Task Workers_and_effects_run_operations_of_a_plugin_and_the_progress_of_an_effect_shows_while_it_runs()
    {
        File.WriteAllText(Path.Combine(_contracts.FullName, "upload.yaml"), """
            contract: upload
            version: 1.0.0
            input: { type: object }
            initial: working
            states:
              working:
                steps:
                  - { id: count, compute: acme.count, with: { times: 2 } }
                  - { id: upload, effect: acme.upload, with: { times: 600 }, timeout: 1h }
                next: done
              done: { end: completed }
            """);
        await using var stack = await OnexStack.CreateAsync();
        stack.Set("CONTRACTS_DIR", _contracts.FullName);
        stack.Set("ONEX_PLUGINS_DIR", _plugins.Root);
        var main = (await stack.StartReadyAsync("main", "effects", "workers"))[0];

        var request = await stack.RequestAsync("upload", new JsonObject());
        string? why = null;
        await Eventually.Async(
            async () =>
            {
                var ids = await stack.Database.QueryAsync($"SELECT id FROM onex.sagas WHERE correlation_id = '{request}'");
                why = ids.Count == 0 ? "no saga" : (await main.GetAsync($"/api/v1/sagas/{ids[0]}/why"))?.Body;
                return why?.Contains(" %: part ", StringComparison.Ordinal) == true;
            },
            TimeSpan.FromMinutes(1),
            () => $"the progress shows: {why}");

        Assert.Contains("step 'upload' is running on ", JsonNode.Parse(why!)!["sentence"]!.ToString(), StringComparison.Ordinal);
    }
}
