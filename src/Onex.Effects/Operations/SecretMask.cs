using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
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

    private readonly string[] _forms;

    private SecretMask(IEnumerable<string> forms) =>
        _forms = [.. forms.Distinct(StringComparer.Ordinal).OrderByDescending(form => form.Length)];

    /// <summary>Hides nothing.</summary>
    public static SecretMask None { get; } = new([]);

    /// <summary>Hides these values, except those of fewer than four characters.</summary>
    public static SecretMask For(IEnumerable<string> values) =>
        new(values.Where(value => value.Length >= ValueMin).SelectMany(FormsOf));

    public string? Apply(string? text)
    {
        if (text is null || _forms.Length == 0)
        {
            return text;
        }

        foreach (var form in _forms)
        {
            text = text.Replace(form, Hidden, StringComparison.Ordinal);
        }

        return text;
    }

    /// <summary>The JSON without secrets: in texts, names and numbers.</summary>
    public RawJson Apply(RawJson json)
    {
        if (_forms.Length == 0)
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

    private static IEnumerable<string> FormsOf(string value)
    {
        yield return value;
        if (Encoding.UTF8.GetByteCount(value) < EncodedMin)
        {
            yield break;
        }

        var percent = Uri.EscapeDataString(value);
        yield return percent;
        yield return percent.Replace("%20", "+", StringComparison.Ordinal);
        yield return LowerEscapes(percent);
        yield return JsonEncodedText.Encode(value).ToString();
        yield return JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();

        // Within a longer text (user:password), base64 depends on how many bytes precede, modulo 3. Characters that also contain bits of
        // neighbouring bytes are cut off.
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

    private static string LowerEscapes(string percent)
    {
        var lower = new StringBuilder(percent);
        for (var index = percent.IndexOf('%', StringComparison.Ordinal); index >= 0; index = percent.IndexOf('%', index + 1))
        {
            lower[index + 1] = char.ToLowerInvariant(lower[index + 1]);
            lower[index + 2] = char.ToLowerInvariant(lower[index + 2]);
        }

        return lower.ToString();
    }
}
