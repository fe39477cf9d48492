using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Orchestrator.Intake;

/// <summary>
/// Hashes a request's operation, target and payload. A duplicate has the same hash; another request under the same identity has a different
/// one. The hash ignores the order of fields, white space and the spelling of a number (<c>1</c>, <c>1.0</c>), because a client may
/// serialize the same request differently.
/// </summary>
internal static class RequestHash
{
    private const int FlushBytes = 16 * 1024;

    public static Guid ForStart(string contract, CelValue payload) => Compute(contract, "", payload);

    /// <summary>The hash of an event. It includes the target, because the same event for another saga is another event.</summary>
    public static Guid ForEvent(string contract, string @event, Requester requester, CelValue payload) => Compute(
        $"{contract}.{@event}",
        requester.Target switch
        {
            { SagaId: { } id } => $"saga_id:{id}",
            { Key: { } key } => $"key:{key}",
            _ => $"correlation_id:{requester.CorrelationId}",
        },
        payload);

    /// <summary>Whether two hashes show that one identity was used for two requests. False if a hash is unknown (null).</summary>
    public static bool Differ(Guid? hash, Guid? other) => hash is not null && other is not null && hash != other;

    private static Guid Compute(string operation, string target, CelValue payload)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new ArrayBufferWriter<byte>(512);
        WriteText(buffer, operation);
        WriteText(buffer, target);
        WriteValue(hash, buffer, payload);
        hash.AppendData(buffer.WrittenSpan);
        return Identity.FromDigest(hash.GetHashAndReset());
    }

    private static void WriteValue(IncrementalHash hash, ArrayBufferWriter<byte> buffer, CelValue value)
    {
        // Hashes in pieces, so that a large payload needs no second copy.
        if (buffer.WrittenCount > FlushBytes)
        {
            hash.AppendData(buffer.WrittenSpan);
            buffer.ResetWrittenCount();
        }

        switch (value.Kind)
        {
            case CelKind.Null:
                WriteTag(buffer, 'n');
                break;
            case CelKind.Bool:
                WriteTag(buffer, value.AsBool() ? 't' : 'f');
                break;
            case CelKind.String:
                WriteTag(buffer, 's');
                WriteText(buffer, value.AsString());
                break;
            case CelKind.List:
                WriteTag(buffer, '[');
                foreach (var item in value.AsList())
                {
                    WriteValue(hash, buffer, item);
                }

                WriteTag(buffer, ']');
                break;
            case CelKind.Map:
                WriteTag(buffer, '{');
                foreach (var (name, field) in value.AsMap().OrderBy(field => field.Key, StringComparer.Ordinal))
                {
                    WriteText(buffer, name);
                    WriteValue(hash, buffer, field);
                }

                WriteTag(buffer, '}');
                break;
            default:
                WriteTag(buffer, '#');
                WriteText(buffer, FormatNumber(value));
                break;
        }
    }

    private static string FormatNumber(CelValue value) => value.Kind switch
    {
        CelKind.Int => value.AsInt().ToString(CultureInfo.InvariantCulture),

        // -0 and whole doubles below 2^62 are written as the integer that they equal.
        CelKind.Double when value.AsDouble() is var number && Math.Floor(number) == number && Math.Abs(number) < 1L << 62 =>
            ((long)number).ToString(CultureInfo.InvariantCulture),
        CelKind.Double => value.AsDouble().ToString("R", CultureInfo.InvariantCulture),
        _ => ValueJson.TryWrite(value, out var json, out _) ? Encoding.UTF8.GetString(json.Utf8.Span) : value.Kind.ToString(),
    };

    private static void WriteTag(ArrayBufferWriter<byte> buffer, char tag)
    {
        buffer.GetSpan(1)[0] = (byte)tag;
        buffer.Advance(1);
    }

    // Writes the length first, so that different values never produce the same bytes.
    private static void WriteText(ArrayBufferWriter<byte> buffer, string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(buffer.GetSpan(sizeof(int)), length);
        buffer.Advance(sizeof(int));
        buffer.Advance(Encoding.UTF8.GetBytes(text, buffer.GetSpan(length)));
    }
}
