using static Onex.Hosting.Settings.SettingKind;

namespace Onex.Hosting.Settings;

/// <summary>All settings with their names, defaults and bounds. docs/configuration.md is generated from it.</summary>
public static class SettingsTable
{
    private const string Process = "Process";
    private const string Messages = "Kafka";
    private const string Names = "Topics and groups";
    private const string Database = "PostgreSQL";
    private const string Contracts = "Contracts";
    private const string Http = "HTTP";
    private const string External = "Services that effects may use";
    private const string Telemetry = "Telemetry";
    internal const string FileOnly = "Only in the file";

    private static readonly (TimeSpan Min, TimeSpan Max) _retentions = (TimeSpan.FromMinutes(1), TimeSpan.FromDays(3650));

    public static readonly Setting Profile = new(Process, "RUNTIME_PROFILE", OneOf, "all",
        "The role that the process runs: `main` decides on sagas, `effects` calls other systems, `workers` compute; `all` is the "
        + "three in one process.")
    {
        Values = ["all", "main", "effects", "workers"],
    };

    public static readonly Setting LogLevel = new(Process, "ONEX_LOG_LEVEL", OneOf, "INFO",
        "The least severe log line that is written, also to the file of `ONEX_LOG_DIR` and to exporters. Lines of the frameworks "
        + "below WARNING appear with DEBUG only.")
    {
        Values = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        FileKey = "logging.level",
    };

    public static readonly Setting LogFormat = new(Process, "ONEX_LOG_FORMAT", OneOf, null,
        "The format of log lines. `json`: one object per line; `text`: for people.")
    {
        FileKey = "logging.format",
        Values = ["json", "text"],
        DefaultInWords = "`text` on a terminal, else `json`",
    };

    public static readonly Setting LogDirectory = new(Process, "ONEX_LOG_DIR", Text, null,
        "A directory to which log lines are written as well, as JSON: `<hostname>.log`, renamed to `<hostname>.log.1` at 16 MiB, "
        + "which replaces the one before. One process per host name. Lines that cannot be written are lost, and nothing waits for them.")
    {
        DefaultInWords = "none",
        ImageDefault = "/app/logs",
    };

    public static readonly Setting EnvironmentName = new(Process, "ONEX_ENVIRONMENT", Text, "development",
        "A name for people, in the first line of the log. It changes nothing.")
    {
        FileKey = "event_bus.environment",
    };

    public static readonly Setting InContainer = new(Process, "ONEX_IN_CONTAINER", Flag, "false",
        "Whether the defaults of the image apply, which these tables give after \"in the image\". The image sets it. Where it is not "
        + "set, `DOTNET_RUNNING_IN_CONTAINER` decides, which .NET's own images set to `true`: in an image of your own that is based on "
        + "one of them, set this to `false` if its defaults are not wanted.")
    {
        ImageDefault = "true",
    };

    public static readonly Setting EventBus = new(Messages, "ONEX_EVENT_BUS", OneOf, null,
        "Where messages are sent. `inmemory`: inside this process, with profile `all` only; a restart loses them, and what sagas wait "
        + "for is sent again.")
    {
        Values = ["kafka", "inmemory"],
        DefaultInWords = "`kafka` if `KAFKA_BOOTSTRAP_SERVERS` is set, as in the image, else `inmemory`",
        FileKey = "event_bus.type",
    };

    public static readonly Setting KafkaServers = new(Messages, "KAFKA_BOOTSTRAP_SERVERS", Text, null,
        "Bootstrap brokers: `host:port`, separated by commas. Name several, so that a start does not depend on one of them.")
    {
        ImageDefault = "omninode-bridge-redpanda:9092",
    };

    public static readonly Setting KafkaProtocol = new(Messages, "KAFKA_SECURITY_PROTOCOL", OneOf, "PLAINTEXT",
        "Security protocol. Anything but `SASL_SSL` and `SSL` sends messages in clear text, and with `PLAIN` the password too.")
    {
        Values = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
    };

    public static readonly Setting KafkaMechanism = new(Messages, "KAFKA_SASL_MECHANISM", OneOf, null,
        "SASL mechanism; required with `SASL_*`, without effect otherwise.")
    {
        Values = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
    };

