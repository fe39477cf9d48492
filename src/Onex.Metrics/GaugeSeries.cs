using System.Diagnostics.Metrics;

namespace Onex.Metrics;

/// <summary>
/// The time series of a gauge. A series that was reported before and has no value is reported as 0, because exporters repeat the last value
/// of a series that is missing, so that an alert would never clear.
/// </summary>
internal sealed class GaugeSeries(BoundedLabels labels)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, KeyValuePair<string, object?>[]> _known = new(StringComparer.Ordinal);

    /// <summary>The present values, with a 0 for each missing series. Several exporters may read at the same time.</summary>
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

                // Label values outside the closed set share one series.
                sums[key] = sums.GetValueOrDefault(key) + value.Value;
            }

            return [.. _known.Select(series => new Measurement<double>(sums.GetValueOrDefault(series.Key), series.Value))];
        }
    }
}
