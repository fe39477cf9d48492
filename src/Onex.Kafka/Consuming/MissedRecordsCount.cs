namespace Onex.Kafka.Consuming;

/// <summary>Counts the records that were deleted (by retention, or by somebody) before this process had read them, since it began.</summary>
public sealed class MissedRecordsCount
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, long> _topics = new(StringComparer.Ordinal);

    /// <summary>How many there are of each topic; topics without any are left out.</summary>
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
