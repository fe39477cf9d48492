using System.Collections.Frozen;

namespace Onex.Metrics;

/// <summary>The closed set of a label's values. Any thread may use it.</summary>
internal sealed class LabelValues(IEnumerable<string> values)
{
    /// <summary>The most values of a label. Contracts that are reloaded under new names all day stay bounded, too.</summary>
    public const int Most = 2_000;

    private readonly Lock _adding = new();
    private volatile FrozenSet<string> _known = FrozenSet.ToFrozenSet(values, StringComparer.Ordinal);

    /// <summary>Adds values, as far as there is room.</summary>
    public void Add(IEnumerable<string> values)
    {
        lock (_adding)
        {
            _known = _known.Concat(values).Distinct(StringComparer.Ordinal).Take(Most).ToFrozenSet(StringComparer.Ordinal);
        }
    }

    /// <summary>The value if it is known, else <see cref="MetricLabel.Other"/>; null is <see cref="MetricLabel.None"/>.</summary>
    public string Resolve(string? value) =>
        value is null ? MetricLabel.None : _known.TryGetValue(value, out var known) ? known : MetricLabel.Other;
}
