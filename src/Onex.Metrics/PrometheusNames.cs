namespace Onex.Metrics;

/// <summary>
/// Names of metrics and labels as Prometheus has them: all but ASCII letters and digits becomes an underscore, a known unit a suffix, and a
/// counter ends in <c>_total</c>. The compatibility rules of OpenTelemetry require this.
/// </summary>
public static class PrometheusNames
{
    /// <summary>The name of a metric.</summary>
    public static string For(Metric metric) => For(metric.Name, metric.Unit, metric.Type == MetricType.Counter);

    /// <summary>The name of a metric.</summary>
    /// <param name="name">Its name in OpenTelemetry.</param>
    /// <param name="unit">Its unit, as UCUM; others than those below add no suffix. A unit in braces is only an annotation.</param>
    /// <param name="isCounter">Whether it only grows.</param>
    public static string For(string name, string? unit, bool isCounter)
    {
        var suffix = unit switch
        {
            "s" => "_seconds",
            "ms" => "_milliseconds",
            "By" => "_bytes",
            "1" when !isCounter => "_ratio",
            _ => "",
        };
        var text = Label(name);
        return (text.EndsWith(suffix, StringComparison.Ordinal) ? text : text + suffix) + (isCounter ? "_total" : "");
    }

    /// <summary>The name of a label.</summary>
    public static string Label(string name) =>
        string.Create(name.Length, name, static (text, from) =>
        {
            for (var i = 0; i < from.Length; i++)
            {
                text[i] = char.IsAsciiLetterOrDigit(from[i]) ? from[i] : '_';
            }
        });
}
