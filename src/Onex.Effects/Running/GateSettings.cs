using Onex.Effects.Connections;

namespace Onex.Effects.Running;

/// <summary>The limits of a gate.</summary>
/// <param name="Slots">The maximum number of attempts at the same time.</param>
/// <param name="Rate">How many attempts may begin per period, or null.</param>
/// <param name="Breaker">The circuit breaker, or null.</param>
internal sealed record GateSettings(int Slots, RateLimit? Rate, BreakerSettings? Breaker)
{
    // Waiting commands of ordinary size occupy a few megabytes per connection.
    private const int WaitingPerSlot = 4;

    /// <summary>The longest time that a command waits in memory, counted from its arrival.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    /// <summary>The number of commands that may wait in memory, unless the connection finishes more than that in a second.</summary>
    public int WaitingMax => Slots * WaitingPerSlot;

    /// <summary>The settings of commands without a connection, which reach different systems.</summary>
    public static GateSettings WithoutConnection { get; } =
        new(ConnectionTypes.ConcurrencyOf(ConnectionTypes.Http), Rate: null, Breaker: null);

    /// <summary>The settings of a connection.</summary>
    public static GateSettings For(Connection connection) => new(connection.Concurrency, connection.RateLimit, connection.Breaker);
}
