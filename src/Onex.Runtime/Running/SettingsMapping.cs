using Onex.Hosting.Settings;
using Onex.Kafka;
using Onex.Kafka.Consuming;
using Onex.Persistence.Postgres;

namespace Onex.Runtime.Running;

/// <summary>Maps the settings of the process to the settings of the other projects.</summary>
internal static class SettingsMapping
{
    // What remains of a long grace period after draining, for the last commits and for closing connections.
    private static readonly TimeSpan _afterDraining = TimeSpan.FromSeconds(5);

    /// <summary>For Onex.Kafka.</summary>
    /// <param name="settings">The process's settings.</param>
    /// <param name="client">The client id at the broker.</param>
    public static KafkaSettings Kafka(RuntimeSettings settings, string client)
    {
        var memory = MemoryBudget.ForProcess();
        var kafka = settings.Kafka ?? throw new InvalidOperationException("Kafka is not configured.");
        return new KafkaSettings
        {
            BootstrapServers = kafka.BootstrapServers,
            SecurityProtocol = kafka.SecurityProtocol,
            SaslMechanism = kafka.SaslMechanism,
            SaslUsername = kafka.SaslUsername,
            SaslPassword = kafka.SaslPassword,
            SslCaFile = kafka.SslCaFile,
            SessionTimeout = kafka.SessionTimeout,
            ClientId = client,
            DrainFor = DrainFor(settings),

            // The ledger decides between the attempts of a command, and computes may run twice, so commands need no order.
            UnorderedTopics = [settings.Topics.EffectRequests, settings.Topics.WorkerRequests],
            SpreadTopics = [settings.Topics.WorkerRequests],
            OwnTopics = settings.Topics.All,
            InFlightBytesMax = memory.Intake,
            ClientBytesMax = memory.Client,
            WeightMax = memory.Commands,
        };
    }

    /// <summary>For the in-memory log of Onex.Kafka.</summary>
    public static KafkaSettings Memory(RuntimeSettings settings, string client) =>
        new()
        {
            BootstrapServers = "this process",
            ClientId = client,
            DrainFor = DrainFor(settings),
            InFlightBytesMax = MemoryBudget.ForProcess().Intake,
            WeightMax = MemoryBudget.ForProcess().Commands,
        };

    /// <summary>For Onex.Persistence.</summary>
    /// <param name="settings">The process's settings.</param>
    /// <param name="application">The application name in <c>pg_stat_activity</c>.</param>
    public static StoreSettings Store(RuntimeSettings settings, string application)
    {
        var postgres = settings.Postgres ?? throw new InvalidOperationException("PostgreSQL is not configured.");
        return new StoreSettings
        {
            Host = postgres.Host,
            Port = postgres.Port,
            Database = postgres.Database,
            User = postgres.User,
            Password = postgres.Password,
            SslMode = postgres.SslMode,
            ApplicationName = application,
        };
    }

    private static TimeSpan DrainFor(RuntimeSettings settings) =>
        settings.GracePeriod > 2 * _afterDraining ? settings.GracePeriod - _afterDraining : settings.GracePeriod / 2;
}
