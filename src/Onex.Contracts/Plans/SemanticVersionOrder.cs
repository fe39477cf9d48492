namespace Onex.Contracts.Plans;

/// <summary>
/// The precedence of semantic versions (semver.org, section 11): a request starts the highest one. The compiler has validated their form.
/// </summary>
public sealed class SemanticVersionOrder : IComparer<string>
{
    /// <summary>The instance.</summary>
    public static SemanticVersionOrder Instance { get; } = new();

    /// <inheritdoc />
    public int Compare(string? x, string? y)
    {
        var (left, leftPreRelease) = Parse(x ?? "");
        var (right, rightPreRelease) = Parse(y ?? "");
        var order = left.Zip(right, CompareNumbers).FirstOrDefault(order => order != 0);
        return order != 0 ? order : ComparePreRelease(leftPreRelease, rightPreRelease);
    }

    private static (string[] Numbers, string PreRelease) Parse(string version)
    {
        var core = version.Split('+', 2)[0].Split('-', 2);
        return (core[0].Split('.'), core.Length > 1 ? core[1] : "");
    }

    // Compares the digits, because the numbers may be too large for an integer type.
    private static int CompareNumbers(string one, string two)
    {
        var (first, second) = (one.TrimStart('0'), two.TrimStart('0'));
        var order = first.Length.CompareTo(second.Length);
        return order != 0 ? order : string.CompareOrdinal(first, second);
    }

    // A version without a pre-release is higher than one with it. Numeric identifiers are compared as numbers and are lower than
    // alphanumeric ones. More identifiers are higher than fewer.
    private static int ComparePreRelease(string left, string right)
    {
        if (left.Length == 0 || right.Length == 0)
        {
            return (left.Length == 0).CompareTo(right.Length == 0);
        }

        var lefts = left.Split('.');
        var rights = right.Split('.');
        foreach (var (one, two) in lefts.Zip(rights))
        {
            var order = (one.All(char.IsAsciiDigit), two.All(char.IsAsciiDigit)) switch
            {
                (true, true) => CompareNumbers(one, two),
                (true, false) => -1,
                (false, true) => 1,
                _ => string.CompareOrdinal(one, two),
            };
            if (order != 0)
            {
                return order;
            }
        }

        return lefts.Length.CompareTo(rights.Length);
    }
}
