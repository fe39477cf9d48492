using Onex.Persistence.Schedules;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>The compliance suite of schedule stores, with a subclass per implementation.</summary>
public abstract class ScheduleStoreCompliance
{
    private static readonly CancellationToken _none = CancellationToken.None;

    protected abstract IScheduleStore Store { get; }

    [Fact]
    public async Task A_new_schedule_starts_at_the_current_whole_second_and_keeps_that_time()
    {
        var name = Name();

        var begun = Assert.Single(await Store.BeginAsync([name], _none));

        Assert.InRange(begun - TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(-5), TimeSpan.FromMinutes(5));
        Assert.Equal(0, begun.Ticks % TimeSpan.TicksPerSecond);
        Assert.Equal([begun], await Store.BeginAsync([name], _none));
        Assert.Equal(begun, await Store.LastDueAsync(name, _none));
        Assert.Null(await Store.LastDueAsync(Name(), _none));
        Assert.Empty(await Store.BeginAsync([], _none));
    }

    [Fact]
    public async Task Schedules_are_returned_in_the_order_of_the_query()
    {
        ScheduleName[] names = [Name(), Name(), Name()];
        await Store.BeginAsync(names, _none);
        foreach (var (name, index) in names.Select((name, index) => (name, index)))
        {
            Assert.True(await Store.AdvanceAsync(name, (await Store.LastDueAsync(name, _none))!.Value, Rows.Now.AddHours(index), _none));
        }

        Assert.Equal([Rows.Now.AddHours(2), Rows.Now, Rows.Now.AddHours(1)], await Store.BeginAsync([names[2], names[0], names[1]], _none));
    }

    [Fact]
    public async Task Only_one_of_several_callers_advances_a_schedule()
    {
        var name = Name();
        var begun = (await Store.BeginAsync([name], _none))[0];
        var next = begun.AddMilliseconds(1500);

        var advanced = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Store.AdvanceAsync(name, begun, next, _none)));

        Assert.Single(advanced, true);
        Assert.Equal([next], await Store.BeginAsync([name], _none));
        Assert.False(await Store.AdvanceAsync(name, begun, next.AddHours(1), _none));
    }

    [Fact]
    public async Task Each_schedule_of_a_contract_is_stored_separately()
    {
        var name = Name();
        var begun = (await Store.BeginAsync([name], _none))[0];
        await Store.AdvanceAsync(name, begun, begun.AddDays(-3), _none);

        Assert.NotEqual(begun.AddDays(-3), (await Store.BeginAsync([name, name with { Times = "every 2h" }], _none))[1]);
        Assert.Equal([begun.AddDays(-3)], await Store.BeginAsync([name], _none));
    }

    [Fact]
    public async Task The_gap_of_a_removed_and_restored_schedule_does_not_count_as_missed()
    {
        var (name, other) = (Name(), Name());
        var begun = (await Store.BeginAsync([name, other], _none))[0];
        await Store.AdvanceAsync(name, begun, begun.AddDays(-3), _none);
        await Store.AdvanceAsync(other, begun, begun.AddDays(-3), _none);

        // Times while all orchestrators were stopped count as missed. Times while one ran without the schedule do not.
        Assert.Equal([begun.AddDays(-3)], await Store.BeginAsync([other], _none));
        var restored = await Store.BeginAsync([name, other], _none);

        Assert.InRange(restored[0] - begun, TimeSpan.Zero, TimeSpan.FromMinutes(5));
        Assert.Equal(begun.AddDays(-3), restored[1]);
    }

    [Fact]
    public async Task An_orchestrator_continues_a_schedule_that_a_newer_version_dropped()
    {
        var name = Name();
        var begun = (await Store.BeginAsync([name], _none))[0];
        await Store.BeginAsync([], _none);

        Assert.Equal(begun, await Store.LastDueAsync(name, _none));
        Assert.True(await Store.AdvanceAsync(name, begun, begun.AddDays(-3), _none));
        Assert.Equal([begun.AddDays(-3)], await Store.BeginAsync([name], _none));
    }

    private static ScheduleName Name() => new(Rows.Key(), "every 1h");
}
