using System.Collections.Frozen;

namespace Onex.Contracts.Compiling;

/// <summary>The keys that a map of a contract may have.</summary>
/// <param name="Where">The map, at the beginning of a sentence.</param>
/// <param name="Known">What this version reads.</param>
/// <param name="NotYet">What the language has and this version does not.</param>
internal sealed record Keys(string Where, IReadOnlyList<string> Known, FrozenSet<string> NotYet)
{
    public static Keys Contract { get; } = Of(
        "a contract",
        [
            "contract", "version", "description", "input", "output", "key", "on_duplicate", "data", "retries", "initial", "states",
            "on_failure", "examples", "events", "any_state", "deadline", "schedule",
        ],
        ["migrate_from", "continue_as_new", "compensate_as"]);

    public static Keys Schedule { get; } = Of("'schedule'", ["every", "cron", "time_zone", "overlap", "missed", "input"], []);

    public static Keys State { get; } = Of(
        "a state",
        ["steps", "next", "fault", "choose", "catch", "pivot", "end", "output", "compensate", "on_event", "timeout"],
        []);

    public static Keys Step { get; } = Of(
        "a step",
        [
            "id", "effect", "compute", "saga", "connection", "with", "returns", "save", "retry", "timeout", "reject", "catch", "compensate", "each",
            "detached", "losers",
        ],
        ["aggregate"]);

    public static Keys ChildStep { get; } = Of(
        "a step that calls a contract", ["id", "saga", "with", "returns", "save", "reject", "catch", "compensate", "each", "detached", "losers"], []);

    public static Keys DetachedStep { get; } = Of("a step that starts a contract and does not wait", ["id", "saga", "with", "detached", "catch"], []);

    public static Keys ParallelStep { get; } = Of("a step with branches", ["id", "parallel", "catch"], []);

    public static Keys Parallel { get; } = Of("'parallel'", ["join", "branches"], []);

    public static Keys Join { get; } = Of("'join'", ["at_least"], []);

    public static Keys Branch { get; } = Of("a branch", ["steps", "losers"], []);

    public static Keys Each { get; } = Of("'each'", ["item", "at_once", "at_most", "on_item_failure"], []);

    public static Keys ItemFailure { get; } = Of("'on_item_failure'", ["at_most"], []);

    public static Keys EmitStep { get; } = Of("a step that emits", ["id", "emit", "with", "catch"], []);

    public static Keys Emitted { get; } = Of("'with' of a step that emits", ["key", "value"], []);

    public static Keys WaitStep { get; } = Of("a step that waits", ["id", "wait"], []);

    public static Keys WaitUntil { get; } = Of("'wait'", ["until"], []);

    public static Keys SetStep { get; } = Of("a step that sets", ["id", "set"], []);

    public static Keys RespondStep { get; } = Of("a step that responds", ["id", "respond"], []);

    public static Keys FailStep { get; } = Of("a step that fails", ["id", "fail", "catch"], []);

    public static Keys Failure { get; } = Of("'fail'", ["code", "message"], []);

    public static Keys Event { get; } = Of("an event", ["data", "early"], []);

    public static Keys EventRule { get; } = Of("an event's rule", ["event", "when", "next", "stay", "set"], []);

    public static Keys TimeLimit { get; } = Of("a time limit", ["after", "next"], []);

    public static Keys Compensate { get; } = Of(
        "'compensate'", ["effect", "compute", "saga", "connection", "with", "retry", "timeout", "none", "when_unknown"], []);

    public static Keys Choice { get; } = Of("an entry of 'choose'", ["when", "next", "fault"], []);

    public static Keys Catch { get; } = Of("an entry of 'catch'", ["error", "next"], []);

    public static Keys Reject { get; } = Of("an entry of 'reject'", ["when", "code"], []);

    public static Keys Retry { get; } = Of("a retry policy", ["attempts", "first", "factor", "max", "jitter", "within"], []);

    public static Keys DataField { get; } = Of("a field with an initial value", ["type", "initial"], []);

    private static Keys Of(string where, string[] known, string[] notYet) => new(where, known, notYet.ToFrozenSet(StringComparer.Ordinal));
}
