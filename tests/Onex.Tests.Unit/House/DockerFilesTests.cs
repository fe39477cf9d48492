using System.Diagnostics;
using System.Text.RegularExpressions;
using Onex.Contracts.Text;
using Onex.Hosting.Settings;
using YamlDotNet.RepresentationModel;

namespace Onex.Tests.Unit.House;

/// <summary>
/// The files in docker/ contain settings, names and numbers that users rely on. They must agree with the code.
/// </summary>
public sealed partial class DockerFilesTests
{
    private static readonly string[] _services = ["runtime-main", "runtime-effects", "runtime-worker"];

    // Settings that the image or the service fixes, or that do not apply if each role is its own process. Add a new setting to the compose
    // file and to .env.example, or to this list.
    private static readonly string[] _notForUsers =
        [
            "RUNTIME_PROFILE",
            "ONEX_IN_CONTAINER",
            "ONEX_HTTP_PORT",
            "ONEX_HTTP_BIND",
            "ONEX_LOG_DIR",
            "ONEX_EVENT_BUS",
            "ONEX_STORE",
            "ONEX_DATA_DIR",
            "ONEX_API_URL",

            // The Docker client sets a variable of this name for Compose, which would win over .env. It belongs in runtime.env.
            "OTEL_RESOURCE_ATTRIBUTES"];

    // Variables that Compose itself or a build reads.
    private static readonly string[] _composeVariables =
        [
            "COMPOSE_PROFILES",
            "REMOTE_HOST",
            "RUNTIME_MAIN_PORT",
            "RUNTIME_EFFECTS_PORT",
            "WORKER_REPLICAS",
            "ONEX_SUBNET",
            "RUNTIME_VERSION",
            "BUILD_DATE",
            "VCS_REF",
            "GITHUB_TOKEN"];

    private static readonly string[] _observability = ["grafana", "jaeger", "prometheus"];

    private static readonly string[] _requiredSecrets = ["POSTGRES_PASSWORD", "VAULT_TOKEN", "REDIS_PASSWORD"];

    private static readonly Compose _compose = Compose.Read("docker-compose.runtime.yml");

    public static TheoryData<string> Services() => [.. _services];

