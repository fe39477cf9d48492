using System.Collections.Frozen;

namespace Onex.Metrics;

/// <summary>The closed set of a label's values. Any thread may use it.</summary>
internal sealed class LabelValues(IEnumerable<string> values)
{
    /// <summary>How many values the set may grow to. Contracts reloaded under ever new names would otherwise grow it without end.</summary>
    public const int CountMax = 2_000;

    private readonly Lock _adding = new();
    private volatile FrozenSet<string> _known = FrozenSet.ToFrozenSet(values, StringComparer.Ordinal);

    /// <summary>Adds values up to <see cref="CountMax"/>.</summary>
    public void Add(IEnumerable<string> values)
    {
        lock (_adding)
        {
            _known = _known.Concat(values).Distinct(StringComparer.Ordinal).Take(CountMax).ToFrozenSet(StringComparer.Ordinal);
        }
    }

    /// <summary>The value if it is known, else <see cref="MetricLabel.Other"/>; null is <see cref="MetricLabel.None"/>.</summary>
    public string Resolve(string? value) =>
        value is null ? MetricLabel.None : _known.TryGetValue(value, out var known) ? known : MetricLabel.Other;
}
