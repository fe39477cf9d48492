namespace Onex.Metrics;

/// <summary>The type of a metric's instrument.</summary>
public enum MetricType
{
    /// <summary>Only grows.</summary>
    Counter,

    /// <summary>A distribution of values.</summary>
    Histogram,

    /// <summary>Rises and falls.</summary>
    Gauge,
}
