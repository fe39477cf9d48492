using System.Runtime.InteropServices;

namespace Onex.Contracts.Expressions;

/// <summary>
/// The entries of a map in insertion order. Keys are strings, bools and integers; 1, 1u and 1.0 are the same key. Only its creator fills
/// it; then it is immutable.
/// </summary>
internal sealed class CelMap(int capacity)
{
    // Maps up to this size are scanned, which is faster than hashing. Most objects in payloads are that small.
    private const int ScanMax = 8;

    private readonly List<KeyValuePair<CelValue, CelValue>> _entries = new(capacity);
    private Dictionary<CelValue, int>? _index;

    public int Count => _entries.Count;

    public List<KeyValuePair<CelValue, CelValue>> Entries => _entries;

    /// <summary>Adds an entry, or replaces the value of its key.</summary>
    public void Set(CelValue key, CelValue value)
    {
        var at = Find(key);
        if (at >= 0)
        {
            _entries[at] = new(_entries[at].Key, value);
            return;
        }

        _entries.Add(new(key, value));
        if (_index is not null)
        {
            _index.Add(key, _entries.Count - 1);
        }
        else if (_entries.Count > ScanMax)
        {
            _index = new Dictionary<CelValue, int>(Math.Max(_entries.Count, capacity));
            for (var i = 0; i < _entries.Count; i++)
            {
                _index.Add(_entries[i].Key, i);
            }
        }
    }

    public bool TryGet(CelValue key, out CelValue value)
    {
        var at = Find(key);
        value = at < 0 ? default : _entries[at].Value;
        return at >= 0;
    }

    /// <summary>Finds the value of a text key. A small map is searched without a <see cref="CelValue"/> for the key.</summary>
    public bool TryGet(string name, out CelValue value)
    {
        if (_index is not null)
        {
            return TryGet(CelValue.String(name), out value);
        }

        foreach (ref readonly var entry in CollectionsMarshal.AsSpan(_entries))
        {
            if (entry.Key.Kind == CelKind.String && string.Equals((string)entry.Key.Reference!, name, StringComparison.Ordinal))
            {
                value = entry.Value;
                return true;
            }
        }

        value = default;
        return false;
    }

    public bool Contains(CelValue key) => Find(key) >= 0;

    public CelValue[] Keys() => [.. _entries.Select(entry => entry.Key)];

    /// <summary>The entries whose keys are text.</summary>
    public CelTextEntries TextEntries => new(_entries);

    private int Find(CelValue key)
    {
        if (key.Kind is not (CelKind.String or CelKind.Bool or CelKind.Int or CelKind.Uint or CelKind.Double))
        {
            return -1;
        }

        if (_index is not null)
        {
            return _index.TryGetValue(key, out var found) ? found : -1;
        }

        for (var i = 0; i < _entries.Count; i++)
        {
            if (_entries[i].Key.Equals(key))
            {
                return i;
            }
        }

        return -1;
    }
}
