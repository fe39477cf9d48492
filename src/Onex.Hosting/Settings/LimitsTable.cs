using System.Globalization;
using Onex.Contracts.Plans;
using static Onex.Hosting.Settings.SettingKind;

namespace Onex.Hosting.Settings;

/// <summary>The limits of contracts, sagas and calls, which are part of <see cref="SettingsTable"/>.</summary>
public static class LimitsTable
{
    private static readonly ContractLimits _default = ContractLimits.Default;
    private static readonly ContractLimits _highest = ContractLimits.Highest;

    public static readonly Setting MaxStates = Limit("ONEX_MAX_STATES", "states", _default.States, _highest.States,
        "States of a contract. A contract with more is an error; more cost time at start.");

    public static readonly Setting MaxSteps = Limit("ONEX_MAX_STEPS", "steps", _default.Steps, _highest.Steps,
        "Steps of a contract, in all its states. A contract with more is an error; more cost time at start.");

    public static readonly Setting MaxDepth = Limit("ONEX_MAX_DEPTH", "depth", _default.Depth, _highest.Depth,
        "Nesting depth of maps and lists in a contract or a schema. A deeper one is an error.");

    public static readonly Setting MaxBranches = Limit("ONEX_MAX_BRANCHES", "branches", _default.Branches, _highest.Branches,
        "Branches of a `parallel` step. A contract with more is an error. Each costs space in the saga's row.");

    public static readonly Setting MaxItems = Limit("ONEX_MAX_ITEMS", "items", _default.Items, _highest.Items,
        "The highest `at_most` of an `each` step, and the most items that one may have. A contract with a higher one is an error. "
        + "Each item is a row in the database.");

    public static readonly Setting MaxBufferedEvents = Limit(
        "ONEX_MAX_KEPT_EVENTS", "kept_events", _default.BufferedEvents, _highest.BufferedEvents,
        "Buffered events per saga: those that arrived before the state that accepts them. Further ones are declined.");

    public static readonly Setting MaxIdleEntries = Limit(
        "ONEX_MAX_IDLE_ENTRIES", "idle_entries", _default.IdleEntries, _highest.IdleEntries,
        "How often in succession a saga may enter a state where it was before with the same data, without an event, a wait or an "
        + "operator in between. It loops then: after ten such entries it is slowed down (up to 1 s each), and one more than this number "
        + "blocks it. Entries after a failure are also counted apart, whatever data is written: they are slowed down beyond this "
        + "number, and twenty times this number blocks the saga. Raise it for a contract that needs that many rounds. A loop that never "
        + "ends costs that many commits; `onex sagas retry` allows as many again.");

    public static readonly Setting MaxExpressionCost = Limit(
        "ONEX_MAX_EXPRESSION_COST", "expression_cost", _default.ExpressionCost, _highest.ExpressionCost,
        "Cost units per evaluation of an expression; 50000 are about 1 ms or 1 MB, while other sagas of the process wait. All main "
        + "processes must have the same value, or a saga fails in one and continues in another.");

    public static readonly Setting MaxHistoryShown = Limit("ONEX_MAX_HISTORY_SHOWN", "history_shown", 1_000, 10_000,
        "History entries per API call at most (`limit`, which is 200 if not given). More cost memory per call.");

    /// <summary>All of them, in the order of the document.</summary>
    public static IReadOnlyList<Setting> All { get; } =
        [MaxStates, MaxSteps, MaxDepth, MaxBranches, MaxItems, MaxBufferedEvents, MaxIdleEntries, MaxExpressionCost, MaxHistoryShown];

    private static Setting Limit(string name, string key, int standard, int highest, string meaning) =>
        new("Limits", name, Number, standard.ToString(CultureInfo.InvariantCulture), meaning)
        {
            FileKey = $"limits.{key}",
            Range = (1, highest),
        };
}