    public static readonly Setting KafkaUser = new(Messages, "KAFKA_SASL_USERNAME", Text, null,
        "SASL user; required with `SASL_*`, without effect otherwise.");

    public static readonly Setting KafkaPassword = new(Messages, "KAFKA_SASL_PASSWORD", Text, null,
        "SASL password; required with `SASL_*`, without effect otherwise.")
    {
        IsSecret = true,
    };

    public static readonly Setting KafkaAuthority = new(Messages, "KAFKA_SSL_CA_FILE", Text, null,
        "A PEM file with the certificate authorities that may sign a broker's certificate, for `SSL` and `SASL_SSL`.")
    {
        DefaultInWords = "the system's",
    };

    public static readonly Setting SessionTimeout = new(Messages, "KAFKA_SESSION_TIMEOUT", Duration, "15s",
        "Silence after which Kafka assigns a process's partitions to another; for workers 6 s, if this is longer. Too short: a pause "
        + "(garbage collection, a busy machine) costs a rebalance. Too long: the sagas of a crashed process wait that long. Brokers "
        + "accept only what is between their `group.min.session.timeout.ms` (6 s by default) and `group.max.session.timeout.ms` (30 "
        + "min); a start fails with anything else.")
    {
        DurationRange = (TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(30)),
    };

    public static readonly Setting CreateTopics = new(Messages, "ONEX_CREATE_TOPICS", Flag, "true",
        "Whether a start creates missing topics: Onex's own, those to which contracts emit, those of remote operations, and the "
        + "`.dlq` of each. With `false` the start fails if one of Onex's own is missing (`onex topics create` creates them) and warns "
        + "about the others.");

    public static readonly Setting Partitions = new(Messages, "ONEX_PARTITIONS", Number, "12",
        "Partitions of the topics that Onex creates; existing topics keep theirs, a `.dlq` has one, and for `worker-requests` see the "
        + "next setting. No more processes of main or of effects work at a time than `requests` or `effect-requests` has partitions; "
        + "more of them idle. Too few limit throughput, and far more than there are processes cost some. The four topics that main "
        + "reads must have equal numbers, so partitions are added to them only while no orchestrator runs ([Moving "
        + "topics](operating.md#moving-topics)).")
    {
        Range = (1, 10_000),
    };

    public static readonly Setting WorkerPartitions = new(Messages, "ONEX_WORKER_PARTITIONS", Number, "48",
        "Partitions of the topic with commands to workers, if Onex creates it: no more worker processes than this share the load. Set "
        + "several times the number of workers, so that each gets about the same share; partitions may be added at any time.")
    {
        Range = (1, 10_000),
    };

    public static readonly Setting WorkerConcurrency = new(Messages, "ONEX_WORKER_CONCURRENCY", Number, null,
        "Computations that a worker process runs at a time. More than there are processors make each of them slower. Raise it for "
        + "computations that wait, such as `delay`, which count too.")
    {
        Range = (1, 1000),
        DefaultInWords = "the processors of the process, in a container its CPU limit, rounded up",
    };

    public static readonly Setting Replication = new(Messages, "ONEX_REPLICATION", Number, null,
        "Replication factor of topics that Onex creates; existing topics keep theirs. With 1, the loss of a broker loses messages. "
        + "With more than there are brokers, a start waits for more of them.")
    {
        Range = (1, 100),
        DefaultInWords = "the broker's",
    };

    public static readonly Setting MaxRequestBytes = new(Messages, "ONEX_MAX_REQUEST_BYTES", Number, "1048576",
        "The maximum size of a request or an event in bytes, over Kafka and HTTP. Larger ones are rejected with an error (ONEX3008). "
        + "A higher limit costs memory in every role, and brokers must accept records of that size (`max.message.bytes` of the topics).")
    {
        Range = (1024, 64 * 1024 * 1024),
    };

    public static readonly Setting TopicPrefix = new(Names, "ONEX_TOPIC_PREFIX", Text, null,
        "Prefix of every topic and group below and of the topics of remote operations, so that several installations can share a "
        + "cluster. Topics that contracts emit to have none. For a change see [Moving topics](operating.md#moving-topics).")
    {
        DefaultInWords = "nothing",
    };

