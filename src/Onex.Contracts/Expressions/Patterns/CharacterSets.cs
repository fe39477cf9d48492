using System.Globalization;
using System.Text;

namespace Onex.Contracts.Expressions.Patterns;

/// <summary>Named character sets, and case folding.</summary>
internal static class CharacterSets
{
    private static readonly Lazy<CharacterSet[]> _categories = new(ReadCategories);
    private static readonly Lazy<Dictionary<(string Kind, string Name), string>> _table = new(ReadTable);
    private static readonly Lazy<Dictionary<int, int[]>> _folds = new(ReadFolds);

    // The long names of Unicode's general categories and of their groups.
    private static readonly Dictionary<string, string> _longNames = new(StringComparer.Ordinal)
    {
        ["Letter"] = "L",
        ["Cased_Letter"] = "LC",
        ["Uppercase_Letter"] = "Lu",
        ["Lowercase_Letter"] = "Ll",
        ["Titlecase_Letter"] = "Lt",
        ["Modifier_Letter"] = "Lm",
        ["Other_Letter"] = "Lo",
        ["Mark"] = "M",
        ["Combining_Mark"] = "M",
        ["Nonspacing_Mark"] = "Mn",
        ["Spacing_Mark"] = "Mc",
        ["Enclosing_Mark"] = "Me",
        ["Number"] = "N",
        ["Decimal_Number"] = "Nd",
        ["digit"] = "Nd",
        ["Letter_Number"] = "Nl",
        ["Other_Number"] = "No",
        ["Punctuation"] = "P",
        ["punct"] = "P",
        ["Connector_Punctuation"] = "Pc",
        ["Dash_Punctuation"] = "Pd",
        ["Open_Punctuation"] = "Ps",
        ["Close_Punctuation"] = "Pe",
        ["Initial_Punctuation"] = "Pi",
        ["Final_Punctuation"] = "Pf",
        ["Other_Punctuation"] = "Po",
        ["Symbol"] = "S",
        ["Math_Symbol"] = "Sm",
        ["Currency_Symbol"] = "Sc",
        ["Modifier_Symbol"] = "Sk",
        ["Other_Symbol"] = "So",
        ["Separator"] = "Z",
        ["Space_Separator"] = "Zs",
        ["Line_Separator"] = "Zl",
        ["Paragraph_Separator"] = "Zp",
        ["Other"] = "C",
        ["Control"] = "Cc",
        ["cntrl"] = "Cc",
        ["Format"] = "Cf",
        ["Surrogate"] = "Cs",
        ["Private_Use"] = "Co",
        ["Unassigned"] = "Cn",
    };

    // In the order of UnicodeCategory.
    private static readonly string[] _categoryNames =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe",
        "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    /// <summary>The set that <c>\p{...}</c> names: a category, script or property, also as <c>Script=Greek</c>; null if unknown.</summary>
    public static CharacterSet? Find(string name)
    {
        var equals = name.IndexOf('=', StringComparison.Ordinal);
        return equals < 0
            ? FindCategory(name) ?? FindSpecial(name) ?? FindInTable("script", name) ?? FindInTable("property", name)
            : name[..equals] switch
            {
                "General_Category" or "gc" => FindCategory(name[(equals + 1)..]),
                "Script" or "sc" => FindInTable("script", name[(equals + 1)..]),
                _ => null,
            };
    }

    /// <summary>Adds all characters that differ from a member only by case (Unicode simple folding).</summary>
    public static CharacterSet Fold(CharacterSet set)
    {
        var ranges = new List<(int, int)>(set.Ranges());
        foreach (var (character, others) in _folds.Value)
        {
            if (set.Contains(character))
            {
                ranges.AddRange(others.Select(other => (other, other)));
            }
        }

        return CharacterSet.From(ranges);
    }

    private static CharacterSet? FindSpecial(string name) => name switch
    {
        "Any" => CharacterSet.All,
        "ASCII" => CharacterSet.Range(0, 0x7F),
        "Assigned" => FindCategory("Cn")!.Complement(),
        _ => null,
    };

    private static CharacterSet? FindCategory(string name)
    {
        name = _longNames.GetValueOrDefault(name, name);
        var sets = _categoryNames
            .Select((category, index) => (Category: category, Index: index))
            .Where(each => each.Category == name || (name.Length == 1 && each.Category[0] == name[0])
                || (name is "LC" or "L&" && each.Category is "Lu" or "Ll" or "Lt"))
            .Select(each => _categories.Value[each.Index])
            .ToList();
        return sets.Count == 0 ? null : CharacterSet.Union(sets);
    }

    private static CharacterSet? FindInTable(string kind, string name) => !_table.Value.TryGetValue((kind, name), out var ranges) ? null
        : CharacterSet.From(ranges.Split(',').Select(range =>
        {
            var dash = range.IndexOf('-', StringComparison.Ordinal);
            var first = int.Parse(dash < 0 ? range : range[..dash], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            return (first, dash < 0 ? first : int.Parse(range[(dash + 1)..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        }));

    // The sets of all categories, in the order of _categoryNames.
    private static CharacterSet[] ReadCategories()
    {
        var ranges = Array.ConvertAll(_categoryNames, _ => new List<(int, int)>());
        var (first, before) = (0, CharUnicodeInfo.GetUnicodeCategory(0));
        for (var character = 1; character <= CharacterSet.CodePointEnd; character++)
        {
            if (character == CharacterSet.CodePointEnd || CharUnicodeInfo.GetUnicodeCategory(character) != before)
            {
                ranges[(int)before].Add((first, character - 1));
                first = character;
                before = character == CharacterSet.CodePointEnd ? before : CharUnicodeInfo.GetUnicodeCategory(character);
            }
        }

        return Array.ConvertAll(ranges, CharacterSet.From);
    }

    private static Dictionary<(string Kind, string Name), string> ReadTable()
    {
        using var stream = typeof(CharacterSets).Assembly.GetManifestResourceStream("Onex.Contracts.UnicodeSets.txt")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var table = new Dictionary<(string, string), string>();
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#') && line.Split(": ") is [var head, var ranges] && head.Split(' ') is [var kind, .. var names])
            {
                foreach (var name in names)
                {
                    table[(kind, name)] = ranges;
                }
            }
        }

        return table;
    }

    // For each character the others that a simple case mapping relates to it. .NET does not map the long s (U+017F), so it is added.
    private static Dictionary<int, int[]> ReadFolds()
    {
        const int LastCased = 0x1E943;
        var groups = new Dictionary<int, SortedSet<int>>();
        for (var character = 0; character <= LastCased; character++)
        {
            if (Rune.IsValid(character))
            {
                Join(character, Rune.ToLowerInvariant(new Rune(character)).Value);
                Join(character, Rune.ToUpperInvariant(new Rune(character)).Value);
            }
        }

        Join('s', 0x17F);
        return groups.ToDictionary(entry => entry.Key, entry => entry.Value.Where(other => other != entry.Key).ToArray());

        void Join(int one, int other)
        {
            if (one == other || (groups.TryGetValue(one, out var group) && group.Contains(other)))
            {
                return;
            }

            var all = groups.GetValueOrDefault(one) ?? [one];
            all.UnionWith(groups.GetValueOrDefault(other) ?? [other]);
            foreach (var member in all)
            {
                groups[member] = all;
            }
        }
    }
}
