using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Hosting.Settings;

/// <summary>Which role a process runs.</summary>
public enum RuntimeProfile
{
    /// <summary>The three other roles in one process.</summary>
    All,

    /// <summary>The orchestrator of sagas.</summary>
    Main,

    /// <summary>Effects: external I/O.</summary>
    Effects,

    /// <summary>Computes.</summary>
    Workers,
}

/// <summary>Where messages are sent.</summary>
public enum EventBus
{
    /// <summary>Apache Kafka, or a broker with its protocol.</summary>
    Kafka,

    /// <summary>The log inside the process.</summary>
    InMemory,
}

/// <summary>Where sagas are stored.</summary>
public enum StoreKind
{
    /// <summary>PostgreSQL.</summary>
    Postgres,

    /// <summary>SQLite.</summary>
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

/// <summary>How to reach the runtime's database.</summary>
public sealed record PostgresConnection(string Host, int Port, string Database, string User, string? Password, string SslMode)
{
    /// <summary>Without the password: settings are logged.</summary>
    public override string ToString() => $"{Host}:{Port}/{Database} as {User}";
}

/// <summary>How to reach Consul.</summary>
public sealed record ConsulConnection(Uri Address, string? Token)
{
    /// <summary>Without the token.</summary>
    public override string ToString() => Address.Authority;
}

/// <summary>How to reach the Redis of the runtime itself.</summary>
public sealed record RedisConnection(string Host, int Port, string? Password)
{
    /// <summary>Without the password.</summary>
    public override string ToString() => $"{Host}:{Port}";
}

/// <summary>How the process appears in Consul.</summary>
/// <param name="Service">The name of the service.</param>
/// <param name="Host">The advertised host, or null for the process's own.</param>
/// <param name="Port">The advertised port.</param>
public sealed record ConsulRegistration(string Service, string? Host, int Port);

/// <summary>
/// The settings of a process, created only by <see cref="SettingsReader"/>: checked, except for <see cref="SettingsResult.Tentative"/>.
/// </summary>
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

    /// <summary><c>KAFKA_*</c>; null without servers.</summary>
    public KafkaConnection? Kafka { get; init; }

    /// <summary><c>POSTGRES_*</c>; null without host or password.</summary>
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

    /// <summary><c>ONEX_WORKER_PARTITIONS</c>.</summary>
    public required int WorkerPartitions { get; init; }

    /// <summary><c>ONEX_WORKER_CONCURRENCY</c>, or null for the number of processors.</summary>
    public int? WorkerConcurrency { get; init; }

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

    /// <summary><c>ONEX_MAX_*</c> of contracts and their sagas.</summary>
    public required ContractLimits Limits { get; init; }

    /// <summary><c>ONEX_MAX_HISTORY_SHOWN</c>.</summary>
    public required int HistoryShown { get; init; }

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

    /// <summary><c>handlers.enabled</c>, or null for all but those that run code.</summary>
    public IReadOnlyList<string>? EnabledHandlers { get; init; }

    /// <summary><c>sandbox.*</c>.</summary>
    public required SandboxSettings Sandbox { get; init; }

    /// <summary><c>handlers.reply_to</c>.</summary>
    public required IReadOnlyList<string> ReplyToTopics { get; init; }

    /// <summary><c>CONSUL_*</c>.</summary>
    public required ConsulConnection Consul { get; init; }

    /// <summary><c>REDIS_*</c>.</summary>
    public required RedisConnection Redis { get; init; }

    /// <summary><c>ONEX_CONSUL_SERVICE</c> and <c>ONEX_ADVERTISE_ADDRESS</c>, or null without <c>ONEX_CONSUL_REGISTER</c>.</summary>
    public ConsulRegistration? Registration { get; init; }

    /// <summary><c>ONEX_DNS_SERVER</c>, or null for the system's.</summary>
    public System.Net.IPEndPoint? DnsServer { get; init; }

    /// <summary><c>OTEL_*</c>.</summary>
    public required TelemetrySettings Telemetry { get; init; }

    /// <summary>Whether the process runs this role.</summary>
    public bool Runs(RuntimeProfile role) => Profile == RuntimeProfile.All || Profile == role;
}
