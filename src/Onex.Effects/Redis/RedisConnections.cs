using Onex.Effects.Connections;
using StackExchange.Redis;

namespace Onex.Effects.Redis;

/// <summary>The clients of Redis effects: one per connection, which pipelines the commands of Redis from all attempts.</summary>
internal sealed class RedisConnections(ConnectionTable connections) : IDisposable
{
    private const int ConnectMs = 5000;
    private const int AnswerMs = 30_000;

    private readonly PerConnection<Task<ConnectionMultiplexer>> _multiplexers = new(
        connections, connection => ConnectionMultiplexer.ConnectAsync(CreateOptions(connection)), opening => _ = CloseAsync(opening));

    /// <summary>
    /// The database of a connection. While the server cannot be reached, commands of Redis fail without being sent.
    /// </summary>
    public async Task<IDatabaseAsync> ForAsync(Connection connection, CancellationToken cancellation)
    {
        // Attempts share the client, so the cancellation of one does not keep it from connecting.
        return (await _multiplexers.For(connection).WaitAsync(cancellation)).GetDatabase();
    }

    public void Dispose() => _multiplexers.Dispose();

    // The client may still be connecting, because the attempts that waited for it were cancelled.
    private static async Task CloseAsync(Task<ConnectionMultiplexer> opening)
    {
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (opening.IsCompletedSuccessfully)
        {
            await (await opening).DisposeAsync();
        }
    }

    private static ConfigurationOptions CreateOptions(Connection connection)
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
