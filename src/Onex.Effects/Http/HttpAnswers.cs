using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Onex.Effects.Operations;

namespace Onex.Effects.Http;

/// <summary>
/// Reads answers into what can be stored: U+0000, half a surrogate pair and bytes that are not UTF-8 each become U+FFFD, for an effect that
/// has happened must not be lost because of them.
/// </summary>
internal static class HttpAnswers
{
    public const int BytesMax = 50 * 1024 * 1024;

    private static readonly JsonDocumentOptions _json = new() { MaxDepth = StorableJson.DepthMax };

    /// <summary>What stands for a body that is not there.</summary>
    public static JsonElement NoBody { get; } = Parse("null"u8.ToArray());

    /// <summary>The headers by lower-case name.</summary>
    public static Dictionary<string, string> Headers(HttpResponseMessage response)
    {
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            headers[name.ToLowerInvariant()] = string.Join(", ", values).Replace('\0', '\uFFFD');
        }

        return headers;
    }

    /// <summary>The body, or null if it is too large.</summary>
    public static async Task<JsonElement?> ReadAsync(HttpContent content, CancellationToken cancellation)
    {
        if (content.Headers.ContentLength > BytesMax)
        {
            return null;
        }

        using var buffer = new MemoryStream();
        var stream = await content.ReadAsStreamAsync(cancellation);
        await using (stream)
        {
            // Counted after unpacking: a small answer may hold a large one.
            var chunk = new byte[16 * 1024];
            for (int read; (read = await stream.ReadAsync(chunk, cancellation)) > 0;)
            {
                if (buffer.Length + read > BytesMax)
                {
                    return null;
                }

                buffer.Write(chunk, 0, read);
            }
        }

        return buffer.Length == 0 ? NoBody : Body(buffer.ToArray(), content.Headers.ContentType?.MediaType, content.Headers.ContentType?.CharSet);
    }

    private static JsonElement Body(byte[] bytes, string? mediaType, string? charset)
    {
        var utf8 = Utf8Text(bytes, charset);
        if (IsJson(mediaType))
        {
            try
            {
                StorableJson.Mend(utf8);
                return Parse(utf8);
            }
            catch (JsonException)
            {
                // It is not what it says; the contract's own checks judge the text.
            }
        }

        return Text(Encoding.UTF8.GetString(utf8).Replace('\0', '\uFFFD'));
    }

    private static bool IsJson(string? mediaType) =>
        mediaType is not null
        && (mediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || mediaType.Equals("text/json", StringComparison.OrdinalIgnoreCase)
            || mediaType.EndsWith("+json", StringComparison.OrdinalIgnoreCase));

    private static byte[] Utf8Text(byte[] bytes, string? charset)
    {
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        var encoding = EncodingOf(charset);
        if (encoding is UTF8Encoding)
        {
            var text = bytes.AsSpan().StartsWith(mark) ? bytes[mark.Length..] : bytes;
            return Utf8.IsValid(text) ? text : Encoding.UTF8.GetBytes(encoding.GetString(text));
        }

        return Encoding.UTF8.GetBytes(encoding.GetString(bytes));
    }

    private static Encoding EncodingOf(string? charset)
    {
        try
        {
            return charset is null ? Encoding.UTF8 : Encoding.GetEncoding(charset.Trim('"', '\''));
        }
        catch (ArgumentException)
        {
            return Encoding.UTF8;
        }
    }

    private static JsonElement Parse(byte[] utf8)
    {
        using var document = JsonDocument.Parse(utf8, _json);
        return document.RootElement.Clone();
    }

    private static JsonElement Text(string text) => Parse(JsonSerializer.SerializeToUtf8Bytes(text, Contracts.Messages.MessageJson.Default.String));
}
