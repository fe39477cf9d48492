using System.Text;

namespace Onex.Kafka.DeadLetters;

/// <summary>Bytes of a record as text.</summary>
public static class RecordText
{
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The text; what is not UTF-8 stands as base64 with <c>base64:</c> before it.</summary>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(bytes))]
    public static string? Of(byte[]? bytes)
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
