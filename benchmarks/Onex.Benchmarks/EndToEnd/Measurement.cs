using System.Globalization;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>The figures of one round for one build or case, in display order.</summary>
internal sealed class Measurement
{
    // With more columns, their ratios would make the lines too long.
    private const int ColumnsWithRatiosMax = 4;

    private readonly List<(string Name, double Value)> _figures = [];

    public IReadOnlyList<(string Name, double Value)> Figures => _figures;

    public void Add(string name, double value) => _figures.Add((name, value));

    /// <summary>Adds the usual percentiles of sorted latencies.</summary>
    public void AddLatency(string name, double[] sorted)
    {
        foreach (var percent in (ReadOnlySpan<int>)[50, 95, 99])
        {
            Add($"{name}: p{percent}, ms", sorted[Math.Min(sorted.Length - 1, sorted.Length * percent / 100)]);
        }
    }

    /// <summary>
    /// A table of medians: a line per figure, a column per build or case, and, of a few columns, the ratios of the first to the others.
    /// </summary>
    public static IEnumerable<string> Table(IReadOnlyList<(string Name, List<Measurement> Rounds)> measured)
    {
        var compared = measured.Count <= ColumnsWithRatiosMax ? measured.Count - 1 : 0;
        var columns = measured.Select(entry => $"{entry.Name,16}").Concat(Enumerable.Repeat($"{"ratio",8}", compared));
        yield return $"  {"median of " + measured[0].Rounds.Count,-40}{string.Concat(columns)}";
        foreach (var (name, _) in measured[0].Rounds[0].Figures)
        {
            var medians = measured.Select(entry => Median(entry.Rounds, name)).ToList();
            var figures = medians.Select(median => $"{Format(median),16}")
                .Concat(medians.Skip(1).Take(compared).Select(median => $"{medians[0] / median,8:0.00}"));
            yield return $"  {name,-40}{string.Concat(figures)}";
        }
    }

    private static double Median(List<Measurement> rounds, string name)
    {
        var values = rounds.SelectMany(round => round.Figures)
            .Where(figure => figure.Name == name)
            .Select(figure => figure.Value)
            .Order()
            .ToList();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }

    private static string Format(double value) =>
        value.ToString(Math.Abs(value) < 10 ? "0.00" : Math.Abs(value) < 100 ? "0.0" : "0", CultureInfo.InvariantCulture);
}
