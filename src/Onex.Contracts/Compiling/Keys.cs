using System.Collections.Frozen;
using System.Globalization;
using System.Runtime.CompilerServices;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Contracts.Compiling;

/// <summary>A key of a map of a contract.</summary>
/// <param name="Name">The key.</param>
/// <param name="Shape">The allowed values, as far as JSON Schema expresses them.</param>
/// <param name="Description">Its description in the documents and in the schema for editors.</param>
/// <param name="Required">Whether it is required.</param>
internal sealed record Key(string Name, Shape Shape, string Description, bool Required);

/// <summary>
/// The keys that a map of a contract, or of a file of operations, may have. The compiler, the tables of the documents and the schema for
/// editors all use them.
/// </summary>
/// <param name="Name">The name of the map in the schema for editors.</param>
/// <param name="Where">The map, for messages.</param>
/// <param name="All">The supported keys.</param>
/// <param name="Unsupported">The keys that the language reserves and this version does not support.</param>
/// <param name="OneOf">The keys that exclude each other; the map needs one of them.</param>
internal sealed record Keys(string Name, string Where, IReadOnlyList<Key> All, FrozenSet<string> Unsupported, IReadOnlyList<string> OneOf)
{
    public static Keys Contract { get; } = Create(
        "a contract",
        [
            Must("contract", Shape.Name("[a-z][a-z0-9-]*"),
                "Its name: lower-case letters, digits, dashes. Requests name it as their `operation`"),
            Must(
                "version", Shape.Version,
                "A semantic version. A request starts the highest that is loaded; a saga keeps the content that it started with. Changed "
                    + "content needs a new version"),
            May("description", Shape.Text, "What it is for"),
            Must("input", Shape.Schema, "JSON Schema of a request's payload; `{ $ref: schemas/order.json }` keeps it in a file of its own"),
            May("output", Shape.Schema, "JSON Schema of the response of a completed end"),
            May("key", Shape.Expression, "An expression over `input`: the business key. A contract has at most one live saga per key"),
            May(
                "on_duplicate", Shape.OneOf("reject", "join"),
                "The response to a further request with the key of a live saga: `reject`, an error (the default), or `join`, "
                    + "the response of that saga"),
            May("data", Shape.MapOf(Shape.Any(Shape.Type, Shape.Map(() => DataField))),
                "The fields that a saga stores, each with its type or with its type and initial value"),
            May("retries", Shape.MapOf(Shape.Map(() => Retry)), "Named retry policies"),
            Must("initial", Shape.Text, "The state in which a saga starts"),
            Must("states", Shape.MapOf(Shape.Map(() => State)), "The states by name"),
            May(
                "on_failure", Shape.Text,
                "The target of final failures that no `catch` covers. Without it everything is compensated, then the saga fails"),
            May("examples", Shape.ListOf(Shape.Map(() => Example)), "Examples of its behavior, run by `onex contracts test`"),
            May("events", Shape.MapOf(Shape.Any(Shape.Map(() => Event), Shape.Nothing)), "The events that its sagas accept, by name"),
            May("any_state", Shape.ListOf(Shape.Map(() => EventRule)), "The event rules for every ordinary state before the pivot"),
            May("deadline", Shape.Map(() => TimeLimit), "A time limit from the start of the saga"),
            May("schedule", Shape.Map(() => Schedule), "When sagas start without a request"),
        ],
        ["migrate_from", "continue_as_new"]);

    public static Keys Schedule { get; } = Create(
        "'schedule'",
        [
            May("every", Shape.Duration, "The interval, at least a second: `every: 1h`. "
                + "It counts from the first start of an orchestrator with this schedule"),
            May(
                "cron", Shape.Text,
                "Instead of `every`: the times, in five fields: minute, hour, day of the month, month, day of the week"),
            May("time_zone", Shape.Text, "The time zone of `cron`, by its IANA name: `UTC` (the default)"),
            May(
                "overlap", Shape.OneOf("skip", "allow"),
                "What happens when a start is due and the saga of an earlier start still runs: `skip`, nothing starts (the default), "
                    + "or `allow`, another saga starts"),
            May(
                "missed", Shape.OneOf("latest", "skip"),
                "What happens to times that passed more than a minute ago because no orchestrator ran: `latest`, "
                    + "one saga starts for the last of them (the default) unless a start is due now anyway, or `skip`, nothing starts"),
            May("input", Shape.Value, "The input, in constants; `{}` by default"),
        ],
        [], oneOf: ["every", "cron"]);

