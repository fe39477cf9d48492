using System.Diagnostics;

namespace Onex.Metrics;

/// <summary>The labels of an instrument. Every label's value passes through it, so that it is in the closed set.</summary>
internal sealed class BoundedLabels((string Name, LabelValues Values)[] labels)
{
    /// <summary>The tags with these values, in the order of the labels.</summary>
    public TagList Tags(params ReadOnlySpan<string?> values)
    {
        if (values.Length != labels.Length)
        {
            throw new ArgumentException($"Values given: {values.Length}. Labels of the metric: {labels.Length}.", nameof(values));
        }

        var tags = default(TagList);
        for (var i = 0; i < values.Length; i++)
        {
            tags.Add(labels[i].Name, labels[i].Values.Resolve(values[i]));
        }

        return tags;
    }
}
