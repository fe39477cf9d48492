using System.Text.RegularExpressions;
using Onex.Hosting.Settings;
using YamlDotNet.RepresentationModel;

namespace Onex.Tests.Unit.House;

/// <summary>
/// The Helm chart and the KEDA examples contain names and numbers of the runtime. deploy/verify renders the chart and validates it against
/// the schemas of Kubernetes; these tests read what it rendered, so they need no tool.
/// </summary>
public sealed partial class KubernetesFilesTests
{
    // Settings of .NET, and secrets and connections of the examples' own contracts.
    private static readonly string[] _otherVariables = ["DOTNET_GCgen0size", "STOCK_TOKEN_FILE", "ONEX_CONNECTION_STOCK_URL"];

    public static TheoryData<string> Rendered() =>
        [.. Directory.EnumerateFiles(Repository.At("deploy", "helm", "rendered"), "*.yaml").Select(Path.GetFileName).OfType<string>()];

    [Fact]
    public void Every_example_is_rendered() => Assert.Equal(
        Directory.EnumerateFiles(Repository.At("deploy", "helm", "examples")).Select(Path.GetFileName).Order(StringComparer.Ordinal),
        Directory.EnumerateFiles(Repository.At("deploy", "helm", "rendered")).Select(Path.GetFileName).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Rendered))]
    public void A_container_receives_settings_that_exist(string file)
    {
        var known = SettingsTable.All.Where(setting => setting.Variable is not null)
            .Select(setting => setting.IsSecret ? $"{setting.Variable}_FILE" : setting.Variable!)
            .Concat(_otherVariables)
            .ToHashSet(StringComparer.Ordinal);
        var names = Containers(file).SelectMany(container => Items(container, "env")).Select(entry => Text(entry, "name")!).ToList();

        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.Contains(name, known));
    }

    [Theory]
    [MemberData(nameof(Rendered))]
    public void A_pod_is_restricted(string file)
    {
        Assert.NotEmpty(Pods(file));
        Assert.All(Pods(file), pod =>
        {
            Assert.Equal(
                ("true", "1000", "RuntimeDefault", "false"),
                (Text(pod, "securityContext", "runAsNonRoot"), Text(pod, "securityContext", "runAsUser"),
                    Text(pod, "securityContext", "seccompProfile", "type"), Text(pod, "automountServiceAccountToken")));
        });
        Assert.All(Containers(file), container =>
        {
            Assert.Equal(
                ("false", "true", "ALL"),
                (Text(container, "securityContext", "allowPrivilegeEscalation"),
                    Text(container, "securityContext", "readOnlyRootFilesystem"),
                    Items(container, "securityContext", "capabilities", "drop").Single().ToString()));
            Assert.NotNull(Text(container, "resources", "limits", "memory"));
        });
    }

    [Theory]
    [MemberData(nameof(Rendered))]
    public void A_role_has_probes_and_time_to_stop(string file)
    {
        var deployments = Manifests(file).Where(manifest => Text(manifest, "kind") == "Deployment").ToList();

        Assert.NotEmpty(deployments);
        foreach (var pod in deployments.Select(deployment => Find(deployment, "spec", "template", "spec")!))
        {
            var container = Items(pod, "containers").Single();
            Assert.Equal(
                ("/health", "/health", "/ready"),
                (Text(container, "startupProbe", "httpGet", "path"), Text(container, "livenessProbe", "httpGet", "path"),
                    Text(container, "readinessProbe", "httpGet", "path")));
            Assert.Equal(SettingsTable.HttpPort.ImageDefault, Text(Items(container, "ports").Single(), "containerPort"));
            var preStop = int.Parse(Items(container, "lifecycle", "preStop", "exec", "command").Last().ToString());
            Assert.True(
                int.Parse(Text(pod, "terminationGracePeriodSeconds")!) > preStop + int.Parse(SettingsTable.GracePeriod.Default!) + 5,
                "not longer than preStop, the grace period and the 5 s after it to close");
        }
    }

    [Fact]
    public void The_chart_asks_for_the_secrets_that_are_required() =>
        Assert.Equal(
            ["POSTGRES_PASSWORD", "VAULT_TOKEN", "REDIS_PASSWORD"],
            Items(Load("deploy/helm/onex/values.yaml").Single(), "secrets", "keys").Select(key => key.ToString()));

    [Theory]
    [InlineData("effects", "ONEX_EFFECTS_INPUT_TOPIC", "ONEX_EFFECTS_GROUP_ID")]
    [InlineData("workers", "ONEX_WORKER_INPUT_TOPIC", "ONEX_WORKER_GROUP_ID")]
    public void Autoscaling_reads_the_lag_of_the_roles_group(string role, string topic, string group)
    {
        var scaledObject = Load($"deploy/keda/{role}.yaml")[0];
        var kafka = Items(scaledObject, "spec", "triggers").Single(trigger => Text(trigger, "type") == "kafka");

        Assert.Equal(
            (Default(topic), Default(group), Default("ONEX_PARTITIONS"), $"onex-{role}"),
            (Text(kafka, "metadata", "topic"), Text(kafka, "metadata", "consumerGroup"), Text(scaledObject, "spec", "maxReplicaCount"),
                Text(scaledObject, "spec", "scaleTargetRef", "name")));
    }

    [Fact]
    public void Autoscaling_by_Prometheus_reads_metrics_that_exist()
    {
        var queries = Items(Load("deploy/keda/effects-prometheus.yaml")[0], "spec", "triggers")
            .Select(trigger => Text(trigger, "metadata", "query")!)
            .ToList();
        var metrics = File.ReadAllText(Repository.At("docs", "metrics.md"));

        Assert.Equal(2, queries.Count);
        Assert.Contains($"\"{Default("ONEX_EFFECTS_GROUP_ID")}\"", queries[0], StringComparison.Ordinal);
        Assert.All(
            queries.SelectMany(query => Metric().Matches(query)),
            match => Assert.Contains($"`{match.Value}`", metrics, StringComparison.Ordinal));
    }

    [Fact]
    public void Autoscaling_by_parked_commands_reads_columns_that_exist()
    {
        var trigger = Items(Load("deploy/keda/effects.yaml")[0], "spec", "triggers").Single(item => Text(item, "type") == "postgresql");
        var schema = File.ReadAllText(Repository.At("migrations", "Onex.Migrations", "schema.sql"));
        var query = Text(trigger, "metadata", "query")!;

        Assert.Contains("CREATE TABLE onex.connection_states", schema, StringComparison.Ordinal);
        Assert.Equal(
            ["l.parked_for", "c.connection", "c.valid_until"],
            Column().Matches(query).Select(match => match.Value).Distinct());
        Assert.All(
            Column().Matches(query),
            match => Assert.Matches($@"\b{match.Value.Split('.')[1]} (text|timestamp with time zone)", schema));
        Assert.Equal(Default("POSTGRES_DATABASE"), Text(trigger, "metadata", "dbName"));
    }

    private static string? Default(string variable) => SettingsTable.All.Single(setting => setting.Variable == variable).Default;

    private static List<YamlNode> Manifests(string file) => Load($"deploy/helm/rendered/{file}");

    // The pods of deployments and of the job that migrates.
    private static List<YamlNode> Pods(string file) =>
        [.. Manifests(file).Select(manifest => Find(manifest, "spec", "template", "spec")).OfType<YamlNode>()];

    private static IEnumerable<YamlNode> Containers(string file) =>
        Pods(file).SelectMany(pod => Items(pod, "containers").Concat(Items(pod, "initContainers")));

    private static List<YamlNode> Load(string path)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(Repository.At(path.Split('/')))));
        return [.. yaml.Documents.Select(document => document.RootNode)];
    }

    private static YamlNode? Find(YamlNode node, params string[] path) => path.Aggregate(
        (YamlNode?)node,
        (found, key) => found is YamlMappingNode mapping && mapping.Children.TryGetValue(key, out var child) ? child : null);

    private static string? Text(YamlNode node, params string[] path) => (Find(node, path) as YamlScalarNode)?.Value;

    private static IEnumerable<YamlNode> Items(YamlNode node, params string[] path) =>
        (Find(node, path) as YamlSequenceNode)?.Children ?? Enumerable.Empty<YamlNode>();

    [GeneratedRegex(@"\b[lc]\.[a-z_]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Column();

    [GeneratedRegex("onex_[a-z_]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Metric();
}