    public static readonly Setting InputTopic = new(Names, "ONEX_INPUT_TOPIC", Text, "requests",
        "Requests and events from clients, read by main.")
    {
        FileKey = "input_topic",
    };

    public static readonly Setting OutputTopic = new(Names, "ONEX_OUTPUT_TOPIC", Text, "responses",
        "Responses to clients, written by main.")
    {
        FileKey = "output_topic",
    };

    public static readonly Setting MainGroup = new(Names, "ONEX_GROUP_ID", Text, "onex-runtime-main",
        "Consumer group of the main role. A changed one reads the topics from their beginning; what a saga has handled is recognized.")
    {
        FileKey = "group_id",
    };

    public static readonly Setting EffectsInput = new(Names, "ONEX_EFFECTS_INPUT_TOPIC", Text, "effect-requests",
        "Commands for effects, written by main.");

    public static readonly Setting EffectsOutput = new(Names, "ONEX_EFFECTS_OUTPUT_TOPIC", Text, "effect-responses",
        "Results from effects, read by main.");

    public static readonly Setting EffectsGroup = new(Names, "ONEX_EFFECTS_GROUP_ID", Text, "onex-runtime-effects",
        "Consumer group of effects. A changed one reads the commands from the beginning: those with an outcome are answered from the "
        + "effect ledger, and expired ones do not run.");

    public static readonly Setting WorkerInput = new(Names, "ONEX_WORKER_INPUT_TOPIC", Text, "worker-requests",
        "Commands for workers, written by main. The same name with `.cancel` is the topic of cancellations.");

    public static readonly Setting WorkerOutput = new(Names, "ONEX_WORKER_OUTPUT_TOPIC", Text, "worker-responses",
        "Results from workers, also from remote ones, read by main.");

    public static readonly Setting WorkerGroup = new(Names, "ONEX_WORKER_GROUP_ID", Text, "onex-runtime-workers",
        "Consumer group of workers. A changed one reads the commands from the beginning.");

    public static readonly Setting SagaEvents = new(Names, "ONEX_SAGA_EVENTS_TOPIC", Text, "saga-events",
        "Messages between sagas and between main processes, written and read by main.");

    public static readonly Setting Store = new(Database, "ONEX_STORE", OneOf, null,
        "Where sagas are stored. `sqlite`: in a file of this process, with profile `all` only.")
    {
        Values = ["postgres", "sqlite"],
        DefaultInWords = "`postgres` if `POSTGRES_HOST` is set, as in the image, else `sqlite`",
    };

    public static readonly Setting DataDirectory = new(Database, "ONEX_DATA_DIR", Text, "./.onex",
        "The directory of the `sqlite` file, `onex.db`. One process at a time.")
    {
        ImageDefault = "/app/data",
    };

    public static readonly Setting PostgresHost = new(
        Database, "POSTGRES_HOST", Text, null, "Database host. Of several, as `db1:5432,db2:5432`, the primary is used.")
    {
        ImageDefault = "omninode-bridge-postgres",
    };

    public static readonly Setting PostgresPort = new(Database, "POSTGRES_PORT", Number, "5432", "Database port.") { Range = (1, 65_535) };

    public static readonly Setting PostgresDatabase = new(Database, "POSTGRES_DATABASE", Text, "omninode_bridge",
        "Database name. The database must exist; Onex's tables are in its schema `onex`.");

    public static readonly Setting PostgresUser = new(Database, "POSTGRES_USER", Text, "postgres",
        "Database user. To migrate, main needs the right to create the schema.");

    public static readonly Setting PostgresPassword = new(Database, "POSTGRES_PASSWORD", Text, null,
        "Database password; required by main and effects.")
    {
        IsSecret = true,
    };

    public static readonly Setting PostgresSslMode = new(Database, "POSTGRES_SSLMODE", OneOf, "prefer",
        "TLS mode. `prefer` and weaker ones fall back to clear text. `require` encrypts, but accepts any server; `verify-ca` also "
        + "checks who signed the server's certificate, and `verify-full` its host name.")
    {
        Values = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    };

