using Onex.Hosting.Health;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator;

/// <summary>
/// The database's time: this machine's clock plus the last measured difference. Decisions use it because leases expire by the database's
/// clock, and this machine's clock may be wrong. A large difference is reported.
/// </summary>
internal sealed class DatabaseClock(TimeProvider time) : IHealthComponent
{
    private static readonly TimeSpan _differenceMax = TimeSpan.FromSeconds(5);

    private long _differenceTicks;

    // The measured difference is wrong by half a round trip at most.
    private long _errorTicks;

    /// <summary>The database's time now, to within half a round trip.</summary>
    public DateTimeOffset Now => time.GetUtcNow() + Difference;

    public string Name => "clock";

    public bool NeededForReadiness => false;

    private TimeSpan Difference => TimeSpan.FromTicks(Volatile.Read(ref _differenceTicks));

    public async Task MeasureAsync(ISagaStore store, CancellationToken cancellation)
    {
        var before = time.GetUtcNow();
        var databaseTime = await store.NowAsync(cancellation);
        var after = time.GetUtcNow();
        Volatile.Write(ref _errorTicks, ((after - before) / 2).Ticks);
        Volatile.Write(ref _differenceTicks, (databaseTime - (before + ((after - before) / 2))).Ticks);
    }

    public Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        var difference = Difference;
        return Task.FromResult(difference.Duration() - TimeSpan.FromTicks(Volatile.Read(ref _errorTicks)) <= _differenceMax
            ? ComponentReport.Healthy
            : new ComponentReport(
                ComponentState.Degraded,
                $"this machine's clock is {difference.Duration().TotalSeconds:0} s {(difference > TimeSpan.Zero ? "behind" : "ahead of")} "
                + "the database's",
                null)
            {
                Remedy = "Synchronize the clocks (NTP). Sagas use the database's clock; logs, tokens and certificates use this one.",
            });
    }
}
