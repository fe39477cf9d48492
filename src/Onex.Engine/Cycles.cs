using System.Security.Cryptography;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine;

/// <summary>
/// Cycles without progress. An entry into a state is idle if the saga was there before with the same data and results, and no event, timer,
/// wait or operator came in between. Idle entries are delayed, then the saga is blocked, so that a cycle in a contract floods neither other
/// systems nor its own history. Entries after failures are counted separately with a higher limit, because such a cycle may store new data
/// each time and still never end.
/// </summary>
internal static class Cycles
{
    /// <summary>How many idle entries are not delayed.</summary>
    public const int FreeEntries = 10;

    /// <summary>How many entries after failures are allowed for each allowed idle entry.</summary>
    public const int FailuresPerIdleEntry = 20;

    private static readonly TimeSpan _firstDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _longestDelay = TimeSpan.FromSeconds(1);

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

        var hash = Hash(saga);
        var before = saga.Idle.GetValueOrDefault(state.Name);
        var count = before?.Hash == hash ? before.Count + 1 : 1;
        var failures = (before?.Failures ?? 0) + (failed ? 1 : 0);
        var idleMax = decision.Plan.IdleEntriesMax;
        if (count > idleMax || failures > idleMax * FailuresPerIdleEntry)
        {
            var whichEntries = count > idleMax
                ? $"entered state '{state.Name}' {Plural.Format(count, "time")} without an event, a wait or new data in between; "
                    + $"{idleMax} are allowed (ONEX_MAX_IDLE_ENTRIES)."
                : $"entered state '{state.Name}' after {failures} failures without an event or a wait in between; "
                    + $"{idleMax * FailuresPerIdleEntry} are allowed ({FailuresPerIdleEntry} times ONEX_MAX_IDLE_ENTRIES).";
            Flow.Depart(decision, new Departure(state.Name) { Failed = failed });
            decision.Block(
                BlockedBy.Transition,
                $"The contract is in a cycle without progress: it {whichEntries}"
                    + (saga.Fault is { } fault ? $" The last fault: {fault.Code}: {fault.Message}" : ""));
            return true;
        }

        decision.Saga = saga with { Idle = saga.Idle.SetItem(state.Name, new IdleEntries(count, failures, hash)) };

        // A cycle within one decision sends nothing, so a delay would only postpone its end.
        var delayed = Math.Max(count - FreeEntries, failures - idleMax);
        if (delayed <= 0 || decision.StatesEntered > FreeEntries)
        {
            return false;
        }

        var at = decision.Now + Delay(delayed);
        Flow.Depart(decision, new Departure(state.Name) { Failed = failed, At = at });
        decision.Note(HistoryKind.SlowedDown, detail: [("next", state.Name), ("entries", Math.Max(count, failures)), ("until", at)]);
        return true;
    }

    private static TimeSpan Delay(int delayed)
    {
        var delay = _firstDelay;
        for (var doublings = 1; doublings < delayed && delay < _longestDelay; doublings++)
        {
            delay *= 2;
        }

        return delay < _longestDelay ? delay : _longestDelay;
    }

    // Equal values have the same hash, whatever order they were read in. 8 bytes suffice: a collision only counts as one idle entry.
    private static string Hash(SagaState saga)
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

/// <summary>Repeated entries into a state since the last event, timer or operator's command: see <see cref="Cycles"/>.</summary>
/// <param name="Count">How many there were in succession with the same data and results.</param>
/// <param name="Failures">How many of all entries a failure led to.</param>
/// <param name="Hash">A hash of the data and the results at the last entry.</param>
internal sealed record IdleEntries(int Count, int Failures, string Hash);