    public static readonly Setting AutoMigrate = new(Database, "ONEX_DB_AUTO_MIGRATE", Flag, "true",
        "Whether main migrates the schema at start; effects wait for it. With `false` a start with an older schema ends with exit "
        + "code 78: run `onex db migrate` first.");

    public static readonly Setting Retention = new(Database, "ONEX_RETENTION", Duration, "15d",
        "How long ended sagas, and dead letters that were redriven or discarded, are kept. It must be longer than topics keep records: "
        + "a request that is read again after its saga was deleted starts another saga. Longer costs space.")
    {
        DurationRange = _retentions,
    };

    public static readonly Setting HistoryRetention = new(Database, "ONEX_HISTORY_RETENTION", Duration, "30d",
        "How long history entries are kept, at least; those of a live saga until this long after its end. They are deleted by whole "
        + "days. Longer costs space.")
    {
        DurationRange = _retentions,
    };

    public static readonly Setting ContractsDirectory = new(Contracts, "CONTRACTS_DIR", Text, "./contracts",
        "The directory of the contracts, with `runtime/` and `connections/` in it.")
    {
        Alias = "ONEX_CONTRACTS_DIR",
        ImageDefault = "/app/contracts",
    };

    public static readonly Setting ContractsMutable = new(Contracts, "ONEX_CONTRACTS_MUTABLE", Flag, "false",
        "Whether a contract may change without a new version, for development. Content that was accepted "
        + "this way is rejected again once it is false.");

    public static readonly Setting PluginsDirectory = new(Contracts, "ONEX_PLUGINS_DIR", Text, null,
        "The directory with a folder for each plug-in, whose operations contracts may use (docs/writing-an-operation.md). Every role needs "
        + "it. Plug-ins run in the process with all its rights, so nobody else may write there.")
    {
        DefaultInWords = "no plug-ins",
    };

    public static readonly Setting HttpPort = new(Http, "ONEX_HTTP_PORT", Number, null,
        "The port of `/health`, `/ready` and `/metrics`, and for main of `/api`.")
    {
        Range = (1, 65_535),
        ImageDefault = "8085",
        DefaultInWords = "`8085` for main and `all`, `8086` for effects, `8087` for workers",
    };

    public static readonly Setting HttpBind = new(Http, "ONEX_HTTP_BIND", Text, "localhost",
        "The address to listen on: an IP address, `localhost`, or `*` for all interfaces.")
    {
        ImageDefault = "*",
    };

    public static readonly Setting ApiUrl = new(Http, "ONEX_API_URL", Text, null,
        "Where the commands of `onex` reach main, unless on this machine: `http://host:8085`.")
    {
        DefaultInWords = "`http://localhost` with `ONEX_HTTP_PORT`",
    };

    public static readonly Setting ApiToken = new(Http, "ONEX_API_TOKEN", Text, null,
        "Tokens for `/api`: `name:scope:token`, separated by commas; the scope is `read` or `operate`. Without one only callers "
        + "on the same machine are served.")
    {
        IsSecret = true,
    };

    public static readonly Setting ConsulHost = new(External, "CONSUL_HOST", Text, "omninode-bridge-consul",
        "Consul host: the agent that resolves `consul://` addresses of connections, and that roles register with.");

    public static readonly Setting ConsulPort = new(External, "CONSUL_PORT", Number, "8500", "Consul port.") { Range = (1, 65_535) };

    public static readonly Setting ConsulScheme = new(External, "CONSUL_SCHEME", OneOf, "http",
        "Consul scheme. `https` verifies the agent's certificate against the authorities of the system.")
    {
        Values = ["http", "https"],
    };

    public static readonly Setting ConsulToken = new(External, "CONSUL_TOKEN", Text, null,
        "Consul token: `service:write` for registration, `service:read` and `node:read` for `consul://` addresses.")
    {
        IsSecret = true,
    };

    public static readonly Setting ConsulRegister = new(External, "ONEX_CONSUL_REGISTER", Flag, "false",
        "Whether the process registers itself as a service in Consul, with a health check on `/ready`.");

