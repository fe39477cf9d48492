using System.Buffers;
using System.IO.Compression;

namespace Onex.Effects.Http;

/// <summary>
/// Unpacks bodies. The platform's own decompression takes a stream that is cut off for a shorter one and says nothing, so that half an answer would
/// pass for all of it. Here the end is looked for.
/// </summary>
internal static class ContentCoding
{
    /// <summary>What a request says that its answer may be packed with: codings whose end can be seen.</summary>
    public const string Accepted = "gzip, br";

    // A packed text behind a body that is whole comes out behind it; behind one that is cut off it is taken for the rest and does not.
    private static readonly byte[] _seal = "onex: all of it was there"u8.ToArray();
    private static readonly byte[] _packedSeal = Pack(_seal);

    /// <summary>Whether a body that says it is packed so can be unpacked.</summary>
    public static bool IsKnown(string coding) => coding.ToLowerInvariant() is "gzip" or "x-gzip" or "br" or "deflate";

    /// <summary>The body, or null if it is larger than that.</summary>
    /// <exception cref="InvalidDataException">It is cut off, or not packed so.</exception>
    public static byte[]? Unpack(byte[] packed, string coding, int most)
    {
        switch (coding.ToLowerInvariant())
        {
            case "br":
                return UnpackBrotli(packed, most);
            case "deflate":
                // Both forms go by that name, and the first byte tells which it is.
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
                        : throw new InvalidDataException("The gzip stream is cut off.");
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
                    throw new InvalidDataException("The brotli stream is cut off, or none.");
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
