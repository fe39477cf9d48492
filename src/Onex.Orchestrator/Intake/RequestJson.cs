using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Orchestrator.Intake;

/// <summary>
/// Parses requests. Rejects text that no database column can store (<c>\u0000</c>, halves of surrogate pairs), and a key that occurs twice
/// in one object: JSON readers differ in which of the two counts, so the check and the code that uses the value could see different values.
/// </summary>
internal static class RequestJson
{
    /// <summary>The maximum depth of JSON: a payload as deep as any value, and the request around it. Deeper input is rejected.</summary>
    public const int DepthMax = ExpressionLimits.KeptDepth + 1;

    private const int NameCharsMax = 80;

    /// <summary>The problem of readable JSON.</summary>
    /// <param name="Code"><see cref="ErrorCodes.TextInvalid"/> or <see cref="ErrorCodes.KeyTwice"/>.</param>
    /// <param name="Error">The problem and the remedy.</param>
    public sealed record Problem(string Code, string Error);

    /// <summary>Parses UTF-8. Throws <see cref="JsonException"/> if it is not JSON.</summary>
    public static (JsonDocument Document, Problem? Problem) Parse(ReadOnlyMemory<byte> json)
    {
        // Raw control characters are not JSON and raw surrogates are not UTF-8, so only an escape can contain text that cannot be stored.
        var hasEscapes = json.Span.Contains((byte)'\\');
        try
        {
            if (!hasEscapes)
            {
                return (JsonDocument.Parse(json, new() { MaxDepth = DepthMax, AllowDuplicateProperties = false }), null);
            }
        }
        catch (JsonException)
        {
            // Parsed again below: only a duplicate key has a description of its own.
        }

        var document = JsonDocument.Parse(json, new() { MaxDepth = DepthMax });
        return (document, Find(json.Span));
    }

    // A text that cannot be stored comes before a duplicate key.
    private static Problem? Find(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax });
        Problem? twice = null;

        // One set of names per level, reused by each object of that level; and the name under which each level occurs.
        var names = new List<HashSet<string>>();
        var path = new List<string>();
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped
                && Unstorable(ref reader) is { } unstorable)
            {
                return new Problem(ErrorCodes.TextInvalid, unstorable);
            }

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
                if (!names[level].Add(path[level]) && twice is null)
                {
                    var within = string.Join('.', path.Take(level).Where(name => name.Length > 0));
                    twice = new Problem(
                        ErrorCodes.KeyTwice,
                        $"The key '{Clip(path[level])}'{(within.Length > 0 ? $" of '{Clip(within)}'" : "")} occurs twice in one object "
                        + $"(at byte {reader.TokenStartIndex}). Send it once: JSON readers differ in which of the two counts.");
                }
            }
        }

        return twice;
    }

    private static string? Unstorable(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!.Contains('\0', StringComparison.Ordinal)
                ? $"The text at byte {reader.TokenStartIndex} contains \\u0000, which cannot be stored. Remove it."
                : null;
        }
        catch (InvalidOperationException)
        {
            return $"The text at byte {reader.TokenStartIndex} contains half of a surrogate pair, which is not Unicode text. "
                + "Send the whole character.";
        }
    }

    private static string Clip(string text) => text.Length <= NameCharsMax ? text : string.Concat(text.AsSpan(0, NameCharsMax), "...");
}
