using System.Globalization;

namespace Onex.Contracts.Text;

/// <summary>Formats counts with their nouns.</summary>
public static class Plural
{
    /// <summary><c>1 contract</c>, <c>2 contracts</c>, <c>1,000 replies</c>.</summary>
    /// <param name="count">The count.</param>
    /// <param name="one">The singular noun.</param>
    /// <param name="many">The plural noun; if omitted, it is formed by the rules of English.</param>
    public static string Format(long count, string one, string? many = null) =>
        $"{count.ToString("N0", CultureInfo.InvariantCulture)} {(count == 1 ? one : many ?? Pluralize(one))}";

    private static string Pluralize(string one) =>
        one.EndsWith('y') && one[^2] is not ('a' or 'e' or 'o') ? one[..^1] + "ies"
        : one.EndsWith('s') || one.EndsWith("ch", StringComparison.Ordinal) || one.EndsWith('x') ? one + "es"
        : one + "s";
}
