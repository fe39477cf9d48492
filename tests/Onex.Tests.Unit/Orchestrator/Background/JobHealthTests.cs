using Microsoft.Extensions.Time.Testing;
using Onex.Hosting.Health;
using Onex.Orchestrator.Background;

namespace Onex.Tests.Unit.Orchestrator.Background;

public sealed class JobHealthTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly JobHealth _health;

    public JobHealthTests() => _health = new JobHealth(_time);

    [Fact]
    public async Task A_job_that_keeps_failing_is_named_with_its_error_until_it_succeeds()
    {
        _health.Ended("timers", "The disk is full.");
        Assert.Null(await ErrorAsync());

        _time.Advance(TimeSpan.FromSeconds(11));
        _health.Began("timers", TimeSpan.FromMinutes(1));
        Assert.Equal("the job 'timers' has failed for 11 s: The disk is full.", await ErrorAsync());

        _health.Ended("timers", null);
        Assert.Null(await ErrorAsync());
    }

    [Fact]
    public async Task A_job_that_does_not_return_in_time_is_named_unless_it_waits_for_work()
    {
        _health.Began("schedules", TimeSpan.FromMinutes(1));
        _health.Began("sent messages", null);
        _time.Advance(TimeSpan.FromSeconds(61));

        Assert.Equal("the job 'schedules' has not returned for 61 s", await ErrorAsync());

        _health.Ended("schedules", null);
        Assert.Null(await ErrorAsync());
    }

    private async Task<string?> ErrorAsync()
    {
        var report = await _health.ProbeAsync(TestContext.Current.CancellationToken);
        Assert.Equal(report.Error is null ? ComponentState.Healthy : ComponentState.Degraded, report.State);
        return report.Error;
    }
}
