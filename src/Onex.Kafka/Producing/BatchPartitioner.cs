namespace Onex.Kafka.Producing;

/// <summary>
/// Chooses the partition of records that need no order: one partition for a whole batch, because each partition in a batch is a request of
/// its own. The next batch goes to the partition with the fewest records so far, so no partition is ahead of another by more than a batch.
/// </summary>
/// <param name="recordsMax">A larger batch is divided.</param>
internal sealed class BatchPartitioner(int recordsMax = BatchPartitioner.RecordsMax)
{
    /// <summary>A larger batch is divided, so that its consumers share it.</summary>
    public const int RecordsMax = 50;

    /// <summary>The same for records that take long to handle: then it matters more that all consumers have some.</summary>
    public const int SpreadRecordsMax = 4;

    private readonly Lock _lock = new();
    private long[] _records = [];
    private int _current;
    private int _inBatch;

    /// <summary>The partition of the next record.</summary>
    public int Choose(int partitions)
    {
        lock (_lock)
        {
            if (_records.Length != partitions)
            {
                _records = new long[partitions];
                _inBatch = 0;
            }

            if (_inBatch == 0 || _inBatch == recordsMax)
            {
                _inBatch = 0;
                _current = Array.IndexOf(_records, _records.Min());
            }

            _inBatch++;
            _records[_current]++;
            return _current;
        }
    }

    /// <summary>Ends the batch.</summary>
    public void EndBatch()
    {
        lock (_lock)
        {
            _inBatch = 0;
        }
    }
}
