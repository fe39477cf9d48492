using System.Diagnostics;

namespace Onex.Kafka.Consuming;

/// <summary>
/// Computes which offset of one partition may be committed: the one after the contiguous prefix of completed records, in the order in which
/// they were read. It is never past a record whose outcome is not durable. Kafka's high watermark is another thing: the end of a
/// partition. Not thread-safe.
/// </summary>
internal sealed class WatermarkTracker
{
    // A ring of the records that the watermark has not passed. Offsets ascend; gaps are normal (compaction, transactions).
    private (long Offset, bool Completed)[] _ring = new (long, bool)[64];
    private int _head;
    private int _count;
    private long _lastRead = -1;

    /// <summary>The offset to commit, where a restart begins to read; null before any may be committed.</summary>
    public long? Watermark { get; private set; }

    /// <summary>Records that the watermark has not passed.</summary>
    public int OpenCount => _count;

    /// <summary>Adds a record that was read. Offsets ascend.</summary>
    public void Read(long offset)
    {
        if (offset <= _lastRead)
        {
            throw new InvalidOperationException($"Offset {offset} was read after offset {_lastRead}.");
        }

        _lastRead = offset;
        if (_count == _ring.Length)
        {
            Grow();
        }

        _ring[(_head + _count) & (_ring.Length - 1)] = (offset, false);
        _count++;
    }

    /// <summary>Marks a record whose outcome is durable, if it is open.</summary>
    public void Complete(long offset)
    {
        if (Find(offset) is not { } index)
        {
            return;
        }

        _ring[index].Completed = true;
        while (_count > 0 && _ring[_head].Completed)
        {
            Watermark = _ring[_head].Offset + 1;
            _head = (_head + 1) & (_ring.Length - 1);
            _count--;
        }

        Debug.Assert(_count == 0 || Watermark is null || Watermark <= _ring[_head].Offset, "the watermark never passes an open record");
    }

    /// <summary>
    /// Adds the unread offsets before this one as completed: they have no record, because of transactions or compaction. The watermark
    /// passes them after the records before them.
    /// </summary>
    public void AdvanceTo(long offset)
    {
        if (offset - 1 > _lastRead)
        {
            Read(offset - 1);
            Complete(offset - 1);
        }
    }

    private int? Find(long offset)
    {
        var (low, high) = (0, _count - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var index = (_head + middle) & (_ring.Length - 1);
            var found = _ring[index].Offset;
            if (found == offset)
            {
                return index;
            }

            if (found < offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return null;
    }

    private void Grow()
    {
        var larger = new (long, bool)[_ring.Length * 2];
        for (var i = 0; i < _count; i++)
        {
            larger[i] = _ring[(_head + i) & (_ring.Length - 1)];
        }

        _ring = larger;
        _head = 0;
    }
}
