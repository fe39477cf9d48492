using System.Reflection;
using System.Text.RegularExpressions;
using Onex.Metrics;

namespace Onex.Tests.Unit.House;

/// <summary><c>docs/metrics.md</c> lists every metric, and dashboards and alerts use only metrics that exist.</summary>
public sealed partial class MetricsDocumentTests
{
    private static readonly string[] _projects =
        ["Onex.Hosting", "Onex.Orchestrator", "Onex.Effects", "Onex.Workers", "Onex.Kafka"];

    // The metrics of the .NET runtime that dashboards use. Their names are stable.
    private static readonly string[] _runtimeMetrics =
    [
        "dotnet_process_cpu_time_seconds_total", "dotnet_process_memory_working_set_bytes", "dotnet_gc_collections_total",
        "dotnet_gc_pause_time_seconds_total",
    ];

    private static readonly List<(string Project, Metric Metric)> _metrics =
    [
        .. from project in _projects
           from type in Assembly.Load(project).GetTypes()
           from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
           where field.FieldType == typeof(Metric)
           select (project, (Metric)field.GetValue(null)!),
    ];

    private static readonly HashSet<string> _series =
    [
        .. _metrics.SelectMany(found => FindSeries(found.Metric)), .. _runtimeMetrics,
    ];

    public static TheoryData<string> Files() =>
    [
        .. Directory.EnumerateFiles(Repository.At("docker", "observability"), "*.*", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(path) is "alerts.yml" || path.EndsWith(".json", StringComparison.Ordinal))
            .Select(path => Path.GetRelativePath(Repository.Root, path))
            .Order(StringComparer.Ordinal),
    ];

    // Otherwise a metric could be described and never measured.
    [Fact]
    public void Every_metric_is_measured_in_a_test()
    {
        var tests = string.Concat(
            Directory.EnumerateFiles(Repository.At("tests"), "*.cs", SearchOption.AllDirectories)
                .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}House{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
                .Select(File.ReadAllText));

        Assert.Empty(_metrics.Select(found => found.Metric)
            .Where(metric => !FindSeries(metric).Append(metric.Name).Any(name => tests.Contains(name + "{", StringComparison.Ordinal)))
            .Select(metric => metric.Name));
    }

    [Fact]
    public void The_document_lists_every_metric()
    {
        var text = new StringBuilder("""
            # Metrics

            Every metric of Onex. Generated from their descriptions in the code, and compared with them by a test. To update this file, run
            that test with `ONEX_GOLDEN=update`.

            `GET /metrics` answers with Prometheus text, under the name of the second column, to the callers of the API
            ([http-api.md](http-api.md)): with a token of `ONEX_API_TOKEN`, or from this machine if none is configured. With
            `OTEL_METRICS_EXPORTER=otlp` the same metrics are sent under the name of the first column. The .NET runtime adds `dotnet.*`
            (garbage collector, thread pool, memory and CPU of the process), Npgsql adds `db.client.*`.

            Counters begin at 0 with the first call of `/metrics`, or at the start with OTLP, because nothing is measured before it is read.
            Numbers from the database are read every ten seconds, by the orchestrator that has partition 0, and never while a caller waits.

            Labels have closed sets of values, known once contracts and connections are loaded. A value that is not in its set is counted as
            `other`, a missing one as `none`, so that no request creates a time series. The series of a metric beyond 2,000 are counted
            together in one with the label `otel_metric_overflow`.

            Dashboards and alerts are in `docker/observability`; [operating.md](operating.md) says what to do for each alert.

            """).Append('\n');
        foreach (var project in _projects)
        {
            text.Append("## ").Append(project).Append("\n\n").Append(GeneratedDocument.Table(
                "name | in Prometheus | type | unit | labels | meaning",
                _metrics.Where(found => found.Project == project).Select(found => found.Metric)
                    .OrderBy(metric => metric.Name, StringComparer.Ordinal).Select(Row)));
            text.Append('\n');
        }

        text.Append("## Labels\n\n").Append(GeneratedDocument.Table(
            "label | in Prometheus | values",
            _metrics.SelectMany(found => found.Metric.Labels).DistinctBy(label => (label.Name, label.Meaning))
                .OrderBy(label => label.Name, StringComparer.Ordinal).ThenBy(label => label.Meaning, StringComparer.Ordinal)
                .GroupBy(label => label.Name, StringComparer.Ordinal)
                .SelectMany(labels => labels.Select(label =>
                    $"`{label.Name}` | `{PrometheusNames.Label(label.Name)}` | {GeneratedDocument.Cell(label.Meaning)}"
                    + (labels.Count() > 1 ? $" (of {MetricsWith(label)})" : "")))));
        GeneratedDocument.Verify("metrics.md", text.ToString().TrimEnd('\n') + "\n");
    }

