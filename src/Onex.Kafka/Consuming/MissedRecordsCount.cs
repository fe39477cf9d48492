namespace Onex.Kafka.Consuming;

/// <summary>Counts, since the process started, the offsets that were deleted before its consumer groups had read them.</summary>
public sealed class MissedRecordsCount
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, long> _topics = new(StringComparer.Ordinal);

    /// <summary>The number per topic; topics without missed records are left out.</summary>
    public IReadOnlyDictionary<string, long> Topics
    {
        get
        {
            lock (_lock)
            {
                return new SortedDictionary<string, long>(_topics, StringComparer.Ordinal);
            }
        }
    }

    internal void Add(MissedRecords missed)
    {
        lock (_lock)
        {
            _topics[missed.Partition.Topic] = _topics.GetValueOrDefault(missed.Partition.Topic) + missed.Count;
        }
    }
}
