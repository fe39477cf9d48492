using Onex.Persistence.Schedules;

namespace Onex.Persistence.Tables;

/// <summary>The columns of <c>schedules</c> that name a schedule.</summary>
internal static class ScheduleTable
{
    public static readonly Table<ScheduleName> Columns = Create();

    private static Table<ScheduleName> Create()
    {
        var table = new Table<ScheduleName>();
        table.Text("contract", schedule => schedule.Contract, isFixed: true);
        table.Text("times", schedule => schedule.Times, isFixed: true);
        return table;
    }
}
