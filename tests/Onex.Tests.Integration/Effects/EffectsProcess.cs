using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Effects.Db;
using Onex.Effects.Http;
using Onex.Effects.Running;
using Onex.Hosting.Health;
using Onex.Kafka.Producing;
using Onex.Tests.Integration.Persistence;

namespace Onex.Tests.Integration.Effects;

/// <summary>An effects process without Kafka, on the real ledger.</summary>
internal class EffectsProcess : IRecordProducer, IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("onex-connections-").FullName;
    private readonly ConcurrentQueue<StepResult> _results = new();
    private readonly ServiceProvider _services;
    private readonly EffectRunner _runner;

    /// <param name="store">The database of the ledger.</param>
    /// <param name="connections">The text of the connections file.</param>
    /// <param name="secrets">The environment with the secrets, if any.</param>
    public EffectsProcess(TestDatabase store, string connections, Dictionary<string, string>? secrets = null)
    {
        File.WriteAllText(Path.Combine(_directory, "all.yaml"), connections);
        var reading = ConnectionsReader.Read(_directory, secrets ?? [], resolveSecrets: true);
        Assert.Empty(reading.Diagnostics);
        _services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<RoleHealth>()
            .AddSingleton<HttpTransport>()
            .AddSingleton<DatabasePools>()
            .AddSingleton<ConnectionLimits>()
            .AddSingleton<IRecordProducer>(this)
            .AddSingleton(Topics.Default)
            .BuildServiceProvider();
        _runner = new EffectRunner(
            EffectOperations.Create(_services),
            reading.Connections,
            _services.GetRequiredService<ConnectionLimits>(),
            new PostgresEffectLedger(store.DataSource),
            new PostgresSagaStore(store.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance),
            new ResultSender(this, TimeProvider.System, "effect-responses", "onex-effects"),
            TimeProvider.System,
            NullLogger<EffectRunner>.Instance);
    }

    /// <summary>Everything that was reported to the orchestrator.</summary>
    public IReadOnlyList<StepResult> Results => [.. _results];

    /// <summary>Runs the command and returns the one reported result.</summary>
    public async Task<StepResult> RunAsync(StepCommand command)
    {
        var before = _results.Count;
        await HandleAsync(command);
        return Assert.Single(_results.Skip(before));
    }

    public Task HandleAsync(StepCommand command, CancellationToken? cancellation = null) =>
        _runner.RunAsync(command, null, null, cancellation ?? TestContext.Current.CancellationToken);

    public Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
    {
        _results.Enqueue(JsonSerializer.Deserialize(record.Value.Span, MessageJson.Default.StepResult)!);
        return Task.FromResult(new DeliveryReport(DeliveryStatus.Acknowledged, null));
    }

    public Task<int> PartitionsAsync(string topic, CancellationToken cancellation) => Task.FromResult(1);

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
        GC.SuppressFinalize(this);
    }
}
