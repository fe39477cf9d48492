using System.Globalization;
using System.Text;

namespace Onex.Contracts.Yaml;

/// <summary>JSON pointers (RFC 6901): <c>/items/0/price</c>.</summary>
internal static class JsonPointer
{
    /// <summary>The pointer for a path. Where the key is null, the index of an item counts.</summary>
    public static string From(IReadOnlyList<(string? Key, int Index)> path)
    {
        var text = new StringBuilder();
        foreach (var (key, index) in path)
        {
            text.Append('/').Append(key is null ? index.ToString(CultureInfo.InvariantCulture) : Escape(key));
        }

        return text.ToString();
    }

    /// <summary>The segments of a pointer that is empty or begins with a slash.</summary>
    public static IEnumerable<string> Segments(string pointer) =>
        pointer.Split('/').Skip(1).Select(segment => segment.Replace("~1", "/", StringComparison.Ordinal)
            .Replace("~0", "~", StringComparison.Ordinal));

    public static string Escape(string key) =>
        key.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
