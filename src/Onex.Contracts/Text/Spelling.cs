using System.Collections.Frozen;

namespace Onex.Contracts.Text;

/// <summary>Suggests names for misspelt ones.</summary>
public static class Spelling
{
    private const int NamesShownMax = 12;

    private const int ClippedMax = 80;

    // Two wrong characters are tolerated in words of this length with the same characters, and in longer ones also with the same ends.
    private const int RecognizableMin = 4;

    // Words that other languages and orchestrators use, or other maps of a contract, with the words that Onex uses in their place.
    private static readonly FrozenDictionary<string, string[]> _synonyms = new Dictionary<string, string[]>
    {
        // Functions.
        ["len"] = ["size"],
        ["length"] = ["size"],
        ["count"] = ["size"],
        ["toUpper"] = ["upper"],
        ["toUpperCase"] = ["upper"],
        ["uppercase"] = ["upper"],
        ["upperAscii"] = ["upper"],
        ["toLower"] = ["lower"],
        ["toLowerCase"] = ["lower"],
        ["lowercase"] = ["lower"],
        ["lowerAscii"] = ["lower"],
        ["strip"] = ["trim"],
        ["includes"] = ["contains"],
        ["toString"] = ["string"],
        ["parseInt"] = ["int"],
        ["toInt"] = ["int"],
        ["parseFloat"] = ["double"],
        ["float"] = ["double"],
        ["boolean"] = ["bool"],
        ["every"] = ["all"],
        ["some"] = ["exists"],
        ["any"] = ["exists"],
        ["greatest"] = ["max"],
        ["least"] = ["min"],
        ["date"] = ["timestamp"],
        ["datetime"] = ["timestamp"],

        // Types.
        ["integer"] = ["int"],
        ["number"] = ["double"],
        ["str"] = ["string"],
        ["text"] = ["string"],
        ["array"] = ["list"],
        ["object"] = ["map"],
        ["dict"] = ["map"],

        // Contracts.
        ["name"] = ["id", "contract"],
        ["args"] = ["with"],
        ["arguments"] = ["with"],
        ["params"] = ["with"],
        ["if"] = ["when"],
        ["condition"] = ["when"],
        ["goto"] = ["next"],
        ["then"] = ["next"],
        ["transition"] = ["next"],
        ["activity"] = ["effect", "compute"],
        ["task"] = ["effect", "compute"],
        ["retries"] = ["retry", "attempts"],
        ["retires"] = ["retries", "retry", "attempts"],
        ["tries"] = ["attempts", "retry"],
        ["max_attempts"] = ["attempts"],
        ["rollback"] = ["compensate"],
        ["undo"] = ["compensate"],
        ["sleep"] = ["wait"],
        ["publish"] = ["emit"],
        ["start_at"] = ["initial"],
        ["variables"] = ["data"],
        ["vars"] = ["data"],
        ["signal"] = ["event"],
        ["signals"] = ["events"],
        ["on_error"] = ["on_failure", "catch"],
        ["error"] = ["code", "fail"],

        // Connections.
        ["address"] = ["url"],
        ["base_url"] = ["url"],
        ["endpoint"] = ["url"],
        ["uri"] = ["url"],
        ["username"] = ["user"],
        ["pass"] = ["password"],
        ["pwd"] = ["password"],
        ["db"] = ["database"],
        ["dbname"] = ["database"],
        ["ssl"] = ["sslmode"],
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// The name that was probably intended, or null: a synonym; or a similar name, which differs in one character, in up to a third of
    /// them, or in two if both have the same characters, or the same first and last one.
    /// </summary>
    public static string? Nearest(string misspelt, IEnumerable<string> names)
    {
        var all = names as IReadOnlyCollection<string> ?? [.. names];
        var (similar, distance) = MostSimilar(misspelt, all);

        // A name with one wrong character is a typing error. Otherwise a synonym is more likely than a similar name.
        return distance > 1 && _synonyms.TryGetValue(misspelt, out var words) && Array.Find(words, all.Contains) is { } synonym
            ? synonym : similar;
    }

    /// <summary><c>Did you mean 'x'? States here: a, b.</c></summary>
    public static string Suggest(string misspelt, string what, IReadOnlyCollection<string> names)
    {
        var guess = DidYouMean(misspelt, names);
        return names.Count == 0 ? $"{guess}There are no {what} here." : $"{guess}{Capital(what)} here: {Listed(names)}.";
    }

    /// <summary><c>Did you mean 'x'? </c>, with a trailing blank; empty without a <see cref="Nearest"/>.</summary>
    public static string DidYouMean(string misspelt, IEnumerable<string> names) =>
        Nearest(misspelt, names) is { } nearest ? $"Did you mean '{nearest}'? " : "";

    /// <summary>The names separated by commas; only the first of many.</summary>
    public static string Listed(IReadOnlyCollection<string> names) =>
        names.Count <= NamesShownMax
            ? string.Join(", ", names)
            : $"{string.Join(", ", names.Take(NamesShownMax))} and {names.Count - NamesShownMax} more";

    /// <summary>Shortens a name for a message.</summary>
    public static string Clip(string name) => name.Length <= ClippedMax ? name : name[..(ClippedMax - "...".Length)] + "...";

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static (string? Name, int Distance) MostSimilar(string misspelt, IEnumerable<string> names)
    {
        var (nearest, leastDistance) = ((string?)null, int.MaxValue);
        if (misspelt.Length is 0 or > Limits.NameLengthMax)
        {
            return (nearest, leastDistance);
        }

        var distanceMax = Math.Max(1, misspelt.Length / 3);
        foreach (var name in names)
        {
            if (Math.Abs(name.Length - misspelt.Length) > Math.Max(2, distanceMax))
            {
                continue;
            }

            var distance = Distance(misspelt, name);
            if (distance < leastDistance && (distance <= distanceMax || (distance == 2 && IsRecognizable(misspelt, name))))
            {
                (nearest, leastDistance) = (name, distance);
            }
        }

        return (nearest, leastDistance);
    }

    private static bool IsRecognizable(string a, string b) =>
        Math.Min(a.Length, b.Length) >= RecognizableMin
        && (Sorted(a) == Sorted(b)
            || (Math.Max(a.Length, b.Length) > RecognizableMin
                && char.ToLowerInvariant(a[0]) == char.ToLowerInvariant(b[0])
                && char.ToLowerInvariant(a[^1]) == char.ToLowerInvariant(b[^1])));

    private static string Sorted(string text) => string.Concat(text.ToLowerInvariant().Order());

    // The Damerau-Levenshtein distance (optimal string alignment), ignoring case.
    private static int Distance(string a, string b)
    {
        (a, b) = (a.ToLowerInvariant(), b.ToLowerInvariant());
        var (twoAbove, above, row) = (new int[b.Length + 1], new int[b.Length + 1], new int[b.Length + 1]);
        for (var j = 0; j <= b.Length; j++)
        {
            above[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(Math.Min(row[j - 1], above[j]) + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    row[j] = Math.Min(row[j], twoAbove[j - 2] + 1);
                }
            }

            (twoAbove, above, row) = (above, row, twoAbove);
        }

        return above[b.Length];
    }
}
