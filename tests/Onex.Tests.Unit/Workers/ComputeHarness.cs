using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Kafka.Producing;
using Onex.Metrics;
using Onex.Persistence.Sagas;
using Onex.Tests.Unit.Effects;
using Onex.Workers;
using Onex.Workers.Operations;
using Onex.Workers.Running;
using Onex.Workers.Sandbox;

namespace Onex.Tests.Unit.Workers;

/// <summary>Runs commands as the role does, without Kafka and Postgres. Results are in <see cref="Produced"/>.</summary>
internal sealed class ComputeHarness(TimeProvider? time = null, PluginSet? plugins = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    public ProducedRecords Produced { get; } = new();

    public MemoryPayloads Payloads { get; } = new();

    /// <summary>Loads stored items of sagas; null as in a worker without a database.</summary>
    public LoadItems? Items { get; init; }

    /// <summary>The processes for scripts and modules; without them those operations are off.</summary>
    public Sandboxes? Sandboxes { get; init; }

    public RunningComputes Running { get; } = new();

    public RoleHealth Health { get; } = new();

    /// <summary>Receives the metrics, or null.</summary>
    public OnexMeter? Meter { get; init; }

    /// <summary>Runs an operation without a store for large values, and returns its result.</summary>
    public Task<StepResult> RunAsync(string operation, string arguments, int timeoutMs = 60_000) =>
        RunAsync(EffectsHarness.Command(operation, arguments, timeoutMs: timeoutMs), store: null);

    /// <summary>Runs a command, with a store for large values or without one, and returns its result.</summary>
    public async Task<StepResult> RunAsync(StepCommand command, IPayloads? store)
    {
        await HandleAsync(command, store);
        return JsonSerializer.Deserialize(Produced.Records.Last().Value.Span, MessageJson.Default.StepResult)!;
    }

    /// <summary>Handles a command, also one that gets no result because it is cancelled.</summary>
    public async Task HandleAsync(StepCommand command, IPayloads? store = null, ComputeGate? gate = null, DateTimeOffset? sentAt = null)
    {
        using var defaultGate = new ComputeGate(4, 1L << 30);
        var collection = new ServiceCollection().AddSingleton(_time).AddSingleton(plugins ?? PluginSet.None).AddSingleton(Health);
        if (Sandboxes is not null)
        {
            collection.AddSingleton(Sandboxes);
        }

        await using var services = collection.BuildServiceProvider();
        var runner = new ComputeRunner(
            ComputeOperations.Create(services, Sandboxes is null ? null : ["script", "wasm"]),
            store,
            Items,
            new ResultSender(Produced, _time, "worker-responses", "onex-workers"),
            new ReportSender(Produced, _time, "worker-responses", "onex-workers", "w1"),
            Running,
            gate ?? defaultGate,
            _time,
            NullLogger<ComputeRunner>.Instance,
            Meter is null ? null : new ComputeMetrics(Meter, gate ?? defaultGate, _time));

        await runner.RunAsync(command, null, sentAt, TestContext.Current.CancellationToken);
    }

    /// <summary>Creates an operation without its role.</summary>
    public static IComputeOperation CreateOperation(string name)
    {
        using var services = new ServiceCollection().AddSingleton(TimeProvider.System).BuildServiceProvider();
        return ComputeOperations.Create(services, enabled: null)[name];
    }

    /// <summary>The result of an operation that must complete.</summary>
    public static async Task<string> ResultOfAsync(string operation, string arguments)
    {
        var result = await new ComputeHarness().RunAsync(operation, arguments);
        Assert.Equal((StepOutcomes.Completed, null), (result.Outcome, result.Message));
        return result.Result!.Value.ToString();
    }

    /// <summary>Asserts that the operation completes with that result.</summary>
    public static async Task CompletesAsync(string operation, string arguments, string expected)
    {
        using var expectedJson = JsonDocument.Parse(expected);
        using var actualJson = JsonDocument.Parse(await ResultOfAsync(operation, arguments));
        Assert.True(JsonElement.DeepEquals(expectedJson.RootElement, actualJson.RootElement), actualJson.RootElement.GetRawText());
    }

    /// <summary>Asserts that the operation is rejected with that code and a message that contains a text.</summary>
    public static async Task RejectsAsync(string operation, string arguments, string code, string messagePart)
    {
        var result = await new ComputeHarness().RunAsync(operation, arguments);
        Assert.Equal((StepOutcomes.Rejected, code), (result.Outcome, result.Code));
        Assert.Contains(messagePart, result.Message, StringComparison.Ordinal);
    }
}