    public static readonly Setting ConsulService = new(External, "ONEX_CONSUL_SERVICE", Text, null,
        "The name of the service that the process registers. Letters, digits and dashes, at most 63.")
    {
        DefaultInWords = "`onex-` with the profile: `onex-main`",
    };

    public static readonly Setting AdvertiseAddress = new(External, "ONEX_ADVERTISE_ADDRESS", Text, null,
        "The address that Consul checks and hands out for the process: `host` or `host:port`. Needed where others reach the process at "
        + "another address than its own, as behind published ports of containers.")
    {
        DefaultInWords = "`ONEX_HTTP_BIND`, or with `*` the address of this host that leads to Consul; `ONEX_HTTP_PORT`",
    };

    public static readonly Setting DnsServer = new(External, "ONEX_DNS_SERVER", Text, null,
        "The DNS server that resolves `srv://` addresses of connections: `address` or `address:port`, as `127.0.0.1:8600` of a Consul "
        + "agent.")
    {
        DefaultInWords = "the system's",
    };

    public static readonly Setting VaultAddress = new(External, "VAULT_ADDR", Text, "http://omninode-bridge-vault:8200",
        "Vault address, for `${secret:vault:path#field}` and for connections of type `vault` that name none.");

    public static readonly Setting VaultToken = new(External, "VAULT_TOKEN", Text, null,
        "Vault token. It is renewed if Vault allows it. Not used if an AppRole is given.")
    {
        IsSecret = true,
    };

    public static readonly Setting VaultRole = new(External, "VAULT_ROLE_ID", Text, null,
        "Vault AppRole id, with the secret id instead of a token.")
    {
        IsSecret = true,
    };

    public static readonly Setting VaultSecret = new(External, "VAULT_SECRET_ID", Text, null,
        "Vault AppRole secret id, with the role id instead of a token.")
    {
        IsSecret = true,
    };

    public static readonly Setting VaultNamespace = new(External, "VAULT_NAMESPACE", Text, null,
        "Vault namespace, of Vault Enterprise.");

    public static readonly Setting VaultAuthority = new(External, "VAULT_CACERT", Text, null,
        "A PEM file with the authorities that may sign Vault's certificate, instead of those of the system.");

    public static readonly Setting RedisHost = new(External, "REDIS_HOST", Text, "omninode-bridge-redis",
        "Redis or Valkey host: counts the limits of connections with `scope: cluster`, and is used for nothing else. Connections of "
        + "type `redis` have addresses of their own.");

    public static readonly Setting RedisPort = new(External, "REDIS_PORT", Number, "6379", "Redis port.") { Range = (1, 65_535) };

    public static readonly Setting RedisPassword = new(External, "REDIS_PASSWORD", Text, null, "Redis password.") { IsSecret = true };

    public static readonly Setting TelemetryDisabled = new(Telemetry, "OTEL_SDK_DISABLED", Flag, "false",
        "Whether nothing is exported, whatever the other settings say.");

    public static readonly Setting ServiceName = new(Telemetry, "OTEL_SERVICE_NAME", Text, "omnibase-infra-runtime",
        "The name of the service in traces, metrics and logs. The attribute `onex.role` tells the roles apart.");

    public static readonly Setting ResourceAttributes = new(Telemetry, "OTEL_RESOURCE_ATTRIBUTES", Text, null,
        "Further attributes of the process: `name=value`, separated by commas, as `deployment.environment.name=test`.")
    {
        DefaultInWords = "none",
    };

    public static readonly Setting TracesExporter = Exporter("OTEL_TRACES_EXPORTER", "traces", "otlp", "console", "none");

    public static readonly Setting MetricsExporter = Exporter("OTEL_METRICS_EXPORTER", "metrics", "otlp", "console", "none");

    public static readonly Setting LogsExporter = Exporter("OTEL_LOGS_EXPORTER", "log lines", "otlp", "console", "none");

