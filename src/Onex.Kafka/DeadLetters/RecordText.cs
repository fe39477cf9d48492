using System.Text;

namespace Onex.Kafka.DeadLetters;

/// <summary>Converts the bytes of a record to text.</summary>
public static class RecordText
{
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The text; bytes that are not UTF-8 become <c>base64:</c> and their base64 form.</summary>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(bytes))]
    public static string? From(byte[]? bytes)
    {
        if (bytes is null)
        {
            return null;
        }

        try
        {
            return _strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return "base64:" + Convert.ToBase64String(bytes);
        }
    }
}
