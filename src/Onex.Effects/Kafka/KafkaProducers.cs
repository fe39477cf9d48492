using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Kafka;
using Onex.Kafka.Producing;

namespace Onex.Effects.Kafka;

/// <summary>The producers for the brokers of connections, one per connection, opened on first use.</summary>
internal sealed class KafkaProducers(ConnectionTable connections, TimeProvider time, ILoggerFactory loggers) : IDisposable
{
    // A producer may hold twice as much, but at least 11 MiB: so small that each holds only those 11.
    private const int ClientBytesMax = 4 * 1024 * 1024;

    private readonly PerConnection<OtherBrokerProducer> _producers = new(
        connections, connection => new OtherBrokerProducer(CreateSettings(connection), time, loggers), producer => producer.Dispose());

    /// <summary>The producer of a connection.</summary>
    public OtherBrokerProducer For(Connection connection) => _producers.For(connection);

    public void Dispose() => _producers.Dispose();

    internal static KafkaSettings CreateSettings(Connection connection)
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