    [Fact]
    public void Every_metric_is_named_by_the_conventions() => Assert.All(_metrics, found =>
    {
        Assert.Matches(Name(), found.Metric.Name);
        Assert.True(found.Metric.Unit is "s" or "By" || Annotation().IsMatch(found.Metric.Unit), $"{found.Metric.Name}: unit");
        Assert.EndsWith(".", found.Metric.Meaning);
        Assert.Equal(found.Metric.Type == MetricType.Histogram, found.Metric.Bounds.Count > 0);
        Assert.True(found.Metric.Labels.Length <= 8, "More labels would be allocated for each measurement.");
    });

    [Fact]
    public void Every_metric_has_a_name_of_its_own() =>
        Assert.Equal(_metrics.Count, _metrics.Select(found => PrometheusNames.For(found.Metric)).Distinct().Count());

    [Theory]
    [MemberData(nameof(Files))]
    public void Dashboards_and_alerts_use_metrics_that_exist(string file)
    {
        var used = Series().Matches(File.ReadAllText(Repository.At(file))).Select(match => match.Value).Distinct().ToList();

        Assert.NotEmpty(used);
        Assert.Empty(used.Except(_series, StringComparer.Ordinal));
    }

    [Fact]
    public void Every_metric_of_Onex_is_on_a_dashboard()
    {
        var boards = string.Join('\n', Files().Select(file => File.ReadAllText(Repository.At(file.Data))));

        Assert.Empty(_metrics.Where(found => !FindSeries(found.Metric).Any(IsOnBoard)).Select(found => found.Metric.Name));

        bool IsOnBoard(string series) => Regex.IsMatch(boards, $@"\b{series}\b", RegexOptions.None, TimeSpan.FromSeconds(5));
    }

    private static string MetricsWith(MetricLabel label) => string.Join(", ", _metrics
        .Where(found => found.Metric.Labels.Any(other => (other.Name, other.Meaning) == (label.Name, label.Meaning)))
        .Select(found => $"`{found.Metric.Name}`").Order(StringComparer.Ordinal));

    private static string Row(Metric metric) =>
        $"`{metric.Name}` | `{PrometheusNames.For(metric)}` | {metric.Type.ToString().ToLowerInvariant()} | `{metric.Unit}` | "
        + $"{string.Join(", ", metric.Labels.Select(label => $"`{label.Name}`"))} | {GeneratedDocument.Cell(metric.Meaning)}";

    private static IEnumerable<string> FindSeries(Metric metric)
    {
        var name = PrometheusNames.For(metric);
        return metric.Type == MetricType.Histogram ? [$"{name}_bucket", $"{name}_sum", $"{name}_count"] : [name];
    }

    [GeneratedRegex(@"^[a-z]+(\.[a-z_]+)+$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();

    [GeneratedRegex(@"^\{[a-z]+\}$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Annotation();

    [GeneratedRegex(
        @"\b(onex_[a-z_]+|dotnet_[a-z_]+|messaging_client_[a-z_]+)\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Series();
}
