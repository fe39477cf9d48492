using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Onex.Effects.Connections;

/// <summary>
/// The connections of this process by name. They can be replaced while it runs: a command keeps the connection that it began with, and the
/// clients of a replaced connection are closed once no command uses it.
/// </summary>
public sealed class ConnectionTable
{
    private readonly Lock _replacing = new();
    private volatile FrozenDictionary<string, Entry> _entries;
    private ImmutableArray<Action<IReadOnlyList<ConnectionChange>>> _changeHandlers = [];
    private ImmutableArray<Action<Connection>> _releaseHandlers = [];

    /// <summary>Creates the table with the connections at start.</summary>
    public ConnectionTable(IReadOnlyDictionary<string, Connection> connections) =>
        _entries = connections.ToFrozenDictionary(pair => pair.Key, pair => new Entry(pair.Value), StringComparer.Ordinal);

    /// <summary>The names of the connections.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>The connections as they are now.</summary>
    internal IEnumerable<Connection> Connections => _entries.Values.Select(entry => entry.Connection);

    /// <summary>The connection of that name as it is now, or null. To open clients for it, call <see cref="Use"/>.</summary>
    public Connection? Find(string name) => _entries.GetValueOrDefault(name)?.Connection;

    /// <summary>
    /// Calls the function after connections were added or replaced, on the thread that changed them. Commands that begin afterwards use
    /// the new ones.
    /// </summary>
    public void OnChanged(Action<IReadOnlyList<ConnectionChange>> function) =>
        ImmutableInterlocked.Update(ref _changeHandlers, (functions, added) => functions.Add(added), function);

    /// <summary>Calls the function for each replaced connection once no command uses it any more.</summary>
    internal void OnReleased(Action<Connection> function) =>
        ImmutableInterlocked.Update(ref _releaseHandlers, (functions, added) => functions.Add(added), function);

    /// <summary>Keeps the clients of the connection of that name, if there is one, open until the result is disposed of.</summary>
    internal ConnectionUse Use(string? name)
    {
        // TryUse fails if the entry was replaced after the lookup; then the present one is looked up.
        while (name is not null && _entries.TryGetValue(name, out var entry))
        {
            if (entry.TryUse())
            {
                return new ConnectionUse(entry.Connection, () => EndUse(entry));
            }
        }

        return new ConnectionUse(null, null);
    }

    /// <summary>
    /// Adds and replaces connections, and returns what has changed. Unchanged ones keep their clients and limits. Those that are not given
    /// stay, because live sagas may use them.
    /// </summary>
    public IReadOnlyList<ConnectionChange> Replace(IReadOnlyDictionary<string, Connection> connections)
    {
        lock (_replacing)
        {
            var before = _entries;
            var changes = connections
                .Select(pair => (Name: pair.Key, Old: before.GetValueOrDefault(pair.Key), New: new Entry(pair.Value)))
                .Where(change => change.Old?.Connection.IsSameAs(change.New.Connection) != true)
                .OrderBy(change => change.Name, StringComparer.Ordinal)
                .ToList();
            if (changes.Count == 0)
            {
                return [];
            }

            var after = new Dictionary<string, Entry>(before, StringComparer.Ordinal);
            changes.ForEach(change => after[change.Name] = change.New);
            _entries = after.ToFrozenDictionary(StringComparer.Ordinal);
            ConnectionChange[] reported =
                [.. changes.Select(change => new ConnectionChange(change.Name, change.Old?.Connection, change.New.Connection))];
            foreach (var function in _changeHandlers)
            {
                function(reported);
            }

            foreach (var old in changes.Select(change => change.Old).OfType<Entry>().Where(entry => entry.Retire()))
            {
                Release(old.Connection);
            }

            return reported;
        }
    }

    private void EndUse(Entry entry)
    {
        if (entry.EndUse())
        {
            Release(entry.Connection);
        }
    }

    private void Release(Connection connection)
    {
        foreach (var function in _releaseHandlers)
        {
            function(connection);
        }
    }

    // A connection and the number of commands that use it.
    private sealed class Entry(Connection connection)
    {
        private readonly Lock _lock = new();
        private int _uses;
        private bool _isRetired;

        public Connection Connection => connection;

        public bool TryUse()
        {
            lock (_lock)
            {
                _uses += _isRetired ? 0 : 1;
                return !_isRetired;
            }
        }

        /// <summary>Ends a use; true if it was the last one of a retired connection.</summary>
        public bool EndUse()
        {
            lock (_lock)
            {
                return --_uses == 0 && _isRetired;
            }
        }

        /// <summary>Allows no further uses; true if there is none.</summary>
        public bool Retire()
        {
            lock (_lock)
            {
                _isRetired = true;
                return _uses == 0;
            }
        }
    }
}

/// <summary>A connection was added (no old one) or replaced.</summary>
public sealed record ConnectionChange(string Name, Connection? Old, Connection New);

/// <summary>The use of a connection by one command.</summary>
internal sealed class ConnectionUse(Connection? connection, Action? release) : IDisposable
{
    private Action? _release = release;

    /// <summary>The connection; null if there is none of that name, or the command names none.</summary>
    public Connection? Connection => connection;

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
