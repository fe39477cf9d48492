namespace Onex.Metrics;

/// <summary>
/// Names of metrics and labels in Prometheus, by the rules of OpenTelemetry: each character that is no ASCII letter or digit becomes an
/// underscore, a known unit becomes a suffix, and a counter ends in <c>_total</c>.
/// </summary>
public static class PrometheusNames
{
    /// <summary>The name of a metric.</summary>
    public static string For(Metric metric) => For(metric.Name, metric.Unit, metric.Type == MetricType.Counter);

    /// <summary>The name of a metric.</summary>
    /// <param name="name">Its name in OpenTelemetry.</param>
    /// <param name="unit">Its unit, as UCUM.</param>
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
