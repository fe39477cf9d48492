using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Plugins;

/// <summary>A process with invalid plug-ins does not start; a plug-in that fails later harms no steps but its own.</summary>
public sealed class FaultyPluginTests : IDisposable
{
    private const int BadConfiguration = 78;

    private readonly DirectoryInfo _contracts = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _contracts.Delete(recursive: true);

    [Fact]
    public async Task A_process_does_not_start_with_faulty_plugins_and_names_each()
    {
        using var plugins = new PluginDirectory("Acme.Faulty", "Acme.Trials");
        plugins.Add("Acme.Trials", "Acme.Newer");
        plugins.SetReference("Acme.Newer", "Onex.Operations", new Version(9, 8, 7, 0));
        plugins.Add("Acme.Trials", "Acme.Future");
        plugins.SetReference("Acme.Future", "System.Runtime", new Version(99, 0, 0, 0));
        plugins.Add("Acme.Trials", "Acme.Missing");
        File.Delete(plugins.At("Acme.Missing", "YamlDotNet.dll"));
        plugins.Add("Acme.Trials", "Acme.Twin");
        File.WriteAllText(Path.Combine(_contracts.FullName, "a.yaml"), Contract("a", "compute: hash.sha256, with: { text: a }"));

        var settings = EmbeddedOnex.Settings(_contracts);
        settings["ONEX_PLUGINS_DIR"] = plugins.Root;
        await using var process = OnexProcess.Start("all", settings);

        Assert.Equal(BadConfiguration, await process.WaitForExitAsync(TimeSpan.FromMinutes(1)));
        var errors = string.Join('\n', process.Errors);
        Assert.Multiple([.. new[]
        {
            "Acme.Future: error ONEX2105: it is built with System.Runtime 99.0.0",
            "Acme.Missing: error ONEX2104: its folder has no YamlDotNet.dll",
            "Acme.Newer: error ONEX2105: it is built with Onex.Operations 9.8.7",
            "Acme.Twin: error ONEX2107: Acme.Trials.Count has the name 'acme.count', which Acme.Trials.Count of Acme.Trials has too",
            "Acme.Faulty: error ONEX2106: Acme.Faulty.NoAttribute has no [Operation]",
            "Acme.Faulty: error ONEX2107: Acme.Faulty.Same2 has the name 'acme.same', which Acme.Faulty.Same1 of Acme.Faulty has too",
            "Acme.Faulty: error ONEX2108: the constructor of Acme.Faulty.NoStart threw InvalidOperationException: there is no licence file",
        }.Select(line => (Action)(() => Assert.Contains(line, errors, StringComparison.Ordinal)))]);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Operations_of_a_plugin_that_throw_hang_or_return_nothing_fail_their_own_steps_alone()
    {
        using var plugins = new PluginDirectory("Acme.Trials");
        foreach (var operation in new[] { "throw", "nothing", "absent", "block", "count" })
        {
            File.WriteAllText(
                Path.Combine(_contracts.FullName, $"{operation}.yaml"),
                Contract(operation, $"compute: acme.{operation}, with: {{ times: 2 }}, timeout: 1s, retry: {{ attempts: 1 }}"));
        }

        await using var onex = await EmbeddedOnex.StartAsync(
            _contracts, ("ONEX_PLUGINS_DIR", plugins.Root), ("ONEX_WORKER_CONCURRENCY", "8"));

        Assert.Equal("operation_failed", await RunAsync(onex, "throw"));
        Assert.Equal("operation_failed", await RunAsync(onex, "nothing"));
        Assert.Equal("operation_failed", await RunAsync(onex, "absent"));
        Assert.Equal("success", await RunAsync(onex, "count"));

        // The attempts run on, but take no slots from other computations.
        var hanging = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RunAsync(onex, "block")));
        Assert.All(hanging, code => Assert.Equal("step_timed_out", code));
        Assert.Equal("success", await RunAsync(onex, "count"));

        // No more attempts of this operation are started; other operations are not affected.
        Assert.Equal("operation_stuck", await RunAsync(onex, "block"));
        Assert.Equal("success", await RunAsync(onex, "count"));
        var health = await onex.GetAsync("/health");
        Assert.Equal("degraded", (string?)health["status"]);
        Assert.Contains("8 earlier attempts have passed their time limit", health.ToJsonString(), StringComparison.Ordinal);
    }

    // Runs the operation in a contract. Returns the code of its failed attempt, or success.
    private static async Task<string?> RunAsync(EmbeddedOnex onex, string operation)
    {
        var (_, answer) = await onex.RequestAsync($"{{\"operation\": \"{operation}\", \"payload\": {{}}}}", "?wait=30s");
        if ((string?)answer["status"] == "success")
        {
            return "success";
        }

        var history = (await onex.GetAsync($"/api/v1/sagas/{answer["saga_id"]}/history"))["history"]!.AsArray();
        return (string?)history.Single(entry => (string?)entry!["kind"] == "attempt_failed")!["detail"]!["code"];
    }

    private static string Contract(string name, string step) => $$"""
        contract: {{name}}
        version: 1.0.0
        input: { type: object }
        initial: working
        states:
          working:
            steps: [{ id: s, {{step}} }]
            next: done
          done: { end: completed }
        """;
}
