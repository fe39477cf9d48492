using System.Text.Json;

namespace Onex.Orchestrator.Intake;

/// <summary>
/// Rejects a key that occurs twice in one object: JSON readers differ in which of the two counts, so the check and the code that uses the
/// value could see different values.
/// </summary>
internal static class DuplicateKeys
{
    private const int NameCharsMax = 80;

    /// <summary>Describes a duplicate key in well-formed JSON, or returns null.</summary>
    public static string? Find(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = RequestReader.DepthMax });

        // One set of names per level, reused by each object of that level; and the name under which each level occurs.
        var names = new List<HashSet<string>>();
        var path = new List<string>();
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                if (reader.CurrentDepth == names.Count)
                {
                    names.Add(new HashSet<string>(StringComparer.Ordinal));
                    path.Add("");
                }

                names[reader.CurrentDepth].Clear();
                path[reader.CurrentDepth] = "";
            }
            else if (reader.TokenType == JsonTokenType.PropertyName)
            {
                var level = reader.CurrentDepth - 1;
                path[level] = reader.GetString()!;
                if (!names[level].Add(path[level]))
                {
                    var within = string.Join('.', path.Take(level).Where(name => name.Length > 0));
                    return $"The key '{Clip(path[level])}'{(within.Length > 0 ? $" of '{Clip(within)}'" : "")} occurs twice in one object "
                        + $"(at byte {reader.TokenStartIndex}). Send it once: JSON readers differ in which of the two counts.";
                }
            }
        }

        return null;
    }

    private static string Clip(string text) => text.Length <= NameCharsMax ? text : string.Concat(text.AsSpan(0, NameCharsMax), "...");
}
