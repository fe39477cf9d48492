using Confluent.Kafka;

namespace Onex.Kafka.Consuming;

/// <summary>
/// One partition for as long as it is ours. It is the generation: when the partition comes again it is another object, and what is settled
/// on this one then counts for nothing. Guarded by its consumer's lock.
/// </summary>
internal sealed class AssignedPartition
{
    private readonly Action<AssignedPartition, BatchEntry, RecordOutcome> _settle;
    private readonly Action<BatchEntry, RecordOutcome> _settleEntry;

    public AssignedPartition(
        TopicPartition partition, Action<AssignedPartition, BatchEntry, RecordOutcome> settle, CancellationToken lost)
    {
        Partition = partition;
        Lost = lost;
        _settle = settle;
        _settleEntry = (entry, outcome) => _settle(this, entry, outcome);
    }

    public TopicPartition Partition { get; }

    /// <summary>Ends what is done for its records when it is no longer ours.</summary>
    public CancellationToken Lost { get; }

    public WatermarkTracker Tracker { get; } = new();

    /// <summary>Records read before the handler had prepared for the partition; null since it has.</summary>
    public List<ConsumeResult<byte[]?, byte[]?>>? Held { get; set; } = [];

    public Guid? TopicId { get; set; }

    /// <summary>Dead letters that nobody has decided about, whose records may be read again.</summary>
    public IReadOnlySet<Guid> OpenDeadLetters { get; set; } = new HashSet<Guid>();

    public bool Revoked { get; set; }

    public int InFlight { get; set; }

    public long InFlightBytes { get; set; }

    /// <summary>When one of what is in flight was last done, or came when nothing was.</summary>
    public long ProgressAt { get; set; }

    /// <summary>The offset up to which it is read, or null before the first record and the first end.</summary>
    public long? Reached { get; set; }

    /// <summary>What librdkafka was last told to commit.</summary>
    public long? Stored { get; set; }

    public BatchEntry Entry(ConsumeResult<byte[]?, byte[]?> result)
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
                Key = result.Message.Key,
                Value = result.Message.Value,
                Headers = copied,
            },
            _settleEntry);
    }
}
