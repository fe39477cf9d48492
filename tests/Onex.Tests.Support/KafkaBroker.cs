using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit;

namespace Onex.Tests.Support;

/// <summary>
/// A Kafka for tests: <c>KAFKA_BOOTSTRAP_SERVERS</c> if set, else a container if an engine is there and has or gets the image. Tests share
/// it, each with topics of its own prefix.
/// </summary>
public sealed class KafkaBroker : IAsyncDisposable
{
    /// <summary>The variable that names a broker to use.</summary>
    public const string Variable = "KAFKA_BOOTSTRAP_SERVERS";

    /// <summary>
    /// The variable with the path of a program that makes brokers: verbs <c>start</c> (prints the address), <c>kill</c>, <c>pause</c>,
    /// <c>resume</c>, <c>wipe</c>; environment <c>PORT</c> and <c>STATE</c> (a directory) tell one broker from another.
    /// </summary>
    public const string ToolVariable = "ONEX_KAFKA_TOOL";

    private static readonly Lazy<Task<KafkaBroker>> _shared = new(async () =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given
            ? new KafkaBroker(given, null, null)
            : await StartContainerAsync()
                ?? throw new InvalidOperationException(
                    $"No Kafka for tests: set {Variable} to the address of a broker (127.0.0.1:9092), or start a Docker engine that has or "
                    + $"may pull the image {Image}."));

    private readonly IReadOnlyDictionary<string, string>? _toolEnvironment;
    private readonly IDisposable? _mock;
    private string? _reaperId;

    private KafkaBroker(string bootstrapServers, IReadOnlyDictionary<string, string>? toolEnvironment, IDisposable? mock)
    {
        BootstrapServers = bootstrapServers;
        _toolEnvironment = toolEnvironment;
        _mock = mock;
    }

    /// <summary>Its address.</summary>
    public string BootstrapServers { get; }

    private static string Image => Environment.GetEnvironmentVariable("ONEX_TEST_KAFKA_IMAGE") is { Length: > 0 } given
        ? given
        : "apache/kafka:4.1.0";

    /// <summary>The one that all tests of this process share. It must not be stopped. Without one the test fails and says what to set.</summary>
    public static Task<KafkaBroker> SharedAsync() => _shared.Value;

    /// <summary>One of the caller's own, which it may kill and freeze. Without <c>ONEX_KAFKA_TOOL</c> the test is skipped with the reason.</summary>
    public static async Task<KafkaBroker> StartOwnAsync()
    {
        Assert.SkipWhen(
            string.IsNullOrEmpty(Environment.GetEnvironmentVariable(ToolVariable)),
            $"Kills a broker of its own, so it needs {ToolVariable}: the path of a program with the verbs start, kill, pause, resume, wipe "
            + "that reads PORT and STATE.");
        var port = FreePort.NextLow();
        var broker = new KafkaBroker(
            $"127.0.0.1:{port}",
            new Dictionary<string, string>
            {
                ["PORT"] = port.ToString(CultureInfo.InvariantCulture),
                ["STATE"] = Path.Combine(Path.GetTempPath(), Names.Next("onex-kafka")),
                ["HEAP"] = "256m",
            },
            null);
        var tool = Environment.GetEnvironmentVariable(ToolVariable)!;
        broker._reaperId = Reaper.AtExit($"PORT={port} STATE={broker._toolEnvironment!["STATE"]} {tool} wipe");
        await broker.StartAsync();
        return broker;
    }

    /// <summary>
    /// librdkafka's built-in imitation, for tests that can live with it: no topics by hand, topics on first use, old data trimmed.
    /// </summary>
    public static KafkaBroker Imitation()
    {
        var owner = new ProducerBuilder<Null, byte[]>(new ProducerConfig(new Dictionary<string, string>
        {
            ["bootstrap.servers"] = "unused",
            ["test.mock.num.brokers"] = "3",
            ["log_level"] = "0",
        })).Build();
        using var admin = new DependentAdminClientBuilder(owner.Handle).Build();
        var brokers = admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers;
        return new KafkaBroker(string.Join(',', brokers.Select(broker => $"{broker.Host}:{broker.Port}")), null, owner);
    }

    /// <summary>Starts it (again), with what it held, and waits until it answers.</summary>
    public Task StartAsync() => ToolAsync("start");

    /// <summary>Kills it, as a crash would.</summary>
    public Task KillAsync() => ToolAsync("kill");

    /// <summary>Freezes it.</summary>
    public Task PauseAsync() => ToolAsync("pause");

    /// <summary>Thaws it.</summary>
    public Task ResumeAsync() => ToolAsync("resume");

    /// <summary>Makes a topic, where a test does not leave that to the runtime.</summary>
    public async Task CreateTopicAsync(string topic, int partitions)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = BootstrapServers })
            .SetLogHandler((_, _) => { })
            .Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = partitions }]);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _mock?.Dispose();
        if (_toolEnvironment is not null)
        {
            await ToolAsync("wipe");
            Reaper.Forget(_reaperId!);
        }
    }

    private async Task ToolAsync(string verb) => (await Shell.RunAsync(
        Environment.GetEnvironmentVariable(ToolVariable)!,
        [verb],
        _toolEnvironment ?? throw new InvalidOperationException("Only a broker of the test's own may be stopped."))).OrThrow($"kafka {verb}");

    private static async Task<KafkaBroker?> StartContainerAsync()
    {
        if (Shell.Which("docker") is null
            || (await Shell.RunAsync("docker", "info")).Code != 0
            || ((await Shell.RunAsync("docker", "image", "inspect", Image)).Code != 0
                && (await Shell.RunAsync("docker", "pull", Image)).Code != 0))
        {
            return null;
        }

        var port = FreePort.Next();
        var name = Names.Next("onex-kafka");
        Reaper.AtExit($"docker rm -f {name}");
        string[] settings =
        [
            "KAFKA_NODE_ID=1",
            "KAFKA_PROCESS_ROLES=broker,controller",
            "KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9093",
            "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER",
            $"KAFKA_LISTENERS=PLAINTEXT://:{port},CONTROLLER://:9093",
            $"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:{port}",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=1",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS=0",
            "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS=1000",
        ];
        (await Shell.RunAsync(
            "docker",
            ["run", "-d", "--name", name, "-p", $"127.0.0.1:{port}:{port}", .. settings.SelectMany(setting => new[] { "-e", setting }), Image],
            null)).OrThrow("docker run");

        var address = $"127.0.0.1:{port}";
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = address }).SetLogHandler((_, _) => { }).Build();
        await Eventually.Async(() => Answers(admin), TimeSpan.FromSeconds(60), () => $"the Kafka container {name} does not answer");
        return new KafkaBroker(address, null, null);
    }

    private static bool Answers(IAdminClient admin)
    {
        try
        {
            return admin.GetMetadata(TimeSpan.FromSeconds(1)).Brokers.Count > 0;
        }
        catch (KafkaException)
        {
            return false;
        }
    }
}
