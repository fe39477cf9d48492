using System.Collections;
using Confluent.Kafka;

namespace Onex.Kafka.Memory;

/// <summary>A queue with access by index: the records of a partition.</summary>
internal sealed class RecordQueue : IEnumerable<Message<byte[]?, byte[]?>>
{
    private Message<byte[]?, byte[]?>?[] _ring = new Message<byte[]?, byte[]?>?[16];
    private int _head;

    public int Count { get; private set; }

    public Message<byte[]?, byte[]?> this[int index] => _ring[(_head + index) & (_ring.Length - 1)]!;

    public void Enqueue(Message<byte[]?, byte[]?> message)
    {
        if (Count == _ring.Length)
        {
            var larger = new Message<byte[]?, byte[]?>?[_ring.Length * 2];
            for (var i = 0; i < Count; i++)
            {
                larger[i] = this[i];
            }

            _ring = larger;
            _head = 0;
        }

        _ring[(_head + Count) & (_ring.Length - 1)] = message;
        Count++;
    }

    public Message<byte[]?, byte[]?> Dequeue()
    {
        var message = this[0];
        _ring[_head] = null;
        _head = (_head + 1) & (_ring.Length - 1);
        Count--;
        return message;
    }

    public IEnumerator<Message<byte[]?, byte[]?>> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
