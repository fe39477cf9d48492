using System.Text.RegularExpressions;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Workers;

/// <summary>Workers in other languages, as docs/remote-operations.md describes them, between real processes.</summary>
public sealed partial class RemoteOperationTests : IDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _contracts = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _contracts.Delete(recursive: true);

    // The one in Python is verified below, as the page says.
    [Fact]
    public async Task The_sample_worker_in_TypeScript_passes_the_verification_and_serves_a_contract()
    {
        await using var stack = await CreateAsync();
        stack.Broker.NeedsReal("does not rebalance the groups of kafkajs");
        await using var worker = await SampleWorker.StartAsync("typescript", stack);

        var verified = await OnexProcess.RunAsync(
            stack.Settings, "workers", "verify", "--topic", "pricing-commands", "--within", "30",
            "--arguments", "{\"sku\":\"a\",\"quantity\":2}", "--long-arguments", "{\"sku\":\"a\",\"quantity\":2,\"seconds\":600}");
        Assert.True(verified.Code == 0, verified.Out + verified.Error);

        await stack.StartReadyAsync("main");
        var completed = await stack.RequestAsync("basket", new JsonObject { ["sku"] = "a", ["quantity"] = 2 });
        var rejected = await stack.RequestAsync("basket", new JsonObject { ["sku"] = "b", ["quantity"] = 0 });

        var response = await stack.Responses.ReadAsync(completed, _timeout);
        Assert.Equal(("success", 2500), (response.Field("status"), response.Json.GetProperty("payload").GetProperty("cents").GetInt32()));
        Assert.Equal("quantity_too_small", (await stack.Responses.ReadAsync(rejected, _timeout)).Field("code"));
        await stack.AssertNothingIsStuckAsync();
    }

    [Fact]
    public async Task Following_the_page_gives_a_worker_that_a_contract_calls()
    {
        var page = new GuidePage("remote-operations.md");
        page.WriteFiles(_contracts.FullName);
        var contracts = Path.Combine(_contracts.FullName, "contracts");
        var file = Path.Combine(_contracts.FullName, "worker.py");
        var sample = await File.ReadAllTextAsync(Repository.At("samples", "worker-python", "worker.py"));
        var shownFunction = page.Fence("python").Replace("$", "$$", StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, LastFunctionAndTable().Replace(sample, shownFunction, 1));
        Assert.NotEqual(sample, await File.ReadAllTextAsync(file));

        await using var stack = await OnexStack.CreateAsync();
        stack.Set("CONTRACTS_DIR", contracts);
        if (stack.Broker.IsMock)
        {
            await CreateTopicsAsync(stack);
        }

        Assert.Contains("onex contracts check contracts", page.Commands);
        var check = await OnexProcess.RunAsync(stack.Settings, "contracts", "check", contracts);
        Assert.True(check.Code == 0, check.Error);

        await using var worker = await SampleWorker.StartAsync("python", stack, file);
        Assert.Contains(
            """CONTRACTS_DIR=contracts onex workers verify --topic pricing-commands --arguments '{"sku":"a","quantity":2}'""",
            page.Commands);
        var verified = await OnexProcess.RunAsync(
            stack.Settings, "workers", "verify", "--topic", "pricing-commands", "--arguments", """{"sku":"a","quantity":2}""",
            "--within", "30");
        Assert.True(verified.Code == 0, verified.Out + verified.Error);

        Assert.Contains("""onex request basket --wait --data '{"sku": "a", "quantity": 2}'""", page.Commands);
        await stack.StartReadyAsync("main");
        var request = await stack.RequestAsync("basket", new JsonObject { ["sku"] = "a", ["quantity"] = 2 });
        var response = await stack.Responses.ReadAsync(request, _timeout);
        Assert.Equal(2500, response.Json.GetProperty("payload").GetProperty("cents").GetInt32());
    }

    [Fact]
    public async Task The_cancellation_of_a_saga_stops_the_computation_of_a_remote_worker()
    {
        await using var stack = await CreateAsync();
        await using var worker = await SampleWorker.StartAsync("python", stack);
        await stack.StartReadyAsync("main");
        await using var results = new TopicReader(stack.Broker.BootstrapServers, stack.Topic("worker-responses"));

        // The worker handles one command after the other, so the next one waits until this one ends.
        var slow = await stack.RequestAsync("basket", new JsonObject { ["sku"] = "a", ["quantity"] = 2, ["seconds"] = 600 });
        await results.ReadAsync(record => record.Field("report") == "progress", _timeout, "a report");
        await stack.EventAsync("basket.stop", "a", []);
        Assert.Equal("error", (await stack.Responses.ReadAsync(slow, _timeout)).Field("status"));

        var next = await stack.RequestAsync("basket", new JsonObject { ["sku"] = "b", ["quantity"] = 1 });

        Assert.Equal("success", (await stack.Responses.ReadAsync(next, _timeout)).Field("status"));
    }

    [Fact]
    public async Task A_worker_that_does_not_answer_fails_the_verification()
    {
        await using var stack = await CreateAsync();

        var verified = await OnexProcess.RunAsync(stack.Settings, "workers", "verify", "--topic", "pricing-commands", "--within", "1");

        Assert.Equal(1, verified.Code);
        Assert.Contains(
            "FAILED  pricing.quote: a command is answered on its home partition\n        No result of attempt 1 of command ", verified.Out,
            StringComparison.Ordinal);
        Assert.EndsWith("1 case, 1 failed", verified.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", verified.Error, StringComparison.Ordinal);

        var misspelt = await OnexProcess.RunAsync(
            stack.Settings, "workers", "verify", "--topic", "pricing-commands", "--within", "1", "--operation", "pricing.qoute");
        Assert.Contains("does not declare 'pricing.qoute'. Did you mean 'pricing.quote'? ", misspelt.Error, StringComparison.Ordinal);

        var tooShort = await OnexProcess.RunAsync(stack.Settings, "workers", "verify", "--topic", "pricing-commands", "--within", "0");
        Assert.Equal((78, "--within takes 1 to 3600 seconds, not 0."), (tooShort.Code, tooShort.Error));
    }

    private async Task<OnexStack> CreateAsync()
    {
        File.WriteAllText(
            Path.Combine(_contracts.CreateSubdirectory("operations").FullName, "pricing.yaml"),
            """
            operations:
              pricing.quote:
                description: The price of a basket.
                topic: pricing-commands
                changes_world: false
                arguments: { sku: string, quantity: int, seconds: int? }
                result: { cents: int, sku: string }
                timeout: 15m
            """);
        File.WriteAllText(
            Path.Combine(_contracts.FullName, "basket.yaml"),
            """
            contract: basket
            version: 1.0.0
            input:
              type: object
              properties: { sku: { type: string }, quantity: { type: integer }, seconds: { type: integer, default: 0 } }
              required: [sku, quantity]
            key: input.sku
            events: { stop: {} }
            any_state: [{ event: stop, next: stopped }]
            initial: pricing
            states:
              pricing:
                steps:
                  - id: quote
                    compute: pricing.quote
                    with: { sku: "${input.sku}", quantity: "${input.quantity}", seconds: "${input.?seconds.orValue(0)}" }
                next: done
              stopped: { compensate: all, next: undone }
              undone: { end: failed }
              done: { end: completed, output: { cents: "${steps.quote.cents}" } }
            """);
        var stack = await OnexStack.CreateAsync();
        stack.Set("CONTRACTS_DIR", _contracts.FullName);
        await CreateTopicsAsync(stack);
        return stack;
    }

    private static async Task CreateTopicsAsync(OnexStack stack)
    {
        foreach (var topic in new[] { "pricing-commands", "pricing-commands.cancel" })
        {
            await stack.Broker.CreateTopicAsync(stack.Topic(topic), OnexStack.Partitions);
        }
    }

    [GeneratedRegex(@"^def quote\((?:.*\n)*?OPERATIONS = .*\n", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex LastFunctionAndTable();
}
