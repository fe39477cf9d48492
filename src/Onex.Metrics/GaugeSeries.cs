using System.Diagnostics.Metrics;

namespace Onex.Metrics;

/// <summary>
/// The time series of a gauge. One that was reported before and has no value now is reported as 0, because exporters repeat the last value
/// of a series that is not reported any more, and an alert would never clear.
/// </summary>
internal sealed class GaugeSeries(BoundedLabels labels)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, KeyValuePair<string, object?>[]> _known = new(StringComparer.Ordinal);

    /// <summary>The values now, with a 0 for each missing one. Several exporters may read at the same time.</summary>
    public IReadOnlyList<Measurement<double>> Read(IEnumerable<GaugeValue> values)
    {
        lock (_lock)
        {
            var sums = new Dictionary<string, double>(StringComparer.Ordinal);
            foreach (var value in values)
            {
                var tags = labels.Tags(value.Labels);
                var key = string.Join('\n', tags.Select(tag => tag.Value));
                _known.TryAdd(key, [.. tags]);

                // Several unknown values share one series.
                sums[key] = sums.GetValueOrDefault(key) + value.Value;
            }

            return [.. _known.Select(series => new Measurement<double>(sums.GetValueOrDefault(series.Key), series.Value))];
        }
    }
}
