using Confluent.Kafka;

namespace Onex.Kafka.Brokers;

/// <summary>The process's administrative client, opened on first use.</summary>
internal sealed class BrokerAdmin(KafkaSettings settings) : IDisposable
{
    private readonly Lazy<IAdminClient> _client = new(() =>
        new AdminClientBuilder(ClientSettings.For<AdminClientConfig>(settings))
            // BrokerHealth meets the same errors and logs them once.
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, _) => { })
            .Build());

    /// <summary>The brokers' addresses, for error texts.</summary>
    public string Address => settings.BootstrapServers;

    public IAdminClient Client => _client.Value;

    public void Dispose()
    {
        if (_client.IsValueCreated)
        {
            _client.Value.Dispose();
        }
    }
}
