using System.Diagnostics.Metrics;

namespace Onex.Metrics;

/// <summary>A counter whose label values are of closed sets.</summary>
public sealed class BoundedCounter
{
    private readonly Counter<long> _counter;
    private readonly BoundedLabels _labels;

    internal BoundedCounter(Counter<long> counter, BoundedLabels labels) => (_counter, _labels) = (counter, labels);

    /// <summary>Whether anyone listens.</summary>
    public bool Enabled => _counter.Enabled;

    /// <summary>Adds to the counter.</summary>
    /// <param name="value">How much.</param>
    /// <param name="labels">The values of its labels, in their order.</param>
    public void Add(long value, params ReadOnlySpan<string?> labels)
    {
        if (_counter.Enabled)
        {
            _counter.Add(value, _labels.Tags(labels));
        }
    }
}
