using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Effects.Running;
using Onex.Hosting.Discovery;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Hosting.Settings;
using Onex.Kafka.Producing;
using Onex.Persistence.Secrets;
using Onex.Tests.Integration.Persistence;

namespace Onex.Tests.Integration.Effects.Db;

/// <summary>An effects process without Kafka, with a connection 'db' to a database.</summary>
internal sealed class DatabaseHarness : IRecordProducer, IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("onex-connections-").FullName;
    private readonly ConcurrentQueue<StepResult> _results = new();
    private readonly ServiceProvider _services;
    private readonly NpgsqlDataSource _ledgerSource;
    private readonly EffectRunner _runner;

    /// <param name="store">The database of the ledger.</param>
    /// <param name="target">The database of the connection.</param>
    /// <param name="port">The local port of a proxy in front of the target, or null.</param>
    /// <param name="user">The user and the password of the connection, or null for those of the target's connection string.</param>
    /// <param name="tls">The lines of the connection that configure TLS.</param>
    /// <param name="plugins">The plug-ins, or null.</param>
    public DatabaseHarness(
        TestDatabase store, string target, int? port = null, (string Name, string Password)? user = null, string tls = "sslmode: disable",
        PluginSet? plugins = null)
    {
        var address = new NpgsqlConnectionStringBuilder(target);
        File.WriteAllText(Path.Combine(_directory, "all.yaml"), $$"""
            connections:
              db:
                type: postgres
                host: {{(port is null ? address.Host : "127.0.0.1")}}
                port: {{port ?? address.Port}}
                database: {{address.Database}}
                user: {{user?.Name ?? address.Username}}
                password: "${secret:DB_PASSWORD}"
                {{tls}}
                concurrency: 4
            """);
        var secrets = new Dictionary<string, string> { ["DB_PASSWORD"] = user?.Password ?? address.Password ?? "none" };
        var reading = ConnectionsReader.Read(_directory, secrets, resolveSecrets: true);
        Assert.Empty(reading.Diagnostics);
        var connections = new ConnectionTable(reading.Connections);
        _services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<RoleHealth>()
            .AddSingleton(plugins ?? PluginSet.None)
            .AddSingleton(new ConsulClient(new ConsulConnection(new Uri("http://127.0.0.1:9"), null)))
            .AddOperationClients(connections)
            .AddSingleton<IRecordProducer>(this)
            .AddSingleton(Topics.Default)
            .AddSingleton<ISecretHandles>(new PostgresSecretHandles(store.DataSource))
            .BuildServiceProvider();
        _ledgerSource = PostgresDataSource.Create(store.Settings);
        var ledger = new PostgresEffectLedger(_ledgerSource);
        _runner = new EffectRunner(
            EffectOperations.Create(_services),
            connections,
            _services.GetRequiredService<ConnectionGates>(),
            ledger,
            ledger,
            new PostgresSagaStore(store.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance),
            new ResultSender(this, TimeProvider.System, "effect-responses", "onex-effects"),
            TimeProvider.System,
            NullLogger<EffectRunner>.Instance);
    }

    /// <summary>The results that were sent to the orchestrator.</summary>
    public IReadOnlyList<StepResult> Results => [.. _results];

    public static StepCommand Command(string operation, object arguments, int timeoutMs = 20_000)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new StepCommand
        {
            CommandId = new(Guid.CreateVersion7(now)),
            Attempt = 1,
            SagaId = new(Guid.CreateVersion7(now)),
            CorrelationId = Guid.CreateVersion7(now),
            Contract = "transfer",
            Step = "move",
            Direction = StepDirections.Do,
            Operation = operation,
            Connection = "db",
            Arguments = RawJson.FromText(arguments as string ?? JsonSerializer.Serialize(arguments)),
            HomePartition = 0,
            TimeoutMs = timeoutMs,
            NotAfter = now.AddHours(1),
        };
    }

    /// <summary>The arguments of an operation that runs one statement.</summary>
    public static object Statement(string sql, params object?[] parameters) => new { sql, parameters };

    /// <summary>Runs the command and returns the one reported result.</summary>
    public async Task<StepResult> RunAsync(StepCommand command)
    {
        var before = _results.Count;
        await HandleAsync(command, TestContext.Current.CancellationToken);
        return Assert.Single(_results.Skip(before));
    }

    public Task<StepResult> RunAsync(string operation, object arguments) => RunAsync(Command(operation, arguments));

    /// <summary>Runs a statement that must complete, and returns its result.</summary>
    public async Task<JsonElement> ResultAsync(string operation, string sql, params object?[] parameters)
    {
        var result = await RunAsync(operation, Statement(sql, parameters));
        Assert.True(result.Outcome == StepOutcomes.Completed, $"{result.Code}: {result.Message}");
        return JsonElement.Parse(result.Result!.Value.Utf8.Span);
    }

    public Task HandleAsync(StepCommand command, CancellationToken cancellation) => _runner.RunAsync(command, null, cancellation);

    /// <summary>From now on the process writes nothing to the ledger any more.</summary>
    public void LoseLedger() => _ledgerSource.Dispose();

    public Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
    {
        _results.Enqueue(JsonSerializer.Deserialize(record.Value.Span, MessageJson.Default.StepResult)!);
        return Task.FromResult(new DeliveryReport(DeliveryStatus.Acknowledged, null));
    }

    public Task<int> PartitionsAsync(string topic, CancellationToken cancellation) => Task.FromResult(1);

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _ledgerSource.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
