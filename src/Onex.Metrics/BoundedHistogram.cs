using System.Diagnostics.Metrics;

namespace Onex.Metrics;

/// <summary>A histogram whose label values are of closed sets.</summary>
public sealed class BoundedHistogram
{
    private readonly Histogram<double> _histogram;
    private readonly BoundedLabels _labels;

    internal BoundedHistogram(Histogram<double> histogram, BoundedLabels labels) => (_histogram, _labels) = (histogram, labels);

    /// <summary>Whether anyone listens.</summary>
    public bool Enabled => _histogram.Enabled;

    /// <summary>Records a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="labels">The values of its labels, in their order.</param>
    public void Record(double value, params ReadOnlySpan<string?> labels)
    {
        if (_histogram.Enabled)
        {
            _histogram.Record(value, _labels.Tags(labels));
        }
    }
}
