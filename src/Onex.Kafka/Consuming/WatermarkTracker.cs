using System.Diagnostics;

namespace Onex.Kafka.Consuming;

/// <summary>
/// Which offset of one partition may be committed: the one behind the contiguous prefix of settled records, in the order in which they were
/// read. Never past a record whose outcome is not durable. Not thread-safe.
/// </summary>
internal sealed class WatermarkTracker
{
    // A ring of what was read and is not yet passed by the watermark; offsets ascend, gaps are normal (compaction, transactions).
    private (long Offset, bool Settled)[] _ring = new (long, bool)[64];
    private int _head;
    private int _count;
    private long _last = -1;

    /// <summary>The offset to commit (the next to be read after a restart), or null before anything may be.</summary>
    public long? Watermark { get; private set; }

    /// <summary>Records read and not yet passed by the watermark.</summary>
    public int Open => _count;

    /// <summary>The record was read. Offsets ascend.</summary>
    public void Read(long offset)
    {
        if (offset <= _last)
        {
            throw new InvalidOperationException($"Offset {offset} was read after offset {_last}.");
        }

        _last = offset;
        if (_count == _ring.Length)
        {
            Grow();
        }

        _ring[(_head + _count) & (_ring.Length - 1)] = (offset, false);
        _count++;
    }

    /// <summary>The record's outcome is durable. Returns whether the watermark moved.</summary>
    public bool Settle(long offset)
    {
        if (Find(offset) is not { } index)
        {
            return false;
        }

        _ring[index].Settled = true;
        var moved = false;
        while (_count > 0 && _ring[_head].Settled)
        {
            Watermark = _ring[_head].Offset + 1;
            _head = (_head + 1) & (_ring.Length - 1);
            _count--;
            moved = true;
        }

        Debug.Assert(_count == 0 || Watermark is null || Watermark <= _ring[_head].Offset, "the watermark never passes an open record");
        return moved;
    }

    /// <summary>
    /// Everything before this offset has been read: what was not told as read are no records (control records of transactions, offsets that
    /// compaction left empty). Returns whether the watermark moved.
    /// </summary>
    public bool Pass(long offset)
    {
        if (offset - 1 <= _last)
        {
            return false;
        }

        Read(offset - 1);
        return Settle(offset - 1);
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
