using System.Collections.Immutable;
using Onex.Contracts.Expressions;

namespace Onex.Engine;

/// <summary>Reduces a result to the parts that some expression reads, so that the row stays small.</summary>
internal static class Pruning
{
    /// <summary>
    /// The value with these paths only. Everything below the end of a path is kept. Without paths the whole value is kept.
    /// </summary>
    public static CelValue Keep(CelValue value, ImmutableArray<ImmutableArray<string>> paths)
    {
        if (paths.IsEmpty || value.Kind != CelKind.Map || paths.Any(path => path.IsEmpty))
        {
            return value;
        }

        return CelValue.Map(
            from byField in paths.GroupBy(path => path[0], StringComparer.Ordinal)
            where value.TryGetField(byField.Key, out _)
            select new KeyValuePair<string, CelValue>(
                byField.Key, Keep(Field(value, byField.Key), [.. byField.Select(path => path.RemoveAt(0))])));
    }

    private static CelValue Field(CelValue value, string name) => value.TryGetField(name, out var field) ? field : CelValue.Null;
}
