using System.Security.Cryptography;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine;

/// <summary>
/// Cycles without progress. An entry into a state is idle if the saga was there before, with the same data and results, and no event, time limit
/// or wait came in between. Idle entries are slowed down, then the saga is blocked, so that a contract that goes round in a circle neither floods
/// other systems nor its own history. Entries that failures lead to are counted besides, with much more patience: such a circle may write down
/// something new each time and never end all the same.
/// </summary>
internal static class Cycles
{
    /// <summary>Idle entries that are not slowed down.</summary>
    public const int Free = 10;

    /// <summary>Entries by failures that are allowed for each idle one that is.</summary>
    public const int FailuresEach = 20;

    private static readonly TimeSpan _first = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(1);

    /// <summary>Counts an entry into a state. True if it is not entered now: later, or, since it was entered too often, not without an operator.</summary>
    public static bool DelayOrBlock(Transition transition, StatePlan state, bool failed)
    {
        var saga = transition.Saga;
        if (state.Kind == StateKind.End || saga.CancelledBy is not null || !saga.Visits.ContainsKey(state.Name))
        {
            return false;
        }

        var mark = Mark(saga);
        var before = saga.Idle.GetValueOrDefault(state.Name);
        var count = before?.Mark == mark ? before.Count + 1 : 1;
        var failures = (before?.Failures ?? 0) + (failed ? 1 : 0);
        var most = transition.Plan.IdleEntriesMax;
        if (count > most || failures > most * FailuresEach)
        {
            var how = count > most
                ? $"came to state '{state.Name}' {Plural.Format(count, "time")} without an event, a wait or new data in between; {most} are allowed (ONEX_MAX_IDLE_ENTRIES)."
                : $"came to state '{state.Name}' by {failures} failures without an event or a wait in between; {most * FailuresEach} are allowed "
                    + $"({FailuresEach} times ONEX_MAX_IDLE_ENTRIES).";
            transition.Depart(new Departure(state.Name) { Failed = failed });
            transition.Block(
                BlockedBy.Way,
                $"The contract goes round in a circle: it {how}{(saga.Fault is { } fault ? $" The last fault: {fault.Code}: {fault.Message}" : "")}");
            return true;
        }

        transition.Saga = saga with { Idle = saga.Idle.SetItem(state.Name, new IdleEntries(count, failures, mark)) };

        // What goes round within one decision touches nobody, and to slow it down would only put its end off.
        var slowed = Math.Max(count - Free, failures - most);
        if (slowed <= 0 || transition.StatesEntered > Free)
        {
            return false;
        }

        var at = transition.Now + Delay(slowed);
        transition.Depart(new Departure(state.Name) { Failed = failed, At = at });
        transition.Note(HistoryKinds.SlowedDown, detail: [("next", state.Name), ("entries", Math.Max(count, failures)), ("until", at)]);
        return true;
    }

    private static TimeSpan Delay(int slowed)
    {
        var delay = _first;
        for (var time = 1; time < slowed && delay < _longest; time++)
        {
            delay *= 2;
        }

        return delay < _longest ? delay : _longest;
    }

    // The same for the same values, in whatever process and order they were read.
    private static string Mark(SagaState saga)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var values in new[] { saga.Data, saga.Results })
        {
            _ = ValueJson.TryWrite(StoredOrder.Of(CelValue.Map(values)), out var json, out _);
            hash.AppendData(json.Utf8.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }
}
