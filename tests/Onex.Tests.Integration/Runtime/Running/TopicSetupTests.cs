using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Hosting.Settings;
using Onex.Kafka;
using Onex.Kafka.Brokers;
using Onex.Runtime.Running;
using Onex.Tests.Compliance.Kafka;
using Onex.Tests.Integration.Kafka;

namespace Onex.Tests.Integration.Runtime.Running;

/// <summary>The topics that a role creates and checks on a real broker.</summary>
public sealed class TopicSetupTests : IAsyncDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly string _directory = Directory.CreateTempSubdirectory("onex-contracts-").FullName;
    private readonly string _prefix = TestBus.NewTopic("setup");
    private readonly KafkaTestBus _bus = new();
    private readonly LogLines<TopicSetup> _logged = new();
    private readonly LoadedContracts _started;
    private readonly RuntimeSettings _settings;
    private readonly ContractsSource _source;
    private readonly ServiceProvider _services;

    public TopicSetupTests()
    {
        _bus.NeedsReal("makes no topics for its clients");
        var environment = new Dictionary<string, string>
        {
            ["RUNTIME_PROFILE"] = "main",
            ["CONTRACTS_DIR"] = _directory,
            ["KAFKA_BOOTSTRAP_SERVERS"] = _bus.Bootstrap,
            ["ONEX_TOPIC_PREFIX"] = _prefix + "-",
        };
        Write("1.0.0", "");
        _settings = SettingsReader.Read(environment, _directory).Tentative;
        _source = new ContractsSource(_settings, environment, PluginSet.None);
        _started = _source.Load();
        Assert.Empty(_started.Lines);
        _services = new ServiceCollection().AddLogging().AddOnexKafka(_bus.Settings)
            .AddSingleton(_settings).AddSingleton(_started)
            .AddSingleton<ILogger<TopicSetup>>(_logged).AddSingleton<TopicSetup>()
            .BuildServiceProvider();
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_topic_that_the_broker_rejects_is_reported_once_with_the_remedy_when_a_contract_has_changed()
    {
        // Kafka rejects a topic whose name differs from another one only in '.' and '_'.
        await _bus.CreateAsync(1, _prefix + ".emitted");
        var (logged, health) = (new LogLines<ContractsReload>(), new RoleHealth());
        using var reload = new ContractsReload(
            _source, _started, new ConnectionTable(_started.Connections.Connections), _settings, health, TimeProvider.System, logged,
            new ContractRegistration(_services, _settings, _started));

        Write("1.1.0", $"steps: [ {{ emit: {_prefix}_emitted, with: {{ value: {{ a: 1 }} }} }} ]");
        for (var check = 0; check < 4; check++)
        {
            await reload.CheckAsync(force: false, _none);
        }

        var line = Assert.Single(logged.All);
        Assert.StartsWith("Error: Changed files have errors and are not used", line, StringComparison.Ordinal);
        Assert.Contains($"does not create topic '{_prefix}_emitted'", line, StringComparison.Ordinal);
        Assert.EndsWith("or remove the cause on the broker and send SIGHUP.", line, StringComparison.Ordinal);
        Assert.Contains("does not create topic", health.Handlers[_directory], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_topic_of_the_orchestrator_that_keeps_records_for_ever_is_reported_at_the_start()
    {
        await TopicSetup.CreateAsync(_services.GetRequiredService<TopicAdmin>(), _settings, _none);
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = _bus.Bootstrap }).Build();
        await admin.IncrementalAlterConfigsAsync(new Dictionary<ConfigResource, List<ConfigEntry>>
        {
            [new ConfigResource { Type = ResourceType.Topic, Name = _settings.Topics.Requests }] =
                [new ConfigEntry { Name = "retention.ms", Value = "-1", IncrementalOperation = AlterConfigOpType.Set }],
        });

        await _services.GetRequiredService<TopicSetup>().StartAsync(_none);

        Assert.StartsWith(
            $"Warning: Topic {_settings.Topics.Requests} keeps records for ever, but ended sagas are kept for 15 days only",
            Assert.Single(_logged.All),
            StringComparison.Ordinal);
    }

    private void Write(string version, string steps) => File.WriteAllText(Path.Combine(_directory, "emitting.yaml"), $$"""
        contract: emitting
        version: {{version}}
        description: Emits an event, or nothing.
        input: {}
        initial: working
        states:
          working:
            {{steps}}
            next: done
          done: { end: completed }
        """);
}
