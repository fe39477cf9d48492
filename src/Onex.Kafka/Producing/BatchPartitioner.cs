namespace Onex.Kafka.Producing;

/// <summary>
/// Chooses the partition of records that need no order: one partition for a whole batch, because the client library sends a request for
/// each partition. The next batch goes to the partition with the fewest records so far, so none is ahead by more than
/// <see cref="RecordsMax"/>.
/// </summary>
/// <param name="isSpread">
/// Whether the records take long to handle. Then an equal load of the consumers is worth the additional requests.
/// </param>
internal sealed class BatchPartitioner(bool isSpread = false)
{
    /// <summary>The most records of a batch on one partition. A larger batch is divided, so that several consumers share it.</summary>
    public const int RecordsMax = 50;

    /// <summary>The most records of a spread batch on one partition.</summary>
    public const int SpreadRecordsMax = 4;

    /// <summary>The most partitions of a spread batch, unless one would get more than <see cref="SpreadRecordsMax"/>.</summary>
    public const int SpreadPartitions = 16;

    private readonly Lock _lock = new();
    private long[] _records = [];
    private int _current;
    private int _inBatch;
    private int _expected;
    private bool _hasEnded;

    /// <summary>Whether batches are spread, so that <see cref="Expect"/> must announce their records before the first choice.</summary>
    public bool IsSpread => isSpread;

    /// <summary>Announces a record of the next batch.</summary>
    public void Expect()
    {
        lock (_lock)
        {
            _expected = _hasEnded ? 1 : _expected + 1;
            _hasEnded = false;
        }
    }

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

            if (_inBatch == 0 || _inBatch >= MaxPerPartition())
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
            _hasEnded = true;
        }
    }

    private int MaxPerPartition() => isSpread
        ? Math.Clamp((_expected + SpreadPartitions - 1) / SpreadPartitions, 1, SpreadRecordsMax)
        : RecordsMax;
}
