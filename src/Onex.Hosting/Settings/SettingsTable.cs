using Onex.Contracts.Text;

using static Onex.Hosting.Settings.SettingKind;

namespace Onex.Hosting.Settings;

/// <summary>Every setting: the one place where its name, its default and its bounds are written. docs/configuration.md is made from it.</summary>
public static class SettingsTable
{
    private const string Process = "Process";
    private const string Messages = "Kafka";
    private const string Names = "Topics and groups";
    private const string Database = "PostgreSQL";
    private const string Contracts = "Contracts";
    private const string Limits = "Limits";
    private const string Http = "HTTP";
    private const string Outside = "Services that effects may use";
    private const string FileOnly = "Only in the file";

    private static readonly (TimeSpan, TimeSpan) _retentions = (TimeSpan.FromMinutes(1), TimeSpan.FromDays(3650));

    public static readonly Setting Profile = new(Process, "RUNTIME_PROFILE", OneOf, "all", "Which role the process runs.")
    {
        Values = ["all", "main", "effects", "workers"],
    };

    public static readonly Setting LogLevel = new(Process, "ONEX_LOG_LEVEL", OneOf, "INFO",
        "The least severe log line that is written. What the frameworks say below WARNING shows only with DEBUG.")
    {
        Values = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        FileKey = "logging.level",
    };

    public static readonly Setting LogFormat = new(Process, "ONEX_LOG_FORMAT", OneOf, null, "How log lines are written. `json`: an object a line; `text`: for people.")
    {
        FileKey = "logging.format",
        Values = ["json", "text"],
        DefaultInWords = "`text` on a terminal, else `json`",
    };

    public static readonly Setting LogDirectory = new(Process, "ONEX_LOG_DIR", Text, null,
        "A directory that log lines are kept in as well, as JSON: `<hostname>.log`, at 16 MiB renamed to `<hostname>.log.1`. One process a host.")
    {
        DefaultInWords = "none",
        ImageDefault = "/app/logs",
    };

    public static readonly Setting EnvironmentName = new(Process, "ONEX_ENVIRONMENT", Text, "development", "A name for people; it weakens nothing.")
    {
        FileKey = "event_bus.environment",
    };

    public static readonly Setting InContainer = new(Process, "ONEX_IN_CONTAINER", Flag, "false",
        "Whether the defaults of the image hold. The image sets it.")
    {
        ImageDefault = "true",
    };

    public static readonly Setting EventBus = new(Messages, "ONEX_EVENT_BUS", OneOf, null, "Where messages travel. `inmemory`: in this process, with profile `all` only; they are gone with it, and what sagas wait for is sent again.")
    {
        Values = ["kafka", "inmemory"],
        DefaultInWords = "`kafka` if `KAFKA_BOOTSTRAP_SERVERS` is set, else `inmemory`",
        FileKey = "event_bus.type",
    };

    public static readonly Setting KafkaServers = new(Messages, "KAFKA_BOOTSTRAP_SERVERS", Text, null, "Brokers to begin with: `host:port`, separated by commas.")
    {
        ImageDefault = "omninode-bridge-redpanda:9092",
    };

    public static readonly Setting KafkaProtocol = new(Messages, "KAFKA_SECURITY_PROTOCOL", OneOf, "PLAINTEXT", "How brokers are spoken to.")
    {
        Values = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
    };

    public static readonly Setting KafkaMechanism = new(Messages, "KAFKA_SASL_MECHANISM", OneOf, null, "How we prove who we are; needed with `SASL_*`.")
    {
        Values = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
    };

    public static readonly Setting KafkaUser = new(Messages, "KAFKA_SASL_USERNAME", Text, null, "Who we are; needed with `SASL_*`.");

    public static readonly Setting KafkaPassword = new(Messages, "KAFKA_SASL_PASSWORD", Text, null, "The password to it; needed with `SASL_*`.")
    {
        Secret = true,
    };

    public static readonly Setting KafkaAuthority = new(Messages, "KAFKA_SSL_CA_FILE", Text, null, "A PEM file with the authorities that may sign a broker's certificate.")
    {
        DefaultInWords = "the system's",
    };

    public static readonly Setting SessionTimeout = new(Messages, "KAFKA_SESSION_TIMEOUT", Duration, "15s",
        "Silence after which Kafka gives a process's partitions to another one.")
    {
        Span = (TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(30)),
    };

