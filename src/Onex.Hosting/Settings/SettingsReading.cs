using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Hosting.Logging;

namespace Onex.Hosting.Settings;

/// <summary>Reads all settings once and collects the diagnostics. A method that is named after a setting reads that setting.</summary>
internal sealed partial class SettingsReading
{
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly string _workingDirectory;
    private readonly SettingsUse _use;
    private readonly IReadOnlyCollection<string>? _operationPrefixes;
    private readonly bool _inImage;
    private readonly List<Diagnostic> _environmentDiagnostics = [];
    private readonly List<VaultSetting> _vaultReferences = [];
    private SettingsFile? _file;

    public SettingsReading(
        IReadOnlyDictionary<string, string> environment, string workingDirectory, SettingsUse use,
        IReadOnlyCollection<string>? operationPrefixes)
    {
        (_environment, _workingDirectory, _use, _operationPrefixes) = (environment, workingDirectory, use, operationPrefixes);

        // .NET's own images set the second variable.
        _inImage = IsTrue(Variable(SettingsTable.InContainer.Name) ?? Variable("DOTNET_RUNNING_IN_CONTAINER"));
    }

    private bool ForRole => _use == SettingsUse.Role;

    public SettingsResult Read()
    {
        var contracts = ContractsDirectory();
        var file = Path.Combine(contracts, "runtime", "runtime_config.yaml");
        _file = SettingsFile.Read(file, DisplayPath(file));

        // Only report wrong values: the constructor has read the first one itself, and this version does not use the second.
        Flag(SettingsTable.InContainer);
        Number(SettingsTable.BreakerThreshold);

        var profile = Enum.Parse<RuntimeProfile>(OneOf(SettingsTable.Profile)!, ignoreCase: true);
        var topics = Topics();
        var (mainGroup, effectsGroup, workerGroup) = Groups();
        var httpPort = Number(SettingsTable.HttpPort) ?? DefaultPort(profile);
        var settings = new RuntimeSettings
        {
            Profile = profile,
            EventBus = Bus(profile),
            Kafka = Kafka(),
            MemoryHistory = Whole(SettingsTable.MaxHistory),
            Store = Store(profile),
            DataDirectory = Path.GetFullPath(Text(SettingsTable.DataDirectory)!, _workingDirectory),
            Postgres = Postgres(profile),
            Topics = topics,
            MainGroup = mainGroup,
            EffectsGroup = effectsGroup,
            WorkerGroup = workerGroup,
            CreateTopics = Flag(SettingsTable.CreateTopics),
            Partitions = Whole(SettingsTable.Partitions),
            WorkerPartitions = Whole(SettingsTable.WorkerPartitions),
            WorkerConcurrency = Number(SettingsTable.WorkerConcurrency),
            Replication = (short?)Number(SettingsTable.Replication),
            ContractsDirectory = contracts,
            ContractsMutable = Flag(SettingsTable.ContractsMutable),
            AutoMigrate = Flag(SettingsTable.AutoMigrate),
            Retention = Duration(SettingsTable.Retention),
            HistoryRetention = Duration(SettingsTable.HistoryRetention),
            MaxRequestBytes = Whole(SettingsTable.MaxRequestBytes),
            Limits = new ContractLimits
            {
                States = Whole(LimitsTable.MaxStates),
                Steps = Whole(LimitsTable.MaxSteps),
                Depth = Whole(LimitsTable.MaxDepth),
                Branches = Whole(LimitsTable.MaxBranches),
                Items = Whole(LimitsTable.MaxItems),
                BufferedEvents = Whole(LimitsTable.MaxBufferedEvents),
                IdleEntries = Whole(LimitsTable.MaxIdleEntries),
                ExpressionCost = Whole(LimitsTable.MaxExpressionCost),
            },
            HistoryShown = Whole(LimitsTable.MaxHistoryShown),
            HttpPort = httpPort,
            HttpBind = HttpBind(),
            ApiTokens = ApiTokens(),
            LogLevel = LogLevels.Parse(OneOf(SettingsTable.LogLevel)!),
            LogFormat = OneOf(SettingsTable.LogFormat) ?? (Console.IsOutputRedirected ? "json" : "text"),
            LogDirectory = Text(SettingsTable.LogDirectory) is { } logs ? Path.GetFullPath(logs, _workingDirectory) : null,
            EnvironmentName = Text(SettingsTable.EnvironmentName)!,
            GracePeriod = TimeSpan.FromSeconds(Whole(SettingsTable.GracePeriod)),
            DirectOperations = List(SettingsTable.DirectOperations) ?? [],
            EnabledHandlers = EnabledHandlers(),
            Sandbox = Sandbox(),
            ReplyToTopics = ReplyTo(topics),
            Consul = Consul(),
            Redis = new RedisConnection(
                Text(SettingsTable.RedisHost)!, Whole(SettingsTable.RedisPort), Secret(SettingsTable.RedisPassword, neededBecause: null)),
            Registration = Registration(profile, httpPort),
            DnsServer = DnsServer(),
            Telemetry = Telemetry(),
        };
        CheckExternalServices();
        CheckSpelling();
        Diagnostic[] diagnostics = [.. _file.Source.Diagnostics(), .. _environmentDiagnostics];
        var hasErrors = diagnostics.Any(diagnostic => diagnostic.Severity == Severity.Error);
        return new SettingsResult(hasErrors ? null : settings, diagnostics)
        {
            Tentative = settings,
            FromVault = _vaultReferences,
        };
    }

