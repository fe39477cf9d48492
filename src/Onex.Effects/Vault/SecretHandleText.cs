using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Onex.Contracts.Messages;

namespace Onex.Effects.Vault;

/// <summary>
/// The text of a handle: <c>onex-secret:</c> and 128 random bits in hexadecimal. Its length is fixed, so a text may contain it anywhere.
/// </summary>
internal static partial class SecretHandleText
{
    /// <summary>Creates a random id, which cannot be guessed.</summary>
    public static Guid NewId() => new(RandomNumberGenerator.GetBytes(16));

    public static string Write(Guid id) => $"{SecretHandles.Prefix}{id:N}";

    /// <summary>Finds the handles in a text: each with its id, or null if it is malformed.</summary>
    public static IEnumerable<(string Handle, Guid? Id)> Find(string text) => text.Contains(SecretHandles.Prefix, StringComparison.Ordinal)
        ? Pattern().Matches(text).Select(match => (match.Value, ParseId(match)))
        : [];

    /// <summary>Returns the text with each handle replaced by its value.</summary>
    public static string Replace(string text, IReadOnlyDictionary<Guid, string> values) =>
        text.Contains(SecretHandles.Prefix, StringComparison.Ordinal)
            ? Pattern().Replace(text, match => values[ParseId(match)!.Value])
            : text;

    private static Guid? ParseId(Match match) => Guid.TryParseExact(match.Groups["id"].Value, "N", out var id) ? id : null;

    [GeneratedRegex("onex-secret:(?<id>[0-9a-f]{32})?", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern();
}
