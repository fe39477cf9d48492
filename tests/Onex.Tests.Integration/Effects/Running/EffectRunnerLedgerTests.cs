using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Effects.Running;
using Onex.Hosting.Discovery;
using Onex.Hosting.Health;
using Onex.Hosting.Settings;
using Onex.Kafka.Producing;
using Onex.Persistence.Secrets;
using Onex.Tests.Integration.Persistence;

namespace Onex.Tests.Integration.Effects.Running;

/// <summary>The effect runner with a real ledger and an HTTP service that records its requests.</summary>
public sealed class EffectRunnerLedgerTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private ExternalServices _externalServices = null!;

    public async ValueTask InitializeAsync() => _externalServices = await ExternalServices.StartAsync();

    public ValueTask DisposeAsync() => _externalServices.DisposeAsync();

    [Fact]
    public async Task A_redelivered_command_is_answered_from_the_ledger_by_any_process_without_a_second_call()
    {
        await using var first = new Process(database, _externalServices);
        await using var second = new Process(database, _externalServices);
        var command = Reserve("redelivered");

        await first.RunAsync(command);
        await first.RunAsync(command);
        await second.RunAsync(command);

        Assert.Single(_externalServices.Calls);
        var results = first.Results.Concat(second.Results).ToList();
        Assert.Equal(3, results.Count);
        Assert.All(results, result => Assert.Equal((results[0], StepOutcomes.Completed), (result, result.Outcome)));
    }

    [Fact]
    public async Task Only_one_of_two_processes_that_receive_a_command_runs_it()
    {
        await using var first = new Process(database, _externalServices);
        await using var second = new Process(database, _externalServices);
        var command = Reserve("at-once");
        _externalServices.Treat("at-once", new Treatment { Latency = TimeSpan.FromMilliseconds(500) });

        await Task.WhenAll(first.RunAsync(command), second.RunAsync(command));

        Assert.Single(_externalServices.Calls);
        Assert.Single(first.Results.Concat(second.Results));
    }

    [Fact]
    public async Task A_result_under_a_lost_lease_is_not_reported()
    {
        await using var frozen = new Process(database, _externalServices);
        await using var successor = new Process(database, _externalServices);
        var command = Reserve("frozen");
        _externalServices.Treat("frozen", new Treatment { Latency = TimeSpan.FromSeconds(1) });

        var frozenAttempt = frozen.RunAsync(command);
        await Eventually.Async(() => _externalServices.Calls.Count == 1, TimeSpan.FromMinutes(1), () => "no call yet");
        await database.Database.ExecuteAsync(
            $"UPDATE onex.effect_ledger SET leased_until = clock_timestamp() - interval '1 second' "
            + $"WHERE command_id = '{command.CommandId}'");
        await successor.RunAsync(command);
        await frozenAttempt;

        Assert.Empty(frozen.Results);
        Assert.Equal(StepOutcomes.Completed, Assert.Single(successor.Results).Outcome);
        Assert.Single(_externalServices.Calls.Select(call => call.Key).Distinct());
        Assert.Equal(["reserve"], _externalServices.EffectsOf("frozen"));
    }

    [Fact]
    public async Task A_command_is_never_run_after_its_not_after()
    {
        await using var process = new Process(database, _externalServices);

        await process.RunAsync(Reserve("too-late") with { NotAfter = TimeProvider.System.GetUtcNow().AddMinutes(-1) });

        Assert.Empty(_externalServices.Calls);
        Assert.Empty(process.Results);
    }

    [Fact]
    public async Task All_attempts_share_one_idempotency_key()
    {
        await using var process = new Process(database, _externalServices);
        var command = Reserve("flaky");
        _externalServices.Treat("flaky", new Treatment { Failures = 2 });

        foreach (var attempt in new[] { 1, 2, 3 })
        {
            await process.RunAsync(command with { Attempt = attempt });
        }

        Assert.Equal(["http_503", "http_503", null], process.Results.Select(result => result.Code));
        Assert.Empty(_externalServices.KeyViolations());
        Assert.Equal(["reserve"], _externalServices.EffectsOf("flaky"));
    }

    private static StepCommand Reserve(string order)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new StepCommand
        {
            CommandId = new(Guid.CreateVersion7(now)),
            Attempt = 1,
            SagaId = new(Guid.CreateVersion7(now)),
            CorrelationId = Guid.CreateVersion7(now),
            Contract = "order-fulfilment",
            Step = "reserve",
            Direction = StepDirections.Do,
            Operation = "http.post",
            Connection = "stock",
            Arguments = RawJson.FromText($$$"""{"path":"/reservations","body":{"order":"{{{order}}}"}}"""),
            HomePartition = 0,
            TimeoutMs = 10_000,
            NotAfter = now.AddHours(1),
        };
    }

    /// <summary>An effects process without Kafka.</summary>
    private sealed class Process : IRecordProducer, IAsyncDisposable
    {
        private readonly string _directory = Directory.CreateTempSubdirectory("onex-connections-").FullName;
        private readonly ConcurrentQueue<StepResult> _results = new();
        private readonly ServiceProvider _services;
        private readonly EffectRunner _runner;

        public Process(TestDatabase database, ExternalServices services)
        {
            File.WriteAllText(
                Path.Combine(_directory, "all.yaml"), $$"""connections: { stock: { type: http, url: "{{services.Address}}" } }""");
            var reading = ConnectionsReader.Read(_directory, new Dictionary<string, string>(), resolveSecrets: true);
            var connections = new ConnectionTable(reading.Connections);
            _services = new ServiceCollection()
                .AddSingleton(TimeProvider.System)
                .AddSingleton<RoleHealth>()
                .AddLogging()
                .AddSingleton(new ConsulClient(new ConsulConnection(new Uri("http://127.0.0.1:9"), null)))
                .AddOperationClients(connections)
                .AddSingleton<IRecordProducer>(this)
                .AddSingleton(Topics.Default)
                .AddSingleton<ISecretHandles>(new PostgresSecretHandles(database.DataSource))
                .BuildServiceProvider();
            var ledger = new PostgresEffectLedger(database.DataSource);
            _runner = new EffectRunner(
                EffectOperations.Create(_services),
                connections,
                _services.GetRequiredService<ConnectionGates>(),
                ledger,
                ledger,
                new PostgresSagaStore(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance),
                new ResultSender(this, TimeProvider.System, "effect-responses", "onex-effects"),
                TimeProvider.System,
                NullLogger<EffectRunner>.Instance);
        }

        public IReadOnlyList<StepResult> Results => [.. _results];

        public Task RunAsync(StepCommand command) => _runner.RunAsync(command, null, TestContext.Current.CancellationToken);

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
        }
    }
}
