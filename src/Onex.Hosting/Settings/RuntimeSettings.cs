using Onex.Contracts.Messages;
using Onex.Contracts.Text;

namespace Onex.Hosting.Settings;

/// <summary>Which role a process runs.</summary>
public enum RuntimeProfile
{
    /// <summary>All three in one process.</summary>
    All,

    /// <summary>The sagas.</summary>
    Main,

    /// <summary>External I/O.</summary>
    Effects,

    /// <summary>Computation.</summary>
    Workers,
}

/// <summary>Where messages travel.</summary>
public enum EventBus
{
    /// <summary>Apache Kafka or what speaks its protocol.</summary>
    Kafka,

    /// <summary>The in-process twin.</summary>
    InMemory,
}

/// <summary>Where sagas are kept.</summary>
public enum StoreKind
{
    /// <summary>PostgreSQL.</summary>
    Postgres,

    /// <summary>A file.</summary>
    Sqlite,
}

/// <summary>How to reach Kafka.</summary>
public sealed record KafkaConnection(
    string BootstrapServers, string SecurityProtocol, string? SaslMechanism, string? SaslUsername, string? SaslPassword, string? SslCaFile,
    TimeSpan SessionTimeout)
{
    /// <summary>Without the password: settings are logged.</summary>
    public override string ToString() => $"{SecurityProtocol} {BootstrapServers}" + (SaslUsername is null ? "" : $" as {SaslUsername}");
}

/// <summary>How to reach the runtime's own database.</summary>
public sealed record PostgresConnection(string Host, int Port, string Database, string User, string? Password, string SslMode)
{
    /// <summary>Without the password: settings are logged.</summary>
    public override string ToString() => $"{Host}:{Port}/{Database} as {User}";
}

/// <summary>What is allowed to contracts and their sagas.</summary>
/// <param name="States">States of one contract.</param>
/// <param name="Steps">Steps of one contract.</param>
/// <param name="Depth">Maps and lists in one another, in a file.</param>
/// <param name="Branches">Branches of one <c>parallel</c>.</param>
/// <param name="Items">Items of one <c>each</c>.</param>
/// <param name="BufferedEvents">Events that wait for one saga.</param>
/// <param name="IdleEntries">Entries of one saga into a state without an event, a wait or new data in between.</param>
/// <param name="ExpressionCost">Cost units of one evaluation.</param>
/// <param name="HistoryShown">Entries of a history that one call answers.</param>
public sealed record LimitSettings(
    int States, int Steps, int Depth, int Branches, int Items, int BufferedEvents, int IdleEntries, int ExpressionCost, int HistoryShown);

/// <summary>Everything that environment and <c>runtime_config.yaml</c> say, checked. Made only by <see cref="SettingsReader"/>.</summary>
public sealed record RuntimeSettings
{
    /// <summary><c>RUNTIME_PROFILE</c>.</summary>
    public required RuntimeProfile Profile { get; init; }

    /// <summary><c>ONEX_EVENT_BUS</c>.</summary>
    public required EventBus EventBus { get; init; }

    /// <summary><c>ONEX_STORE</c>.</summary>
    public required StoreKind Store { get; init; }

    /// <summary><c>ONEX_DATA_DIR</c>, as a full path.</summary>
    public required string DataDirectory { get; init; }

    /// <summary><c>event_bus.max_history</c>.</summary>
    public required int MemoryHistory { get; init; }

    /// <summary><c>KAFKA_*</c>; null on another bus.</summary>
    public KafkaConnection? Kafka { get; init; }

    /// <summary><c>POSTGRES_*</c>; null with another store.</summary>
    public PostgresConnection? Postgres { get; init; }

    /// <summary>The topics, prefixed.</summary>
    public required Topics Topics { get; init; }

    /// <summary><c>ONEX_GROUP_ID</c>, prefixed.</summary>
    public required string MainGroup { get; init; }

    /// <summary><c>ONEX_EFFECTS_GROUP_ID</c>, prefixed.</summary>
    public required string EffectsGroup { get; init; }

    /// <summary><c>ONEX_WORKER_GROUP_ID</c>, prefixed.</summary>
    public required string WorkerGroup { get; init; }

    /// <summary><c>ONEX_CREATE_TOPICS</c>.</summary>
    public required bool CreateTopics { get; init; }

    /// <summary><c>ONEX_PARTITIONS</c>.</summary>
    public required int Partitions { get; init; }

    /// <summary><c>ONEX_REPLICATION</c>, or null for the broker's default.</summary>
    public short? Replication { get; init; }

    /// <summary><c>CONTRACTS_DIR</c>.</summary>
    public required string ContractsDirectory { get; init; }

    /// <summary><c>ONEX_CONTRACTS_MUTABLE</c>.</summary>
    public required bool ContractsMutable { get; init; }

    /// <summary><c>ONEX_DB_AUTO_MIGRATE</c>.</summary>
    public required bool AutoMigrate { get; init; }

    /// <summary><c>ONEX_RETENTION</c>.</summary>
    public required TimeSpan Retention { get; init; }

    /// <summary><c>ONEX_HISTORY_RETENTION</c>.</summary>
    public required TimeSpan HistoryRetention { get; init; }

    /// <summary><c>ONEX_MAX_REQUEST_BYTES</c>.</summary>
    public required int MaxRequestBytes { get; init; }

    /// <summary><c>ONEX_MAX_*</c>, but for requests.</summary>
    public required LimitSettings Limits { get; init; }

    /// <summary><c>ONEX_HTTP_PORT</c>.</summary>
    public required int HttpPort { get; init; }

    /// <summary><c>ONEX_HTTP_BIND</c>.</summary>
    public required string HttpBind { get; init; }

    /// <summary><c>ONEX_API_TOKEN</c>.</summary>
    public required IReadOnlyList<Http.ApiToken> ApiTokens { get; init; }

    /// <summary><c>ONEX_LOG_LEVEL</c> as .NET names it.</summary>
    public required Microsoft.Extensions.Logging.LogLevel LogLevel { get; init; }

    /// <summary><c>logging.format</c>: <c>json</c> or <c>text</c>.</summary>
    public required string LogFormat { get; init; }

    /// <summary><c>ONEX_LOG_DIR</c>, or null for the console alone.</summary>
    public string? LogDirectory { get; init; }

    /// <summary><c>ONEX_ENVIRONMENT</c>.</summary>
    public required string EnvironmentName { get; init; }

    /// <summary><c>shutdown.grace_period_seconds</c>.</summary>
    public required TimeSpan GracePeriod { get; init; }

    /// <summary><c>handlers.direct</c>.</summary>
    public required IReadOnlyList<string> DirectOperations { get; init; }

    /// <summary><c>handlers.enabled</c>, or null for all.</summary>
    public IReadOnlyList<string>? EnabledHandlers { get; init; }

    /// <summary><c>handlers.reply_to</c>.</summary>
    public required IReadOnlyList<string> ReplyToTopics { get; init; }

    /// <summary>Whether the process runs this role.</summary>
    public bool Runs(RuntimeProfile role) => Profile == RuntimeProfile.All || Profile == role;
}
