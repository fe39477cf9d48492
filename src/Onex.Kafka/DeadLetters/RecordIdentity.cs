using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Messages;
using Onex.Kafka.Records;

namespace Onex.Kafka.DeadLetters;

/// <summary>Reads the identity of a record from its position and headers.</summary>
internal static class RecordIdentity
{
    /// <summary>Derives an id that is the same whenever this record is read, and differs between purposes.</summary>
    public static Guid Derive(ConsumedRecord record, string purpose)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture, $"{purpose}\n{record.Topic}\n{record.TopicId:N}\n{record.Partition}\n{record.Offset}");
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));

        // RFC 9562: version 8, whose bits are the application's own.
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }

    /// <summary>The last header of the name as text, or null.</summary>
    public static string? Header(ConsumedRecord record, string name)
    {
        for (var i = record.Headers.Count - 1; i >= 0; i--)
        {
            if (record.Headers[i].Key == name && record.Headers[i].Value is { } value)
            {
                return Encoding.UTF8.GetString(value);
            }
        }

        return null;
    }

    public static Guid? CorrelationId(ConsumedRecord record) =>
        Guid.TryParse(Header(record, HeaderNames.CorrelationId), out var id) ? id : null;

    public static Guid MessageId(ConsumedRecord record) =>
        Guid.TryParse(Header(record, HeaderNames.MessageId), out var id) ? id : Derive(record, "message");
}
