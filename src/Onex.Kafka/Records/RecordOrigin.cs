using System.Globalization;
using Onex.Contracts.Messages;

namespace Onex.Kafka.Records;

/// <summary>
/// The identity of a record: its position when it was first read. A redriven record has a new position but the same identity, which its
/// header <see cref="HeaderNames.Origin"/> carries.
/// </summary>
/// <param name="TopicId">The topic's id, or null if the broker has no ids.</param>
/// <param name="Partition">The partition; -1 if the message has no position.</param>
/// <param name="Offset">The offset; -1 if the message has no position.</param>
public sealed record RecordOrigin(Guid? TopicId, int Partition, long Offset)
{
    /// <summary>The identity of a message without a known position, which replaces its position; null for a message with one.</summary>
    public Guid? Identity { get; private init; }

    /// <summary>
    /// The origin of a record: that in its header if it also has the header <see cref="HeaderNames.Redrive"/>, else its position. A client
    /// that sends both headers chooses the identity, as with an <c>envelope_id</c>.
    /// </summary>
    public static RecordOrigin For(ConsumedRecord record) =>
        record.TextHeader(HeaderNames.Redrive) is not null && record.TextHeader(HeaderNames.Origin) is { } text && Parse(text) is { } origin
            ? origin
            : new RecordOrigin(record.TopicId, record.Partition, record.Offset);

    /// <summary>The origin of a message that has an identity and no position.</summary>
    public static RecordOrigin FromIdentity(Guid identity) => new(null, -1, -1) { Identity = identity };

    /// <summary>Reads a header's value; null if it is not an origin.</summary>
    public static RecordOrigin? Parse(string text)
    {
        if (Guid.TryParseExact(text, "D", out var identity))
        {
            return FromIdentity(identity);
        }

        return text.Split(':') is [var topic, var partition, var offset]
            && int.TryParse(partition, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && long.TryParse(offset, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && (topic.Length == 0 || Guid.TryParseExact(topic, "N", out _))
            ? new RecordOrigin(topic.Length == 0 ? null : Guid.ParseExact(topic, "N"), number, at)
            : null;
    }

    /// <summary>The header's value.</summary>
    public override string ToString() => Identity is { } identity
        ? identity.ToString("D")
        : string.Create(CultureInfo.InvariantCulture, $"{TopicId:N}:{Partition}:{Offset}");
}
