using System.Globalization;
using System.Text;
using Onex.Metrics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using Metric = OpenTelemetry.Metrics.Metric;
using MetricType = OpenTelemetry.Metrics.MetricType;

namespace Onex.Hosting.Telemetry;

/// <summary>Writes metrics as Prometheus text (version 0.0.4). Own code, because the packages of OpenTelemetry for it are betas.</summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    /// <summary>The media type of the text.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();

    /// <summary>Collects the metrics and calls <see cref="Export"/>. The reader of the metrics sets it.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>The text of the last collection.</summary>
    public string Text { get; private set; } = "";

    public override ExportResult Export(in Batch<Metric> batch)
    {
        _text.Clear();
        if (ParentProvider.GetResource().Attributes is { } attributes)
        {
            _text.Append("# TYPE target_info gauge\ntarget_info");
            WriteLabels([.. attributes.Select(pair => (pair.Key, pair.Value?.ToString() ?? ""))]);
            _text.Append(" 1\n");
        }

        foreach (var metric in batch)
        {
            Write(metric);
        }

        Text = _text.ToString();
        return ExportResult.Success;
    }

    private void Write(Metric metric)
    {
        var isCounter = metric.MetricType is MetricType.LongSum or MetricType.DoubleSum;
        var isHistogram = metric.MetricType == MetricType.Histogram;
        var name = PrometheusNames.For(metric.Name, metric.Unit, isCounter);
        _text.Append("# HELP ").Append(name).Append(' ').Append(Escape(metric.Description, quotes: false)).Append('\n');
        _text.Append("# TYPE ").Append(name).Append(isCounter ? " counter\n" : isHistogram ? " histogram\n" : " gauge\n");
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            var labels = new List<(string Name, string Value)>();
            foreach (var tag in point.Tags)
            {
                labels.Add((tag.Key, tag.Value?.ToString() ?? ""));
            }

            if (isHistogram)
            {
                WriteHistogram(name, labels, point);
            }
            else
            {
                WriteLine(name, labels, metric.MetricType switch
                {
                    MetricType.LongSum or MetricType.LongSumNonMonotonic => point.GetSumLong(),
                    MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => point.GetSumDouble(),
                    MetricType.LongGauge => point.GetGaugeLastValueLong(),
                    _ => point.GetGaugeLastValueDouble(),
                });
            }
        }
    }

    private void WriteHistogram(string name, List<(string Name, string Value)> labels, in MetricPoint point)
    {
        var count = 0L;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            count += bucket.BucketCount;
            WriteLine($"{name}_bucket", [.. labels, ("le", Number(bucket.ExplicitBound))], count);
        }

        WriteLine($"{name}_sum", labels, point.GetHistogramSum());
        WriteLine($"{name}_count", labels, point.GetHistogramCount());
    }

    private void WriteLine(string name, IReadOnlyCollection<(string Name, string Value)> labels, double value)
    {
        _text.Append(name);
        WriteLabels(labels);
        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    private void WriteLabels(IReadOnlyCollection<(string Name, string Value)> labels)
    {
        if (labels.Count > 0)
        {
            _text.Append('{').AppendJoin(
                ',', labels.Select(label => $"{PrometheusNames.Label(label.Name)}=\"{Escape(label.Value, quotes: true)}\"")).Append('}');
        }
    }

    private static string Escape(string text, bool quotes)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : value.ToString("R", CultureInfo.InvariantCulture);
}
