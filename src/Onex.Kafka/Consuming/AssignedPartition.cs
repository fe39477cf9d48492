using Confluent.Kafka;
using Onex.Kafka.Records;

namespace Onex.Kafka.Consuming;

/// <summary>
/// One assignment of a partition. A later assignment of the partition is another object, so that it is not affected by records that are
/// completed late. Guarded by the lock of <see cref="PartitionBuffer"/>.
/// </summary>
internal sealed class AssignedPartition
{
    private readonly Action<BatchEntry, RecordOutcome> _onOutcome;
    private readonly string? _group;

    public AssignedPartition(
        TopicPartition partition, Action<AssignedPartition, BatchEntry, RecordOutcome> onOutcome, string? group, CancellationToken lost)
    {
        _group = group;
        Partition = partition;
        Lost = lost;
        _onOutcome = (entry, outcome) => onOutcome(this, entry, outcome);
    }

    public TopicPartition Partition { get; }

    /// <summary>Cancels the work for its records once the consumer has no partition any more, or stops.</summary>
    public CancellationToken Lost { get; }

    public WatermarkTracker Tracker { get; } = new();

    /// <summary>Records read before the handler has prepared for the partition; null afterwards.</summary>
    public List<ConsumeResult<byte[]?, byte[]?>>? HeldResults { get; set; } = [];

    public Guid? TopicId { get; set; }

    /// <summary>The ids of open dead letters, those of this partition among them: their records may be read again.</summary>
    public IReadOnlySet<Guid> OpenDeadLetters { get; set; } = new HashSet<Guid>();

    public bool IsRevoked { get; set; }

    public int InFlight { get; set; }

    public long InFlightBytes { get; set; }

    /// <summary>When a record was last completed, or arrived while none was in flight.</summary>
    public long ProgressAt { get; set; }

    /// <summary>The next offset to read; null until a record or the end of the partition was read.</summary>
    public long? NextOffset { get; set; }

    /// <summary>An end of the partition, and when it was seen: an unread record before it has waited at least since then.</summary>
    public (long Offset, long At)? SeenEnd { get; set; }

    /// <summary>The offset that was last given to the client library to commit.</summary>
    public long? StoredOffset { get; set; }

    public BatchEntry CreateEntry(ConsumeResult<byte[]?, byte[]?> result)
    {
        var headers = result.Message.Headers;
        var copied = new KeyValuePair<string, byte[]?>[headers?.Count ?? 0];
        for (var i = 0; i < copied.Length; i++)
        {
            copied[i] = new(headers![i].Key, headers[i].GetValueBytes());
        }

        return new BatchEntry(
            new ConsumedRecord
            {
                Topic = result.Topic,
                TopicId = TopicId,
                Partition = result.Partition.Value,
                Offset = result.Offset.Value,
                Timestamp = result.Message.Timestamp is { Type: not TimestampType.NotAvailable } time ? time.UnixTimestampMs : null,
                Key = result.Message.Key,
                Value = result.Message.Value,
                Headers = copied,
            },
            _onOutcome,
            _group);
    }
}
