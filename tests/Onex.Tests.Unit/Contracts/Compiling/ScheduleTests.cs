namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>The syntax of <c>schedule</c>, and the times at which it starts sagas.</summary>
public sealed class ScheduleTests
{
    private const string End = "initial: done\nstates:\n  done: { end: completed }\n";

    [Fact]
    public void A_missing_key_has_its_default()
    {
        var schedule = Schedule("{ cron: \"0  3 * * *\" }");

        Assert.Equal(
            ("0 3 * * * UTC", null, Overlap.Skip, MissedTimes.Latest), (schedule.Text, schedule.Every, schedule.Overlap, schedule.Missed));
        Assert.Equal("{}", Json(schedule.Input));
    }

    [Fact]
    public void Every_key_of_a_schedule_is_read()
    {
        var schedule = Schedule(
            "{ cron: \"*/10 8-17 * * 1-5\", time_zone: Europe/Zurich, overlap: allow, missed: skip, input: { day: \"$${x}\" } }");

        Assert.Equal(
            ("*/10 8-17 * * 1-5 Europe/Zurich", Overlap.Allow, MissedTimes.Skip), (schedule.Text, schedule.Overlap, schedule.Missed));
        Assert.Equal("""{"day":"${x}"}""", Json(schedule.Input));
        Assert.Equal(TimeSpan.FromMinutes(90), Schedule("{ every: 90m }").Every);
    }

    [Theory]
    [InlineData("{}", "ONEX1110")]
    [InlineData("{ every: 1h, cron: \"0 3 * * *\" }", "ONEX1110")]
    [InlineData("{ cron: \"0 3 * *\" }", "ONEX1111")]
    [InlineData("{ cron: \"0 0 3 * * *\" }", "ONEX1111")]
    [InlineData("{ cron: \"60 3 * * *\" }", "ONEX1111")]
    [InlineData("{ cron: \"0 3 30 2 *\" }", "ONEX1111")]
    [InlineData("{ cron: \"@daily\" }", "ONEX1111")]
    [InlineData("{ cron: \"H 3 * * *\" }", "ONEX1111")]
    [InlineData("{ cron: \"0 3 * * *\", time_zone: Mars/Olympus }", "ONEX1112")]
    [InlineData("{ cron: \"0 3 * * *\", time_zone: ../zoneinfo/UTC }", "ONEX1112")]
    [InlineData("{ every: 999ms }", "ONEX1114")]
    [InlineData("{ every: 1h, time_zone: UTC }", "ONEX1014")]
    [InlineData("{ every: 1h, overlap: queue }", "ONEX1012")]
    [InlineData("{ every: 1h, missed: all }", "ONEX1012")]
    [InlineData("{ every: 1h, input: { day: \"${now}\" } }", "ONEX1039")]
    [InlineData("{ every: often }", "ONEX1047")]
    [InlineData("hourly", "ONEX1012")]
    [InlineData("{ every: 1h, jitter: 1m }", "ONEX1010")]
    public void Schedule_errors_are_reported(string schedule, string code) =>
        Assert.Equal([code], TestContracts.Codes($"schedule: {schedule}\n{End}"));

    [Fact]
    public void A_constant_business_key_allows_no_overlap() =>
        Assert.Equal(
            ["ONEX1014"], TestContracts.Codes($"key: input.?day.orValue(\"x\")\nschedule: {{ every: 1h, overlap: allow }}\n{End}"));

    [Fact]
    public void An_interval_counts_from_the_previous_time()
    {
        var schedule = Schedule("{ every: 90m }");

        Assert.Equal(At("2026-11-24T09:30:00Z"), schedule.After(At("2026-11-24T08:00:00Z")));
        Assert.Equal(At("2026-11-24T12:30:00Z"), schedule.Latest(At("2026-11-24T08:00:00Z"), At("2026-11-24T13:59:59Z")));
        Assert.Equal(At("2026-11-24T14:00:00Z"), schedule.Latest(At("2026-11-24T08:00:00Z"), At("2026-11-24T14:00:00Z")));
        Assert.Null(schedule.Latest(At("2026-11-24T08:00:00Z"), At("2026-11-24T09:29:59Z")));
    }

    [Fact]
    public void The_calendar_follows_its_time_zone_in_every_season()
    {
        var schedule = Schedule("{ cron: \"0 3 * * *\", time_zone: Europe/Zurich }");

        Assert.Equal(At("2026-07-01T01:00:00Z"), schedule.After(At("2026-06-30T12:00:00Z")));
        Assert.Equal(At("2026-12-01T02:00:00Z"), schedule.After(At("2026-11-30T12:00:00Z")));
        Assert.Equal(At("2026-12-01T02:00:00Z"), schedule.Latest(At("2026-07-01T01:00:00Z"), At("2026-12-02T01:59:59Z")));
        Assert.Equal(TimeSpan.Zero, schedule.After(At("2026-06-30T12:00:00Z"))!.Value.Offset);
    }

