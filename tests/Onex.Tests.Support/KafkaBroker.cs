using System.Diagnostics;
using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Onex.Contracts.Messages;
using Xunit;

namespace Onex.Tests.Support;

/// <summary>
/// A Kafka for tests: <c>KAFKA_BOOTSTRAP_SERVERS</c> if set, else a container if an engine and the image are available, else the mock
/// cluster of librdkafka in a separate process. Tests share it, each with its own topic prefix.
/// </summary>
public sealed class KafkaBroker : IAsyncDisposable
{
    /// <summary>The variable that names a broker to use.</summary>
    public const string Variable = "KAFKA_BOOTSTRAP_SERVERS";

    /// <summary>
    /// The variable with the path of a program that creates brokers: verbs <c>start</c> (prints the address), <c>kill</c>, <c>pause</c>,
    /// <c>resume</c>, <c>wipe</c>; the variables <c>PORT</c> and <c>STATE</c> (a directory) distinguish brokers, and <c>HEAP</c> is the
    /// size of the heap. With <c>SECURE=1</c> a broker also listens with SASL_SSL on <c>PORT</c> + 50: user <c>onex</c>, password
    /// <c>onex-secret</c>, mechanism SCRAM-SHA-512, the authority in <c>STATE/ca.pem</c>, and its certificate with the key in
    /// <c>STATE/server.pem</c>.
    /// </summary>
    public const string ToolVariable = "ONEX_KAFKA_TOOL";

    private static readonly Lazy<Task<KafkaBroker>> _shared = new(async () =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given
            ? new KafkaBroker(given, null, null)
            : await StartContainerAsync() ?? await StartMockAsync());

    private readonly IReadOnlyDictionary<string, string>? _toolEnvironment;
    private readonly Process? _mock;
    private readonly SemaphoreSlim _mockLock = new(1);
    private string? _reaperId;

    private KafkaBroker(string bootstrapServers, IReadOnlyDictionary<string, string>? toolEnvironment, Process? mock)
    {
        BootstrapServers = bootstrapServers;
        _toolEnvironment = toolEnvironment;
        _mock = mock;
    }

    /// <summary>Its address.</summary>
    public string BootstrapServers { get; }

    /// <summary>
    /// Whether it is the mock cluster, which supports no administration: clients create no topics, describe no groups, and set no limits.
    /// </summary>
    public bool IsMock => _mock is not null;

    private static string Image => Environment.GetEnvironmentVariable("ONEX_TEST_KAFKA_IMAGE") is { Length: > 0 } given
        ? given
        : "apache/kafka:4.1.0";

    /// <summary>The instance that all tests of this process share. It must not be stopped.</summary>
    public static Task<KafkaBroker> SharedAsync() => _shared.Value;

