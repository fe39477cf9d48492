using System.Runtime.InteropServices;
using System.Text;

namespace Onex.Tests.MockKafka;

/// <summary>
/// librdkafka's built-in mock cluster. Confluent.Kafka can start one, but cannot create its topics: the mock broker does not serve
/// CreateTopics requests. So this calls the C interface (<c>rdkafka_mock.h</c>).
/// </summary>
internal sealed partial class MockCluster : IDisposable
{
    private const string Library = "librdkafka";
    private const int Producer = 0;
    private const int NoError = 0;
    private const int TopicAlreadyExists = 36;

    // The builds in the package, in the order in which they are tried. Which of them loads depends on the libraries of the machine.
    private static readonly string[] _builds = [Library, "centos8-librdkafka", "alpine-librdkafka"];

    private readonly nint _client;
    private readonly nint _cluster;

    static MockCluster() => NativeLibrary.SetDllImportResolver(typeof(MockCluster).Assembly, (name, assembly, path) =>
    {
        foreach (var build in name == Library ? _builds : [])
        {
            if (NativeLibrary.TryLoad(build, assembly, path, out var library))
            {
                return library;
            }
        }

        return 0;
    });

    private MockCluster(nint client)
    {
        _client = client;
        _cluster = HandleMockCluster(client);

        // A new group does not wait for more members.
        GroupInitialRebalanceDelay(_cluster, 0);

        // Without a controller, clients wait for one until they time out, instead of getting the error of an unsupported request.
        var code = SetController(_cluster, 1);
        if (code != NoError)
        {
            throw new InvalidOperationException(Marshal.PtrToStringUTF8(ErrorText(code)));
        }
    }

    /// <summary>The addresses, <c>host:port</c>, separated by commas.</summary>
    public string BootstrapServers => Marshal.PtrToStringUTF8(Bootstraps(_cluster))!;

    /// <summary>Starts a cluster with a single broker on loopback.</summary>
    /// <exception cref="InvalidOperationException">librdkafka cannot start it; the message is that of librdkafka.</exception>
    public static MockCluster Start()
    {
        var error = new byte[512];
        var configuration = NewConfiguration();
        foreach (var (name, value) in new[] { ("test.mock.num.brokers", "1"), ("log_level", "0") })
        {
            if (Set(configuration, name, value, error, error.Length) != NoError)
            {
                throw new InvalidOperationException(Text(error));
            }
        }

        var client = New(Producer, configuration, error, error.Length);
        return client == 0 ? throw new InvalidOperationException(Text(error)) : new MockCluster(client);
    }

    /// <summary>Creates a topic unless it exists. Returns null, or the reason why it cannot be created.</summary>
    public string? CreateTopic(string name, int partitions)
    {
        var code = TopicCreate(_cluster, name, partitions, 1);
        return code is NoError or TopicAlreadyExists ? null : Marshal.PtrToStringUTF8(ErrorText(code));
    }

    /// <inheritdoc />
    public void Dispose() => Destroy(_client);

    private static string Text(byte[] error) => Encoding.UTF8.GetString(error, 0, Math.Max(Array.IndexOf(error, (byte)0), 0));

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_new")]
    private static partial nint NewConfiguration();

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Set(nint configuration, string name, string value, [Out] byte[] error, nint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_new")]
    private static partial nint New(int type, nint configuration, [Out] byte[] error, nint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_destroy")]
    private static partial void Destroy(nint client);

    [LibraryImport(Library, EntryPoint = "rd_kafka_handle_mock_cluster")]
    private static partial nint HandleMockCluster(nint client);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_bootstraps")]
    private static partial nint Bootstraps(nint cluster);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_topic_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int TopicCreate(nint cluster, string name, int partitions, int replication);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_set_controller_id")]
    private static partial int SetController(nint cluster, int brokerId);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_group_initial_rebalance_delay_ms")]
    private static partial void GroupInitialRebalanceDelay(nint cluster, int milliseconds);

    [LibraryImport(Library, EntryPoint = "rd_kafka_err2str")]
    private static partial nint ErrorText(int code);
}