    // At 02:00 in the night to 2026-03-29 the clocks of Zurich advance to 03:00.
    [Fact]
    public void A_skipped_local_time_starts_right_after_the_clock_change()
    {
        var schedule = Schedule("{ cron: \"30 2 * * *\", time_zone: Europe/Zurich }");

        Assert.Equal(
            [At("2026-03-28T01:30:00Z"), At("2026-03-29T01:00:00Z"), At("2026-03-30T00:30:00Z")],
            Times(schedule, "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z"));
    }

    // At 03:00 in the night to 2026-10-25 the clocks of Zurich go back to 02:00.
    [Fact]
    public void A_repeated_local_time_starts_once()
    {
        var schedule = Schedule("{ cron: \"30 2 * * *\", time_zone: Europe/Zurich }");

        Assert.Equal(
            [At("2026-10-24T00:30:00Z"), At("2026-10-25T00:30:00Z"), At("2026-10-26T01:30:00Z")],
            Times(schedule, "2026-10-24T00:00:00Z", "2026-10-26T12:00:00Z"));
    }

    [Theory]
    [InlineData("0 25 * * *", "'25' is not a valid hour, which is 0 to 23")]
    [InlineData("60 3 * * *", "'60' is not a valid minute, which is 0 to 59")]
    [InlineData("H 3 * * *", "'H' is not a valid minute")]
    [InlineData("0 3 32 * *", "'32' is not a valid day of the month, which is 1 to 31")]
    [InlineData("0 3 * 13 *", "'13' is not a valid month, which is 1 to 12 or JAN to DEC")]
    [InlineData("0 3 * * MONDAY", "'MONDAY' is not a valid day of the week, which is 0 to 7 or SUN to SAT")]
    [InlineData("0 3 * *", "it has 4 fields")]
    [InlineData("@daily", "it has 1 field.")]
    public void An_invalid_cron_field_is_reported_with_its_range(string cron, string problem) => Assert.Contains(
        problem, Assert.Single(
            TestContracts.Check($"{TestContracts.Head}schedule: {{ cron: \"{cron}\" }}\ninitial: done\nstates:\n"
                + "  done: { end: completed }\n").Diagnostics).Problem,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("2026-10-25")]
    [InlineData("2026-03-29")]
    public void A_half_hourly_schedule_continues_through_a_clock_change(string day)
    {
        var schedule = Schedule("{ cron: \"*/30 * * * *\", time_zone: Europe/Zurich }");
        var from = At($"{day}T00:00:00Z");

        Assert.Equal(
            Enumerable.Range(1, 8).Select(number => from + (number * TimeSpan.FromMinutes(30))),
            Times(schedule, $"{day}T00:00:00Z", $"{day}T04:00:00Z"));
    }

    // At 03:00 in the night to 2026-10-25 the clocks of Zurich go back to 02:00. A schedule of specific hours ignores the repeated hour; a
    // schedule of every hour starts in it too.
    [Theory]
    [InlineData("30 1-3 * * *", "2026-10-24T23:30:00Z 2026-10-25T00:30:00Z 2026-10-25T02:30:00Z")]
    [InlineData("30 2-2 * * *", "2026-10-25T00:30:00Z")]
    [InlineData("30 1,2,3 * * *", "2026-10-24T23:30:00Z 2026-10-25T00:30:00Z 2026-10-25T02:30:00Z")]
    [InlineData("*/30 2 * * *", "2026-10-25T00:00:00Z 2026-10-25T00:30:00Z")]
    [InlineData("0-30/30 2 * * *", "2026-10-25T00:00:00Z 2026-10-25T00:30:00Z")]
    [InlineData("0 */2 * * *", "2026-10-24T22:00:00Z 2026-10-25T00:00:00Z 2026-10-25T03:00:00Z")]
    [InlineData("0 0-4/2 * * *", "2026-10-24T22:00:00Z 2026-10-25T00:00:00Z 2026-10-25T03:00:00Z")]
    [InlineData(
        "0 * * * *",
        "2026-10-24T22:00:00Z 2026-10-24T23:00:00Z 2026-10-25T00:00:00Z 2026-10-25T01:00:00Z 2026-10-25T02:00:00Z 2026-10-25T03:00:00Z")]
    [InlineData(
        "0 0-23 * * *",
        "2026-10-24T22:00:00Z 2026-10-24T23:00:00Z 2026-10-25T00:00:00Z 2026-10-25T01:00:00Z 2026-10-25T02:00:00Z 2026-10-25T03:00:00Z")]
    [InlineData(
        "0 */1 * * *",
        "2026-10-24T22:00:00Z 2026-10-24T23:00:00Z 2026-10-25T00:00:00Z 2026-10-25T01:00:00Z 2026-10-25T02:00:00Z 2026-10-25T03:00:00Z")]
    public void Only_schedules_of_every_hour_start_twice_in_the_repeated_hour(string cron, string expected) => Assert.Equal(
        expected.Split(' ').Select(At),
        Times(Schedule($"{{ cron: \"{cron}\", time_zone: Europe/Zurich }}"), "2026-10-24T21:59:00Z", "2026-10-25T03:59:00Z"));

