using System.Text.Json;

namespace Onex.Orchestrator.Intake;

/// <summary>Rejects text that no database column can store: <c>\u0000</c>, and halves of surrogate pairs.</summary>
internal static class TextCheck
{
    /// <summary>Describes unstorable text in well-formed JSON, or returns null.</summary>
    public static string? Problem(ReadOnlySpan<byte> json)
    {
        // Raw control characters are not JSON and raw surrogates are not UTF-8, so only an escape can contain one.
        if (json.IndexOf((byte)'\\') < 0)
        {
            return null;
        }

        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = RequestReader.DepthMax });
        while (reader.Read())
        {
            if (
                reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName
                    && reader.ValueIsEscaped
                    && Problem(ref reader) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private static string? Problem(ref Utf8JsonReader reader)
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
}
