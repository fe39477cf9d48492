namespace Onex.Contracts.Expressions.Patterns;

/// <summary>A set of code points, as the ordered borders at which membership changes. The first border is the first member.</summary>
internal sealed class CharacterSet
{
    /// <summary>The number after the last code point.</summary>
    public const int CodePointEnd = 0x110000;

    private CharacterSet(int[] borders) => Borders = borders;

    public static CharacterSet All { get; } = new([0, CodePointEnd]);

    /// <summary>The first members of ranges and the first non-members after them, in turn.</summary>
    public int[] Borders { get; }

    /// <summary>The characters from the first to the last, both included.</summary>
    public static CharacterSet Range(int first, int last) => new([first, last + 1]);

    /// <summary>The union of ranges, in any order.</summary>
    public static CharacterSet From(IEnumerable<(int First, int Last)> ranges)
    {
        var borders = new List<int>();
        foreach (var (first, last) in ranges.Order())
        {
            if (borders.Count > 0 && first <= borders[^1])
            {
                borders[^1] = Math.Max(borders[^1], last + 1);
            }
            else
            {
                borders.Add(first);
                borders.Add(last + 1);
            }
        }

        return new CharacterSet([.. borders]);
    }

    public static CharacterSet Union(IEnumerable<CharacterSet> sets) => From(sets.SelectMany(set => set.Ranges()));

    /// <summary>The ranges of members in ascending order, both ends included.</summary>
    public IEnumerable<(int First, int Last)> Ranges()
    {
        for (var at = 0; at < Borders.Length; at += 2)
        {
            yield return (Borders[at], Borders[at + 1] - 1);
        }
    }

    public CharacterSet Complement()
    {
        var borders = new List<int>(Borders);
        if (borders.Count > 0 && borders[0] == 0)
        {
            borders.RemoveAt(0);
        }
        else
        {
            borders.Insert(0, 0);
        }

        if (borders[^1] == CodePointEnd)
        {
            borders.RemoveAt(borders.Count - 1);
        }
        else
        {
            borders.Add(CodePointEnd);
        }

        return new CharacterSet([.. borders]);
    }

    public bool Contains(int character)
    {
        // Each border up to the character changes the membership once.
        var found = Array.BinarySearch(Borders, character);
        var passed = found >= 0 ? found + 1 : ~found;
        return passed % 2 == 1;
    }
}
