using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Hosting.Logging;

namespace Onex.Hosting.Settings;

/// <summary>What the settings are read for: what that does not need is not missed.</summary>
public enum SettingsUse
{
    /// <summary>A role is to run.</summary>
    Role,

    /// <summary>A command that opens the database.</summary>
    Database,

    /// <summary>A command that speaks to the broker.</summary>
    Broker,

    /// <summary>A command that opens nothing of ours: it asks a role over HTTP, or reads contracts.</summary>
    Nothing,
}

/// <summary>What came of reading.</summary>
/// <param name="Settings">The settings, or null if there is a problem.</param>
/// <param name="Problems">Each a line: what, where, and what to do. With one of them nothing may start.</param>
/// <param name="Warnings">Each a line.</param>
public sealed record SettingsResult(RuntimeSettings? Settings, IReadOnlyList<string> Problems, IReadOnlyList<string> Warnings)
{
    /// <summary>All that could be read, wrong values replaced by defaults: to look for further problems, never to run with.</summary>
    public required RuntimeSettings Tentative { get; init; }
}

/// <summary>Reads environment and file into <see cref="RuntimeSettings"/>, with every problem at once.</summary>
public static class SettingsReader
{
    /// <summary>
    /// Reads all settings: from the environment, else from <c>runtime/runtime_config.yaml</c> below the contracts directory, else the
    /// defaults. A variable that is empty counts as not set, as compose files pass what nobody has set.
    /// </summary>
    /// <param name="environment">The environment's variables.</param>
    /// <param name="workingDirectory">What relative paths are relative to.</param>
    /// <param name="use">What they are for.</param>
    public static SettingsResult Read(
        IReadOnlyDictionary<string, string> environment, string workingDirectory, SettingsUse use = SettingsUse.Role) =>
        new SettingsReading(environment, workingDirectory, use).Read();

    /// <summary>The environment of this process, as <see cref="Read"/> takes it.</summary>
    public static IReadOnlyDictionary<string, string> Environment()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
        {
            variables[(string)variable.Key] = (string?)variable.Value ?? "";
        }

        return variables;
    }
}

/// <summary>One reading, with what it has found so far.</summary>
internal sealed partial class SettingsReading
{
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly string _workingDirectory;
    private readonly SettingsUse _use;
    private readonly bool _inImage;
    private readonly List<string> _problems = [];
    private readonly List<string> _warnings = [];
    private SettingsFile _file = new();

    public SettingsReading(IReadOnlyDictionary<string, string> environment, string workingDirectory, SettingsUse use)
    {
        (_environment, _workingDirectory, _use) = (environment, workingDirectory, use);

        // .NET's own images say it by the second name.
        _inImage = IsTrue(Variable("ONEX_IN_CONTAINER")) || IsTrue(Variable("DOTNET_RUNNING_IN_CONTAINER"));
    }

    private bool ForRole => _use == SettingsUse.Role;