    public static Keys State { get; } = Create(
        "a state",
        [
            May("steps", Shape.ListOf(Shape.Step()), "Its steps, in order"),
            May("next", Shape.Text, "The target state. A state whose last step is `fail` needs none"),
            May(
                "fault", Shape.Text,
                "The code of the fault that `next` sets. Required if it leads to a compensating state"),
            May("choose", Shape.ListOf(Shape.Map(() => Choice)), "The transitions: the first entry whose guard holds is taken"),
            May("catch", Shape.ListOf(Shape.Map(() => Catch)), "The transitions for final failures that a step itself does not catch"),
            May("pivot", Shape.Bool, "`true`: once it is entered, nothing is compensated"),
            May("end", Shape.OneOf("completed", "failed"),
                "`completed` responds with `success`, `failed` with `error` and the code of the fault"),
            May("output", Shape.Value, "The payload of the response of an end"),
            May("compensate", Shape.OneOf("all"), "`all`: compensates the completed steps, the last first, then goes to `next`"),
            May("on_event", Shape.ListOf(Shape.Map(() => EventRule)),
                "The event rules of the state. Not in an end or a compensating state"),
            May("timeout", Shape.Map(() => TimeLimit), "A time limit from the entry into the state. Not in an end or a compensating state"),
        ],
        []);

    public static Keys Step { get; } = Create(
        "a step",
        [
            Must("id", Shape.Text, "Its name"),
            May("effect", Shape.Effect, "The operation, if it touches an external system ([operations.md](operations.md#effects))"),
            May("compute", Shape.Compute, "The operation, if it is a pure computation. One of the two is required"),
            May("connection", Shape.Text, "The connection that it uses"),
            May("with", Shape.Arguments, "The operation's arguments"),
            May("returns", Shape.Type, "The type of the result, checked when it arrives"),
            May("save", Shape.MapOf(Shape.Expression), "Fields of `data` with an expression over `result` for each"),
            May("retry", Shape.Any(Shape.Text, Shape.Map(() => Retry)), "A policy, or the name of one"),
            May("timeout", Shape.Duration, $"The time limit of an attempt; {Durations.Format(CallStep.DefaultTimeout)} unless the "
                + "connection, or the declaration of a remote operation, sets another"),
            May("heartbeat_timeout", Shape.Duration, "For a compute: the longest time without a sign of progress after it has begun; "
                + $"then the attempt times out. At least {Durations.Format(CallStep.HeartbeatMin)}. Without it only `timeout` applies"),
            May("reject", Shape.ListOf(Shape.Map(() => Reject)), "Results that count as a rejection"),
            May("catch", Shape.ListOf(Shape.Map(() => Catch)), "The transitions for its final failure"),
            May("compensate", Shape.Map(() => Compensate),
                "Its compensation. Required before the pivot for operations that change the world"),
            May("each", Shape.Map(() => Each), "Makes the call for each item of a list: see [For-each](#for-each)"),
            May("aggregate", Shape.MapOf(Shape.Map(() => Aggregate)), "The aggregates of an `each`, by name"),
            May(
                "losers", Shape.OneOf("compensate", "keep"),
                "For a branch that the join may not wait for: `compensate` (the default) or `keep` its completed steps"),
        ],
        [], oneOf: ["effect", "compute"]);

    public static Keys ChildStep { get; } = Create(
        "a step that calls a contract",
        [
            Must("id", Shape.Text, "Its name"),
            Must("saga", Shape.Text, "The contract; its highest loaded version starts"),
            May("with", Shape.MapOf(Shape.Value), "Its input"),
            May("returns", Shape.Type, "The type of its output, checked when it arrives"),
            May("save", Shape.MapOf(Shape.Expression), "Fields of `data` with an expression over `result` for each"),
            May("reject", Shape.ListOf(Shape.Map(() => Reject)), "Outputs that count as a rejection"),
            May("catch", Shape.ListOf(Shape.Map(() => Catch)), "The transitions for its failed end"),
            May("compensate", Shape.Map(() => Compensate), "The compensation of a completed child"),
            May("each", Shape.Map(() => Each), "Starts a child for each item of a list"),
            May("aggregate", Shape.MapOf(Shape.Map(() => Aggregate)), "The aggregates of an `each`, by name"),
            May("detached", Shape.Bool, "`false`, or left out"),
            May("losers", Shape.OneOf("compensate", "keep"), "For a branch that the join may not wait for, as in a step"),
        ],
        []);

