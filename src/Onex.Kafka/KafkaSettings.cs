using Onex.Contracts.Messages;

namespace Onex.Kafka;

/// <summary>How to reach Kafka, how much to hold in memory, and how long to retry and to wait.</summary>
public sealed record KafkaSettings
{
    /// <summary><c>host:port</c>, separated by commas.</summary>
    public required string BootstrapServers { get; init; }

    /// <summary><c>PLAINTEXT</c>, <c>SSL</c>, <c>SASL_PLAINTEXT</c> or <c>SASL_SSL</c>.</summary>
    public string SecurityProtocol { get; init; } = "PLAINTEXT";

    /// <summary><c>PLAIN</c>, <c>SCRAM-SHA-256</c> or <c>SCRAM-SHA-512</c>, with SASL.</summary>
    public string? SaslMechanism { get; init; }

    /// <summary>The user, with SASL.</summary>
    public string? SaslUsername { get; init; }

    /// <summary>The password, with SASL. Never printed.</summary>
    public string? SaslPassword { get; init; }

    /// <summary>A file with the CA certificates to trust, in PEM.</summary>
    public string? SslCaFile { get; init; }

    /// <summary>A file with the client's certificate and its private key, in PEM.</summary>
    public string? SslCertificateFile { get; init; }

    /// <summary>Silence after which the group gives this process's partitions to another member. Default 15 s.</summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The client id, also the value of the header <c>source</c>; for example <c>onex-main</c>.</summary>
    public required string ClientId { get; init; }

    /// <summary>
    /// Topics whose records need no order. The producer sends a batch of them, up to 50, to one partition, whatever their keys: that with
    /// the fewest so far. That costs the broker less than many small batches. Default: none.
    /// </summary>
    public IReadOnlyList<string> UnorderedTopics { get; init; } = [];

    /// <summary>
    /// Those of <see cref="UnorderedTopics"/> whose records take long to handle: a batch goes to several partitions. Default: none.
    /// </summary>
    public IReadOnlyList<string> SpreadTopics { get; init; } = [];

    /// <summary>
    /// Topics without which Onex cannot run. While one is missing, its records are unavailable, not undeliverable: its broker may have lost
    /// its disk, and somebody will create the topic again. Default: none.
    /// </summary>
    public IReadOnlyList<string> OwnTopics { get; init; } = [];

    /// <summary>Records that one endpoint may have in flight; at the limit its partitions are paused. Default 2000.</summary>
    public int InFlightMax { get; init; } = 2000;

    /// <summary>Bytes of values that one endpoint may have in flight. Default 64 MiB.</summary>
    public long InFlightBytesMax { get; init; } = 64L << 20;

    /// <summary>Bytes that a Kafka consumer holds; a producer holds twice as many, but at least 11 MiB. Default 16 MiB.</summary>
    public int ClientBytesMax { get; init; } = 16 << 20;

    /// <summary>The weight of messages (<see cref="JsonWeight"/>) that the endpoint of a topic handles at a time. Default 1 GiB.</summary>
    public long WeightMax { get; init; } = 1L << 30;

    /// <summary>The most records in a batch for a handler, which may have several batches at a time. Default 500.</summary>
    public int BatchMax { get; init; } = 500;

    /// <summary>Retries of a message whose failure no other message shares, before it goes to the dead-letter topic. Default 5.</summary>
    public int RetryAttempts { get; init; } = 5;

    /// <summary>The longest time that such a message is retried. Default 30 s.</summary>
    public TimeSpan RetryFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a stop waits for records in flight before it leaves the group. Default 25 s.</summary>
    public TimeSpan DrainFor { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>
    /// How long an endpoint may make no progress while records wait. After that its process counts as not ready. Default 30 s: longer than
    /// a commit or a rebalance takes.
    /// </summary>
    public TimeSpan StalledAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long records may wait until they are read before the endpoint counts as behind. Default 60 s.</summary>
    public TimeSpan BehindAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Leaves out the password, which the generated method would print.</summary>
    public override string ToString() => $"{BootstrapServers}, {SecurityProtocol}, client {ClientId}";
}
