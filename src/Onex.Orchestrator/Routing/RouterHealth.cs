using Onex.Contracts.Text;
using Onex.Hosting.Health;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Reports batches of messages for sagas that fail repeatedly or do not end. A single saga cannot make a batch fail, so the cause concerns
/// all sagas, and this orchestrator is not ready.
/// </summary>
internal sealed class RouterHealth(TimeProvider time) : IHealthComponent
{
    // Longer than calls to the store and the broker may take.
    private static readonly TimeSpan _batchMax = TimeSpan.FromSeconds(45);

    // Single failures are normal, such as a batch whose partition was lost.
    private const int ToleratedFailures = 2;

    // Failures expire. A failed batch of records is retried, and its success resets them. But a failed call over HTTP is not, and while
    // this orchestrator is not ready it gets no further calls that could succeed.
    private static readonly TimeSpan _failuresExpireAfter = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private int _failures;
    private long _failedAt;
    private string? _reason;
    private readonly Dictionary<long, (long Since, int Deliveries)> _running = [];
    private long _batches;

    public string Name => "sagas";

    public bool NeededForReadiness => true;

    public Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        lock (_lock)
        {
            var error = _failures > ToleratedFailures && time.GetElapsedTime(_failedAt) < _failuresExpireAfter
                ? $"messages for sagas cannot be handled, {Plural.Format(_failures, "batch")} in a row: {_reason}"
                : DescribeHanging();
            return Task.FromResult(error is null
                ? ComponentReport.Healthy
                : new ComponentReport(ComponentState.Unhealthy, error, null)
                {
                    Remedy = "Look at the database (full disk, locks in pg_stat_activity) and at the log. A restart is safe.",
                });
        }
    }

    /// <summary>A batch begins. Returns its number for <see cref="Ended"/>.</summary>
    public long Began(int deliveries)
    {
        lock (_lock)
        {
            _running[++_batches] = (time.GetTimestamp(), deliveries);
            return _batches;
        }
    }

    /// <summary>A batch has ended, whether or not it succeeded.</summary>
    public void Ended(long batch)
    {
        lock (_lock)
        {
            _running.Remove(batch);
        }
    }

    public void Succeeded()
    {
        lock (_lock)
        {
            (_failures, _reason) = (0, null);
        }
    }

    /// <summary>A batch failed. The consumer retries batches of records; other batches are not retried by the router.</summary>
    public void Failed(Exception failure)
    {
        lock (_lock)
        {
            (_failures, _failedAt) = (_failures + 1, time.GetTimestamp());
            _reason = $"{failure.GetType().Name}: {failure.Message.Split(Environment.NewLine)[0]}";
        }
    }

    // Describes the oldest running batch if it takes too long.
    private string? DescribeHanging()
    {
        if (_running.Count == 0)
        {
            return null;
        }

        var (since, deliveries) = _running.Values.MinBy(batch => batch.Since);
        var elapsed = time.GetElapsedTime(since);
        return elapsed > _batchMax
            ? $"a batch of {Plural.Format(deliveries, "message")} for sagas has not ended for {elapsed.TotalSeconds:0} s"
            : null;
    }
}