    private string ContractsDirectory()
    {
        var setting = SettingsTable.ContractsDirectory;
        var (value, alias) = (Find(setting), Find(setting with { Variable = setting.Alias }));
        if (value is not null && alias is not null && value.Text != alias.Text)
        {
            Report(SettingsDiagnostics.SetTwice($"{value.Name} is '{value.Text}' and {alias.Name} is '{alias.Text}'."), alias);
        }

        value ??= alias;
        var directory = Path.GetFullPath(value?.Text ?? Default(setting)!, _workingDirectory);
        if (ForRole && !Directory.Exists(directory))
        {
            var name = value?.Name ?? setting.Name;
            Report(
                SettingsDiagnostics.NotThere(
                    $"{name}: there is no directory {directory}.", $"Create it, or set {name} to the directory of the contracts."),
                value);
        }

        return directory;
    }

    private EventBus Bus(RuntimeProfile profile)
    {
        var configured = Find(SettingsTable.EventBus);
        var bus = OneOf(SettingsTable.EventBus) ?? (Text(SettingsTable.KafkaServers) is null ? "inmemory" : "kafka");
        if (bus == "kafka")
        {
            return EventBus.Kafka;
        }

        if (_use == SettingsUse.Broker || (ForRole && profile != RuntimeProfile.All))
        {
            var reason = configured is null
                ? $"{SettingsTable.KafkaServers.Name} is not set, so messages would stay in memory"
                : $"{configured.Name} is inmemory";
            var remedy = $"Set {SettingsTable.KafkaServers.Name} to the brokers (host:port)"
                + (configured is null ? "." : $" and {SettingsTable.EventBus.Name} to kafka.");
            Report(
                SettingsDiagnostics.OnlyInProcess(
                    _use == SettingsUse.Broker
                        ? $"{reason}: there is no broker to connect to."
                        : $"{reason}: that reaches no other process, and {SettingsTable.Profile.Name} is {Name(profile)}.",
                    remedy),
                configured);
        }

        return EventBus.InMemory;
    }

