using System.Buffers;
using System.IO.Compression;

namespace Onex.Effects.Http;

/// <summary>
/// Decompresses bodies. The platform's streams do not report truncated content, so half a response would pass for a whole one. This class
/// checks for the end of gzip and Brotli, but not of deflate, which no request accepts by default.
/// </summary>
internal static class ContentCoding
{
    /// <summary>The codings that a request accepts by default: those whose end can be detected.</summary>
    public const string Accepted = "gzip, br";

    // A gzip member that is appended to a complete body is decompressed after it. Appended to a truncated body, it is taken for the
    // missing rest, so the mark does not come out.
    private static readonly byte[] _endMark = "onex: all of it was there"u8.ToArray();
    private static readonly byte[] _compressedEndMark = Compress(_endMark);

    /// <summary>Whether a body with this coding can be decompressed.</summary>
    public static bool IsKnown(string coding) => coding.ToLowerInvariant() is "gzip" or "x-gzip" or "br" or "deflate";

    /// <summary>Decompresses the body; null if it is larger than the maximum.</summary>
    /// <exception cref="InvalidDataException">The body is truncated (gzip, Brotli), or not compressed this way.</exception>
    public static byte[]? Decompress(byte[] compressed, string coding, int bytesMax)
    {
        switch (coding.ToLowerInvariant())
        {
            case "br":
                return DecompressBrotli(compressed, bytesMax);
            case "deflate":
                // 'deflate' names two formats. The low four bits of zlib's first byte are 8; a raw stream does not begin so.
                using (var stream = new MemoryStream(compressed))
                {
                    using Stream decompressing = compressed.Length > 0 && (compressed[0] & 0x0F) == 8
                        ? new ZLibStream(stream, CompressionMode.Decompress)
                        : new DeflateStream(stream, CompressionMode.Decompress);
                    return ReadAll(decompressing, bytesMax);
                }

            default:
                using (var marked = new MemoryStream([.. compressed, .. _compressedEndMark]))
                {
                    using var decompressing = new GZipStream(marked, CompressionMode.Decompress);
                    var all = ReadAll(decompressing, bytesMax + _endMark.Length);
                    return all is null ? null
                        : all.AsSpan().EndsWith(_endMark) ? all[..^_endMark.Length]
                        : throw new InvalidDataException("The gzip stream is truncated.");
                }
        }
    }

    private static byte[]? DecompressBrotli(ReadOnlySpan<byte> compressed, int bytesMax)
    {
        using var decoder = default(BrotliDecoder);
        var decompressed = new ArrayBufferWriter<byte>();
        while (true)
        {
            var status = decoder.Decompress(compressed, decompressed.GetSpan(16 * 1024), out var consumed, out var written);
            decompressed.Advance(written);
            compressed = compressed[consumed..];
            if (decompressed.WrittenCount > bytesMax)
            {
                return null;
            }

            switch (status)
            {
                case OperationStatus.Done:
                    return decompressed.WrittenSpan.ToArray();
                case OperationStatus.DestinationTooSmall:
                    break;
                default:
                    throw new InvalidDataException("The Brotli stream is truncated or invalid.");
            }
        }
    }

    private static byte[]? ReadAll(Stream stream, int bytesMax)
    {
        using var all = new MemoryStream();
        var chunk = new byte[16 * 1024];
        for (int read; (read = stream.Read(chunk)) > 0;)
        {
            if (all.Length + read > bytesMax)
            {
                return null;
            }

            all.Write(chunk, 0, read);
        }

        return all.ToArray();
    }

    private static byte[] Compress(byte[] bytes)
    {
        using var compressed = new MemoryStream();
        using (var stream = new GZipStream(compressed, CompressionMode.Compress))
        {
            stream.Write(bytes);
        }

        return compressed.ToArray();
    }
}
