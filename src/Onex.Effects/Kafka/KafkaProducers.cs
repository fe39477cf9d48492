using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Kafka;
using Onex.Kafka.Producing;

namespace Onex.Effects.Kafka;

/// <summary>The producers for the brokers of connections, one per connection, opened on first use.</summary>
internal sealed class KafkaProducers(TimeProvider time, ILoggerFactory loggers) : IDisposable
{
    private const int ClientBytesMax = 4 << 20;

    private readonly ConcurrentDictionary<Connection, Lazy<OtherBrokerProducer>> _open = new();

    /// <summary>The producer of a connection.</summary>
    public OtherBrokerProducer For(Connection connection) => _open.GetOrAdd(
        connection, one => new Lazy<OtherBrokerProducer>(() => new OtherBrokerProducer(Settings(one), time, loggers))).Value;

    public void Dispose()
    {
        foreach (var producer in _open.Values.Where(each => each.IsValueCreated))
        {
            producer.Value.Dispose();
        }
    }

    /// <summary>How to reach the brokers of a connection.</summary>
    internal static KafkaSettings Settings(Connection connection)
    {
        var address = connection.Kafka ?? throw new InvalidOperationException($"{connection} is no connection to Kafka.");
        return new KafkaSettings
        {
            BootstrapServers = address.Brokers,
            SecurityProtocol = address.SecurityProtocol,
            SaslMechanism = address.SaslMechanism,
            SaslUsername = address.User,
            SaslPassword = address.Password,
            SslCaFile = connection.Tls.CaFile,
            SslCertificateFile = connection.Tls.ClientCertificate,
            ClientId = "onex-effects",
            ClientBytesMax = ClientBytesMax,
        };
    }
}
