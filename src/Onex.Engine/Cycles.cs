using System.Security.Cryptography;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine;

/// <summary>
/// Cycles without progress. An entry into a state is idle if the saga was there before with the same data and results, and no event, timer
/// or wait came in between. Idle entries are delayed, then the saga is blocked, so that a cycle in a contract neither floods other systems
/// nor its own history. Entries after failures are counted separately with a higher limit, because such a cycle may store new data each
/// time and still never end.
/// </summary>
internal static class Cycles
{
    /// <summary>Idle entries that are not delayed.</summary>
    public const int Free = 10;

    /// <summary>Entries after failures that are allowed per allowed idle entry.</summary>
    public const int FailuresEach = 20;

    private static readonly TimeSpan _first = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Counts an entry into a state. True if the state is not entered now: the entry is delayed, or the saga is blocked because of too many
    /// entries.
    /// </summary>
    public static bool DelayOrBlock(DecisionBuilder decision, StatePlan state, bool failed)
    {
        var saga = decision.Saga;
        if (state.Kind == StateKind.End || saga.CancelledBy is not null || !saga.Visits.ContainsKey(state.Name))
        {
            return false;
        }

        var mark = Mark(saga);
        var before = saga.Idle.GetValueOrDefault(state.Name);
        var count = before?.Mark == mark ? before.Count + 1 : 1;
        var failures = (before?.Failures ?? 0) + (failed ? 1 : 0);
        var most = decision.Plan.IdleEntriesMax;
        if (count > most || failures > most * FailuresEach)
        {
            var how = count > most
                ? $"entered state '{state.Name}' {Plural.Format(count, "time")} without an event, a wait or new data in between; "
                    + $"{most} are allowed (ONEX_MAX_IDLE_ENTRIES)."
                : $"entered state '{state.Name}' after {failures} failures without an event or a wait in between; "
                    + $"{most * FailuresEach} are allowed ({FailuresEach} times ONEX_MAX_IDLE_ENTRIES).";
            Flow.Depart(decision, new Departure(state.Name) { Failed = failed });
            decision.Block(
                BlockedBy.Transition,
                $"The contract is in a cycle without progress: it {how}"
                    + (saga.Fault is { } fault ? $" The last fault: {fault.Code}: {fault.Message}" : ""));
            return true;
        }

        decision.Saga = saga with { Idle = saga.Idle.SetItem(state.Name, new IdleEntries(count, failures, mark)) };

        // A cycle within one decision sends nothing, so a delay would only postpone its end.
        var slowed = Math.Max(count - Free, failures - most);
        if (slowed <= 0 || decision.StatesEntered > Free)
        {
            return false;
        }

        var at = decision.Now + Delay(slowed);
        Flow.Depart(decision, new Departure(state.Name) { Failed = failed, At = at });
        decision.Note(HistoryKind.SlowedDown, detail: [("next", state.Name), ("entries", Math.Max(count, failures)), ("until", at)]);
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

    // Equal values have the same hash, whatever order they were read in.
    private static string Mark(SagaState saga)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var values in new[] { saga.Data, saga.Results })
        {
            _ = ValueJson.TryWrite(StoredOrder.Sort(CelValue.Map(values)), out var json, out _);
            hash.AppendData(json.Utf8.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }
}

/// <summary>Entries into a state since the last event or timer: see <see cref="Cycles"/>.</summary>
/// <param name="Count">How many there were, one after the other, with the same data and results.</param>
/// <param name="Failures">How many a failure led to.</param>
/// <param name="Mark">A hash of the data and the results at the last entry.</param>
internal sealed record IdleEntries(int Count, int Failures, string Mark);
