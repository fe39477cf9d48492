using System.Globalization;
using Onex.Contracts.Messages;

namespace Onex.Kafka.Consuming;

/// <summary>
/// Who a record is: where it stood when it was read first. A dead letter's record that is sent again stands elsewhere and is the same one, which
/// its header <see cref="HeaderNames.Origin"/> tells.
/// </summary>
/// <param name="TopicId">The topic's id, where the broker had one.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Offset">The offset.</param>
public sealed record RecordOrigin(Guid? TopicId, int Partition, long Offset)
{
    /// <summary>Set for what never was a record, or is written anew: its identity.</summary>
    public Guid? Identity { get; private init; }

    /// <summary>The origin of a record: by its header if it is a redriven one, else where it stands.</summary>
    public static RecordOrigin Of(ConsumedRecord record) =>
        record.TextHeader(HeaderNames.Redrive) is not null && record.TextHeader(HeaderNames.Origin) is { } text && Parse(text) is { } origin
            ? origin
            : new RecordOrigin(record.TopicId, record.Partition, record.Offset);

    /// <summary>The origin of what has an identity and no place.</summary>
    public static RecordOrigin Known(Guid identity) => new(null, -1, -1) { Identity = identity };

    /// <summary>The origin that a header's value tells, or null if it is none.</summary>
    public static RecordOrigin? Parse(string text)
    {
        if (Guid.TryParseExact(text, "D", out var identity))
        {
            return Known(identity);
        }

        return text.Split(':') is [var topic, var partition, var offset]
            && int.TryParse(partition, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && long.TryParse(offset, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && (topic.Length == 0 || Guid.TryParseExact(topic, "N", out _))
            ? new RecordOrigin(topic.Length == 0 ? null : Guid.ParseExact(topic, "N"), number, at)
            : null;
    }

    /// <summary>The header's value.</summary>
    public override string ToString() => Identity is { } known
        ? known.ToString("D")
        : string.Create(CultureInfo.InvariantCulture, $"{TopicId:N}:{Partition}:{Offset}");
}