    public static Keys DetachedStep { get; } = Create(
        "a step that starts a contract and does not wait",
        [
            May("id", Shape.Text, "Its name (optional)"),
            Must("saga", Shape.Text, "The contract"),
            May("with", Shape.MapOf(Shape.Value), "Its input"),
            Must("detached", Shape.True, "`true`"),
            May("catch", Shape.ListOf(Shape.Map(() => Catch)), "The transitions if its input cannot be evaluated"),
        ],
        []);

    public static Keys ParallelStep { get; } = Create(
        "a step with branches",
        [
            May("id", Shape.Text, "Its name (optional)"),
            Must("parallel", Shape.Map(() => Parallel), "The branches"),
            May(
                "catch", Shape.ListOf(Shape.Map(() => Catch)),
                "The transitions for failures that no step in a branch catches, and for `join_failed`"),
        ],
        []);

    public static Keys Parallel { get; } = Create(
        "'parallel'",
        [
            May("join", Shape.Any(Shape.OneOf("all", "any"), Shape.Map(() => Join)),
                "When it is done: `all` (the default), `any`, or `{ at_least: n }`"),
            Must("branches", Shape.ListOf(Shape.Any(Shape.Step(), Shape.ListOf(Shape.Step()), Shape.Map(() => Branch))),
                "Two branches or more"),
        ],
        []);

    public static Keys Join { get; } = Create(
        "'join'",
        [
            Must("at_least", Shape.Whole(1, ContractLimits.Highest.Branches), "How many branches must complete"),
        ],
        []);

    public static Keys Branch { get; } = Create(
        "a branch",
        [
            Must("steps", Shape.ListOf(Shape.Step()), "Its steps, in order"),
            May(
                "losers", Shape.OneOf("compensate", "keep"),
                "`compensate` (the default) or `keep`: whether its completed steps are compensated if the join does not wait for it"),
        ],
        []);

    public static Keys Each { get; } = Create(
        "'each'",
        [
            Must("item", Shape.Expression, "An expression that gives the list"),
            May("at_once", Shape.Whole(1, Limits.AtOnceMax), "The maximum of calls in flight at the same time; 10 by default"),
            May(
                "at_most", Shape.Whole(1, ContractLimits.Highest.Items),
                "The maximum of items. Required unless `maxItems` bounds the list, also through `filter`, `map` or `+`. A longer list "
                    + "fails the step with `too_many_items`"),
            May(
                "on_item_failure", Shape.Any(Shape.OneOf("stop", "continue"), Shape.Map(() => ItemFailure)),
                "`stop` (the default): the first final failure of an item fails the step. `continue`: none does. `{ at_most: n }`: more "
                    + "than n do"),
        ],
        []);

    public static Keys Aggregate { get; } = Create(
        "an entry of 'aggregate'",
        [
            May("count", Shape.Expression, "A bool expression. The value is the number of items for which it is true"),
            May("sum", Shape.Expression, "An int or a double expression. The value is the sum; 0 without items"),
            May("min", Shape.Expression, "An int or a double expression. The value is the least; null without items"),
            May("max", Shape.Expression, "An int or a double expression. The value is the greatest; null without items"),
        ],
        [], oneOf: ["count", "sum", "min", "max"]);

    public static Keys ItemFailure { get; } = Create(
        "'on_item_failure'",
        [
            Must("at_most", Shape.Whole(1, ContractLimits.Highest.Items), "How many items may fail"),
        ],
        []);

    public static Keys EmitStep { get; } = Create(
        "a step that emits",
        [
            May("id", Shape.Text, "Its name (optional)"),
            Must("emit", Shape.Name("[A-Za-z0-9._-]+"), "The full name of the topic, a constant. The runtime's own topics are not allowed"),
            Must("with", Shape.Map(() => Emitted), "The record"),
            May("catch", Shape.ListOf(Shape.Map(() => Catch)), "The transitions for an expression that fails"),
        ],
        []);

    public static Keys Emitted { get; } = Create(
        "'with' of a step that emits",
        [
            May("key", Shape.Text, "The record's key, a text; without it, the correlation id"),
            Must("value", Shape.Value, "The record's value, written as JSON"),
        ],
        []);

    public static Keys WaitStep { get; } = Create(
        "a step that waits",
        [
            May("id", Shape.Text, "Its name (optional)"),
            Must(
                "wait", Shape.Any(Shape.Duration, Shape.Map(() => WaitUntil)),
                "How long, or until when. A time in the past ends the wait at once. The wait is stored, so it survives restarts"),
        ],
        []);

