using System.Buffers;
using System.IO.Compression;

namespace Onex.Effects.Http;

/// <summary>
/// Decompresses bodies. The platform's decompression does not report a truncated stream, so half a response would pass for a whole one.
/// This class checks for the end.
/// </summary>
internal static class ContentCoding
{
    /// <summary>The codings that a request accepts: those whose end can be detected.</summary>
    public const string Accepted = "gzip, br";

    // A compressed text appended to a complete body is decompressed after it; appended to a truncated one it is read as the rest and is
    // not.
    private static readonly byte[] _seal = "onex: all of it was there"u8.ToArray();
    private static readonly byte[] _packedSeal = Pack(_seal);

    /// <summary>Whether a body with this coding can be decompressed.</summary>
    public static bool IsKnown(string coding) => coding.ToLowerInvariant() is "gzip" or "x-gzip" or "br" or "deflate";

    /// <summary>Decompresses the body; null if it is larger than the maximum.</summary>
    /// <exception cref="InvalidDataException">It is truncated, or not compressed this way.</exception>
    public static byte[]? Unpack(byte[] packed, string coding, int most)
    {
        switch (coding.ToLowerInvariant())
        {
            case "br":
                return UnpackBrotli(packed, most);
            case "deflate":
                // 'deflate' names two formats; the first byte distinguishes them.
                using (var stream = new MemoryStream(packed))
                {
                    using Stream inflating = packed.Length > 0 && (packed[0] & 0x0F) == 8
                        ? new ZLibStream(stream, CompressionMode.Decompress)
                        : new DeflateStream(stream, CompressionMode.Decompress);
                    return ReadAll(inflating, most);
                }

            default:
                using (var sealing = new MemoryStream([.. packed, .. _packedSeal]))
                {
                    using var inflating = new GZipStream(sealing, CompressionMode.Decompress);
                    var all = ReadAll(inflating, most + _seal.Length);
                    return all is null ? null
                        : all.AsSpan().EndsWith(_seal) ? all[..^_seal.Length]
                        : throw new InvalidDataException("The gzip stream is truncated.");
                }
        }
    }

    private static byte[]? UnpackBrotli(ReadOnlySpan<byte> packed, int most)
    {
        using var decoder = default(BrotliDecoder);
        var unpacked = new ArrayBufferWriter<byte>();
        while (true)
        {
            var status = decoder.Decompress(packed, unpacked.GetSpan(16 * 1024), out var consumed, out var written);
            unpacked.Advance(written);
            packed = packed[consumed..];
            if (unpacked.WrittenCount > most)
            {
                return null;
            }

            switch (status)
            {
                case OperationStatus.Done:
                    return unpacked.WrittenSpan.ToArray();
                case OperationStatus.DestinationTooSmall:
                    break;
                default:
                    throw new InvalidDataException("The Brotli stream is truncated or invalid.");
            }
        }
    }

    private static byte[]? ReadAll(Stream stream, int most)
    {
        using var all = new MemoryStream();
        var chunk = new byte[16 * 1024];
        for (int read; (read = stream.Read(chunk)) > 0;)
        {
            if (all.Length + read > most)
            {
                return null;
            }

            all.Write(chunk, 0, read);
        }

        return all.ToArray();
    }

    private static byte[] Pack(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var stream = new GZipStream(packed, CompressionMode.Compress))
        {
            stream.Write(bytes);
        }

        return packed.ToArray();
    }
}