    private KafkaConnection? Kafka()
    {
        var servers = Text(SettingsTable.KafkaServers);
        if (servers is null && OneOf(SettingsTable.EventBus) == "kafka" && _use is SettingsUse.Role or SettingsUse.Broker)
        {
            var because = $"{Find(SettingsTable.EventBus)?.Name ?? SettingsTable.EventBus.Name} is kafka";
            Report(SettingsDiagnostics.Missing(SettingsTable.KafkaServers.Name, because, "Set it to the brokers (host:port)."));
        }

        foreach (var server in servers?.Split(',', StringSplitOptions.TrimEntries) ?? [])
        {
            // A colon within the brackets of an IPv6 address precedes no port.
            var colon = server.LastIndexOf(':');
            var hasPort = colon > 0 && server[^1] != ']';
            if (!Server().IsMatch(server) || (hasPort && !IsPort(server[(colon + 1)..])))
            {
                Report(
                    SettingsDiagnostics.BadValue(
                        $"{SettingsTable.KafkaServers.Name} has '{server}', which is not host:port.",
                        "Separate brokers by commas: one:9092,two:9092."),
                    Find(SettingsTable.KafkaServers),
                    server);
            }
        }

        var protocol = OneOf(SettingsTable.KafkaProtocol)!;
        var mechanism = OneOf(SettingsTable.KafkaMechanism);
        var user = Text(SettingsTable.KafkaUser);
        var withSasl = protocol.StartsWith("SASL", StringComparison.Ordinal);
        var password = Secret(SettingsTable.KafkaPassword, withSasl ? $"{SettingsTable.KafkaProtocol.Name} is {protocol}" : null);
        if (withSasl)
        {
            RequireForSasl(SettingsTable.KafkaMechanism, mechanism is null && Find(SettingsTable.KafkaMechanism) is null, protocol);
            RequireForSasl(SettingsTable.KafkaUser, user is null, protocol);
        }
        else if (mechanism is not null || user is not null || password is not null)
        {
            Report(SettingsDiagnostics.NoEffect(
                $"KAFKA_SASL_* is set, but {SettingsTable.KafkaProtocol.Name} is {protocol}, which does not use it.",
                "Set that to SASL_SSL or SASL_PLAINTEXT, or remove these."));
        }

        return servers is null
            ? null
            : new KafkaConnection(
                servers, protocol, mechanism, user, password, Authority(SettingsTable.KafkaAuthority),
                Duration(SettingsTable.SessionTimeout));
    }

    private void RequireForSasl(Setting setting, bool isMissing, string protocol)
    {
        if (isMissing)
        {
            var values = setting.Values.Count > 0 ? $" to one of {string.Join(", ", setting.Values)}" : "";
            Report(SettingsDiagnostics.Missing(
                setting.Name, $"{SettingsTable.KafkaProtocol.Name} is {protocol}, which needs it", $"Set it{values}."));
        }
    }

    private string? Authority(Setting setting)
    {
        if (Text(setting) is not { } named)
        {
            return null;
        }

        var path = Path.GetFullPath(named, _workingDirectory);
        if (!File.Exists(path))
        {
            Report(
                SettingsDiagnostics.NotThere(
                    $"{setting.Name}: there is no file {path}.", "Put the PEM file there, or correct the path."),
                Find(setting));
        }

        return path;
    }

    private StoreKind Store(RuntimeProfile profile)
    {
        // Workers store nothing, so they need no database.
        var configured = Find(SettingsTable.Store);
        var store = OneOf(SettingsTable.Store)
            ?? (Text(SettingsTable.PostgresHost) is null && profile != RuntimeProfile.Workers ? "sqlite" : "postgres");
        if (store == "postgres")
        {
            if (configured is not null && Text(SettingsTable.PostgresHost) is null && OpensDatabase(profile))
            {
                Report(SettingsDiagnostics.Missing(
                    SettingsTable.PostgresHost.Name, $"{configured.Name} is postgres", "Set it to the database's host."));
            }

            return StoreKind.Postgres;
        }

        if (_use == SettingsUse.Database || (ForRole && profile != RuntimeProfile.All))
        {
            var reason = configured is null
                ? $"{SettingsTable.PostgresHost.Name} is not set, so sagas would be stored in a file"
                : $"{configured.Name} is sqlite";
            var remedy = $"Set {SettingsTable.PostgresHost.Name} to the database's host" + (
                configured is null ? "." : $" and {SettingsTable.Store.Name} to postgres.");
            Report(
                SettingsDiagnostics.OnlyInProcess(
                    ForRole
                        ? $"{reason}: no other process can share that, and {SettingsTable.Profile.Name} is {Name(profile)}."
                        : $"{reason}: the runtime migrates that itself when it opens it.",
                    remedy),
                configured);
        }

        return StoreKind.Sqlite;
    }