    public static readonly Setting CreateTopics = new(Messages, "ONEX_CREATE_TOPICS", Flag, "true", "Whether missing topics are made at start.");

    public static readonly Setting Partitions = new(Messages, "ONEX_PARTITIONS", Number, "12", "Partitions of the topics that we make. More workers than partitions idle, ready.")
    {
        Range = (1, 10_000),
    };

    public static readonly Setting Replication = new(Messages, "ONEX_REPLICATION", Number, null, "Copies of the topics that we make.")
    {
        Range = (1, 100),
        DefaultInWords = "the broker's",
    };

    public static readonly Setting MaxRequestBytes = new(Messages, "ONEX_MAX_REQUEST_BYTES", Number, "1048576", "Larger requests are refused with an error.")
    {
        Range = (1024, 64 * 1024 * 1024),
    };

    public static readonly Setting TopicPrefix = new(Names, "ONEX_TOPIC_PREFIX", Text, null, "Put before every name below.") { DefaultInWords = "nothing" };

    public static readonly Setting InputTopic = new(Names, "ONEX_INPUT_TOPIC", Text, "requests", "Requests from clients: main reads it.") { FileKey = "input_topic" };

    public static readonly Setting OutputTopic = new(Names, "ONEX_OUTPUT_TOPIC", Text, "responses", "Responses to clients: main writes it.") { FileKey = "output_topic" };

    public static readonly Setting MainGroup = new(Names, "ONEX_GROUP_ID", Text, "onex-runtime-main", "Main's consumer group.") { FileKey = "group_id" };

    public static readonly Setting EffectsInput = new(Names, "ONEX_EFFECTS_INPUT_TOPIC", Text, "effect-requests", "Commands for runtime-effects.");

    public static readonly Setting EffectsOutput = new(Names, "ONEX_EFFECTS_OUTPUT_TOPIC", Text, "effect-responses", "Results from runtime-effects.");

    public static readonly Setting EffectsGroup = new(Names, "ONEX_EFFECTS_GROUP_ID", Text, "onex-runtime-effects", "The consumer group of runtime-effects.");

    public static readonly Setting WorkerInput = new(Names, "ONEX_WORKER_INPUT_TOPIC", Text, "worker-requests", "Commands for runtime-worker.");

    public static readonly Setting WorkerOutput = new(Names, "ONEX_WORKER_OUTPUT_TOPIC", Text, "worker-responses", "Results from runtime-worker.");

    public static readonly Setting WorkerGroup = new(Names, "ONEX_WORKER_GROUP_ID", Text, "onex-runtime-workers", "The consumer group of runtime-worker.");

    public static readonly Setting SagaEvents = new(Names, "ONEX_SAGA_EVENTS_TOPIC", Text, "saga-events", "What sagas and mains say to each other.");

    public static readonly Setting Store = new(Database, "ONEX_STORE", OneOf, null, "Where sagas are kept. `sqlite`: in a file of this process, with profile `all` only.")
    {
        Values = ["postgres", "sqlite"],
        DefaultInWords = "`postgres` if `POSTGRES_HOST` is set, else `sqlite`",
    };

    public static readonly Setting DataDirectory = new(Database, "ONEX_DATA_DIR", Text, "./.onex", "Where the file of `sqlite` is.") { ImageDefault = "/app/data" };

    public static readonly Setting PostgresHost = new(Database, "POSTGRES_HOST", Text, null, "Where the database is.") { ImageDefault = "omninode-bridge-postgres" };

    public static readonly Setting PostgresPort = new(Database, "POSTGRES_PORT", Number, "5432", "Its port.") { Range = (1, 65_535) };

    public static readonly Setting PostgresDatabase = new(Database, "POSTGRES_DATABASE", Text, "omninode_bridge", "Its name.");

    public static readonly Setting PostgresUser = new(Database, "POSTGRES_USER", Text, "postgres", "Who we are to it.");

    public static readonly Setting PostgresPassword = new(Database, "POSTGRES_PASSWORD", Text, null, "The password; needed by main and effects.") { Secret = true };

    public static readonly Setting PostgresSslMode = new(Database, "POSTGRES_SSLMODE", OneOf, "prefer", "How much TLS is asked of it.")
    {
        Values = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    };

    public static readonly Setting AutoMigrate = new(Database, "ONEX_DB_AUTO_MIGRATE", Flag, "true", "Whether main brings the schema up to date at start. Otherwise: `onex db migrate`.");

