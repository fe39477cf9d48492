using System.Buffers.Binary;

namespace Onex.Workers.Sandbox;

/// <summary>Frames between a worker and a sandbox: the length in four bytes, low byte first, and that many bytes.</summary>
internal static class SandboxFrames
{
    /// <summary>The maximum length of a frame that is read. A result has at most 50 MiB, a module 32 MiB.</summary>
    public const int BytesMax = 64 * 1024 * 1024;

    private const int HeadBytes = sizeof(int);

    /// <summary>Reads a frame; null if the stream ends before or within it.</summary>
    public static byte[]? Read(Stream stream)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        if (stream.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false) < HeadBytes)
        {
            return null;
        }

        var frame = new byte[Length(head)];
        return stream.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) < frame.Length ? null : frame;
    }

    /// <summary>Reads a frame. Throws an <see cref="EndOfStreamException"/> if the other process has ended.</summary>
    public static async Task<byte[]> ReadAsync(Stream stream)
    {
        var head = new byte[HeadBytes];
        await stream.ReadExactlyAsync(head);
        var frame = new byte[Length(head)];
        await stream.ReadExactlyAsync(frame);
        return frame;
    }

    public static void Write(Stream stream, ReadOnlySpan<byte> content)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        BinaryPrimitives.WriteInt32LittleEndian(head, content.Length);
        stream.Write(head);
        stream.Write(content);
        stream.Flush();
    }

    public static async Task WriteAsync(Stream stream, ReadOnlyMemory<byte> content)
    {
        var head = new byte[HeadBytes];
        BinaryPrimitives.WriteInt32LittleEndian(head, content.Length);
        await stream.WriteAsync(head);
        await stream.WriteAsync(content);
        await stream.FlushAsync();
    }

    private static int Length(ReadOnlySpan<byte> head)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        return length is >= 0 and <= BytesMax
            ? length
            : throw new InvalidDataException($"A frame cannot have {length} bytes: at most {BytesMax} are allowed.");
    }
}