    public static Keys WaitUntil { get; } = Create(
        "'wait'",
        [
            Must("until", Shape.Expression, "An expression that gives a timestamp"),
        ],
        []);

    public static Keys SetStep { get; } = Create(
        "a step that sets",
        [
            May("id", Shape.Text, "Its name (optional)"),
            Must("set", Shape.MapOf(Shape.Expression),
                "Fields of `data` with an expression for each, evaluated over `data` as it was before"),
        ],
        []);

    public static Keys RespondStep { get; } = Create(
        "a step that responds",
        [
            May("id", Shape.Text, "Its name (optional)"),
            Must(
                "respond", Shape.MapOf(Shape.Value),
                "The payload. The response is sent now, with `success`; the saga continues, and its end sends no response"),
        ],
        []);

    public static Keys FailStep { get; } = Create(
        "a step that fails",
        [
            May("id", Shape.Text, "Its name (optional)"),
            Must("fail", Shape.Map(() => Failure), "The failure. Nothing may follow it in its state"),
            May("catch", Shape.ListOf(Shape.Map(() => Catch)),
                "The transitions for this failure; they come before the state's own `catch` and `on_failure`"),
        ],
        []);

    public static Keys Failure { get; } = Create(
        "'fail'",
        [
            Must("code", Shape.Text, "The fault's code"),
            Must("message", Shape.Text, "The reason, for people"),
        ],
        []);

    public static Keys Event { get; } = Create(
        "an event",
        [
            May("data", Shape.Type, "The type of its payload, which its rules read as `event`. Undeclared fields cannot be read"),
            May("early", Shape.Duration, "How long it is stored if it arrives before its saga exists; without it, "
                + "such an event is declined"),
        ],
        []);

    public static Keys EventRule { get; } = Create(
        "an event's rule",
        [
            Must("event", Shape.Text, "The event, one that `events` declares"),
            May("when", Shape.Expression, "The guard; it may read `event`"),
            May("next", Shape.Text, "The target state. The transition interrupts the steps of the state"),
            May("stay", Shape.Bool, "`true`, instead of `next`: the saga stays in its state; its steps and time limits continue"),
            May("set", Shape.MapOf(Shape.Expression),
                "Fields of `data` with an expression for each, which may read `event`; written before the transition"),
        ],
        []);

    public static Keys TimeLimit { get; } = Create(
        "a time limit",
        [
            Must("after", Shape.Duration, "The duration"),
            Must("next", Shape.Text, "The target state"),
        ],
        []);

    public static Keys Compensate { get; } = Create(
        "'compensate'",
        [
            May("effect", Shape.Effect, "The operation, as in a step"),
            May("compute", Shape.Compute, "The operation, if it is a pure computation"),
            May("saga", Shape.Text, "A contract, if a child saga compensates it"),
            May("connection", Shape.Text, "The connection"),
            May("with", Shape.Arguments, "The arguments, which may read `result`"),
            May("retry", Shape.Any(Shape.Text, Shape.Map(() => Retry)), "A retry policy, or the name of one"),
            May("timeout", Shape.Duration, "The time limit of an attempt"),
            May("none", Shape.Text, "Instead of an operation: the reason why no compensation is needed"),
            May(
                "when_unknown", Shape.OneOf("run", "block", "assume_not_done"),
                "What follows if it is unknown, after the last attempt, whether the step took effect: `block`, "
                    + "an operator decides (the default); `run`, it is compensated, with arguments that may read `input`, "
                    + "the `data` before the step, and `command_id`, the key of the call; `assume_not_done`, it counts as not done"),
        ],
        [], oneOf: ["effect", "compute", "saga", "none"]);

    public static Keys Choice { get; } = Create(
        "an entry of 'choose'",
        [
            May("when", Shape.Expression, "The guard. The last entry has none"),
            Must("next", Shape.Text, "The target state"),
            May("fault", Shape.Text, "The code of the fault that it sets. Required if it leads to a compensating state"),
        ],
        []);

    public static Keys Catch { get; } = Create(
        "an entry of 'catch'",
        [
            May("error", Shape.Any(Shape.Text, Shape.ListOf(Shape.Text)), "The code or codes that it catches; any code by default"),
            Must("next", Shape.Text, "The target state"),
        ],
        []);