    private PostgresConnection? Postgres(RuntimeProfile profile)
    {
        // The password is required even if the host is missing, so that both are reported together.
        var isSqlite = ForRole && profile == RuntimeProfile.All
            && (OneOf(SettingsTable.Store) ?? (Text(SettingsTable.PostgresHost) is null ? "sqlite" : "postgres")) == "sqlite";
        var password = Secret(SettingsTable.PostgresPassword, OpensDatabase(profile) && !isSqlite ? "the database needs it" : null);
        var (port, mode) = (Whole(SettingsTable.PostgresPort), OneOf(SettingsTable.PostgresSslMode)!);
        return Text(SettingsTable.PostgresHost) is { } host && password is not null
            ? new PostgresConnection(host, port, Text(SettingsTable.PostgresDatabase)!, Text(SettingsTable.PostgresUser)!, password, mode)
            : null;
    }

    private bool OpensDatabase(RuntimeProfile profile) =>
        _use == SettingsUse.Database || (ForRole && profile != RuntimeProfile.Workers);

    private Topics Topics()
    {
        var topics = new Topics(
            Prefixed(SettingsTable.InputTopic), Prefixed(SettingsTable.OutputTopic), Prefixed(SettingsTable.EffectsInput),
            Prefixed(SettingsTable.EffectsOutput),
            Prefixed(SettingsTable.WorkerInput), Prefixed(SettingsTable.WorkerOutput), Prefixed(SettingsTable.SagaEvents))
        {
            Prefix = Text(SettingsTable.TopicPrefix) ?? "",
        };
        Setting[] settings =
        [
            SettingsTable.InputTopic, SettingsTable.EffectsInput, SettingsTable.EffectsOutput, SettingsTable.WorkerInput,
            SettingsTable.WorkerOutput,
            SettingsTable.OutputTopic, SettingsTable.SagaEvents,
        ];
        CheckDistinct("topic", topics.All.Zip(settings));
        return topics;
    }

    private (string Main, string Effects, string Worker) Groups()
    {
        var (main, effects, worker) =
            (Prefixed(SettingsTable.MainGroup), Prefixed(SettingsTable.EffectsGroup), Prefixed(SettingsTable.WorkerGroup));
        CheckDistinct(
            "group",
            [
                (main, SettingsTable.MainGroup),
                (effects, SettingsTable.EffectsGroup),
                (worker, SettingsTable.WorkerGroup),
            ]);
        return (main, effects, worker);
    }

    // The name with the prefix. It leaves room for the suffixes of its dead-letter topic and its topic of cancellations.
    private string Prefixed(Setting setting)
    {
        var name = Text(SettingsTable.TopicPrefix) + Text(setting);
        var lengthMax = Contracts.Messages.Topics.NameLengthMax - Contracts.Messages.Topics.DeadLetterTopicOf(
            setting == SettingsTable.WorkerInput ? Contracts.Messages.Topics.CancelSuffix : "").Length;
        if (!TopicName().IsMatch(name) || name.Length > lengthMax)
        {
            var value = Find(setting) ?? Find(SettingsTable.TopicPrefix);
            Report(SettingsDiagnostics.BadName(value?.Name ?? setting.Name, name, lengthMax), value);
        }

        return name;
    }

