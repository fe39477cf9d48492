using System.Diagnostics.Metrics;

namespace Onex.Metrics;

/// <summary>A gauge whose label values are of closed sets.</summary>
public sealed class BoundedGauge
{
    private readonly ObservableGauge<double> _gauge;

    internal BoundedGauge(ObservableGauge<double> gauge) => _gauge = gauge;

    /// <summary>Whether anyone listens. An expensive value is computed only then.</summary>
    public bool Enabled => _gauge.Enabled;
}

/// <summary>A value of a gauge.</summary>
/// <param name="Value">The value.</param>
/// <param name="Labels">The values of its labels, in their order.</param>
public readonly record struct GaugeValue(double Value, params string?[] Labels);