    // At 02:00 in the night to 2026-03-29 the clocks of Zurich advance to 03:00.
    [Theory]
    [InlineData("30 1-3 * * *", "2026-03-29T00:30:00Z 2026-03-29T01:00:00Z 2026-03-29T01:30:00Z")]
    [InlineData("30 1,2,3 * * *", "2026-03-29T00:30:00Z 2026-03-29T01:00:00Z 2026-03-29T01:30:00Z")]
    [InlineData("30 2-2 * * *", "2026-03-29T01:00:00Z")]
    [InlineData("*/30 2 * * *", "2026-03-29T01:00:00Z")]
    [InlineData("0 */2 * * *", "2026-03-28T23:00:00Z 2026-03-29T01:00:00Z 2026-03-29T02:00:00Z")]
    [InlineData("0 * * * *", "2026-03-28T23:00:00Z 2026-03-29T00:00:00Z 2026-03-29T01:00:00Z 2026-03-29T02:00:00Z")]
    public void Ranges_lists_and_steps_of_hours_start_right_after_the_skipped_hour(string cron, string expected) =>
        Assert.Equal(
            expected.Split(' ').Select(At),
            Times(Schedule($"{{ cron: \"{cron}\", time_zone: Europe/Zurich }}"), "2026-03-28T22:59:00Z", "2026-03-29T02:59:00Z"));

    // 2026-11-13 is a Friday.
    [Theory]
    [InlineData(
        "0 0 13 * 5",
        "2026-11-06T00:00:00Z 2026-11-13T00:00:00Z 2026-11-20T00:00:00Z 2026-11-27T00:00:00Z 2026-12-04T00:00:00Z 2026-12-11T00:00:00Z "
            + "2026-12-13T00:00:00Z")]
    [InlineData("0 0 13 * *", "2026-11-13T00:00:00Z 2026-12-13T00:00:00Z")]
    [InlineData(
        "0 0 ? * FRI",
        "2026-11-06T00:00:00Z 2026-11-13T00:00:00Z 2026-11-20T00:00:00Z 2026-11-27T00:00:00Z 2026-12-04T00:00:00Z 2026-12-11T00:00:00Z")]
    [InlineData("0 0 31 11 5", "2026-11-06T00:00:00Z 2026-11-13T00:00:00Z 2026-11-20T00:00:00Z 2026-11-27T00:00:00Z")]
    [InlineData(
        "0 0 1-7 * 1#1",
        "2026-11-02T00:00:00Z 2026-11-03T00:00:00Z 2026-11-04T00:00:00Z 2026-11-05T00:00:00Z 2026-11-06T00:00:00Z 2026-11-07T00:00:00Z "
            + "2026-12-01T00:00:00Z 2026-12-02T00:00:00Z 2026-12-03T00:00:00Z 2026-12-04T00:00:00Z 2026-12-05T00:00:00Z "
            + "2026-12-06T00:00:00Z 2026-12-07T00:00:00Z")]
    public void A_schedule_with_both_day_fields_set_starts_on_either(string cron, string expected) => Assert.Equal(
        expected.Split(' ').Select(At), Times(Schedule($"{{ cron: \"{cron}\" }}"), "2026-11-01T00:00:00Z", "2026-12-14T00:00:00Z"));

    [Theory]
    [InlineData("30 2 * * *")]
    [InlineData("*/30 * * * *")]
    [InlineData("0 2,3 * * *")]
    [InlineData("30 1-3 * * *")]
    [InlineData("0 */2 * 10 0")]
    [InlineData("15 2 29 3 6")]
    public void The_latest_time_is_the_last_of_consecutive_times(string cron)
    {
        var schedule = Schedule($"{{ cron: \"{cron}\", time_zone: Europe/Zurich }}");
        foreach (var from in new[] { At("2026-03-28T12:00:00Z"), At("2026-10-24T12:00:00Z") })
        {
            for (var until = from; until < from.AddDays(1); until += TimeSpan.FromMinutes(7))
            {
                Assert.Equal(
                    Times(schedule, from, until).Select(time => (DateTimeOffset?)time).LastOrDefault(), schedule.Latest(from, until));
            }
        }
    }

    private static string Json(CelValue value) => ValueJson.TryWrite(value, out var json, out _) ? json.ToString() : "";

    private static SchedulePlan Schedule(string text) => TestContracts.Compile($"schedule: {text}\n{End}").Schedule!;

    private static IEnumerable<DateTimeOffset> Times(SchedulePlan schedule, string after, string until) =>
        Times(schedule, At(after), At(until));

    private static IEnumerable<DateTimeOffset> Times(SchedulePlan schedule, DateTimeOffset after, DateTimeOffset until)
    {
        for (var time = schedule.After(after); time <= until; time = schedule.After(time.Value))
        {
            yield return time.Value;
        }
    }

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
