using Onex.Orchestrator.Background;
using Onex.Tests.Unit.Contracts;

namespace Onex.Tests.Unit.Orchestrator.Background;

public sealed class ScheduleTimesTests
{
    private static readonly DateTimeOffset _begin = new(2026, 11, 24, 8, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Nothing_is_due_before_its_time()
    {
        var due = ScheduleTimes.DueSince(Hourly(), _begin, _begin.AddMinutes(59.99));

        Assert.Empty(due.Starts);
        Assert.Equal(_begin, due.LastHandled);
    }

    [Fact]
    public void A_scheduled_time_is_due_once()
    {
        var due = ScheduleTimes.DueSince(Hourly(), _begin, _begin.AddHours(1));
        Assert.Equal([_begin.AddHours(1)], due.Starts);
        Assert.Equal(_begin.AddHours(1), due.LastHandled);

        Assert.Empty(ScheduleTimes.DueSince(Hourly(), due.LastHandled, _begin.AddHours(1).AddSeconds(1)).Starts);
    }

    [Theory]
    [InlineData("latest")]
    [InlineData("skip")]
    public void A_time_that_is_less_than_a_minute_late_is_not_missed(string missed) =>
        Assert.Equal([_begin.AddHours(1)], ScheduleTimes.DueSince(Hourly(missed), _begin, _begin.AddHours(1).AddSeconds(59)).Starts);

    [Fact]
    public void Each_of_several_late_times_starts_a_saga()
    {
        var due = ScheduleTimes.DueSince(Schedule("every: 1s, missed: skip"), _begin, _begin.AddSeconds(3.5));

        Assert.Equal([_begin.AddSeconds(1), _begin.AddSeconds(2), _begin.AddSeconds(3)], due.Starts);
        Assert.Equal(_begin.AddSeconds(3), due.LastHandled);
    }

    [Fact]
    public void The_last_of_the_missed_times_starts_a_saga()
    {
        var due = ScheduleTimes.DueSince(Hourly(), _begin, _begin.AddHours(10.5));

        Assert.Equal([_begin.AddHours(10)], due.Starts);
        Assert.Equal(_begin.AddHours(10), due.LastHandled);
    }

    [Fact]
    public void With_skip_no_missed_time_starts_a_saga_and_the_schedule_continues()
    {
        var due = ScheduleTimes.DueSince(Hourly("skip"), _begin, _begin.AddHours(10.5));

        Assert.Empty(due.Starts);
        Assert.Equal(_begin.AddHours(10), due.LastHandled);
        Assert.Equal([_begin.AddHours(11)], ScheduleTimes.DueSince(Hourly("skip"), due.LastHandled, _begin.AddHours(11)).Starts);
    }

    [Theory]
    [InlineData("latest")]
    [InlineData("skip")]
    public void A_time_that_is_due_now_replaces_the_missed_ones(string missed) =>
        Assert.Equal([_begin.AddHours(10)], ScheduleTimes.DueSince(Hourly(missed), _begin, _begin.AddHours(10).AddSeconds(5)).Starts);

    [Fact]
    public void Of_a_year_of_missed_seconds_only_the_last_minute_starts_sagas()
    {
        var due = ScheduleTimes.DueSince(Schedule("every: 1s"), _begin, _begin.AddDays(365));

        Assert.Equal(60, due.Starts.Count);
        Assert.Equal(_begin.AddDays(365), due.LastHandled);
    }

    [Fact]
    public void A_clock_that_was_set_back_starts_nothing()
    {
        var due = ScheduleTimes.DueSince(Hourly(), _begin, _begin.AddDays(-1));

        Assert.Empty(due.Starts);
        Assert.Equal(_begin, due.LastHandled);
    }

    [Fact]
    public void A_local_time_that_occurs_twice_starts_one_saga()
    {
        var schedule = Schedule("cron: \"30 2 * * *\", time_zone: Europe/Zurich");
        var starts = new List<DateTimeOffset>();
        var last = new DateTimeOffset(2026, 10, 24, 12, 0, 0, TimeSpan.Zero);
        for (var now = last; now < last.AddDays(1); now = now.AddSeconds(30))
        {
            var due = ScheduleTimes.DueSince(schedule, last, now);
            starts.AddRange(due.Starts);
            last = due.LastHandled;
        }

        Assert.Equal([new DateTimeOffset(2026, 10, 25, 0, 30, 0, TimeSpan.Zero)], starts);
    }

    private static SchedulePlan Hourly(string missed = "latest") => Schedule($"every: 1h, missed: {missed}");

    private static SchedulePlan Schedule(string text) =>
        TestContracts.Compile($"schedule: {{ {text} }}\ninitial: done\nstates:\n  done: {{ end: completed }}\n").Schedule!;
}
