using Onex.Persistence.Sagas;

namespace Onex.Orchestrator;

/// <summary>
/// The database's time, computed from this machine's clock and the difference measured last. Leases expire by the database's clock, so
/// decisions use it, too: this machine's clock may be wrong.
/// </summary>
internal sealed class DatabaseClock(TimeProvider time)
{
    private long _differenceTicks;

    /// <summary>The database's time now, to within half a round trip.</summary>
    public DateTimeOffset Now => time.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _differenceTicks));

    /// <summary>Measures the difference.</summary>
    public async Task MeasureAsync(ISagaStore store, CancellationToken cancellation)
    {
        var before = time.GetUtcNow();
        var there = await store.NowAsync(cancellation);
        var after = time.GetUtcNow();
        Volatile.Write(ref _differenceTicks, (there - (before + ((after - before) / 2))).Ticks);
    }
}