    private void CheckDistinct(string kind, IEnumerable<(string Name, Setting Setting)> names)
    {
        foreach (var same in names.GroupBy(entry => entry.Name, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            Report(
                SettingsDiagnostics.SameName(string.Join(" and ", same.Select(entry => entry.Setting.Name)), kind, same.Key),
                same.Select(entry => Find(entry.Setting)).LastOrDefault(value => value is not null));
        }
    }

    private IReadOnlyList<string> ReplyTo(Topics topics)
    {
        var allowed = List(SettingsTable.ReplyTo) ?? [];
        foreach (var topic in allowed.Where(name => name != topics.Responses && topics.All.Contains(name, StringComparer.Ordinal)))
        {
            Report(SettingsDiagnostics.OwnTopic(SettingsTable.ReplyTo.Name, topic), Find(SettingsTable.ReplyTo));
        }

        return allowed;
    }

    private IReadOnlyList<string>? EnabledHandlers()
    {
        var enabled = List(SettingsTable.EnabledHandlers);
        foreach (var unknown in (enabled ?? []).Where(
            prefix => _operationPrefixes?.Contains(OperationAliases.ResolvePrefix(prefix), StringComparer.Ordinal) == false))
        {
            Report(
                SettingsDiagnostics.BadValue(
                    $"{SettingsTable.EnabledHandlers.Name} names '{Spelling.Clip(unknown)}', which is not a prefix of operations.",
                    Spelling.DidYouMean(unknown, _operationPrefixes!)
                        + $"Use some of {string.Join(", ", _operationPrefixes!)}, or remove the key for all. "
                        + $"Plug-ins need {SettingsTable.PluginsDirectory.Name}, remote operations no entry."),
                Find(SettingsTable.EnabledHandlers));
        }

        return enabled;
    }

    private SandboxSettings Sandbox()
    {
        var modules = Text(SandboxTable.Modules) is { } named ? Path.GetFullPath(named, _workingDirectory) : null;
        if (ForRole && modules is not null && !Directory.Exists(modules))
        {
            Report(
                SettingsDiagnostics.NotThere(
                    $"{SandboxTable.Modules.Name}: there is no directory {modules}.", "Create it, or correct the path."),
                Find(SandboxTable.Modules));
        }

        return new SandboxSettings
        {
            Timeout = Duration(SandboxTable.Timeout),
            MemoryMb = Whole(SandboxTable.Memory),
            Statements = Whole(SandboxTable.Statements),
            Recursion = Whole(SandboxTable.Recursion),
            FuelMillions = Whole(SandboxTable.Fuel),
            ModulesDirectory = modules,
        };
    }

    private static int DefaultPort(RuntimeProfile profile) => profile switch
    {
        RuntimeProfile.Effects => 8086,
        RuntimeProfile.Workers => 8087,
        _ => 8085,
    };

    private string HttpBind()
    {
        var bind = Text(SettingsTable.HttpBind)!;
        if (bind is not ("*" or "localhost") && !IPAddress.TryParse(bind, out _))
        {
            Report(
                SettingsDiagnostics.BadValue(
                    $"{SettingsTable.HttpBind.Name} is '{bind}', which is not an address.",
                    "Set it to an IP address, to localhost, or to * for all interfaces."),
                Find(SettingsTable.HttpBind));
        }

        return bind;
    }

    private IReadOnlyList<Http.ApiToken> ApiTokens()
    {
        if (Secret(SettingsTable.ApiToken, neededBecause: null) is not { } list || Placeholder().IsMatch(list) || VaultSetting.IsIn(list))
        {
            return [];
        }

        var (tokens, problems) = Http.ApiToken.Parse(SettingsTable.ApiToken.Name, list);
        problems.ForEach(problem => Report(problem));
        return tokens;
    }

    private ConsulConnection Consul()
    {
        var (host, port) = (Text(SettingsTable.ConsulHost)!, Whole(SettingsTable.ConsulPort));
        var (scheme, token) = (OneOf(SettingsTable.ConsulScheme)!, Secret(SettingsTable.ConsulToken, neededBecause: null));
        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            Report(
                SettingsDiagnostics.BadValue(
                    $"{SettingsTable.ConsulHost.Name} is '{host}', which is not a host.", "Set it to a host name or an IP address."),
                Find(SettingsTable.ConsulHost));
            host = SettingsTable.ConsulHost.Default!;
        }

        return new ConsulConnection(new UriBuilder(scheme, host, port).Uri, token);
    }

