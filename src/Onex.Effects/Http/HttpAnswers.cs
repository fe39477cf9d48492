using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Onex.Effects.Operations;

namespace Onex.Effects.Http;

/// <summary>
/// Reads responses into a form that can be stored: U+0000, half a surrogate pair and invalid UTF-8 become U+FFFD, so that the result of
/// an effect that has happened is not lost because of them.
/// </summary>
internal static class HttpAnswers
{
    private const int ChunkBytes = 16 * 1024;

    // A byte order mark takes precedence over the header, because the writer of the body put it there. UTF-32 is checked before UTF-16,
    // whose mark is the beginning of UTF-32's.
    private static readonly Encoding[] _encodingsWithMark =
    [
        Encoding.UTF8, Encoding.UTF32, new UTF32Encoding(bigEndian: true, byteOrderMark: true), Encoding.Unicode, Encoding.BigEndianUnicode,
    ];

    private static readonly JsonDocumentOptions _json = new() { MaxDepth = StorableJson.DepthMax };

    /// <summary>The JSON null of a missing body.</summary>
    public static JsonElement NoBody { get; } = Parse("null"u8.ToArray());

    /// <summary>The headers by lower-case name.</summary>
    public static Dictionary<string, string> ReadHeaders(HttpResponseMessage response)
    {
        var (ofResponse, ofContent) = (response.Headers.NonValidated, response.Content.Headers.NonValidated);
        var headers = new Dictionary<string, string>(ofResponse.Count + ofContent.Count, StringComparer.Ordinal);
        AddTo(headers, ofResponse);
        AddTo(headers, ofContent);
        return headers;
    }

    private static void AddTo(Dictionary<string, string> headers, HttpHeadersNonValidated received)
    {
        foreach (var (name, values) in received)
        {
            var text = values.Count == 1 ? values.ToString() : string.Join(", ", values);
            headers[name.ToLowerInvariant()] = text.Replace('\0', '\uFFFD');
        }
    }

    /// <summary>
    /// Reads the body; null if it is too large. Unparsed says why a body that is declared as JSON is returned as text; else it is null.
    /// </summary>
    /// <exception cref="InvalidDataException">The body cannot be decompressed.</exception>
    public static async Task<(JsonElement? Body, string? Unparsed)> ReadAsync(
        HttpResponseMessage response, ResultMemory.Reservation memory, CancellationToken cancellation)
    {
        // A response without a body (to HEAD) has the Content-Length of the body that it would have.
        var content = response.Content;
        var hasBody = response.RequestMessage!.Method != HttpMethod.Head && response.StatusCode != HttpStatusCode.NotModified;
        var bytesMax = Math.Min(ValueText.ResultBytesMax, memory.Largest);
        if (hasBody && content.Headers.ContentLength > bytesMax)
        {
            return (null, null);
        }

        await memory.ReserveAsync(hasBody ? content.Headers.ContentLength ?? 0 : 0, cancellation);
        using var buffer = new MemoryStream(hasBody ? (int)(content.Headers.ContentLength ?? 0) : 0);
        var stream = await content.ReadAsStreamAsync(cancellation);
        await using (stream)
        {
            var chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
            try
            {
                for (int read; (read = await stream.ReadAsync(chunk, cancellation)) > 0;)
                {
                    if (buffer.Length + read > bytesMax)
                    {
                        return (null, null);
                    }

                    await memory.ReserveAsync(buffer.Length + read, cancellation);
                    buffer.Write(chunk, 0, read);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(chunk);
            }
        }

        // A response without a body (to HEAD) may still have a Content-Encoding.
        var body = buffer.Length == buffer.Capacity ? buffer.GetBuffer() : buffer.ToArray();
        if (body.Length > 0)
        {
            // The limit holds after decompression, too: a small response may expand to a large one.
            foreach (var coding in FindCodings(content).Reverse())
            {
                if (ContentCoding.Decompress(body, coding, bytesMax) is not { } decompressed)
                {
                    return (null, null);
                }

                body = decompressed;
                await memory.ReserveAsync(body.Length, cancellation);
                content.Headers.Remove("Content-Encoding");
                content.Headers.Remove("Content-Length");
            }
        }

        var type = content.Headers.ContentType;
        return body.Length == 0 ? (NoBody, null) : ParseBody(body, type?.MediaType, type?.CharSet);
    }

    // Returns the codings in the order in which they were applied. Returns none if one of them is unknown, so that the body stays as it is.
    private static string[] FindCodings(HttpContent content)
    {
        if (!content.Headers.Contains("Content-Encoding"))
        {
            return [];
        }

        string[] codings =
        [
            .. content.Headers.ContentEncoding.Where(coding => !coding.Equals("identity", StringComparison.OrdinalIgnoreCase)),
        ];
        return codings.All(ContentCoding.IsKnown) ? codings : [];
    }

    private static (JsonElement Body, string? Unparsed) ParseBody(byte[] bytes, string? mediaType, string? charset)
    {
        var utf8 = ToUtf8(bytes, charset);
        string? unparsed = null;
        if (IsJson(mediaType))
        {
            try
            {
                StorableJson.Sanitize(utf8);
                return (Parse(utf8), null);
            }
            catch (JsonException exception)
            {
                // Without the parser's message, which quotes the body.
                unparsed = string.Create(
                    CultureInfo.InvariantCulture,
                    $"the body is declared as {mediaType} but is not readable JSON (line {exception.LineNumber + 1}, "
                    + $"byte {exception.BytePositionInLine + 1}; at most {StorableJson.DepthMax} levels)");
            }
        }

        return (ToJson(Encoding.UTF8.GetString(utf8).Replace('\0', '\uFFFD')), unparsed);
    }

    private static bool IsJson(string? mediaType) =>
        mediaType is not null
        && (mediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || mediaType.Equals("text/json", StringComparison.OrdinalIgnoreCase)
            || mediaType.EndsWith("+json", StringComparison.OrdinalIgnoreCase));

    private static byte[] ToUtf8(byte[] bytes, string? charset)
    {
        var marked = Array.Find(_encodingsWithMark, candidate => bytes.AsSpan().StartsWith(candidate.Preamble));
        var encoding = marked ?? FindEncoding(charset);
        var text = bytes.AsSpan(marked?.Preamble.Length ?? 0);
        return encoding is not UTF8Encoding || !Utf8.IsValid(text) ? Encoding.UTF8.GetBytes(encoding.GetString(text))
            : marked is null ? bytes
            : text.ToArray();
    }

    // The code pages are used here without registering them, so that decoding elsewhere in the process is unaffected.
    private static Encoding FindEncoding(string? charset)
    {
        if (charset is null)
        {
            return Encoding.UTF8;
        }

        var name = charset.Trim('"', '\'');
        try
        {
            return CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
        }
        catch (Exception unknown) when (unknown is ArgumentException or NotSupportedException)
        {
            return Encoding.UTF8;
        }
    }

    private static JsonElement Parse(byte[] utf8)
    {
        using var document = JsonDocument.Parse(utf8, _json);
        return document.RootElement.Clone();
    }

    private static JsonElement ToJson(string text) =>
        Parse(JsonSerializer.SerializeToUtf8Bytes(text, Contracts.Messages.MessageJson.Default.String));
}