    public static readonly Setting Retention = new(Database, "ONEX_RETENTION", Duration, "15d", "How long an ended saga is kept, and a dead letter once it is decided about: longer than a topic keeps records.") { Span = _retentions };

    public static readonly Setting HistoryRetention = new(Database, "ONEX_HISTORY_RETENTION", Duration, "30d", "How long history is kept.") { Span = _retentions };

    public static readonly Setting ContractsDirectory = new(Contracts, "CONTRACTS_DIR", Text, "./contracts", "The directory of the contracts, with `runtime/` and `connections/` in it.")
    {
        Alias = "ONEX_CONTRACTS_DIR",
        ImageDefault = "/app/contracts",
    };

    public static readonly Setting ContractsMutable = new(Contracts, "ONEX_CONTRACTS_MUTABLE", Flag, "false", "Whether a contract may change without a new version, for development. Content that was accepted so is refused again without it.");

    public static readonly Setting MaxStates = Limit("ONEX_MAX_STATES", "states", "500", 10_000, "States of one contract.");

    public static readonly Setting MaxSteps = Limit("ONEX_MAX_STEPS", "steps", "1000", 100_000, "Steps of one contract.");

    public static readonly Setting MaxDepth = Limit("ONEX_MAX_DEPTH", "depth", "64", 128, "Maps and lists in one another, in a contract or a schema.");

    public static readonly Setting MaxBranches = Limit("ONEX_MAX_BRANCHES", "branches", "100", 1_000, "Branches of one `parallel`.");

    public static readonly Setting MaxItems = Limit("ONEX_MAX_ITEMS", "items", "100000", 1_000_000, "Items of one `each`.");

    public static readonly Setting MaxBufferedEvents = Limit("ONEX_MAX_KEPT_EVENTS", "kept_events", "100", 10_000, "Events that wait for one saga to want them.");

    public static readonly Setting MaxIdleEntries = Limit(
        "ONEX_MAX_IDLE_ENTRIES", "idle_entries", "50", 100_000,
        "Entries of one saga into a state, one after the other, without an event, a wait or new data in between. They are slowed down after ten, and one more than these blocks the saga; so do twenty times as many entries by failures, whatever they write down.");

    public static readonly Setting MaxExpressionCost = Limit(
        "ONEX_MAX_EXPRESSION_COST", "expression_cost", "50000", 1_000_000,
        "Cost units of one evaluation of an expression: about 1 ms or 1 MB. All mains must have the same.");

    public static readonly Setting MaxHistoryShown = Limit("ONEX_MAX_HISTORY_SHOWN", "history_shown", "1000", 10_000, "Entries of a saga's history that one call of the API answers.");

    public static readonly Setting HttpPort = new(Http, "ONEX_HTTP_PORT", Number, null, "The port of `/health` and `/ready`.")
    {
        Range = (1, 65_535),
        ImageDefault = "8085",
        DefaultInWords = "`8085` for main and `all`, `8086` for effects, `8087` for workers",
    };

    public static readonly Setting HttpBind = new(Http, "ONEX_HTTP_BIND", Text, "localhost", "The address that is listened on: an IP address, `localhost`, or `*` for all interfaces.")
    {
        ImageDefault = "*",
    };

    public static readonly Setting ApiUrl = new(Http, "ONEX_API_URL", Text, null, "Where the commands of `onex` find main, unless on this machine.")
    {
        DefaultInWords = "`http://localhost` with `ONEX_HTTP_PORT`",
    };

    public static readonly Setting ApiToken = new(Http, "ONEX_API_TOKEN", Text, null, "Tokens for `/api`: `name:scope:token`, separated by commas; the scope is `read` or `operate`. Without one only callers on the same machine are served.") { Secret = true };

    public static readonly Setting ConsulHost = new(Outside, "CONSUL_HOST", Text, "omninode-bridge-consul", "Where Consul is.") { NotYet = true };

    public static readonly Setting ConsulPort = new(Outside, "CONSUL_PORT", Number, "8500", "Its port.") { Range = (1, 65_535), NotYet = true };

    public static readonly Setting ConsulScheme = new(Outside, "CONSUL_SCHEME", OneOf, "http", "How it is spoken to.") { Values = ["http", "https"], NotYet = true };

