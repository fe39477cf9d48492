using Onex.Hosting.Health;

namespace Onex.Orchestrator.Background;

/// <summary>Reports the periodic jobs that fail, or that do not return.</summary>
internal sealed class JobHealth(TimeProvider time) : IHealthComponent
{
    // A job may fail for a short time in normal operation: the database restarts, or a lock is held.
    private static readonly TimeSpan _failingMax = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Job> _jobs = new(StringComparer.Ordinal);

    public string Name => "jobs";

    public bool NeededForReadiness => false;

    public Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        List<string> problems;
        lock (_lock)
        {
            problems = [.. _jobs.Select(job => Describe(job.Key, job.Value)).OfType<string>()];
        }

        return Task.FromResult(problems.Count == 0
            ? ComponentReport.Healthy
            : new ComponentReport(ComponentState.Degraded, string.Join("; ", problems), null)
            {
                Remedy = "Look at the database and the log. The jobs are tried again every second.",
            });
    }

    /// <summary>A run of a job begins. It may take <paramref name="runMax"/>; null means any time, for a job that waits for work.</summary>
    public void Began(string job, TimeSpan? runMax)
    {
        lock (_lock)
        {
            var previous = _jobs.GetValueOrDefault(job);
            _jobs[job] = new Job(runMax is null ? null : time.GetTimestamp(), runMax, previous?.FailingSince, previous?.Failure);
        }
    }

    /// <summary>A run of a job has ended, with a failure or with null.</summary>
    public void Ended(string job, string? failure)
    {
        lock (_lock)
        {
            var since = _jobs.GetValueOrDefault(job)?.FailingSince ?? time.GetTimestamp();
            _jobs[job] = new Job(null, null, failure is null ? null : since, failure);
        }
    }

    private string? Describe(string name, Job job)
    {
        var failing = job.FailingSince is { } failingSince ? time.GetElapsedTime(failingSince) : TimeSpan.Zero;
        if (failing > _failingMax)
        {
            return $"the job '{name}' has failed for {failing.TotalSeconds:0} s: {job.Failure}";
        }

        var running = job.RunningSince is { } runningSince ? time.GetElapsedTime(runningSince) : TimeSpan.Zero;
        return running > job.RunMax ? $"the job '{name}' has not returned for {running.TotalSeconds:0} s" : null;
    }

    private sealed record Job(long? RunningSince, TimeSpan? RunMax, long? FailingSince, string? Failure);
}
