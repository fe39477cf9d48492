namespace Onex.Metrics;

/// <summary>
/// The description of a metric: docs/metrics.md is generated from it, and <see cref="OnexMeter"/> creates its instrument. Each is a static
/// field of the class that measures it, where the generator finds it.
/// </summary>
/// <param name="Name">The name, by the conventions of OpenTelemetry: <c>onex.saga.started</c>.</param>
/// <param name="Type">The type of its instrument.</param>
/// <param name="Unit">The unit, as UCUM: <c>s</c>, <c>By</c>, <c>{saga}</c>.</param>
/// <param name="Meaning">What is measured, for people.</param>
/// <param name="Labels">Its labels, in the order in which their values are given.</param>
public sealed record Metric(string Name, MetricType Type, string Unit, string Meaning, params MetricLabel[] Labels)
{
    /// <summary>The upper bounds of a histogram's buckets.</summary>
    public IReadOnlyList<double> Bounds { get; init; } = [];

    /// <summary>Bounds for durations in seconds from a millisecond to a minute.</summary>
    public static IReadOnlyList<double> Seconds { get; } = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    /// <summary>Bounds for durations of sagas and steps in seconds, from ten milliseconds to a week.</summary>
    public static IReadOnlyList<double> LongSeconds { get; } =
        [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400, 604_800];

    /// <summary>Bounds for the sizes of batches.</summary>
    public static IReadOnlyList<double> Sizes { get; } = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

    /// <summary>A metric that only grows.</summary>
    public static Metric Counter(string name, string unit, string meaning, params MetricLabel[] labels) =>
        new(name, MetricType.Counter, unit, meaning, labels);

    /// <summary>A distribution of values.</summary>
    public static Metric Histogram(string name, string unit, IReadOnlyList<double> bounds, string meaning, params MetricLabel[] labels) =>
        new(name, MetricType.Histogram, unit, meaning, labels) { Bounds = bounds };

    /// <summary>A value that rises and falls, read when metrics are exported.</summary>
    public static Metric Gauge(string name, string unit, string meaning, params MetricLabel[] labels) =>
        new(name, MetricType.Gauge, unit, meaning, labels);
}