    public static readonly Setting OtlpEndpoint = new(Telemetry, "OTEL_EXPORTER_OTLP_ENDPOINT", Text, null,
        "The collector. While nothing answers there, telemetry is dropped, with one warning. This setting and the three after it also "
        + "exist per signal: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, with `METRICS` or `LOGS`. With HTTP, the path of the signal "
        + "(`/v1/traces`) is added to the common one.")
    {
        DefaultInWords = "`http://localhost:4317`, or with HTTP `http://localhost:4318`",
    };

    public static readonly Setting OtlpProtocol = new(Telemetry, "OTEL_EXPORTER_OTLP_PROTOCOL", OneOf, "grpc",
        "How the collector is called.")
    {
        Values = ["grpc", "http/protobuf"],
    };

    public static readonly Setting OtlpHeaders = new(Telemetry, "OTEL_EXPORTER_OTLP_HEADERS", Text, null,
        "Headers of calls to the collector: `name=value`, separated by commas.")
    {
        IsSecret = true,
    };

    public static readonly Setting OtlpTimeout = new(Telemetry, "OTEL_EXPORTER_OTLP_TIMEOUT", Number, "10000",
        "Milliseconds for a call to the collector.")
    {
        Range = (1, 600_000),
    };

    public static readonly Setting OtlpCertificate = new(Telemetry, "OTEL_EXPORTER_OTLP_CERTIFICATE", Text, null,
        "A PEM file with the authorities that may sign the collector's certificate.")
    {
        DefaultInWords = "the system's",
    };

    public static readonly Setting Sampler = new(Telemetry, "OTEL_TRACES_SAMPLER", OneOf, "parentbased_always_on",
        "Which traces are recorded. `parentbased_*`: a request with a `traceparent` is recorded if that says so.")
    {
        Values =
        [
            "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
        ],
    };

    public static readonly Setting SamplerArgument = new(Telemetry, "OTEL_TRACES_SAMPLER_ARG", Text, null,
        "The share of traces that `traceidratio` records, from 0 to 1.")
    {
        DefaultInWords = "`1.0`",
    };

    public static readonly Setting Propagators = new(Telemetry, "OTEL_PROPAGATORS", Text, "tracecontext",
        "How traces are passed on. Onex uses W3C trace context (`traceparent`, `tracestate`) only; a `baggage` header is carried like any "
        + "other.");

    public static readonly Setting TraceKeys = new(Telemetry, "ONEX_TRACE_KEYS", OneOf, "plain",
        "How spans show business keys and keys of records. `hashed`: the beginning of their SHA-256, which finds the spans of a known key.")
    {
        Values = ["plain", "hashed", "none"],
    };

    public static readonly Setting SpanDelay = new(Telemetry, "OTEL_BSP_SCHEDULE_DELAY", Number, "5000",
        "Milliseconds between exports of spans. A full batch is exported at once.")
    {
        Range = (1, 600_000),
    };

    public static readonly Setting SpanTimeout = new(Telemetry, "OTEL_BSP_EXPORT_TIMEOUT", Number, "30000",
        "Milliseconds for an export of spans, after which it is given up and its spans are dropped.")
    {
        Range = (1, 600_000),
    };

    public static readonly Setting SpanQueue = new(Telemetry, "OTEL_BSP_MAX_QUEUE_SIZE", Number, "2048",
        "Spans that wait for their export. Further ones are dropped. Each costs memory.")
    {
        Range = (1, 1_000_000),
    };

    public static readonly Setting SpanBatch = new(Telemetry, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Number, "512",
        "Spans of one export. At most `OTEL_BSP_MAX_QUEUE_SIZE`.")
    {
        Range = (1, 1_000_000),
    };

    public static readonly Setting MetricInterval = new(Telemetry, "OTEL_METRIC_EXPORT_INTERVAL", Number, "60000",
        "Milliseconds between exports of metrics.")
    {
        Range = (100, 3_600_000),
    };

    public static readonly Setting MaxHistory = new(FileOnly, null, Number, "1000",
        "Records per partition that the in-memory bus keeps of topics that no role reads, such as `responses`; older ones are "
        + "deleted. Each costs memory. 0 keeps none.")
    {
        FileKey = "event_bus.max_history",
        Range = (0, 1_000_000),
    };

