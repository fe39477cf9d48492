using Onex.Contracts.Messages;
using Onex.Effects.Connections;

namespace Onex.Effects.Running;

/// <summary>
/// Limits of attempts that are counted per key or by all processes together. A command waits for them after the gate of its connection and,
/// unless it was parked, before its lease.
/// </summary>
internal interface ISharedLimits
{
    /// <summary>Takes a permit for an attempt, or says how long it will take until there may be one.</summary>
    ValueTask<SharedPermit> AcquireAsync(Connection? connection, StepCommand command, CancellationToken cancellation);
}

/// <summary>The answer of the shared limits.</summary>
/// <param name="Held">What the attempt holds until it has ended, or null.</param>
/// <param name="Wait">How long it will take until there may be a permit; zero if the attempt may begin.</param>
internal readonly record struct SharedPermit(IAsyncDisposable? Held, TimeSpan Wait)
{
    /// <summary>The attempt may begin, and holds nothing.</summary>
    public static SharedPermit Free { get; }
}
