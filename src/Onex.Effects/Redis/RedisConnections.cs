using Onex.Effects.Connections;
using StackExchange.Redis;
using StackExchange.Redis.Availability;

namespace Onex.Effects.Redis;

/// <summary>The sockets of Redis effects: one per connection, over which all its commands are pipelined.</summary>
internal sealed class RedisConnections(ConnectionTable connections) : IDisposable
{
    private const int ConnectMs = 5000;
    private const int AnswerMs = 30_000;
    private const int ReconnectMs = 500;
    private const int PingSeconds = 5;

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
        var options = new ConfigurationOptions
        {
            EndPoints = { { address.Host, address.Port } },
            User = address.User,
            Password = address.Password,
            DefaultDatabase = address.Database,
            ClientName = "onex-effects",
            Ssl = address.IsTls,
            ConnectTimeout = ConnectMs,
            AsyncTimeout = AnswerMs,
            KeepAlive = PingSeconds,
            ReconnectRetryPolicy = new LinearRetry(ReconnectMs),

            // Only the orchestrator retries: a command is sent at once, or it is not sent.
            AbortOnConnectFail = false,
            BacklogPolicy = BacklogPolicy.FailFast,
            RetryPolicy = RetryPolicy.None,

            // Exceptions would list commands and keys; and the server needs no channel or key of ours.
            IncludeDetailInExceptions = false,
            IncludePerformanceCountersInExceptions = false,
            ConfigurationChannel = "",
            TieBreaker = "",
        };
        if (address.IsTls)
        {
            options.SslClientAuthenticationOptions = _ => connection.Tls.Options(address.Host);
        }

        return options;
    }
}
