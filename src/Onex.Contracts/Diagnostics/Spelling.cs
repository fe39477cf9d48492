namespace Onex.Contracts.Diagnostics;

/// <summary>Finds what was meant.</summary>
public static class Spelling
{
    private const int NamesShownMax = 12;

    /// <summary>The name nearest to the misspelt one, or null if none is near.</summary>
    public static string? Nearest(string misspelt, IEnumerable<string> names)
    {
        if (misspelt.Length is 0 or > Limits.NameLengthMax)
        {
            return null;
        }

        string? nearest = null;
        var least = Math.Max(1, misspelt.Length / 3) + 1;
        foreach (var name in names)
        {
            if (Math.Abs(name.Length - misspelt.Length) >= least)
            {
                continue;
            }

            var distance = Distance(misspelt, name);
            if (distance < least)
            {
                (nearest, least) = (name, distance);
            }
        }

        return nearest;
    }

    /// <summary><c>Did you mean 'x'? States here: a, b.</c></summary>
    public static string Suggest(string misspelt, string what, IReadOnlyCollection<string> names)
    {
        var guess = Nearest(misspelt, names) is { } nearest ? $"Did you mean '{nearest}'? " : "";
        return names.Count == 0 ? $"{guess}There are no {what} here." : $"{guess}{Capital(what)} here: {Listed(names)}.";
    }

    /// <summary>The names with commas; the first of many.</summary>
    public static string Listed(IReadOnlyCollection<string> names) =>
        names.Count <= NamesShownMax
            ? string.Join(", ", names)
            : $"{string.Join(", ", names.Take(NamesShownMax))} and {names.Count - NamesShownMax} more";

    /// <summary>The name as far as it fits into a sentence.</summary>
    public static string Clip(string name) => name.Length <= 80 ? name : name[..77] + "...";

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    // Damerau's distance (optimal string alignment). Letters' case does not count: 'Next' is near 'next'.
    private static int Distance(string a, string b)
    {
        var (before, last, row) = (new int[b.Length + 1], new int[b.Length + 1], new int[b.Length + 1]);
        for (var j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var same = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]);
                row[j] = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + (same ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }
            }

            (before, last, row) = (last, row, before);
        }

        return last[b.Length];
    }
}
