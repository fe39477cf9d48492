using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Hosting.Running;
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
        _bus.NeedsReal("creates no topics at the request of a client");
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
        Assert.Empty(_started.ErrorLines);
        _services = BuildServices(_settings);
    }

    private ServiceProvider BuildServices(RuntimeSettings settings) =>
        new ServiceCollection().AddLogging().AddOnexKafka(_bus.Settings)
            .AddSingleton(settings).AddSingleton(_started)
            .AddSingleton<ILogger<TopicSetup>>(_logged).AddSingleton<TopicSetup>()
            .BuildServiceProvider();

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
    public async Task A_topic_that_needs_more_brokers_than_are_up_is_tried_again_when_a_contract_has_changed()
    {
        await using var services = BuildServices(_settings with { Replication = 99 });
        var (logged, health) = (new LogLines<ContractsReload>(), new RoleHealth());
        using var reload = new ContractsReload(
            _source, _started, new ConnectionTable(_started.Connections.Connections), _settings, health, TimeProvider.System, logged,
            new ContractRegistration(services, _settings, _started));

        Write("1.1.0", $"steps: [ {{ emit: {_prefix}-emitted, with: {{ value: {{ a: 1 }} }} }} ]");
        for (var check = 0; check < 4; check++)
        {
            await reload.CheckAsync(force: false, _none);
        }

        var line = Assert.Single(logged.All);
        Assert.StartsWith(
            "Warning: Changed contracts wait until they can be registered: Too few brokers are up for topic", line,
            StringComparison.Ordinal);
        Assert.EndsWith("Start more brokers, or lower ONEX_REPLICATION.", line, StringComparison.Ordinal);
        Assert.Contains("Too few brokers are up", health.Handlers["changed files"], StringComparison.Ordinal);

        // As if enough brokers were up: the next check finds the topic, and fails only because this test has no store.
        await _bus.CreateAsync(1, $"{_prefix}-emitted");
        await Assert.ThrowsAsync<InvalidOperationException>(() => reload.CheckAsync(force: false, _none));
    }

    [Fact]
    public async Task A_start_waits_for_as_many_brokers_as_new_topics_need()
    {
        await using var services = BuildServices(_settings with { Replication = 99 });

        var waits = await Assert.ThrowsAsync<NotReachableException>(() => services.GetRequiredService<TopicSetup>().StartAsync(_none));

        Assert.StartsWith("Too few brokers are up for ", waits.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_timeout_that_the_brokers_do_not_accept_is_an_error_at_the_start()
    {
        await using var services = BuildServices(
            _settings with { Kafka = _settings.Kafka! with { SessionTimeout = TimeSpan.FromMinutes(31) } });

        var error = await Assert.ThrowsAsync<ConfigurationException>(() => services.GetRequiredService<TopicSetup>().StartAsync(_none));

        Assert.Matches(
            "^KAFKA_SESSION_TIMEOUT is 31m, but the brokers accept only [0-9]+m?s to [0-9]+[smh]. Set it accordingly, or change the "
                + "brokers' group.min.session.timeout.ms or group.max.session.timeout.ms.$",
            Assert.Single(error.Lines));
    }

    [Theory]
    [InlineData(15, 6, false)]
    [InlineData(15, 10, true)]
    [InlineData(5, 6, true)]
    public void A_worker_needs_brokers_that_accept_its_shorter_session_timeout(int session, int shortest, bool isProblem) =>
        Assert.Equal(isProblem, TopicSetup.SessionProblems(
            TimeSpan.FromSeconds(session), TimeSpan.FromSeconds(shortest), TimeSpan.FromMinutes(30), runsWorkers: true).Any());

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