    private ConsulRegistration? Registration(RuntimeProfile profile, int httpPort)
    {
        var service = Text(SettingsTable.ConsulService) ?? $"onex-{Name(profile)}";
        if (!ServiceName().IsMatch(service))
        {
            Report(
                SettingsDiagnostics.BadValue(
                    $"{SettingsTable.ConsulService.Name} is '{service}', which cannot name a service.",
                    "Use letters, digits and dashes, neither a dash first nor last, at most 63 characters."),
                Find(SettingsTable.ConsulService));
        }

        var (host, port) = HostAndPort(
            SettingsTable.AdvertiseAddress, host => Uri.CheckHostName(host) != UriHostNameType.Unknown,
            "a host with or without a port", "Set it to the address at which Consul reaches this process: node-1.internal:8085.");
        return Flag(SettingsTable.ConsulRegister) ? new ConsulRegistration(service, host, port ?? httpPort) : null;
    }

    private IPEndPoint? DnsServer()
    {
        var (host, port) = HostAndPort(
            SettingsTable.DnsServer, host => IPAddress.TryParse(host, out _),
            "an IP address with or without a port", "Set it to the address of a DNS server: 127.0.0.1:8600.");
        return host is null ? null : new IPEndPoint(IPAddress.Parse(host), port ?? 53);
    }

    // An IPv6 address has brackets if a port follows.
    private (string? Host, int? Port) HostAndPort(Setting setting, Func<string, bool> isHost, string expected, string remedy)
    {
        if (Text(setting) is not { } text)
        {
            return (null, null);
        }

        var colon = text.LastIndexOf(':');
        var hasPort = colon > 0 && (text[colon - 1] == ']' || text.IndexOf(':', StringComparison.Ordinal) == colon);
        var host = (hasPort ? text[..colon] : text).Trim('[', ']');
        if (isHost(host) && (!hasPort || IsPort(text[(colon + 1)..])))
        {
            return (host, hasPort ? int.Parse(text[(colon + 1)..], CultureInfo.InvariantCulture) : null);
        }

        Report(SettingsDiagnostics.BadValue($"{setting.Name} is '{text}', which is not {expected}.", remedy), Find(setting));
        return (null, null);
    }

    // These are read only when they are used, which is too late to report a mistake or a placeholder.
    private void CheckExternalServices()
    {
        if (Text(SettingsTable.VaultAddress) is { } vault
            && !(Uri.TryCreate(vault, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
        {
            Report(
                SettingsDiagnostics.BadValue(
                    $"{SettingsTable.VaultAddress.Name} is '{vault}', which is not an http address.", "Set it to one: http://vault:8200."),
                Find(SettingsTable.VaultAddress));
        }

        foreach (var secret in new[] { SettingsTable.VaultToken, SettingsTable.VaultRole, SettingsTable.VaultSecret })
        {
            Secret(secret, neededBecause: null);
        }
    }

    // Reports only variables whose names are close to that of a setting: others belong to other programs.
    private void CheckSpelling()
    {
        var known = SettingsTable.All.SelectMany(setting => new[] { setting.Variable, setting.Alias }).OfType<string>().ToList();
        known.AddRange(SettingsTable.All.Where(setting => setting.IsSecret).Select(setting => setting.Name + "_FILE"));
        foreach (var variable in _environment.Keys.Order(StringComparer.Ordinal))
        {
            if ((variable.StartsWith("ONEX_", StringComparison.Ordinal) || variable.StartsWith("RUNTIME_", StringComparison.Ordinal))
                && !known.Contains(variable, StringComparer.Ordinal)
                && Spelling.Nearest(variable, known) is { } nearest && Math.Abs(nearest.Length - variable.Length) <= 2
                && nearest[..5] == variable[..5]) // both begin with ONEX_ or RUNTI
            {
                Report(SettingsDiagnostics.Unknown(variable, [nearest]));
            }
        }
    }

    [GeneratedRegex("^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ServiceName();

    [GeneratedRegex("__REPLACE_WITH_.*__", RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.NonBacktracking)]
    private static partial Regex Placeholder();

    [GeneratedRegex(
        @"^([A-Za-z_]+://)?(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Server();

    [GeneratedRegex("^(?!\\.{1,2}$)[A-Za-z0-9._-]+$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TopicName();
}
