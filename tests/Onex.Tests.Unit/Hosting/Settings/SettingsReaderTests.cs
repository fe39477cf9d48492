using Microsoft.Extensions.Logging;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Hosting.Settings;

namespace Onex.Tests.Unit.Hosting.Settings;

public sealed class SettingsReaderTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("onex-settings-").FullName;
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal)
    {
        ["KAFKA_BOOTSTRAP_SERVERS"] = "localhost:9092",
        ["POSTGRES_HOST"] = "localhost",
        ["POSTGRES_PASSWORD"] = "hunter2",
    };

    public SettingsReaderTests() => Directory.CreateDirectory(Path.Combine(_directory, "contracts", "runtime"));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Three_variables_are_enough()
    {
        var settings = Read();

        Assert.Equal(RuntimeProfile.All, settings.Profile);
        Assert.Equal(EventBus.Kafka, settings.EventBus);
        Assert.Equal(StoreKind.Postgres, settings.Store);
        Assert.Equal(new PostgresConnection("localhost", 5432, "omninode_bridge", "postgres", "hunter2", "prefer"), settings.Postgres);
        Assert.Equal(new KafkaConnection("localhost:9092", "PLAINTEXT", null, null, null, null, TimeSpan.FromSeconds(15)), settings.Kafka);
        Assert.Equal(Onex.Contracts.Messages.Topics.Default, settings.Topics);
        Assert.Equal(
            ("onex-runtime-main", "onex-runtime-effects", "onex-runtime-workers"),
            (settings.MainGroup, settings.EffectsGroup, settings.WorkerGroup));
        Assert.Equal((12, null, true), (settings.Partitions, settings.Replication, settings.CreateTopics));
        Assert.Equal((TimeSpan.FromDays(15), TimeSpan.FromDays(30)), (settings.Retention, settings.HistoryRetention));
        Assert.Equal((8085, "localhost"), (settings.HttpPort, settings.HttpBind));
        Assert.Equal((LogLevel.Information, "json", null), (settings.LogLevel, settings.LogFormat, settings.LogDirectory));
        Assert.Equal(TimeSpan.FromSeconds(30), settings.GracePeriod);
        Assert.Equal(Path.Combine(_directory, "contracts"), settings.ContractsDirectory);
        Assert.Equal(1_048_576, settings.MaxRequestBytes);
        Assert.Empty(settings.DirectOperations);
        Assert.Null(settings.EnabledHandlers);
    }

    [Theory]
    [InlineData("node-1.internal", "node-1.internal", 8085)]
    [InlineData("node-1.internal:80", "node-1.internal", 80)]
    [InlineData("[::1]:80", "::1", 80)]
    [InlineData("fd00::1", "fd00::1", 8085)]
    public void The_address_for_Consul_may_have_a_port(string address, string host, int port)
    {
        Assert.Null(Read().Registration);

        Set("ONEX_CONSUL_REGISTER=true", $"ONEX_ADVERTISE_ADDRESS={address}", "CONSUL_HOST=consul.internal", "CONSUL_SCHEME=https");
        var settings = Read();

        Assert.Equal(new ConsulRegistration("onex-all", host, port), settings.Registration);
        Assert.Equal(new ConsulConnection(new Uri("https://consul.internal:8500/"), null), settings.Consul);
    }

    [Theory]
    [InlineData("ONEX_ADVERTISE_ADDRESS=a b", "Set it to the address at which Consul reaches this process")]
    [InlineData("ONEX_ADVERTISE_ADDRESS=a:0", "Set it to the address at which Consul reaches this process")]
    [InlineData("ONEX_DNS_SERVER=dns.internal", "Set it to the address of a DNS server")]
    [InlineData("ONEX_CONSUL_SERVICE=onex_main", "Use letters, digits and dashes")]
    [InlineData("CONSUL_HOST=http://consul", "Set it to a host name or an IP address")]
    public void A_wrong_address_for_discovery_is_an_error(string variable, string remedy)
    {
        Set(variable);

        Assert.Contains(remedy, Assert.Single(Problems()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("all", 8085)]
    [InlineData("main", 8085)]
    [InlineData("effects", 8086)]
    [InlineData("workers", 8087)]
    public void Outside_the_image_each_role_has_its_own_port(string profile, int port)
    {
        _environment["RUNTIME_PROFILE"] = profile;

        Assert.Equal(port, Read().HttpPort);
    }

    [Fact]
    public void In_the_image_every_role_uses_one_port_and_finds_services_by_host_name()
    {
        Set(
            "ONEX_IN_CONTAINER=true", "RUNTIME_PROFILE=effects", "KAFKA_BOOTSTRAP_SERVERS=", "POSTGRES_HOST=",
            $"CONTRACTS_DIR={_directory}");

        var settings = Read();

        Assert.Equal((8085, "*"), (settings.HttpPort, settings.HttpBind));
        Assert.Equal("omninode-bridge-redpanda:9092", settings.Kafka!.BootstrapServers);
        Assert.Equal("omninode-bridge-postgres", settings.Postgres!.Host);
        Assert.Equal("/app/logs", settings.LogDirectory);
    }

    [Theory]
    [InlineData("", 8085)]
    [InlineData("false", 8086)]
    public void In_an_image_of_dotnet_the_defaults_of_the_image_apply_unless_the_setting_says_no(string inContainer, int port)
    {
        Set(
            "DOTNET_RUNNING_IN_CONTAINER=true", $"ONEX_IN_CONTAINER={inContainer}", "RUNTIME_PROFILE=effects",
            $"CONTRACTS_DIR={_directory}");

        Assert.Equal(port, Read().HttpPort);
    }

    [Fact]
    public void The_environment_takes_precedence_over_the_file_and_the_file_over_the_default()
    {
        WriteFile("""
            input_topic: from-file
            output_topic: answers
            logging: { level: debug, format: text }
            shutdown: { grace_period_seconds: 7 }
            handlers:
              enabled: [http, hash]
              direct: [http.get]
              reply_to: [elsewhere]
            """);
        Set("ONEX_INPUT_TOPIC=from-environment");

        var settings = Read();

        Assert.Equal(("from-environment", "answers"), (settings.Topics.Requests, settings.Topics.Responses));
        Assert.Equal((LogLevel.Debug, "text"), (settings.LogLevel, settings.LogFormat));
        Assert.Equal(TimeSpan.FromSeconds(7), settings.GracePeriod);
        Assert.Equal(["http", "hash"], settings.EnabledHandlers!);
        Assert.Equal(["http.get"], settings.DirectOperations);
        Assert.Equal(["elsewhere"], settings.ReplyToTopics);
    }

    [Fact]
    public void The_prefix_applies_to_every_topic_and_group()
    {
        Set("ONEX_TOPIC_PREFIX=blue.", "ONEX_WORKER_OUTPUT_TOPIC=results");

        var settings = Read();

        Assert.All(settings.Topics.All, topic => Assert.StartsWith("blue.", topic, StringComparison.Ordinal));
        Assert.Equal("blue.results", settings.Topics.WorkerResponses);
        Assert.Equal(("blue.onex-runtime-main", "blue.onex-runtime-workers"), (settings.MainGroup, settings.WorkerGroup));
    }

    [Fact]
    public void All_problems_are_reported_at_once()
    {
        Set(
            "RUNTIME_PROFILE=main", "POSTGRES_PASSWORD=", "VAULT_TOKEN=__REPLACE_WITH_VAULT_TOKEN__", "KAFKA_SECURITY_PROTOCOL=SASL_SLS",
            "ONEX_PARTITIONS=many");
        WriteFile("handlers: { direkt: [http.get] }");

        AssertProblems(
            "contracts/runtime/runtime_config.yaml:1:13: 'handlers' has no key 'direkt'. Did you mean 'direct'? Keys here: "
                + "enabled, direct, reply_to.",
            "KAFKA_SECURITY_PROTOCOL is 'SASL_SLS'. Did you mean 'SASL_SSL'? Set it to one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL.",
            "POSTGRES_PASSWORD is not set, but the database needs it. Set it, or POSTGRES_PASSWORD_FILE to the path of a file "
                + "that holds it.",
            "ONEX_PARTITIONS is 'many'. Set it to a whole number from 1 to 10000.",
            "VAULT_TOKEN still holds a __REPLACE_WITH_...__ placeholder. Replace it with the real secret, or remove the "
                + "variable if nothing uses it.");
    }

    [Fact]
    public void An_empty_environment_runs_everything_in_one_process_with_SQLite()
    {
        _environment.Clear();

        var settings = Read();

        Assert.Equal((RuntimeProfile.All, EventBus.InMemory, StoreKind.Sqlite), (settings.Profile, settings.EventBus, settings.Store));
        Assert.EndsWith(".onex", settings.DataDirectory);
    }

    [Fact]
    public void SQLite_needs_no_password_of_a_database_whose_host_is_set()
    {
        Set("RUNTIME_PROFILE=all", "ONEX_EVENT_BUS=inmemory", "ONEX_STORE=sqlite", "POSTGRES_PASSWORD=");

        Assert.Equal(StoreKind.Sqlite, Read().Store);
    }

    [Fact]
    public void A_role_in_an_empty_environment_lacks_several_settings()
    {
        _environment.Clear();
        Set("RUNTIME_PROFILE=main");

        AssertProblems(
            "KAFKA_BOOTSTRAP_SERVERS is not set, so messages would stay in memory: that reaches no other process, and "
                + "RUNTIME_PROFILE is main. Set KAFKA_BOOTSTRAP_SERVERS to the brokers (host:port).",
            "POSTGRES_HOST is not set, so sagas would be stored in a file: no other process can share that, and RUNTIME_PROFILE "
                + "is main. Set POSTGRES_HOST to the database's host.",
            "POSTGRES_PASSWORD is not set, but the database needs it. Set it, or POSTGRES_PASSWORD_FILE to the path of a file "
                + "that holds it.");
    }

    [Theory]
    [InlineData("main")]
    [InlineData("effects")]
    [InlineData("workers")]
    public void A_single_role_rejects_an_in_process_bus_and_store(string profile)
    {
        Set($"RUNTIME_PROFILE={profile}", "ONEX_EVENT_BUS=inmemory", "ONEX_STORE=sqlite");

        AssertProblems(
            $"ONEX_EVENT_BUS is inmemory: that reaches no other process, and RUNTIME_PROFILE is {profile}. Set "
                + "KAFKA_BOOTSTRAP_SERVERS to the brokers (host:port) and ONEX_EVENT_BUS to kafka.",
            $"ONEX_STORE is sqlite: no other process can share that, and RUNTIME_PROFILE is {profile}. Set POSTGRES_HOST to the "
                + "database's host and ONEX_STORE to postgres.");
    }

    [Fact]
    public void Workers_need_no_database()
    {
        Set("RUNTIME_PROFILE=workers", "POSTGRES_HOST=", "POSTGRES_PASSWORD=");

        Assert.Null(Read().Postgres);
    }

    [Fact]
    public void A_secret_is_read_from_a_file_without_its_final_newline()
    {
        var secret = Path.Combine(_directory, "password");
        File.WriteAllText(secret, "from file\n");
        Set("POSTGRES_PASSWORD=", $"POSTGRES_PASSWORD_FILE={secret}");

        Assert.Equal("from file", Read().Postgres!.Password);
    }

    [Fact]
    public void A_placeholder_in_a_secret_file_fails_the_start()
    {
        File.WriteAllText(Path.Combine(_directory, "token"), "__REPLACE_WITH_REDIS__\n");
        Set("REDIS_PASSWORD_FILE=token");

        AssertProblems(
            "REDIS_PASSWORD (from token) still holds a __REPLACE_WITH_...__ placeholder. Replace it with the real secret, "
            + "or remove the variable if nothing uses it.");
    }

    public static TheoryData<string, string> SecretsByRole()
    {
        var data = new TheoryData<string, string>();
        foreach (var secret in SettingsTable.All.Where(setting => setting.IsSecret))
        {
            foreach (var profile in (string[])["all", "main", "effects", "workers"])
            {
                data.Add(profile, secret.Name);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(SecretsByRole))]
    public void A_placeholder_in_any_secret_stops_every_role(string profile, string secret)
    {
        Set($"RUNTIME_PROFILE={profile}", $"{secret}=__REPLACE_WITH_SECURE_PASSWORD__");

        Assert.Contains(
            Result().Diagnostics,
            problem => problem.Severity == Severity.Error && problem.Problem.StartsWith($"{secret} still holds", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("main", "POSTGRES_PASSWORD")]
    [InlineData("effects", "POSTGRES_PASSWORD")]
    [InlineData("workers", null)]
    public void Only_the_secrets_that_a_role_uses_are_required(string profile, string? required)
    {
        _environment.Clear();
        Set($"RUNTIME_PROFILE={profile}", "KAFKA_BOOTSTRAP_SERVERS=kafka:9092", "POSTGRES_HOST=db");

        var errors = Result().Diagnostics.Where(problem => problem.Severity == Severity.Error).ToList();

        Assert.Equal(
            required is null ? [] : [$"{required} is not set, but the database needs it."], errors.Select(problem => problem.Problem));
    }

    [Fact]
    public void A_secret_set_twice_is_an_error()
    {
        Set("POSTGRES_PASSWORD_FILE=password");

        AssertProblems("POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are both set. Set one of the two.");
    }

    [Fact]
    public void A_missing_or_empty_secret_file_is_an_error()
    {
        File.WriteAllText(Path.Combine(_directory, "empty"), "\n");
        Set("POSTGRES_PASSWORD=", "POSTGRES_PASSWORD_FILE=nowhere", "VAULT_TOKEN_FILE=empty");

        var problems = Problems();

        Assert.Equal(2, problems.Count);
        Assert.StartsWith("POSTGRES_PASSWORD_FILE names nowhere, which cannot be read (", problems[0], StringComparison.Ordinal);
        Assert.Equal("VAULT_TOKEN_FILE names empty, which is empty. Put the secret there.", problems[1]);
    }

    [Theory]
    [InlineData("RUNTIME_PROFILE=mian", "RUNTIME_PROFILE is 'mian'. Did you mean 'main'? Set it to one of all, main, effects, workers.")]
    [InlineData("ONEX_EVENT_BUS=rabbit", "ONEX_EVENT_BUS is 'rabbit'. Set it to one of kafka, inmemory.")]
    [InlineData("ONEX_STORE=postgers", "ONEX_STORE is 'postgers'. Did you mean 'postgres'? Set it to one of postgres, sqlite.")]
    [InlineData(
        "POSTGRES_SSLMODE=on",
        "POSTGRES_SSLMODE is 'on'. Set it to one of disable, allow, prefer, require, verify-ca, verify-full.")]
    [InlineData("ONEX_LOG_LEVEL=WARN", "ONEX_LOG_LEVEL is 'WARN'. Set it to one of DEBUG, INFO, WARNING, ERROR, CRITICAL.")]
    [InlineData(
        "ONEX_LOG_LEVEL=WARNNG",
        "ONEX_LOG_LEVEL is 'WARNNG'. Did you mean 'WARNING'? Set it to one of DEBUG, INFO, WARNING, ERROR, CRITICAL.")]
    [InlineData(
        "KAFKA_BOOTSTRAP_SERVERS=one:9092,two:port",
        "KAFKA_BOOTSTRAP_SERVERS has 'two:port', which is not host:port. Separate brokers by commas: one:9092,two:9092.")]
    [InlineData(
        "KAFKA_BOOTSTRAP_SERVERS=one:70000",
        "KAFKA_BOOTSTRAP_SERVERS has 'one:70000', which is not host:port. Separate brokers by commas: one:9092,two:9092.")]
    [InlineData("KAFKA_SESSION_TIMEOUT=15", "KAFKA_SESSION_TIMEOUT is '15'. Set it to a duration (15s, 2m, 15d) from 1s to 30m.")]
    [InlineData("KAFKA_SESSION_TIMEOUT=2h", "KAFKA_SESSION_TIMEOUT is '2h'. Set it to a duration (15s, 2m, 15d) from 1s to 30m.")]
    [InlineData("POSTGRES_PORT=0", "POSTGRES_PORT is '0'. Set it to a whole number from 1 to 65535.")]
    [InlineData("ONEX_PARTITIONS=10001", "ONEX_PARTITIONS is '10001'. Set it to a whole number from 1 to 10000.")]
    [InlineData("ONEX_CREATE_TOPICS=maybe", "ONEX_CREATE_TOPICS is 'maybe'. Set it to true or false.")]
    [InlineData(
        "ONEX_HTTP_BIND=eth0",
        "ONEX_HTTP_BIND is 'eth0', which is not an address. Set it to an IP address, to localhost, or to * for all interfaces.")]
    [InlineData(
        "ONEX_INPUT_TOPIC=a b",
        "ONEX_INPUT_TOPIC makes 'a b', which Kafka does not accept as a name. Use letters, digits, '.', '_' and '-', at most 245 "
        + "of them with ONEX_TOPIC_PREFIX.")]
    [InlineData("ONEX_OUTPUT_TOPIC=requests", "ONEX_INPUT_TOPIC and ONEX_OUTPUT_TOPIC name the same topic, 'requests'. Give each its own.")]
    [InlineData(
        "ONEX_EFFECTS_GROUP_ID=onex-runtime-main",
        "ONEX_GROUP_ID and ONEX_EFFECTS_GROUP_ID name the same group, 'onex-runtime-main'. Give each its own.")]
    [InlineData("VAULT_ADDR=vault:8200", "VAULT_ADDR is 'vault:8200', which is not an http address. Set it to one: http://vault:8200.")]
    [InlineData(
        "ONEX_CONTRACTS_DIR=other",
        "ONEX_CONTRACTS_DIR: there is no directory *. Create it, or set ONEX_CONTRACTS_DIR to the directory of the contracts.")]
    public void An_invalid_value_is_reported_with_the_allowed_ones(string variable, string problem)
    {
        Set(variable);

        Assert.Equal(problem, Assert.Single(Problems()).Replace(Path.Combine(_directory, "other"), "*", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ONEX_INPUT_TOPIC", 245)]
    [InlineData("ONEX_WORKER_INPUT_TOPIC", 238)]
    public void A_topic_name_leaves_room_for_its_dead_letter_and_cancel_topics(string variable, int lengthMax)
    {
        Set("ONEX_TOPIC_PREFIX=p.", $"{variable}={new string('t', lengthMax - 1)}");
        Assert.Contains($"at most {lengthMax} of them with ONEX_TOPIC_PREFIX", Assert.Single(Problems()), StringComparison.Ordinal);

        Set($"{variable}={new string('t', lengthMax - 2)}");
        Assert.All(
            Read().Topics.All,
            topic => Assert.True(
                Onex.Contracts.Messages.Topics.DeadLetterTopicOf(topic).Length <= Onex.Contracts.Messages.Topics.NameLengthMax, topic));
    }

    [Fact]
    public void SASL_needs_mechanism_user_and_password()
    {
        Set("KAFKA_SECURITY_PROTOCOL=sasl_ssl");

        AssertProblems(
            "KAFKA_SASL_PASSWORD is not set, but KAFKA_SECURITY_PROTOCOL is SASL_SSL. Set it, or KAFKA_SASL_PASSWORD_FILE to "
                + "the path of a file that holds it.",
            "KAFKA_SASL_MECHANISM is not set, but KAFKA_SECURITY_PROTOCOL is SASL_SSL, which needs it. Set it to one of PLAIN, "
                + "SCRAM-SHA-256, SCRAM-SHA-512.",
            "KAFKA_SASL_USERNAME is not set, but KAFKA_SECURITY_PROTOCOL is SASL_SSL, which needs it. Set it.");
    }

    [Fact]
    public void The_limits_of_scripts_and_modules_are_in_the_file()
    {
        WriteFile(
            $"sandbox: {{ timeout: 2s, memory_mb: 32, statements: 5, recursion: 6, fuel_millions: 7, modules: '{Path.GetTempPath()}' }}");

        var sandbox = Read().Sandbox;

        Assert.Equal(
            (TimeSpan.FromSeconds(2), 32, 5, 6, 7),
            (sandbox.Timeout, sandbox.MemoryMb, sandbox.Statements, sandbox.Recursion, sandbox.FuelMillions));
        Assert.Equal(Path.GetTempPath(), sandbox.ModulesDirectory);
    }

    [Fact]
    public void The_folder_of_modules_must_exist()
    {
        WriteFile("sandbox: { modules: /no/such/folder }");

        AssertProblems(
            "contracts/runtime/runtime_config.yaml:1:21: sandbox.modules: there is no directory /no/such/folder. Create it, or correct the "
                + "path.");
    }

    [Theory]
    [InlineData(
        "logging:\n  level: [INFO]",
        "contracts/runtime/runtime_config.yaml:2:10: 'logging.level' must be a single value, not a list. Write a single value "
        + "here.")]
    [InlineData(
        "handlers:\n  enabled: http",
        "contracts/runtime/runtime_config.yaml:2:12: 'handlers.enabled' must be a list of names ([one, two]), not text. Write a "
        + "list of names ([one, two]) here.")]
    [InlineData(
        "shutdown: 30",
        "contracts/runtime/runtime_config.yaml:1:11: 'shutdown' must be a map with grace_period_seconds, not a number. Write a "
        + "map with grace_period_seconds here.")]
    [InlineData("shutdown: { grace_period_seconds: soon }",
        "contracts/runtime/runtime_config.yaml:1:35: shutdown.grace_period_seconds is 'soon'. Set it to a whole number from 1 to 3600.")]
    [InlineData(
        "- input_topic",
        "contracts/runtime/runtime_config.yaml:1:1: the settings file must be a map ('key: value' lines), not a list. Write a "
        + "map ('key: value' lines) here.")]
    [InlineData("handlers: { reply_to: [effect-requests] }",
        "contracts/runtime/runtime_config.yaml:1:23: handlers.reply_to allows 'effect-requests', a topic of the runtime's own. "
        + "Remove it: responses must not go there.")]
    public void An_error_in_the_file_has_its_position(string yaml, string problem)
    {
        WriteFile(yaml);

        AssertProblems(problem);
    }

    [Theory]
    [InlineData("logging: {level: INFO", "ONEX1001")]
    [InlineData("input_topic: a\ninput_topic: b", "ONEX1003")]
    [InlineData("a: 1\n---\nb: 2", "ONEX1002")]
    [InlineData("a:\n\t- b", "ONEX1202")]
    public void A_file_that_is_not_YAML_has_the_diagnostics_of_contracts(string yaml, string code)
    {
        WriteFile(yaml);

        Assert.Contains(Result().Diagnostics, diagnostic => diagnostic.Code == code && diagnostic.Severity == Severity.Error);
    }

    [Fact]
    public void The_value_of_a_key_that_is_not_a_setting_is_not_shown()
    {
        WriteFile("password: hunter2");

        Assert.Contains("password: *******\n", Assert.Single(Result().Warnings) + "\n", StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_keys_and_misspelt_variables_are_warnings()
    {
        WriteFile("inptu_topic: x\nname: omnibase");
        Set("ONEX_PARTITION=3", "ONEX_CONNECTION_STOCK_URL=http://stock", "ONEX_TEST_POSTGRES=x", "KAFKA_SASL_USERNAME=me");

        var result = Result();

        Assert.Empty(result.Errors);
        Assert.Equal(
            [
                "contracts/runtime/runtime_config.yaml:1:1: 'inptu_topic' is not a setting and is ignored.",
                "contracts/runtime/runtime_config.yaml:2:1: 'name' is not a setting and is ignored.",
                "KAFKA_SASL_* is set, but KAFKA_SECURITY_PROTOCOL is PLAINTEXT, which does not use it.",
                "'ONEX_PARTITION' is not a setting and is ignored.",
            ],
            result.Diagnostics.Select(diagnostic => Place(diagnostic) + diagnostic.Problem));
    }

    [Fact]
    public void A_command_requires_only_the_settings_that_it_uses()
    {
        _environment.Clear();

        Assert.Empty(Result(SettingsUse.Nothing).Diagnostics);
        Assert.Equal(["KAFKA_BOOTSTRAP_SERVERS"], Result(SettingsUse.Broker).Diagnostics.Select(FirstWord));
        Assert.Equal(["POSTGRES_HOST", "POSTGRES_PASSWORD"], Result(SettingsUse.Database).Diagnostics.Select(FirstWord));
    }

    [Fact]
    public void Printed_settings_show_no_password()
    {
        Set("KAFKA_SECURITY_PROTOCOL=SASL_SSL", "KAFKA_SASL_MECHANISM=PLAIN", "KAFKA_SASL_USERNAME=me", "KAFKA_SASL_PASSWORD=hunter2");

        var settings = Read();

        Assert.Equal("hunter2", settings.Kafka!.SaslPassword);
        Assert.DoesNotContain("hunter2", settings.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("500ms", 0.5)]
    [InlineData("15s", 15)]
    [InlineData("1.5m", 90)]
    [InlineData("1h", 3600)]
    [InlineData("15d", 1_296_000)]
    [InlineData("00:00:15", 15)]
    public void Durations_are_parsed(string text, double seconds)
    {
        Assert.True(Durations.TryParseUnitsOrClock(text, out var span));
        Assert.Equal(TimeSpan.FromSeconds(seconds), span);
    }

    [Theory]
    [InlineData("15")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("-00:00:15")]
    [InlineData("1e9d")]
    [InlineData("15 s")]
    [InlineData("")]
    public void Other_text_is_not_a_duration(string text) => Assert.False(Durations.TryParseUnitsOrClock(text, out _));

    private static string FirstWord(Diagnostic diagnostic) => diagnostic.Problem.Split(' ')[0];

    private static string Place(Diagnostic diagnostic) =>
        diagnostic.Line == 0 ? "" : $"{diagnostic.Path}:{diagnostic.Line}:{diagnostic.Column}: ";

    private void Set(params string[] assignments)
    {
        foreach (var parts in assignments.Select(assignment => assignment.Split('=', 2)))
        {
            _environment[parts[0]] = parts[1];
        }
    }

    private void WriteFile(string yaml) =>
        File.WriteAllText(Path.Combine(_directory, "contracts", "runtime", "runtime_config.yaml"), yaml);

    private SettingsResult Result(SettingsUse use = SettingsUse.Role) => SettingsReader.Read(_environment, _directory, use);

    private RuntimeSettings Read()
    {
        var result = Result();
        Assert.Empty(result.Errors);
        return result.Settings!;
    }

    private IReadOnlyList<string> Problems()
    {
        var result = Result();
        Assert.Null(result.Settings);
        return [.. result.Diagnostics.Select(diagnostic => $"{Place(diagnostic)}{diagnostic.Problem} {diagnostic.Remedy}")];
    }

    private void AssertProblems(params string[] expected) => Assert.Equal(expected, Problems());
}