    public SettingsResult Read()
    {
        Flag(SettingsTable.InContainer);
        var contracts = ContractsDirectory();
        var file = Path.Combine(contracts, "runtime", "runtime_config.yaml");
        _file = SettingsFile.Read(file, Shown(file), _problems, _warnings);

        var profile = Enum.Parse<RuntimeProfile>(OneOf(SettingsTable.Profile)!, ignoreCase: true);
        var topics = Topics();
        var (mainGroup, effectsGroup, workerGroup) = Groups();
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
            Replication = (short?)Number(SettingsTable.Replication),
            ContractsDirectory = contracts,
            ContractsMutable = Flag(SettingsTable.ContractsMutable),
            AutoMigrate = Flag(SettingsTable.AutoMigrate),
            Retention = Duration(SettingsTable.Retention),
            HistoryRetention = Duration(SettingsTable.HistoryRetention),
            MaxRequestBytes = Whole(SettingsTable.MaxRequestBytes),
            Limits = new LimitSettings(
                Whole(SettingsTable.MaxStates), Whole(SettingsTable.MaxSteps), Whole(SettingsTable.MaxDepth), Whole(SettingsTable.MaxBranches),
                Whole(SettingsTable.MaxItems), Whole(SettingsTable.MaxBufferedEvents), Whole(SettingsTable.MaxIdleEntries), Whole(SettingsTable.MaxExpressionCost),
                Whole(SettingsTable.MaxHistoryShown)),
            HttpPort = Number(SettingsTable.HttpPort) ?? DefaultPort(profile),
            HttpBind = HttpBind(),
            ApiTokens = ApiTokens(),
            LogLevel = LogLevels.Parse(OneOf(SettingsTable.LogLevel)!),
            LogFormat = OneOf(SettingsTable.LogFormat) ?? (Console.IsOutputRedirected ? "json" : "text"),
            LogDirectory = Text(SettingsTable.LogDirectory) is { } logs ? Path.GetFullPath(logs, _workingDirectory) : null,
            EnvironmentName = Text(SettingsTable.EnvironmentName)!,
            GracePeriod = TimeSpan.FromSeconds(Whole(SettingsTable.GracePeriod)),
            DirectOperations = List(SettingsTable.DirectOperations) ?? [],
            EnabledHandlers = List(SettingsTable.EnabledHandlers),
            ReplyToTopics = ReplyTo(topics),
        };
        ExternalServices();
        NotYetInTheFile(settings);
        Misspelt();
        return new SettingsResult(_problems.Count == 0 ? settings : null, _problems, _warnings) { Tentative = settings };
    }

    private string ContractsDirectory()
    {
        var setting = SettingsTable.ContractsDirectory;
        var (name, text) = (setting.Name, Variable(setting.Name));
        var alias = Variable(setting.Alias!);
        if (text is not null && alias is not null && text != alias)
        {
            _problems.Add($"{name} is '{text}' and {setting.Alias} is '{alias}'. Set one of the two.");
        }

        if (text is null && alias is not null)
        {
            (name, text) = (setting.Alias!, alias);
        }

        var directory = Path.GetFullPath(text ?? Default(setting)!, _workingDirectory);
        if (ForRole && !Directory.Exists(directory))
        {
            _problems.Add($"{name}: there is no directory {directory}. Create it, or set {name} to where the contracts are.");
        }

        return directory;
    }

    private EventBus Bus(RuntimeProfile profile)
    {
        var said = Find(SettingsTable.EventBus);
        var bus = OneOf(SettingsTable.EventBus) ?? (Text(SettingsTable.KafkaServers) is null ? "inmemory" : "kafka");
        if (bus == "kafka")
        {
            return EventBus.Kafka;
        }

        if (_use == SettingsUse.Broker || (ForRole && profile != RuntimeProfile.All))
        {
            var what = said is null ? $"{SettingsTable.KafkaServers.Name} is not set, so that messages would travel in memory" : $"{said.Origin} is inmemory";
            var remedy = $"Set {SettingsTable.KafkaServers.Name} to the brokers (host:port)"
                + (said is null ? "." : $" and {SettingsTable.EventBus.Name} to kafka.");
            _problems.Add(_use == SettingsUse.Broker
                ? $"{what}: there is no broker to speak to. {remedy}"
                : $"{what}: that reaches no other process, and {SettingsTable.Profile.Name} is {Name(profile)}. {remedy}");
        }

        return EventBus.InMemory;
    }

    private KafkaConnection? Kafka()
    {
        var servers = Text(SettingsTable.KafkaServers);
        if (servers is null && OneOf(SettingsTable.EventBus) == "kafka" && _use is SettingsUse.Role or SettingsUse.Broker)
        {
            _problems.Add($"{SettingsTable.KafkaServers.Name} is not set, but {Find(SettingsTable.EventBus)!.Origin} is kafka. Set it to the brokers (host:port).");
        }

        foreach (var server in servers?.Split(',', StringSplitOptions.TrimEntries) ?? [])
        {
            if (!Server().IsMatch(server) || (server.LastIndexOf(':') is > 0 and var colon && server[^1] != ']' && !IsPort(server[(colon + 1)..])))
            {
                _problems.Add($"{SettingsTable.KafkaServers.Name} has '{server}', which is not host:port. Separate brokers by commas: one:9092,two:9092.");
            }
        }

        var protocol = OneOf(SettingsTable.KafkaProtocol)!;
        var mechanism = OneOf(SettingsTable.KafkaMechanism);
        var user = Text(SettingsTable.KafkaUser);
        var withSasl = protocol.StartsWith("SASL", StringComparison.Ordinal);
        var password = Secret(SettingsTable.KafkaPassword, withSasl ? $"{SettingsTable.KafkaProtocol.Name} is {protocol}" : null);
        if (withSasl)
        {
            MissWith(SettingsTable.KafkaMechanism, mechanism is null && Find(SettingsTable.KafkaMechanism) is null, protocol);
            MissWith(SettingsTable.KafkaUser, user is null, protocol);
        }
        else if (mechanism is not null || user is not null || password is not null)
        {
            _warnings.Add(
                $"KAFKA_SASL_* is set, but {SettingsTable.KafkaProtocol.Name} is {protocol}, which does not use it. Set that to SASL_SSL or SASL_PLAINTEXT, or remove these.");
        }

        return servers is null
            ? null
            : new KafkaConnection(servers, protocol, mechanism, user, password, Authority(), Duration(SettingsTable.SessionTimeout));
    }

    private void MissWith(Setting setting, bool missing, string protocol)
    {
        if (missing)
        {
            var values = setting.Values.Count > 0 ? $" to one of {string.Join(", ", setting.Values)}" : "";
            _problems.Add($"{setting.Name} is not set, but {SettingsTable.KafkaProtocol.Name} is {protocol}, which needs it. Set it{values}.");
        }
    }

    private string? Authority()
    {
        if (Text(SettingsTable.KafkaAuthority) is not { } named)
        {
            return null;
        }

        var path = Path.GetFullPath(named, _workingDirectory);
        if (!File.Exists(path))
        {
            _problems.Add($"{SettingsTable.KafkaAuthority.Name}: there is no file {path}. Put the PEM file there, or correct the path.");
        }

        return path;
    }

    private StoreKind Store(RuntimeProfile profile)
    {
        // Workers keep nothing, so that they need no database to be named.
        var said = Find(SettingsTable.Store);
        var store = OneOf(SettingsTable.Store)
            ?? (Text(SettingsTable.PostgresHost) is null && profile != RuntimeProfile.Workers ? "sqlite" : "postgres");
        if (store == "postgres")
        {
            if (said is not null && Text(SettingsTable.PostgresHost) is null && OpensDatabase(profile))
            {
                _problems.Add($"{SettingsTable.PostgresHost.Name} is not set, but {said.Origin} is postgres. Set it to the database's host.");
            }

            return StoreKind.Postgres;
        }

        if (_use == SettingsUse.Database || (ForRole && profile != RuntimeProfile.All))
        {
            var what = said is null ? $"{SettingsTable.PostgresHost.Name} is not set, so that sagas would be kept in a file" : $"{said.Origin} is sqlite";
            var remedy = $"Set {SettingsTable.PostgresHost.Name} to the database's host" + (said is null ? "." : $" and {SettingsTable.Store.Name} to postgres.");
            _problems.Add(ForRole
                ? $"{what}: no other process can share that, and {SettingsTable.Profile.Name} is {Name(profile)}. {remedy}"
                : $"{what}: the runtime itself brings that up to date when it opens it. {remedy}");
        }

        return StoreKind.Sqlite;
    }

    private PostgresConnection? Postgres(RuntimeProfile profile)
    {
        // Asked for even where the host is missing: the two are reported together.
        var inFile = ForRole && profile == RuntimeProfile.All && Text(SettingsTable.PostgresHost) is null && OneOf(SettingsTable.Store) != "postgres";
        var password = Secret(SettingsTable.PostgresPassword, OpensDatabase(profile) && !inFile ? "the database needs it" : null);
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
            Named(SettingsTable.InputTopic), Named(SettingsTable.OutputTopic), Named(SettingsTable.EffectsInput), Named(SettingsTable.EffectsOutput),
            Named(SettingsTable.WorkerInput), Named(SettingsTable.WorkerOutput), Named(SettingsTable.SagaEvents));
        Setting[] settings =
        [
            SettingsTable.InputTopic, SettingsTable.EffectsInput, SettingsTable.EffectsOutput, SettingsTable.WorkerInput, SettingsTable.WorkerOutput,
            SettingsTable.OutputTopic, SettingsTable.SagaEvents,
        ];
        Distinct("topic", topics.All.Zip(settings));
        return topics;
    }

    private (string Main, string Effects, string Worker) Groups()
    {
        var groups = (Named(SettingsTable.MainGroup), Named(SettingsTable.EffectsGroup), Named(SettingsTable.WorkerGroup));
        Distinct("group", [(groups.Item1, SettingsTable.MainGroup), (groups.Item2, SettingsTable.EffectsGroup), (groups.Item3, SettingsTable.WorkerGroup)]);
        return groups;
    }

    // Kafka allows 249 characters; the dead-letter topic's name must fit too.
    private string Named(Setting setting)
    {
        var name = Text(SettingsTable.TopicPrefix) + Text(setting);
        if (!TopicName().IsMatch(name) || name.Length > 249 - Contracts.Messages.Topics.DeadLetterSuffix.Length)
        {
            var origin = Find(setting)?.Origin ?? SettingsTable.TopicPrefix.Name;
            _problems.Add($"{origin} makes '{name}', which Kafka does not take as a name. Use letters, digits, '.', '_' and '-', at most 245 of them.");
        }

        return name;
    }

    private void Distinct(string what, IEnumerable<(string Name, Setting Setting)> named)
    {
        foreach (var same in named.GroupBy(one => one.Name, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            _problems.Add($"{string.Join(" and ", same.Select(one => one.Setting.Name))} name the same {what}, '{same.Key}'. Give each its own.");
        }
    }

    private IReadOnlyList<string> ReplyTo(Topics topics)
    {
        var allowed = List(SettingsTable.ReplyTo) ?? [];
        foreach (var topic in allowed.Where(name => name != topics.Responses && topics.All.Contains(name, StringComparer.Ordinal)))
        {
            _problems.Add($"{Find(SettingsTable.ReplyTo)!.Origin} allows '{topic}', a topic of the runtime's own. Remove it: responses must not go there.");
        }

        return allowed;
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
            _problems.Add($"{SettingsTable.HttpBind.Name} is '{bind}', which is no address. Set it to an IP address, to localhost, or to * for all interfaces.");
        }

        return bind;
    }

    private IReadOnlyList<Http.ApiToken> ApiTokens()
    {
        if (Secret(SettingsTable.ApiToken, neededBecause: null) is not { } list || Placeholder().IsMatch(list))
        {
            return [];
        }

        var (tokens, problems) = Http.ApiToken.Parse(SettingsTable.ApiToken.Name, list);
        _problems.AddRange(problems);
        return tokens;
    }

    // Nothing opens these yet, but a placeholder that is left in one of them would be found out too late.
    private void ExternalServices()
    {
        Number(SettingsTable.ConsulPort);
        OneOf(SettingsTable.ConsulScheme);
        Number(SettingsTable.RedisPort);
        if (Text(SettingsTable.VaultAddress) is { } vault && !(Uri.TryCreate(vault, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
        {
            _problems.Add($"{SettingsTable.VaultAddress.Name} is '{vault}', which is no http address. Set it to one: http://vault:8200.");
        }

        foreach (var secret in SettingsTable.All.Where(setting => setting is { Secret: true, NotYet: true }))
        {
            Secret(secret, neededBecause: null);
        }
    }

    private void NotYetInTheFile(RuntimeSettings settings)
    {
        Number(SettingsTable.BreakerThreshold);
        if (settings.DirectOperations.Count > 0)
        {
            _warnings.Add($"{Find(SettingsTable.DirectOperations)!.Origin} is ignored: this version does not run operations without a contract yet.");
        }
    }

    // Only what is nearly a setting: other programs' variables are none of our business.
    private void Misspelt()
    {
        var known = SettingsTable.All.SelectMany(setting => new[] { setting.Variable, setting.Alias }).OfType<string>().ToList();
        known.AddRange(SettingsTable.All.Where(setting => setting.Secret).Select(setting => setting.Name + "_FILE"));
        foreach (var variable in _environment.Keys.Order(StringComparer.Ordinal))
        {
            if ((variable.StartsWith("ONEX_", StringComparison.Ordinal) || variable.StartsWith("RUNTIME_", StringComparison.Ordinal))
                && !known.Contains(variable, StringComparer.Ordinal)
                && Spelling.Nearest(variable, known) is { } near && Math.Abs(near.Length - variable.Length) <= 2
                && near[..5] == variable[..5])
            {
                _warnings.Add($"{variable} is not a setting and is ignored. Did you mean {near}?");
            }
        }
    }

    private sealed record Found(string Origin, string Text);

    private Found? Find(Setting setting)
    {
        if (setting.Variable is { } name && Variable(name) is { } text)
        {
            return new Found(name, text);
        }

        return setting.FileKey is { } key && _file.Find(key) is { } entry
            ? new Found($"{entry.Place}: {key}", entry.Text ?? string.Join(", ", entry.Items!))
            : null;
    }

    private string? Text(Setting setting) => Find(setting)?.Text ?? Default(setting);

    private string? Default(Setting setting) => _inImage ? setting.ImageDefault ?? setting.Default : setting.Default;

    // In the spelling of the table. A wrong one is reported, once, and read as the default.
    private string? OneOf(Setting setting)
    {
        if (Find(setting) is not { } found)
        {
            return Default(setting);
        }

        if (setting.Values.FirstOrDefault(value => value.Equals(found.Text, StringComparison.OrdinalIgnoreCase)) is { } canonical)
        {
            return canonical;
        }

        Problem($"{found.Origin} is '{found.Text}'. {Spelling.DidYouMean(found.Text, setting.Values)}Set it to one of {string.Join(", ", setting.Values)}.");
        return Default(setting);
    }

    private int Whole(Setting setting) => Number(setting)!.Value;

    private int? Number(Setting setting)
    {
        var (min, max) = setting.Range;
        if (Find(setting) is { } found)
        {
            if (int.TryParse(found.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
            {
                return number;
            }

            Problem($"{found.Origin} is '{found.Text}'. Set it to a whole number from {min} to {max}.");
        }

        return Default(setting) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
    }

    private TimeSpan Duration(Setting setting)
    {
        var (min, max) = setting.Span;
        if (Find(setting) is { } found)
        {
            if (Durations.TryParseWithClock(found.Text, out var span) && span >= min && span <= max)
            {
                return span;
            }

            Problem($"{found.Origin} is '{found.Text}'. Set it to a duration (15s, 2m, 15d) from {Durations.Format(min)} to {Durations.Format(max)}.");
        }

        return Durations.TryParseWithClock(Default(setting)!, out var usual) ? usual : throw new InvalidOperationException($"The default of {setting.Name} is no duration.");
    }

    private bool Flag(Setting setting)
    {
        if (Find(setting) is { } found)
        {
            if (IsTrue(found.Text))
            {
                return true;
            }

            if (!IsFalse(found.Text))
            {
                Problem($"{found.Origin} is '{found.Text}'. Set it to true or false.");
            }
            else
            {
                return false;
            }
        }

        return IsTrue(Default(setting));
    }

    private IReadOnlyList<string>? List(Setting setting) => _file.Find(setting.FileKey!)?.Items;

    private string? Secret(Setting setting, string? neededBecause)
    {
        if (!ForRole && neededBecause is null)
        {
            return null;
        }

        var (name, fileName) = (setting.Name, setting.Name + "_FILE");
        var (value, path) = (Variable(name), Variable(fileName));
        if (value is not null && path is not null)
        {
            _problems.Add($"{name} and {fileName} are both set. Set one of the two.");
            return value;
        }

        if (path is not null)
        {
            name = $"{name} (from {path})";
            try
            {
                // Editors and echo end a file with a new line that is not part of the secret.
                value = File.ReadAllText(Path.GetFullPath(path, _workingDirectory)).TrimEnd('\r', '\n');
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                _problems.Add($"{fileName} names {path}, which cannot be read ({unreadable.Message}). Put the secret there, readable for the user that runs onex.");
                return null;
            }

            if (string.IsNullOrWhiteSpace(value))
            {
                _problems.Add($"{fileName} names {path}, which is empty. Put the secret there.");
                return null;
            }
        }

        if (value is null)
        {
            if (neededBecause is not null)
            {
                _problems.Add($"{name} is not set, but {neededBecause}. Set it, or {fileName} to the path of a file that holds it.");
            }

            return null;
        }

        if (Placeholder().IsMatch(value))
        {
            _problems.Add($"{name} still holds a __REPLACE_WITH_...__ placeholder. Put the real secret in its place, or remove the variable if nothing uses it.");
        }

        return value;
    }

    // A wrong value may be looked at more than once.
    private void Problem(string line)
    {
        if (!_problems.Contains(line, StringComparer.Ordinal))
        {
            _problems.Add(line);
        }
    }

    private string? Variable(string name) => _environment.TryGetValue(name, out var text) && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;

    private string Shown(string path)
    {
        var relative = Path.GetRelativePath(_workingDirectory, path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }

    private static string Name(RuntimeProfile profile) => profile switch
    {
        RuntimeProfile.Main => "main",
        RuntimeProfile.Effects => "effects",
        RuntimeProfile.Workers => "workers",
        _ => "all",
    };

    private static bool IsTrue(string? text) => text is not null && (text.Equals("true", StringComparison.OrdinalIgnoreCase) || text is "1" or "yes" or "on");

    private static bool IsFalse(string text) => text.Equals("false", StringComparison.OrdinalIgnoreCase) || text is "0" or "no" or "off";

    private static bool IsPort(string text) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0;

    [GeneratedRegex("__REPLACE_WITH_.*__", RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.NonBacktracking)]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"^([A-Za-z_]+://)?(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Server();

    [GeneratedRegex("^(?!\\.{1,2}$)[A-Za-z0-9._-]+$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TopicName();
}
