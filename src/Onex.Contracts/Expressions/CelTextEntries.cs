using System.Collections;

namespace Onex.Contracts.Expressions;

/// <summary>The text-keyed entries of a map, in order. A loop over this struct allocates nothing.</summary>
internal readonly struct CelTextEntries(List<KeyValuePair<CelValue, CelValue>> entries) : IEnumerable<KeyValuePair<string, CelValue>>
{
    public Enumerator GetEnumerator() => new(entries);

    IEnumerator<KeyValuePair<string, CelValue>> IEnumerable<KeyValuePair<string, CelValue>>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public struct Enumerator(List<KeyValuePair<CelValue, CelValue>> entries) : IEnumerator<KeyValuePair<string, CelValue>>
    {
        private int _next;

        public KeyValuePair<string, CelValue> Current { get; private set; }

        readonly object IEnumerator.Current => Current;

        public bool MoveNext()
        {
            while (_next < entries.Count)
            {
                var (key, value) = entries[_next++];
                if (key.Kind == CelKind.String)
                {
                    Current = new(key.AsString(), value);
                    return true;
                }
            }

            return false;
        }

        public void Reset() => _next = 0;

        public readonly void Dispose()
        {
        }
    }
}
