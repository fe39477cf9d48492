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
    /// <summary>The maximum depth of a request: that of a value for the payload, and one level for the request itself.</summary>
    public const int DepthMax = ExpressionLimits.KeptDepth + 1;

    private const int NameCharsMax = 80;

    /// <summary>The reason to reject a request that is valid JSON.</summary>
    /// <param name="Code"><see cref="ErrorCodes.TextInvalid"/> or <see cref="ErrorCodes.KeyTwice"/>.</param>
    /// <param name="Error">The problem and the remedy.</param>
    public sealed record Problem(string Code, string Error);

    /// <summary>Parses UTF-8. Throws <see cref="JsonException"/> if it is not JSON, or too deep.</summary>
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
            // Parsed again below: a duplicate key gets a Problem there; any other error throws again.
        }

        var document = JsonDocument.Parse(json, new() { MaxDepth = DepthMax });
        return (document, FindProblem(json.Span));
    }

    /// <summary>Why <see cref="Parse"/> threw: invalid JSON, or JSON that is nested too deeply.</summary>
    public static string Describe(string what, JsonException bad) =>
        $"{what} is not readable JSON (line {bad.LineNumber + 1}, byte {bad.BytePositionInLine + 1}; at most {DepthMax} levels deep): "
        + bad.Message.Split(". ", 2)[0].TrimEnd('.') + ".";

    // If there are several problems, reports text that cannot be stored rather than a duplicate key.
    private static Problem? FindProblem(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax });
        Problem? duplicateKey = null;

        // Per level: the names of the current object, in a set that each object of the level reuses; and the current name, for the path.
        var names = new List<HashSet<string>>();
        var path = new List<string>();
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped
                && DescribeUnstorable(ref reader) is { } error)
            {
                return new Problem(ErrorCodes.TextInvalid, error);
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
                if (!names[level].Add(path[level]) && duplicateKey is null)
                {
                    var within = string.Join('.', path.Take(level).Where(name => name.Length > 0));
                    duplicateKey = new Problem(
                        ErrorCodes.KeyTwice,
                        $"The key '{Clip(path[level])}'{(within.Length > 0 ? $" of '{Clip(within)}'" : "")} occurs twice in one object "
                        + $"(at byte {reader.TokenStartIndex}). Send it once: JSON readers differ in which of the two counts.");
                }
            }
        }

        return duplicateKey;
    }

    private static string? DescribeUnstorable(ref Utf8JsonReader reader)
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
