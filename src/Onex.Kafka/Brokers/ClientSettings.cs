using Confluent.Kafka;

namespace Onex.Kafka.Brokers;

/// <summary>Settings that all Kafka clients share.</summary>
internal static class ClientSettings
{
    public static T For<T>(KafkaSettings settings)
        where T : ClientConfig, new() => new()
        {
            BootstrapServers = settings.BootstrapServers,
            ClientId = settings.ClientId,
            SecurityProtocol = Enum.Parse<SecurityProtocol>(settings.SecurityProtocol.Replace("_", "", StringComparison.Ordinal), true),
            SaslMechanism = settings.SaslMechanism?.ToUpperInvariant() switch
            {
                null or "" => null,
                "PLAIN" => SaslMechanism.Plain,
                "SCRAM-SHA-256" => SaslMechanism.ScramSha256,
                "SCRAM-SHA-512" => SaslMechanism.ScramSha512,
                var other => throw new ArgumentException(
                    $"SASL mechanism '{other}' is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512.", nameof(settings)),
            },
            SaslUsername = settings.SaslUsername,
            SaslPassword = settings.SaslPassword,
            SslCaLocation = settings.SslCaFile,
            SslCertificateLocation = settings.SslCertificateFile,
            SslKeyLocation = settings.SslCertificateFile,

            // Reconnects within a second; the library's default grows to ten.
            ReconnectBackoffMs = 50,
            ReconnectBackoffMaxMs = 1000,
            SocketTimeoutMs = 10_000,
            SocketConnectionSetupTimeoutMs = 5000,
            SocketKeepaliveEnable = true,
            SocketNagleDisable = true,
            TopicMetadataRefreshIntervalMs = 10_000,
            AllowAutoCreateTopics = false,
            LogConnectionClose = false,
        };
}
