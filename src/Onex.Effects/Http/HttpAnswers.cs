using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Onex.Effects.Http;

/// <summary>
/// Reads answers into what can be stored: Postgres takes neither U+0000 nor half a surrogate pair nor bytes that are not UTF-8, and an
/// effect that has happened must not be lost because of them. Each becomes U+FFFD.
/// </summary>
internal static class HttpAnswers
{
    public const int BytesMax = 50 * 1024 * 1024;

    // A result travels inside a message, whose reader allows 64 levels.
    private const int DepthMax = 56;

    private static readonly JsonDocumentOptions _json = new() { MaxDepth = DepthMax };

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
                Mend(utf8);
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

    // Escapes that cannot be stored are overwritten in place: \u0000, and surrogates without their other half.
    private static void Mend(Span<byte> json)
    {
        for (var i = json.IndexOf((byte)'\\'); i >= 0 && i + 1 < json.Length;)
        {
            var code = json[i + 1] == 'u' ? Code(json[i..]) : -1;
            var length = code < 0 ? 2 : 6;
            if (code is >= 0xD800 and <= 0xDBFF && Code(json[(i + 6)..]) is >= 0xDC00 and <= 0xDFFF)
            {
                length = 12;
            }
            else if (code is 0 or (>= 0xD800 and <= 0xDFFF))
            {
                "\\uFFFD"u8.CopyTo(json[i..]);
            }

            var next = json[(i + length)..].IndexOf((byte)'\\');
            i = next < 0 ? -1 : i + length + next;
        }
    }

    // The number of an escape that stands at the beginning, or -1.
    private static int Code(ReadOnlySpan<byte> json) =>
        json.Length >= 6 && json[0] == '\\' && json[1] == 'u'
        && System.Buffers.Text.Utf8Parser.TryParse(json.Slice(2, 4), out ushort code, out var read, 'x') && read == 4
            ? code
            : -1;
}