    /// <summary>
    /// A private broker, which the caller may kill and freeze. Without <c>ONEX_KAFKA_TOOL</c> the test is skipped with the reason.
    /// </summary>
    /// <param name="isSecured">Whether it also listens with SASL_SSL.</param>
    public static async Task<KafkaBroker> StartOwnAsync(bool isSecured = false)
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
                ["SECURE"] = isSecured ? "1" : "0",
            },
            null);
        var tool = Environment.GetEnvironmentVariable(ToolVariable)!;
        broker._reaperId = Reaper.AtExit($"PORT={port} STATE={broker._toolEnvironment!["STATE"]} {tool} wipe");
        await broker.StartAsync();
        return broker;
    }

    /// <summary>
    /// The mock cluster of librdkafka, in a process that ends with this one. It deletes old records, and keeps none after its end.
    /// </summary>
    public static async Task<KafkaBroker> StartMockAsync()
    {
        var assembly = Repository.Built("Onex.Tests.MockKafka", "Onex.Tests.MockKafka.dll");
        var process = Process.Start(new ProcessStartInfo("dotnet", [assembly])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        }) ?? throw new InvalidOperationException("dotnet did not start.");
        var address = await process.StandardOutput.ReadLineAsync()
            ?? throw new InvalidOperationException($"{assembly} ended without an address; its error output says why.");
        return new KafkaBroker(address, null, process);
    }

    /// <summary>Skips the test on the mock cluster, and says what that cannot do: <c>deletes no topics</c>.</summary>
    public void NeedsReal(string what) => Assert.SkipWhen(
        IsMock, $"No Kafka, and the mock cluster in its place {what}: set {Variable} to the address of a broker, or start a Docker "
            + "engine.");

    /// <summary>Starts it (again) with its records, and waits until it answers.</summary>
    public async Task StartAsync()
    {
        // The controller registers a broker again only after the session of the killed one has expired. On a busy machine that takes longer
        // than the tool waits.
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await ToolAsync("start");
                return;
            }
            catch (InvalidOperationException) when (attempt < 4)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
            }
        }
    }

    /// <summary>The address at which it listens with SASL_SSL.</summary>
    public string SecuredServers => $"127.0.0.1:{int.Parse(OwnEnvironment["PORT"], CultureInfo.InvariantCulture) + 50}";

    /// <summary>The file with the authority of its certificate.</summary>
    public string CaFile => Path.Combine(OwnEnvironment["STATE"], "ca.pem");

    /// <summary>Starts it again with another certificate.</summary>
    public async Task ReplaceCertificateAsync(string file)
    {
        File.Copy(file, Path.Combine(OwnEnvironment["STATE"], "server.pem"), overwrite: true);
        await KillAsync();
        await StartAsync();
    }

    /// <summary>Sets the SCRAM password of a user, or removes the user.</summary>
    public async Task SetPasswordAsync(string user, string? password)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = BootstrapServers })
            .SetLogHandler((_, _) => { })
            .Build();
        UserScramCredentialAlteration alteration = password is null
            ? new UserScramCredentialDeletion { User = user, Mechanism = ScramMechanism.ScramSha512 }
            : new UserScramCredentialUpsertion
            {
                User = user,
                Password = Encoding.UTF8.GetBytes(password),
                ScramCredentialInfo = new ScramCredentialInfo { Mechanism = ScramMechanism.ScramSha512, Iterations = 4096 },
            };
        await admin.AlterUserScramCredentialsAsync([alteration]);
    }

    /// <summary>Kills the broker, as in a crash.</summary>
    public Task KillAsync() => ToolAsync("kill");

    /// <summary>Freezes the broker.</summary>
    public Task PauseAsync() => ToolAsync("pause");

    /// <summary>Thaws the broker.</summary>
    public Task ResumeAsync() => ToolAsync("resume");

    /// <summary>Creates a topic that the runtime should not create itself.</summary>
    public async Task CreateTopicAsync(string topic, int partitions)
    {
        if (_mock is not null)
        {
            await CreateMockTopicAsync(topic, partitions);
            return;
        }

        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = BootstrapServers })
            .SetLogHandler((_, _) => { })
            .Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = partitions }]);
    }

    /// <summary>Creates the topics of a runtime and their dead-letter topics on the mock cluster, where a runtime cannot.</summary>
    public async Task PrepareAsync(IEnumerable<string> topics, int partitions)
    {
        foreach (var topic in IsMock ? topics : [])
        {
            await CreateMockTopicAsync(topic, partitions);
            await CreateMockTopicAsync(Topics.DeadLetterTopicOf(topic), 1);
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_mock is not null)
        {
            _mock.StandardInput.Close();
            await _mock.WaitForExitAsync();
            _mock.Dispose();
        }

        if (_toolEnvironment is not null)
        {
            await ToolAsync("wipe");
            Reaper.Remove(_reaperId!);
        }
    }

    private async Task CreateMockTopicAsync(string topic, int partitions)
    {
        await _mockLock.WaitAsync();
        try
        {
            await _mock!.StandardInput.WriteLineAsync($"{topic} {partitions.ToString(CultureInfo.InvariantCulture)}");
            await _mock.StandardInput.FlushAsync();
            var answer = await _mock.StandardOutput.ReadLineAsync();
            if (answer != "ok")
            {
                throw new InvalidOperationException($"The mock cluster does not create {topic}: {answer}");
            }
        }
        finally
        {
            _mockLock.Release();
        }
    }

    private async Task ToolAsync(string verb) => (await Shell.RunAsync(
        Environment.GetEnvironmentVariable(ToolVariable)!,
        [verb],
        OwnEnvironment)).OrThrow($"kafka {verb}");

    private IReadOnlyDictionary<string, string> OwnEnvironment =>
        _toolEnvironment ?? throw new InvalidOperationException("Only a broker of the test's own may be stopped.");

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
            [
                "run",
                "-d",
                "--name",
                name,
                "-p",
                $"127.0.0.1:{port}:{port}",
                .. settings.SelectMany(setting => new[] { "-e", setting }),
                Image],
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
