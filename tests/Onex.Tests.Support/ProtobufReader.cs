using System.Buffers.Binary;
using System.Text;

namespace Onex.Tests.Support;

/// <summary>Reads the fields of a message in the wire format of Protocol Buffers.</summary>
public static class ProtobufReader
{
    /// <summary>The embedded messages, texts or bytes of a field.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> Parts(ReadOnlyMemory<byte> message, int field) =>
        Fields(message).Where(entry => entry.Field == field).Select(entry => entry.Bytes);

    /// <summary>The last text of a field, or an empty one.</summary>
    public static string Text(ReadOnlyMemory<byte> message, int field) =>
        Encoding.UTF8.GetString(Parts(message, field).LastOrDefault().Span);

    /// <summary>The last bytes of a field in hexadecimal, or an empty text.</summary>
    public static string Hex(ReadOnlyMemory<byte> message, int field) =>
        Convert.ToHexStringLower(Parts(message, field).LastOrDefault().Span);

    /// <summary>The last number of a field, or 0.</summary>
    public static ulong Number(ReadOnlyMemory<byte> message, int field) =>
        Fields(message).Where(entry => entry.Field == field).Select(entry => entry.Number).LastOrDefault();

    /// <summary>All fields in order: a number, or bytes.</summary>
    public static IEnumerable<(int Field, ulong Number, ReadOnlyMemory<byte> Bytes)> Fields(ReadOnlyMemory<byte> message)
    {
        var at = 0;
        while (at < message.Length)
        {
            var tag = Varint(message, ref at);
            var field = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    yield return (field, Varint(message, ref at), default);
                    break;
                case 1:
                    yield return (field, BinaryPrimitives.ReadUInt64LittleEndian(message.Span[at..]), default);
                    at += sizeof(ulong);
                    break;
                case 2:
                    var length = (int)Varint(message, ref at);
                    yield return (field, 0, message.Slice(at, length));
                    at += length;
                    break;
                case 5:
                    yield return (field, BinaryPrimitives.ReadUInt32LittleEndian(message.Span[at..]), default);
                    at += sizeof(uint);
                    break;
                default:
                    throw new InvalidDataException($"Wire type {tag & 7} is not used any more.");
            }
        }
    }

    private static ulong Varint(ReadOnlyMemory<byte> message, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = message.Span[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}