    public static readonly Setting ConsulToken = new(Outside, "CONSUL_TOKEN", Text, null, "Its token.") { Secret = true, NotYet = true };

    public static readonly Setting VaultAddress = new(Outside, "VAULT_ADDR", Text, "http://omninode-bridge-vault:8200", "Where Vault is.") { NotYet = true };

    public static readonly Setting VaultToken = new(Outside, "VAULT_TOKEN", Text, null, "Its token.") { Secret = true, NotYet = true };

    public static readonly Setting VaultRole = new(Outside, "VAULT_ROLE_ID", Text, null, "Instead of a token, with the next.") { Secret = true, NotYet = true };

    public static readonly Setting VaultSecret = new(Outside, "VAULT_SECRET_ID", Text, null, "Instead of a token, with the one before.") { Secret = true, NotYet = true };

    public static readonly Setting RedisHost = new(Outside, "REDIS_HOST", Text, "omninode-bridge-redis", "Where Redis or Valkey is.") { NotYet = true };

    public static readonly Setting RedisPort = new(Outside, "REDIS_PORT", Number, "6379", "Its port.") { Range = (1, 65_535), NotYet = true };

    public static readonly Setting RedisPassword = new(Outside, "REDIS_PASSWORD", Text, null, "Its password.") { Secret = true, NotYet = true };

    public static readonly Setting MaxHistory = new(FileOnly, null, Number, "1000", "Records per partition that the in-memory bus keeps of topics that no role reads.")
    {
        FileKey = "event_bus.max_history",
        Range = (0, 1_000_000),
    };

    public static readonly Setting BreakerThreshold = new(FileOnly, null, Number, "5", "Failures in a row after which the in-memory bus pauses.")
    {
        FileKey = "event_bus.circuit_breaker_threshold",
        Range = (1, 10_000),
        NotYet = true,
    };

    public static readonly Setting EnabledHandlers = new(FileOnly, null, List, null, "Operation prefixes that this runtime serves (`http`, `hash`).")
    {
        FileKey = "handlers.enabled",
        DefaultInWords = "all",
    };

    public static readonly Setting DirectOperations = new(FileOnly, null, List, null, "Effect operations that a request may name itself (`http.get`).")
    {
        FileKey = "handlers.direct",
        NotYet = true,
        DefaultInWords = "none",
    };

    public static readonly Setting ReplyTo = new(FileOnly, null, List, null, "Topics, with their whole name, that a request may have its response sent to.")
    {
        FileKey = "handlers.reply_to",
        DefaultInWords = "none",
    };

    public static readonly Setting GracePeriod = new(FileOnly, null, Number, "30", "Seconds that work in hand gets at SIGTERM.")
    {
        FileKey = "shutdown.grace_period_seconds",
        Range = (1, 3600),
    };

    /// <summary>All of them, in the order of the document.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        Profile, LogLevel, LogFormat, LogDirectory, EnvironmentName, InContainer,
        EventBus, KafkaServers, KafkaProtocol, KafkaMechanism, KafkaUser, KafkaPassword, KafkaAuthority, SessionTimeout,
        CreateTopics, Partitions, Replication, MaxRequestBytes,
        TopicPrefix, InputTopic, OutputTopic, MainGroup, EffectsInput, EffectsOutput, EffectsGroup, WorkerInput, WorkerOutput, WorkerGroup, SagaEvents,
        Store, DataDirectory, PostgresHost, PostgresPort, PostgresDatabase, PostgresUser, PostgresPassword, PostgresSslMode, AutoMigrate, Retention, HistoryRetention,
        ContractsDirectory, ContractsMutable,
        MaxStates, MaxSteps, MaxDepth, MaxBranches, MaxItems, MaxBufferedEvents, MaxIdleEntries, MaxExpressionCost, MaxHistoryShown,
        HttpPort, HttpBind, ApiToken, ApiUrl,
        ConsulHost, ConsulPort, ConsulScheme, ConsulToken, VaultAddress, VaultToken, VaultRole, VaultSecret, RedisHost, RedisPort, RedisPassword,
        MaxHistory, BreakerThreshold, EnabledHandlers, DirectOperations, ReplyTo, GracePeriod,
    ];

    private static Setting Limit(string name, string key, string standard, int most, string meaning) =>
        new(Limits, name, Number, standard, meaning) { FileKey = $"limits.{key}", Range = (1, most) };
}