    [Theory]
    [MemberData(nameof(Services))]
    public void The_containers_receive_exactly_the_settings(string service)
    {
        var expected = Variables().Where(setting => !_notForUsers.Contains(setting.Name))
            .Select(setting => setting.IsSecret ? setting.Name + "_FILE" : setting.Name)
            .Append("RUNTIME_PROFILE")
            .Concat(service == "runtime-worker" ? ["DOTNET_GCgen0size"] : []);

        Assert.Equal(expected.Order(StringComparer.Ordinal), _compose.Environment(service).Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Services))]
    public void A_secret_is_passed_to_the_containers_as_a_file(string service)
    {
        var environment = _compose.Environment(service);
        foreach (var name in Variables().Where(setting => setting.IsSecret).Select(setting => setting.Name))
        {
            var (file, path) = (name.ToLowerInvariant(), $"/run/secrets/{name.ToLowerInvariant()}");
            var isRequired = _requiredSecrets.Contains(name);
            Assert.Equal(isRequired ? path : $"${{{name}:+{path}}}", environment[name + "_FILE"]);
            Assert.Equal(name, _compose.Text("secrets", isRequired ? $"{name}_is_set" : $"optional_{file}", "environment"));
        }

        var mounted = ((YamlSequenceNode)_compose.Find("services", service, "secrets")!).Children
            .Select(secret => secret is YamlMappingNode optional ? $"{optional["source"]} {optional["target"]}" : $"{secret} {secret}");
        Assert.Equal(
            Variables().Where(setting => setting.IsSecret).Select(setting => (setting.Name, File: setting.Name.ToLowerInvariant()))
                .Select(
                    secret => (_requiredSecrets.Contains(secret.Name)
                        ? $"{secret.Name}${{{secret.Name}:+_is_set}}"
                        : $"optional${{{secret.Name}:+_{secret.File}}}") + $" {secret.File}")
                .Order(StringComparer.Ordinal),
            mounted.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_variable_is_passed_on_under_its_own_name()
    {
        foreach (
            var (name, value) in _compose.Environment("runtime-main").Where(pair => pair.Value.StartsWith("${", StringComparison.Ordinal)))
        {
            Assert.Matches($@"^\$\{{{name.Replace("_FILE", "(_FILE)?", StringComparison.Ordinal)}:[-+]", value);
        }
    }

    [Fact]
    public void A_setting_of_the_settings_file_is_not_overridden() => Assert.All(
        Variables().Where(setting => setting.FileKey is not null && !_notForUsers.Contains(setting.Name)),
        setting => Assert.Equal($"${{{setting.Name}:-}}", _compose.Environment("runtime-main")[setting.Name]));

    [Fact]
    public void The_example_lists_every_variable_with_its_default()
    {
        var example = Example();

        Assert.Equal(
            Variables()
                .Select(setting => setting.Name)
                .Except(_notForUsers)
                .Concat(_composeVariables)
                    .Order(StringComparer.Ordinal),
            example.Keys.Order(StringComparer.Ordinal));
        Assert.All(
            Variables().Where(setting => !setting.IsSecret && example.ContainsKey(setting.Name) && setting.DefaultInWords is null),
            setting => Assert.Equal(setting.ImageDefault ?? setting.Default ?? "", example[setting.Name].Value));
    }

    [Fact]
    public void The_example_has_placeholders_for_exactly_the_secrets()
    {
        Assert.Equal(
            [
                ("COMPOSE_PROFILES", "all"),
                ("ONEX_API_TOKEN", ""),
                ("POSTGRES_PASSWORD", "__REPLACE_WITH_SECURE_PASSWORD__"),
                ("REDIS_PASSWORD", "__REPLACE_WITH_SECURE_PASSWORD__"),
                ("VAULT_TOKEN", "__REPLACE_WITH_VAULT_TOKEN__")],
            Example().Where(entry => entry.Value.IsSet).Select(entry => (entry.Key, entry.Value.Value)).OrderBy(
                entry => entry.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(
        "runtime-main",
        "main",
        "main effects workers all",
        "${RUNTIME_MAIN_PORT:-8085}:8085",
        "runtime-logs runtime-data",
        "1.0 512M 0.25 128M")]
    [InlineData(
        "runtime-effects",
        "effects",
        "effects all",
        "${RUNTIME_EFFECTS_PORT:-8086}:8085",
        "effects-logs effects-data",
        "1.0 512M 0.25 128M")]
    [InlineData("runtime-worker", "workers", "workers all", null, "worker-logs", "0.5 256M 0.1 64M")]
    public void Names_ports_volumes_and_limits_are_as_specified(
        string service, string role, string profiles, string? port, string volumes, string limits)
    {
        Assert.Equal("omnibase-infra-runtime", _compose.Text("services", service, "image"));
        Assert.Equal(
            service == "runtime-worker" ? null : $"omnibase-infra-{service}", _compose.Text("services", service, "container_name"));
        Assert.Equal(role, _compose.Environment(service)["RUNTIME_PROFILE"]);
        Assert.Equal(profiles.Split(' '), _compose.Items("services", service, "profiles"));
        Assert.Equal(port is null ? [] : [port], _compose.Items("services", service, "ports"));
        string[] mounts = [
            "../contracts:/app/contracts:ro",
            "${ONEX_PLUGINS_DIR:-/dev/null}:/app/plugins:ro",
            "${KAFKA_SSL_CA_FILE:-/dev/null}:/app/tls/kafka-ca.pem:ro",
            .. volumes.Split(' ').Select(volume => $"{volume}:/app/{volume.Split('-')[^1]}"),
        ];
        Assert.Equal(mounts, _compose.Items("services", service, "volumes"));
        Assert.All(volumes.Split(' '), volume => Assert.Equal($"omnibase-infra-{volume}", _compose.Text("volumes", volume, "name")));
        var actual = new[] { "limits", "reservations" }.SelectMany(
            kind => new[] { "cpus", "memory" }.Select(name => _compose.Text("services", service, "deploy", "resources", kind, name)));
        Assert.Equal(limits.Split(' '), actual);
        Assert.Equal(
            service == "runtime-main" ? null : "service_healthy",
            _compose.Text("services", service, "depends_on", "runtime-main", "condition"));
        Assert.Equal(("5s", "10s", "5m", "6"), (Health("interval"), Health("timeout"), Health("start_period"), Health("retries")));

        string? Health(string key) => _compose.Text("services", service, "healthcheck", key);
    }

    [Fact]
    public void Project_network_and_service_names_are_as_specified()
    {
        Assert.Equal("omnibase-infra-runtime", _compose.Text("name"));
        Assert.Equal("omnibase-infra-network", _compose.Text("networks", "default", "name"));
        Assert.Equal("${WORKER_REPLICAS:-2}", _compose.Text("services", "runtime-worker", "deploy", "replicas"));
        Assert.Equal(
            new[] { "consul", "postgres", "redis", "redpanda", "vault" }
                .Select(name => $"omninode-bridge-{name}:${{REMOTE_HOST:-host-gateway}}"),
            _compose.Items("services", "runtime-main", "extra_hosts").Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Services))]
    public void The_stop_grace_period_exceeds_that_of_the_runtime_and_restarts_are_bounded(string service)
    {
        Assert.True(Durations.TryParseUnitsOrClock(_compose.Text("services", service, "stop_grace_period")!, out var grace));
        Assert.True(
            grace > TimeSpan.FromSeconds(int.Parse(SettingsTable.GracePeriod.Default!)) + TimeSpan.FromSeconds(5),
            "not longer than the grace period and the 5 s after it to close");
        Assert.Matches("^on-failure:[1-9]$", _compose.Text("services", service, "restart")!);
    }

    [Fact]
    public void The_laptop_override_starts_the_services_under_their_names()
    {
        var infra = Compose.Read("docker-compose.infra.yml");
        var neighbours = infra.Keys("services").Except(_services).Order(StringComparer.Ordinal);

        Assert.Equal(
            _compose.Items("services", "runtime-main", "extra_hosts").Select(entry => entry.Split(':')[0]).Concat(_observability)
                .Order(StringComparer.Ordinal),
            neighbours);
        Assert.All(_services, service => Assert.Equal("!reset", infra.Find("services", service, "extra_hosts")!.Tag.Value));
    }

    [Fact]
    public void Every_port_of_the_laptop_override_is_open_on_loopback_only()
    {
        var infra = Compose.Read("docker-compose.infra.yml");

        Assert.All(
            infra.Keys("services").Except(_services).SelectMany(service => infra.Items("services", service, "ports")),
            port => Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal));
    }

    // Docker would create a directory in place of a missing file.
    [Fact]
    public void Every_file_that_the_laptop_override_mounts_exists()
    {
        var infra = Compose.Read("docker-compose.infra.yml");
        var mounted = infra.Keys("services").SelectMany(service => infra.Items("services", service, "volumes"))
            .Where(volume => volume.StartsWith('.'))
            .Select(volume => Repository.At("docker", volume.Split(':')[0]))
            .ToList();

        Assert.NotEmpty(mounted);
        Assert.All(mounted, path => Assert.True(File.Exists(path) || Directory.Exists(path), path));
    }

    [Fact]
    public void The_verification_runs_every_command_of_the_manual()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "it is a script for bash");
        using var verify = Process.Start(
            new ProcessStartInfo("bash", [Repository.At("docker", "verify"), "--coverage"])
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
            })!;
        var output = verify.StandardOutput.ReadToEnd();
        verify.WaitForExit();

        Assert.True(verify.ExitCode == 0, output);
    }

    [Fact]
    public void The_final_image_stage_names_no_secret()
    {
        var dockerfile = File.ReadAllText(Repository.At("docker", "Dockerfile.runtime"));
        var final = dockerfile[dockerfile.LastIndexOf("\nFROM ", StringComparison.Ordinal)..];

        Assert.DoesNotMatch("(?i)token|password|secret", final);
        Assert.Contains("USER omniinfra", final, StringComparison.Ordinal);
        Assert.Contains("""CMD ["onex", "run"]""", final, StringComparison.Ordinal);
        Assert.Contains($"EXPOSE {SettingsTable.HttpPort.ImageDefault}", final, StringComparison.Ordinal);
    }

    [Fact]
    public void The_manual_names_every_variable_and_every_file()
    {
        var manual = File.ReadAllText(Repository.At("docker", "README.md"));

        Assert.All(
            _composeVariables.Concat(_requiredSecrets).Append("ONEX_API_TOKEN"),
            name => Assert.Contains($"`{name}`", manual, StringComparison.Ordinal));
        Assert.All(
            Directory.EnumerateFiles(Repository.At("docker"))
                .Select(Path.GetFileName)
                .Where(name => name is not ".env" and not "runtime.env"),
            name => Assert.Contains($"`{name}`", manual, StringComparison.Ordinal));
    }

    private static IEnumerable<Setting> Variables() => SettingsTable.All.Where(setting => setting.Variable is not null);

    // A setting without a value is in the file as a comment.
    private static Dictionary<string, (string Value, bool IsSet)> Example() => File.ReadLines(Repository.At("docker", ".env.example"))
        .Select(line => Assignment().Match(line))
        .Where(match => match.Success)
        .ToDictionary(match => match.Groups["name"].Value, match => (match.Groups["value"].Value, match.Groups["off"].Length == 0));

    [GeneratedRegex("^(?<off>#?)(?<name>[A-Z][A-Z0-9_]*)=(?<value>.*)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Assignment();

    /// <summary>The part of a compose file that these tests read, with its merge keys resolved.</summary>
    private sealed class Compose(YamlNode root)
    {
        public static Compose Read(string name)
        {
            var yaml = new YamlStream();
            yaml.Load(new StringReader(File.ReadAllText(Repository.At("docker", name))));
            return new Compose(yaml.Documents[0].RootNode);
        }

        public YamlNode? Find(params string[] path) =>
            path.Aggregate((YamlNode?)root, (node, key) => node is YamlMappingNode mapping ? Merged(mapping).GetValueOrDefault(key) : null);

        public string? Text(params string[] path) => (Find(path) as YamlScalarNode)?.Value;

        public IEnumerable<string> Items(params string[] path) =>
            (Find(path) as YamlSequenceNode)?.Children.Select(item => item.ToString()) ?? [];

        public List<string> Keys(params string[] path) => [.. Merged((YamlMappingNode)Find(path)!).Keys];

        public Dictionary<string, string> Environment(string service) =>
            Merged((YamlMappingNode)Find("services", service, "environment")!)
                .ToDictionary(pair => pair.Key, pair => pair.Value.ToString());

        private static Dictionary<string, YamlNode> Merged(YamlMappingNode mapping)
        {
            var entries = mapping.Children.TryGetValue("<<", out var shared) ? Merged((YamlMappingNode)shared) : [];
            foreach (var (key, value) in mapping.Children.Where(pair => pair.Key.ToString() != "<<"))
            {
                entries[key.ToString()] = value;
            }

            return entries;
        }
    }
}
