using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Onex.Contracts.Messages;

namespace Onex.Effects.Operations;

/// <summary>
/// Replaces, in the result and messages of an attempt, the secrets that it used, in case the service repeats them: as they are,
/// percent-encoded, escaped as in JSON, and in base64, also as a part of a longer encoded text. The class of this name in Onex.Kafka does
/// not know the secrets: it masks fields by their names.
/// </summary>
internal sealed class SecretMask
{
    /// <summary>The text that replaces a secret.</summary>
    public const string Hidden = "***";

    // Values of fewer characters occur by chance. Encoded forms are hidden only of values of EncodedMin bytes and more, and base64 only in
    // pieces of that length, for the same reason.
    private const int ValueMin = 4;
    private const int EncodedMin = 6;

    // A text without any of these has no escaped character.
    private static readonly SearchValues<char> _escapes = SearchValues.Create("%\\+");

    private readonly Secret[] _secrets;

    private SecretMask(IEnumerable<string> values) =>
        _secrets = [.. values.Distinct(StringComparer.Ordinal).OrderByDescending(value => value.Length).Select(value => new Secret(value))];

    /// <summary>Hides nothing.</summary>
    public static SecretMask None { get; } = new([]);

    /// <summary>Hides these values, except those of fewer than four characters.</summary>
    public static SecretMask For(IEnumerable<string> values) => new(values.Where(value => value.Length >= ValueMin));

    public string? Apply(string? text)
    {
        foreach (var secret in text is null ? [] : _secrets)
        {
            text = secret.Hide(text!);
        }

        return text;
    }

    /// <summary>The JSON without secrets: in texts, names and numbers.</summary>
    public RawJson Apply(RawJson json)
    {
        if (_secrets.Length == 0)
        {
            return json;
        }

        var masked = new ArrayBufferWriter<byte>(json.Utf8.Length);
        using (var writer = new Utf8JsonWriter(masked, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            JsonTexts.Copy(json, writer, text => Apply(text)!);
        }

        return new RawJson(masked.WrittenMemory);
    }

    private sealed class Secret(string value)
    {
        private readonly bool _hasEncodedForms = Encoding.UTF8.GetByteCount(value) >= EncodedMin;
        private string[]? _literals;
        private Regex? _escaped;

        public string Hide(string text)
        {
            foreach (var literal in _literals ??= _hasEncodedForms ? [value, .. Base64()] : [value])
            {
                text = text.Replace(literal, Hidden, StringComparison.Ordinal);
            }

            // Not for each text, because a regular expression takes long to create and to run.
            return _hasEncodedForms && text.AsSpan().ContainsAny(_escapes) ? (_escaped ??= Escaped()).Replace(text, Hidden) : text;
        }

        // Without a time limit, because the alternatives of a character exclude each other.
        private Regex Escaped() => new(
            Pattern('%', rune => (rune.Value == ' ' ? @"\+|" : "")
                + string.Concat(Encoding.UTF8.GetBytes(rune.ToString()).Select(octet => $"%{octet:X2}")))
            + "|"
            + Pattern('\\', rune => (rune.Value == '/' ? @"\\/|" : "")
                + Regex.Escape(JsonEncodedText.Encode(rune.ToString(), JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString()) + "|"
                + string.Concat(rune.ToString().Select(unit => $@"\\u{(int)unit:X4}"))),
            RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, Regex.InfiniteMatchTimeout);

        // Programs differ in which characters they escape, so each but letters and digits may be escaped or not, except the one with which
        // an escape begins. The digits of an escape have any case.
        private string Pattern(char escape, Func<Rune, string> escapesOf) =>
            string.Concat(value.EnumerateRunes().Select(rune =>
                rune.IsAscii && Rune.IsLetterOrDigit(rune) ? rune.ToString()
                : rune.Value == escape ? $"(?i:{escapesOf(rune)})"
                : $"(?>(?i:{escapesOf(rune)})|{Regex.Escape(rune.ToString())})"));

        // Within a longer text (user:password), base64 depends on how many bytes precede, modulo 3. Characters that also contain bits of
        // neighbouring bytes are cut off.
        private IEnumerable<string> Base64()
        {
            var bytes = Encoding.UTF8.GetBytes(value);
            for (var precedingBytes = 0; precedingBytes < 3; precedingBytes++)
            {
                var encoded = Convert.ToBase64String([.. new byte[precedingBytes], .. bytes]).TrimEnd('=');
                var inner = encoded[(precedingBytes == 0 ? 0 : precedingBytes + 1)..((precedingBytes + bytes.Length) * 8 / 6)];
                if (inner.Length >= EncodedMin)
                {
                    yield return inner;
                    yield return inner.Replace('+', '-').Replace('/', '_');
                }
            }
        }
    }
}
