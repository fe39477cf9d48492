using System.Globalization;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Starting;

/// <summary>A process registers itself in a real Consul.</summary>
public sealed class ConsulRegistrationTests
{
    [Fact]
    public async Task A_process_leaves_Consul_on_SIGTERM()
    {
        await using var agent = await ConsulAgent.StartAsync();
        var directory = Directory.CreateTempSubdirectory("onex-consul-");
        try
        {
            await File.WriteAllTextAsync(
                Path.Combine(directory.FullName, "nothing.yaml"),
                "{ contract: nothing, version: 1.0.0, input: { type: object }, initial: done, states: { done: { end: completed } } }");
            var settings = new Dictionary<string, string>(EmbeddedOnex.Settings(directory))
            {
                ["ONEX_CONSUL_REGISTER"] = "true",
                ["CONSUL_HOST"] = agent.Address.Host,
                ["CONSUL_PORT"] = agent.Address.Port.ToString(CultureInfo.InvariantCulture),
                ["CONSUL_TOKEN"] = ConsulAgent.Token,
            };
            await using var process = OnexProcess.Start("all", settings);
            await Eventually.Async(
                async () => await StatusesAsync(agent) is ["passing"], TimeSpan.FromMinutes(1),
                () => $"the process is in Consul and ready; it logged\n{string.Join('\n', process.Output.Concat(process.Errors))}");

            Assert.Equal(0, await process.TerminateAsync());

            Assert.Empty(await StatusesAsync(agent));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    // The status of the check of each instance.
    private static async Task<string[]> StatusesAsync(ConsulAgent agent) =>
    [
        .. (await agent.GetAsync("/v1/agent/checks")).AsObject()
            .Where(check => (string?)check.Value!["ServiceName"] == "onex-all").Select(check => (string)check.Value!["Status"]!),
    ];
}