    public static readonly Setting BreakerThreshold = new(FileOnly, null, Number, "5",
        "Consecutive failures after which the in-memory bus pauses.")
    {
        FileKey = "event_bus.circuit_breaker_threshold",
        Range = (1, 10_000),
        IsUnused = true,
    };

    public static readonly Setting EnabledHandlers = new(FileOnly, null, List, null,
        "Operation prefixes that this runtime serves (`http`, `hash`), those of plug-ins too. Contracts that call others do not compile. "
        + "Remote operations are enabled by their declaration. `script.run` and `wasm.run` run code, so they are served only if `script` "
        + "or `wasm` is listed, with all other prefixes that contracts use.")
    {
        FileKey = "handlers.enabled",
        DefaultInWords = "all but `script` and `wasm`",
    };

    public static readonly Setting DirectOperations = new(FileOnly, null, List, null,
        "Effect operations that a request may name itself, without a contract (`http.get`). Whoever may send requests can then run them "
        + "with any connection of their type.")
    {
        FileKey = "handlers.direct",
        DefaultInWords = "none",
    };

    public static readonly Setting ReplyTo = new(FileOnly, null, List, null,
        "Topics, by full name, to which a request may have its response sent.")
    {
        FileKey = "handlers.reply_to",
        DefaultInWords = "none",
    };

    public static readonly Setting GracePeriod = new(FileOnly, null, Number, "30",
        "Seconds for work in flight after SIGTERM. Too short: effects are cut off, and their outcome is found out after the restart. "
        + "Whatever sends SIGKILL (Compose, Kubernetes) must wait 15 s longer.")
    {
        FileKey = "shutdown.grace_period_seconds",
        Range = (1, 3600),
    };

    /// <summary>All settings, in the order of the document.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        Profile, LogLevel, LogFormat, LogDirectory, EnvironmentName, InContainer,
        EventBus, KafkaServers, KafkaProtocol, KafkaMechanism, KafkaUser, KafkaPassword, KafkaAuthority, SessionTimeout,
        CreateTopics, Partitions, WorkerPartitions, WorkerConcurrency, Replication, MaxRequestBytes,
        TopicPrefix, InputTopic, OutputTopic, MainGroup, EffectsInput, EffectsOutput, EffectsGroup, WorkerInput, WorkerOutput, WorkerGroup,
        SagaEvents,
        Store, DataDirectory, PostgresHost, PostgresPort, PostgresDatabase, PostgresUser, PostgresPassword, PostgresSslMode, AutoMigrate,
        Retention, HistoryRetention,
        ContractsDirectory, ContractsMutable, PluginsDirectory,
        .. LimitsTable.All,
        HttpPort, HttpBind, ApiToken, ApiUrl,
        ConsulHost, ConsulPort, ConsulScheme, ConsulToken, ConsulRegister, ConsulService, AdvertiseAddress, DnsServer,
        VaultAddress, VaultToken, VaultRole, VaultSecret, VaultNamespace, VaultAuthority, RedisHost, RedisPort, RedisPassword,
        TelemetryDisabled, ServiceName, ResourceAttributes, TracesExporter, MetricsExporter, LogsExporter,
        OtlpEndpoint, OtlpProtocol, OtlpHeaders, OtlpTimeout, OtlpCertificate, Sampler, SamplerArgument, Propagators, TraceKeys,
        SpanDelay, SpanTimeout, SpanQueue, SpanBatch, MetricInterval,
        MaxHistory, BreakerThreshold, EnabledHandlers, DirectOperations, ReplyTo,
        .. SandboxTable.All, GracePeriod,
    ];

    // Unlike in the specification, `otlp` is not the default, because it would log a warning on every machine without a collector.
    private static Setting Exporter(string name, string signal, params string[] values) =>
        new(Telemetry, name, Text, null,
            $"Where {signal} are exported: {string.Join(", ", values.Select(value => $"`{value}`"))}; several are separated by commas.")
        {
            Values = values,
            DefaultInWords = "`otlp` if `OTEL_EXPORTER_OTLP_ENDPOINT` is set, else `none`",
        };
}