    public static Keys Reject { get; } = Create(
        "an entry of 'reject'",
        [
            Must("when", Shape.Expression, "A guard over `result`. The first entry that holds applies, so special cases come first"),
            Must("code", Shape.Text, "The code of the rejection"),
        ],
        []);

    public static Keys Retry { get; } = Create(
        "a retry policy",
        [
            May("attempts", Shape.Whole(1, Limits.AttemptsMax), $"The maximum of attempts; {RetryPolicy.Default.Attempts} by default"),
            May("first", Shape.Duration, $"The delay before the second attempt; {Durations.Format(RetryPolicy.Default.First)} by default"),
            May("factor", Shape.Number(1, 100),
                string.Create(CultureInfo.InvariantCulture, $"The growth factor of the delay; {RetryPolicy.Default.Factor} by default")),
            May("max", Shape.Duration, $"The longest delay; {Durations.Format(RetryPolicy.Default.Max)} by default"),
            May("jitter", Shape.OneOf("full", "none"), "`full`, a random time up to the delay (the default), or `none`"),
            May("within", Shape.Duration, "The time from the first attempt within which the last one must begin"),
        ],
        []);

    public static Keys DataField { get; } = Create(
        "a field with an initial value",
        [
            Must("type", Shape.Type, "Its type"),
            Must("initial", Shape.Value, "Its initial value, a constant: `${...}` is not evaluated"),
        ],
        []);

    public static Keys Example { get; } = Create(
        "an example",
        [
            Must("name", Shape.Text, "What it shows"),
            May("input", Shape.Value, "The payload of the request, which must match the contract's `input`"),
            May("started_at", Shape.Text, "The time of the request, if it matters: `\"2027-01-31T08:00:00Z\"`"),
            May("steps", Shape.MapOf(Shape.Value), "The outcomes of steps by id, and of compensations by `id.compensate`"),
            May("events", Shape.ListOf(Shape.Map(() => ExampleEvent)), "The events and the passing of time, in order"),
            Must("expect", Shape.Map(() => Expect), "The expected outcome"),
        ],
        []);

    public static Keys ExampleEvent { get; } = Create(
        "an entry of an example's events",
        [
            Must("at", Shape.Text, "The state in which the event arrives: right after the saga enters it, "
                + "before the steps of the state have outcomes"),
            May("after", Shape.Duration, "How long the saga is in the state before the event. Without `event` only time passes"),
            May("event", Shape.Text, "The event that is sent"),
            May("with", Shape.Value, "Its payload"),
            May("refused", Shape.Bool, "`true`: the saga must decline it. Without this an event that is declined fails the example"),
        ],
        []);

    public static Keys Expect { get; } = Create(
        "'expect'",
        [
            May("end", Shape.OneOf("completed", "failed"),
                "How the saga ends: `completed` or `failed`. One of `end`, `waiting` and `blocked` is required"),
            May("waiting", Shape.Text, "The state in which it waits after all `events`"),
            May("blocked", Shape.Text, "The state in which it is blocked for an operator"),
            May("fault", Shape.Text, "The code of its fault"),
            May("visited", Shape.ListOf(Shape.Text), "The states that it enters, in order"),
            May("compensated", Shape.ListOf(Shape.Text), "The steps that are compensated, in order"),
            May("output", Shape.Value, "Its response: the fields that matter"),
            May("responded", Shape.Value, "The response of a `respond` step: the fields that matter"),
        ],
        [], oneOf: ["end", "waiting", "blocked"]);

    /// <summary>The names of the keys of all kinds of steps and of branches.</summary>
    public static IReadOnlyList<string> OfSteps { get; } =
    [
        .. new[] { Step, ChildStep, DetachedStep, ParallelStep, EmitStep, WaitStep, SetStep, RespondStep, FailStep, Branch }
            .SelectMany(keys => keys.Known).Distinct(StringComparer.Ordinal),
    ];

    /// <summary>The names of the supported keys.</summary>
    public IReadOnlyList<string> Known { get; } = [.. All.Select(key => key.Name)];

    private static Key Must(string name, Shape shape, string description) => new(name, shape, description, Required: true);

    private static Key May(string name, Shape shape, string description) => new(name, shape, description, Required: false);

    private static Keys Create(string where, Key[] all, string[] unsupported, string[]? oneOf = null,
        [CallerMemberName] string name = "") =>
        new(name, where, all, unsupported.ToFrozenSet(StringComparer.Ordinal), oneOf ?? []);
}
