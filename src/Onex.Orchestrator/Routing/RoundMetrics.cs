using Onex.Metrics;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>Measures the rounds of the router: the time of each stage, the size and results of commits, and cache hits.</summary>
internal sealed class RoundMetrics
{
    internal static readonly MetricLabel Stage = MetricLabel.Create("stage", "load", "decide", "commit", "send");

    internal static readonly MetricLabel Result = MetricLabel.Create(
        "result", "committed", "stale", "duplicate_request", "key_taken", "duplicate_messages", "invalid");

    internal static readonly MetricLabel Found = MetricLabel.Create("found", "true", "false");

    internal static readonly Metric StageDuration = Metric.Histogram(
        "onex.round.stage.duration", "s", Metric.Seconds,
        "Time of a stage of a round: load sagas, decide, commit, hand messages to the producer.", Stage);

    internal static readonly Metric CommitDuration = Metric.Histogram(
        "onex.commit.duration", "s", Metric.Seconds, "Time of a commit in the database.");

    internal static readonly Metric CommitSize = Metric.Histogram(
        "onex.commit.sagas", "{saga}", Metric.Sizes, "Sagas per commit.");

    internal static readonly Metric CommitResults = Metric.Counter(
        "onex.commit.results", "{saga}",
        "Sagas in commits, by the store's result. A saga that was not committed is decided again or rejected.", Result);

    internal static readonly Metric CacheLookups = Metric.Counter(
        "onex.saga.cache.lookups", "{lookup}", "Lookups of sagas in the cache; those not found are read from the database.", Found);

    private readonly BoundedHistogram _stage;
    private readonly BoundedHistogram _commit;
    private readonly BoundedHistogram _size;
    private readonly BoundedCounter _results;
    private readonly BoundedCounter _lookups;
    private readonly TimeProvider _time;

    public RoundMetrics(OnexMeter meter, TimeProvider time)
    {
        _time = time;
        _stage = meter.Histogram(StageDuration);
        _commit = meter.Histogram(CommitDuration);
        _size = meter.Histogram(CommitSize);
        _results = meter.Counter(CommitResults);
        _lookups = meter.Counter(CacheLookups);
    }

    /// <summary>The timestamp at which a stage begins; 0 if stages are not measured.</summary>
    public long Now => _stage.Enabled ? _time.GetTimestamp() : 0;

    /// <summary>A stage has ended. Returns the timestamp at which the next stage begins.</summary>
    public long Ended(string stage, long began)
    {
        if (began == 0)
        {
            return Now;
        }

        var now = _time.GetTimestamp();
        _stage.Record(_time.GetElapsedTime(began, now).TotalSeconds, stage);
        return now;
    }

    public void Committed(IReadOnlyList<CommitResult> results, long began)
    {
        if (began == 0 || results.Count == 0)
        {
            return;
        }

        _commit.Record(_time.GetElapsedTime(began).TotalSeconds);
        _size.Record(results.Count);
        foreach (var result in results)
        {
            _results.Add(1, Text(result));
        }
    }

    public void LookedUp(int found, int missing)
    {
        if (found > 0)
        {
            _lookups.Add(found, "true");
        }

        if (missing > 0)
        {
            _lookups.Add(missing, "false");
        }
    }

    private static string Text(CommitResult result) => result switch
    {
        CommitResult.Committed => "committed",
        CommitResult.DuplicateRequest => "duplicate_request",
        CommitResult.KeyTaken => "key_taken",
        CommitResult.DuplicateMessages => "duplicate_messages",
        CommitResult.Invalid => "invalid",
        _ => "stale",
    };
}
