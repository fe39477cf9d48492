namespace Onex.Effects.Connections;

/// <summary>
/// One value for all connections with the same key. It is created on first use, and disposed of once no command uses such a connection and
/// the table has none.
/// </summary>
internal sealed class SharedPerConnection<TValue> : IAsyncDisposable
    where TValue : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<object, (TValue Value, HashSet<Connection> Users)> _values = [];
    private readonly ConnectionTable _table;
    private readonly Func<Connection, object?> _keyOf;
    private readonly Func<Connection, TValue> _create;

    /// <param name="table">The connections.</param>
    /// <param name="keyOf">The key of a connection; null if it has no value.</param>
    /// <param name="create">Creates the value for the first connection that uses it.</param>
    public SharedPerConnection(ConnectionTable table, Func<Connection, object?> keyOf, Func<Connection, TValue> create)
    {
        (_table, _keyOf, _create) = (table, keyOf, create);
        table.OnReleased(Release);
    }

    /// <summary>The value of a connection that has a key. If the table has it, the caller must hold a use of it.</summary>
    public TValue For(Connection connection)
    {
        lock (_lock)
        {
            var key = _keyOf(connection)!;
            if (!_values.TryGetValue(key, out var entry))
            {
                _values[key] = entry = (_create(connection), []);
            }

            entry.Users.Add(connection);
            return entry.Value;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (value, _) in _values.Values)
        {
            await value.DisposeAsync();
        }
    }

    private void Release(Connection connection)
    {
        if (_keyOf(connection) is not { } key)
        {
            return;
        }

        lock (_lock)
        {
            if (_values.TryGetValue(key, out var entry))
            {
                entry.Users.Remove(connection);
                if (entry.Users.Count == 0 && !_table.Connections.Any(other => key.Equals(_keyOf(other))))
                {
                    _values.Remove(key);
                    _ = entry.Value.DisposeAsync().AsTask();
                }
            }
        }
    }
}
