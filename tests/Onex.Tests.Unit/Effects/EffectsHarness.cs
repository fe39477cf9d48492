using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Effects.Http;
using Onex.Effects.Operations;
using Onex.Effects.Running;
using Onex.Effects.Vault;
using Onex.Hosting.Discovery;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Hosting.Settings;
using Onex.Kafka.Producing;
using Onex.Metrics;
using Onex.Persistence.Secrets;

namespace Onex.Tests.Unit.Effects;

/// <summary>The effects role without Kafka and Postgres: commands in, records out.</summary>
internal sealed class EffectsHarness : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    /// <param name="connections">The text of the connections file.</param>
    /// <param name="time">The clock of attempts and breakers.</param>
    /// <param name="environment">The environment with the secrets.</param>
    /// <param name="resultMemory">Limits the memory of results; null for no limit.</param>
    /// <param name="services">Finds the instances of services; null if no connection has one.</param>
    /// <param name="resolve">Resolves names; null for the system's resolver.</param>
    /// <param name="plugins">The plug-ins, or null.</param>
    /// <param name="meter">Records metrics, or null.</param>
    public EffectsHarness(
        string connections = "connections: {}",
        TimeProvider? time = null,
        Dictionary<string, string>? environment = null,
        ResultMemory? resultMemory = null,
        ServiceDirectory? services = null,
        Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null,
        PluginSet? plugins = null,
        OnexMeter? meter = null)
    {
        time ??= TimeProvider.System;
        Connections = new ConnectionTable(Read(connections, environment ?? []));
        EffectsRole.ReportHandlers(Health, Connections);
        var collection = new ServiceCollection()
            .AddSingleton(time)
            .AddSingleton(Health)
            .AddLogging()
            .AddSingleton(new ConsulClient(new ConsulConnection(new Uri("http://127.0.0.1:9"), null)))
            .AddOperationClients(Connections)
            .AddSingleton<IRecordProducer>(Produced)
            .AddSingleton(Topics.Default)
            .AddSingleton<ISecretHandles>(Handles);
        if (plugins is not null)
        {
            collection.AddSingleton(plugins);
        }

        if (services is not null)
        {
            collection.AddSingleton(services);
        }

        if (resolve is not null)
        {
            collection.AddSingleton(resolve);
        }

        _services = collection.BuildServiceProvider();
        Gates = _services.GetRequiredService<ConnectionGates>();
        if (meter is not null)
        {
            EffectMetrics.AddConnectionLabels(meter, Connections);
        }

        Runner = new EffectRunner(
            EffectOperations.Create(_services),
            Connections,
            Gates,
            Ledger,
            Ledger,
            Payloads,
            new ResultSender(Produced, time, "effect-responses", "onex-effects"),
            time,
            new Logs<EffectRunner>(Logged),
            resultMemory,
            _services.GetRequiredService<SecretResolver>(),
            metrics: meter is null ? null : new EffectMetrics(meter, Gates, time),
            reports: new ReportSender(Produced, time, "effect-responses", "onex-effects", "e1"));
        Parked = new ParkedCommandLoop(Runner, Connections, Gates, Ledger, time, new Logs<ParkedCommandLoop>(Logged));
    }

    public ConnectionGates Gates { get; }

    /// <summary>Not started: <see cref="DrainAsync"/> runs it.</summary>
    public ParkedCommandLoop Parked { get; }

    /// <summary>Runs the parked commands that may begin now, and returns the results that they sent.</summary>
    public async Task<IReadOnlyList<StepResult>> DrainAsync()
    {
        var before = Produced.Records.Count;
        await Parked.RunOnceAsync(TestContext.Current.CancellationToken);
        await Parked.WhenIdleAsync();
        return [.. Produced.Records.Skip(before).Select(ReadResult)];
    }

    private static StepResult ReadResult(ProducedRecord sent) =>
        JsonSerializer.Deserialize(sent.Value.Span, MessageJson.Default.StepResult)!;

    public EffectRunner Runner { get; }

    public ConnectionTable Connections { get; }

    public MemoryLedger Ledger { get; } = new();

    public MemoryHandles Handles { get; } = new();

    public MemoryPayloads Payloads { get; } = new();

    public ProducedRecords Produced { get; } = new();

    public RoleHealth Health { get; } = new();

    public List<string> Logged { get; } = [];

    public static StepCommand Command(
        string operation, string? arguments = null, string? connection = null, int timeoutMs = 30_000) => new()
        {
            CommandId = new(Guid.CreateVersion7(TimeProvider.System.GetUtcNow())),
            Attempt = 1,
            SagaId = new(Guid.CreateVersion7(TimeProvider.System.GetUtcNow())),
            CorrelationId = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()),
            Contract = "order-fulfilment",
            Step = "reserve",
            Direction = StepDirections.Do,
            Operation = operation,
            Connection = connection,
            Arguments = arguments is null ? null : RawJson.FromText(arguments),
            HomePartition = 3,
            TimeoutMs = timeoutMs,
            NotAfter = DateTimeOffset.MaxValue,
        };

    /// <summary>Reads the connections of a file's text, which must have no diagnostics.</summary>
    public static IReadOnlyDictionary<string, Connection> Read(string connections, Dictionary<string, string> environment)
    {
        var directory = Directory.CreateTempSubdirectory("onex-connections-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(directory, "all.yaml"), connections);
            var reading = ConnectionsReader.Read(directory, environment, resolveSecrets: true);
            Assert.Empty(reading.Diagnostics);
            return reading.Connections;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Runs the command and returns the one result that was sent.</summary>
    public async Task<StepResult> RunAsync(StepCommand command)
    {
        var before = Produced.Records.Count;
        await Runner.RunAsync(command, null, TestContext.Current.CancellationToken);
        return ReadResult(Assert.Single(Produced.Records.Skip(before)));
    }

    public async ValueTask DisposeAsync()
    {
        Parked.Dispose();
        await _services.DisposeAsync();
    }

    private sealed class Logs<T>(List<string> lines) : ILogger<T>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Add($"{logLevel}: {formatter(state, exception)} {exception}");
    }
}
