using StackExchange.Redis;
using StackExchange.Redis.Availability;

namespace Onex.Effects.Redis;

/// <summary>The options that all clients of Redis share.</summary>
internal static class RedisOptions
{
    private const int ReconnectMs = 500;
    private const int PingSeconds = 5;

    /// <summary>Options for one server.</summary>
    /// <param name="host">Its host.</param>
    /// <param name="port">Its port.</param>
    /// <param name="password">The password, or null.</param>
    /// <param name="clientName">The name under which the server lists the client.</param>
    /// <param name="connectMs">The time limit of connecting, in milliseconds.</param>
    /// <param name="answerMs">The time limit of a command, in milliseconds.</param>
    public static ConfigurationOptions For(string host, int port, string? password, string clientName, int connectMs, int answerMs) => new()
    {
        EndPoints = { { host, port } },
        Password = password,
        ClientName = clientName,
        ConnectTimeout = connectMs,
        AsyncTimeout = answerMs,
        KeepAlive = PingSeconds,
        ReconnectRetryPolicy = new LinearRetry(ReconnectMs),

        // The client does not retry: a command is sent at once, or it is not sent.
        AbortOnConnectFail = false,
        BacklogPolicy = BacklogPolicy.FailFast,
        RetryPolicy = RetryPolicy.None,

        // Exceptions would list commands and keys. The server gets no channel or key of the client itself.
        IncludeDetailInExceptions = false,
        IncludePerformanceCountersInExceptions = false,
        ConfigurationChannel = "",
        TieBreaker = "",
    };
}
