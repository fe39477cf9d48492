using Onex.Effects.Connections;
using StackExchange.Redis;

namespace Onex.Effects.Redis;

/// <summary>The sockets of Redis effects: one per connection, over which all its commands are pipelined.</summary>
internal sealed class RedisConnections(ConnectionTable connections) : IDisposable
{
    private const int ConnectMs = 5000;
    private const int AnswerMs = 30_000;

    private readonly PerConnection<Task<ConnectionMultiplexer>> _open = new(
        connections, one => ConnectionMultiplexer.ConnectAsync(Options(one)), opening => _ = CloseAsync(opening));

    /// <summary>
    /// The database of a connection. If the server cannot be reached, its commands fail without being sent until it is reached again.
    /// </summary>
    public async Task<IDatabaseAsync> ForAsync(Connection connection, CancellationToken cancellation)
    {
        // Attempts share the connecting, so the end of one does not cancel it.
        return (await _open.For(connection).WaitAsync(cancellation)).GetDatabase();
    }

    public void Dispose() => _open.Dispose();

    // Attempts that were cancelled may have left it while it still connects.
    private static async Task CloseAsync(Task<ConnectionMultiplexer> opening)
    {
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (opening.IsCompletedSuccessfully)
        {
            await (await opening).DisposeAsync();
        }
    }

    private static ConfigurationOptions Options(Connection connection)
    {
        var address = connection.Redis ?? throw new InvalidOperationException($"{connection} is no connection to Redis.");
        var options = RedisOptions.For(address.Host, address.Port, address.Password, "onex-effects", ConnectMs, AnswerMs);
        (options.User, options.DefaultDatabase, options.Ssl) = (address.User, address.Database, address.IsTls);
        if (address.IsTls)
        {
            options.SslClientAuthenticationOptions = _ => connection.Tls.Options(address.Host);
        }

        return options;
    }
}
