using Onex.Effects.Connections;

namespace Onex.Effects.Running;

/// <summary>The limits of a gate.</summary>
/// <param name="Slots">The maximum number of attempts at the same time.</param>
/// <param name="Rate">How many attempts may begin per period, or null.</param>
/// <param name="Breaker">The circuit breaker, or null.</param>
internal sealed record GateSettings(int Slots, RateLimit? Rate, BreakerSettings? Breaker)
{
    // So few that waiting commands of ordinary size occupy at most a few megabytes per connection.
    private const int WaitingPerSlot = 4;

    /// <summary>How long a command may wait in memory for each of these: its gate, free memory, and the shared limits.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    /// <summary>The number of commands that may wait in memory, unless the connection finishes more than that in a second.</summary>
    public int WaitingMax => Slots * WaitingPerSlot;

    /// <summary>The settings for commands without a connection. No breaker, because they reach different systems.</summary>
    public static GateSettings WithoutConnection { get; } =
        new(ConnectionTypes.ConcurrencyOf(ConnectionTypes.Http), Rate: null, Breaker: null);

    /// <summary>The settings of a connection.</summary>
    public static GateSettings For(Connection connection) => new(connection.Concurrency, connection.RateLimit, connection.Breaker);
}
