using Onex.Hosting.Plugins;
using Onex.Tests.Unit.Hosting.Plugins;

namespace Onex.Tests.Unit.Workers.Plugins;

public sealed class PluginComputeTests
{
    private static readonly PluginSet _plugins = PluginFolder.LoadTrials();

    private readonly ComputeHarness _worker = new(plugins: _plugins);

    [Fact]
    public async Task A_compute_of_a_plugin_completes() => await CompletesAsync("acme.count", "2 EUR");

    [Fact]
    public async Task A_plugin_has_its_own_version_of_a_library() => await CompletesAsync("acme.library", "YamlDotNet 16.0");

    [Fact]
    public async Task Arguments_of_wrong_types_are_rejected_at_their_path()
    {
        var result = await _worker.RunAsync("acme.count", """{"times": 1, "price": {"amount": 3, "currency": "EUR"}}""");

        Assert.Equal((StepOutcomes.Rejected, StepCodes.ArgumentsInvalid), (result.Outcome, result.Code));
        Assert.Contains("$.price.amount", result.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejection_has_its_code()
    {
        var result = await _worker.RunAsync("acme.count", """{"times": 101}""");

        Assert.Equal((StepOutcomes.Rejected, "too_often"), (result.Outcome, result.Code));
        Assert.Equal("acme.count: 101 is more than 100.", result.Message);
    }

    [Fact]
    public async Task A_plugin_that_throws_fails_its_own_step()
    {
        var result = await _worker.RunAsync("acme.throw", "{}");

        Assert.Equal(
            (StepOutcomes.Failed, StepCodes.OperationFailed, "acme.throw (plug-in Acme.Trials) threw JsonException."),
            (result.Outcome, result.Code, result.Message));
        await CompletesAsync("acme.count", "2 EUR");
    }

    [Fact]
    public async Task A_plugin_that_returns_nothing_fails_its_own_step()
    {
        var result = await _worker.RunAsync("acme.nothing", "{}");

        Assert.Equal((StepOutcomes.Failed, StepCodes.OperationFailed), (result.Outcome, result.Code));
        await CompletesAsync("acme.count", "2 EUR");
    }

    [Fact]
    public async Task A_library_that_only_the_host_has_is_missing()
    {
        var result = await _worker.RunAsync("acme.absent", "{}");

        Assert.Equal((StepOutcomes.Failed, StepCodes.OperationFailed), (result.Outcome, result.Code));
        Assert.Contains("Npgsql", result.Message, StringComparison.Ordinal);
        await CompletesAsync("acme.count", "2 EUR");
    }

    [Fact]
    public async Task A_plugin_that_blocks_and_ignores_its_token_times_out()
    {
        try
        {
            var result = await _worker.RunAsync("acme.block", "{}", timeoutMs: 50);

            Assert.Equal(
                (StepOutcomes.Failed, StepCodes.StepTimedOut, "No result within 50 ms."), (result.Outcome, result.Code, result.Message));
            await CompletesAsync("acme.count", "2 EUR");
        }
        finally
        {
            _plugins.Operations.Single(operation => operation.Descriptor.Name == "acme.block").Class.GetMethod("Release")!
                .Invoke(null, null);
        }
    }

    private async Task CompletesAsync(string operation, string found)
    {
        var result = await _worker.RunAsync(operation, """{"times": 2, "price": {"amount": "3", "currency": "EUR"}}""");

        Assert.Equal((StepOutcomes.Completed, null), (result.Outcome, result.Message));
        Assert.Equal($$"""{"found":"{{found}}"}""", result.Result!.Value.ToString());
    }
}
