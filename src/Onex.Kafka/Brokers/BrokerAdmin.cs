using Confluent.Kafka;

namespace Onex.Kafka.Brokers;

/// <summary>The process's administrative client, opened on first use.</summary>
internal sealed class BrokerAdmin(KafkaSettings settings) : IDisposable
{
    private readonly Lock _lock = new();
    private IAdminClient? _client;

    /// <summary>The brokers' addresses, for error texts.</summary>
    public string Address => settings.BootstrapServers;

    /// <exception cref="InvalidOperationException">The library rejects its configuration, perhaps because of a certificate.</exception>
    public IAdminClient Client
    {
        get
        {
            lock (_lock)
            {
                return _client ??= new AdminClientBuilder(ClientSettings.For<AdminClientConfig>(settings))
                    // BrokerHealth meets the same errors and logs them once.
                    .SetLogHandler((_, _) => { })
                    .SetErrorHandler((_, _) => { })
                    .Build();
            }
        }
    }

    public void Dispose() => _client?.Dispose();
}
