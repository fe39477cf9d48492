namespace Onex.Tests.EndToEnd.Plugins;

/// <summary>The command line lists and checks operations of plug-ins and remote operations, within <c>handlers.enabled</c>.</summary>
public sealed class OperationsCommandTests : IDisposable
{
    private const int BadConfiguration = 78;

    private readonly DirectoryInfo _contracts = Directory.CreateTempSubdirectory("onex-contracts-");
    private readonly PluginDirectory _plugins = new("Acme.Trials");
    private readonly Dictionary<string, string> _settings;

    public OperationsCommandTests()
    {
        _settings = new() { ["CONTRACTS_DIR"] = _contracts.FullName };
        Write("runtime/runtime_config.yaml", "handlers: { enabled: [hash, acme] }\n");
        Write("operations/pricing.yaml", "operations:\n  pricing.quote: { topic: pricing-commands, changes_world: false }\n");
    }

    public void Dispose()
    {
        _plugins.Dispose();
        _contracts.Delete(recursive: true);
    }

    [Fact]
    public async Task Enabled_built_in_plugin_and_remote_operations_are_listed()
    {
        var listed = await RunAsync("operations", "list", "--plugins", _plugins.Root);
        var shown = await RunAsync("operations", "show", "pricing.quote", "--plugins", _plugins.Root);
        var disabled = await RunAsync("operations", "show", "http.get", "--plugins", _plugins.Root);

        var names = listed.Out.Split('\n').Select(line => line.Split(' ')[0]).ToList();
        Assert.Contains("hash.sha256", names);
        Assert.Contains("acme.count", names);
        Assert.Contains("pricing.quote", names);
        Assert.DoesNotContain("http.get", names);
        Assert.Contains("pricing-commands", shown.Out, StringComparison.Ordinal);
        Assert.Equal(
            (1, "http.get is not enabled: add its prefix to handlers.enabled."), (disabled.Code, disabled.Error.Trim()));
    }

    [Fact]
    public async Task A_contract_may_call_operations_that_are_enabled_and_remote_ones()
    {
        Write("a.yaml", Contract("a", "compute: acme.count", "compute: pricing.quote"));
        var good = await RunAsync("contracts", "check", "--plugins", _plugins.Root);
        Write("b.yaml", Contract("b", "compute: transform, with: { value: 1 }"));
        var bad = await RunAsync("contracts", "check", "--plugins", _plugins.Root);
        var withoutPlugins = await RunAsync("contracts", "check");

        Assert.True(good.Code == 0, good.Error);
        Assert.Equal(BadConfiguration, bad.Code);
        Assert.Contains("b.yaml:6:", bad.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("a.yaml", bad.Error, StringComparison.Ordinal);
        Assert.Equal(BadConfiguration, withoutPlugins.Code);
        Assert.Contains("handlers.enabled names 'acme'", withoutPlugins.Error, StringComparison.Ordinal);
        Assert.Contains("Plug-ins need ONEX_PLUGINS_DIR", withoutPlugins.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_schema_of_remote_operations_is_that_of_the_documents()
    {
        var printed = await RunAsync("contracts", "schema", "--operations");

        Assert.Equal(
            (await File.ReadAllTextAsync(Repository.At("docs", "operation.schema.json"))).TrimEnd(), printed.Out.TrimEnd());
    }

    private Task<ProgramResult> RunAsync(params string[] arguments) => OnexProcess.RunAsync(_settings, arguments);

    private void Write(string path, string text)
    {
        var full = Path.Combine(_contracts.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    private static string Contract(string name, params string[] steps) => $$"""
        contract: {{name}}
        version: 1.0.0
        input: { type: object }
        initial: working
        states:
          working: { steps: [{{string.Join(", ", steps.Select((step, index) => $"{{ id: s{index}, {step} }}"))}}], next: done }
          done: { end: completed }
        """;
}
