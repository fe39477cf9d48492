using System.Collections.Concurrent;

namespace Onex.Effects.Connections;

/// <summary>
/// One value per connection, for example a client or a pool. It is created on first use, and closed once the connection was replaced and no
/// command uses it.
/// </summary>
internal sealed class PerConnection<TValue> : IDisposable
{
    private readonly ConcurrentDictionary<Connection, Lazy<TValue>> _values = new();
    private readonly Func<Connection, TValue> _create;
    private readonly Action<TValue> _close;

    public PerConnection(ConnectionTable table, Func<Connection, TValue> create, Action<TValue> close)
    {
        (_create, _close) = (create, close);
        table.OnReleased(Close);
    }

    /// <summary>The value of a connection. The caller must hold a <see cref="ConnectionUse"/> of it.</summary>
    public TValue For(Connection connection) => _values.GetOrAdd(
        connection, static (key, create) => new Lazy<TValue>(() => create(key)), _create).Value;

    public void Dispose()
    {
        foreach (var connection in _values.Keys)
        {
            Close(connection);
        }
    }

    private void Close(Connection connection)
    {
        if (_values.TryRemove(connection, out var value) && value.IsValueCreated)
        {
            _close(value.Value);
        }
    }
}
