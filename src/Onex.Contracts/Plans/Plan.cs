using System.Collections.Frozen;
using System.Collections.Immutable;
using Onex.Contracts.Compiling;
using Onex.Contracts.Expressions;
using Onex.Contracts.Schemas;

namespace Onex.Contracts.Plans;

/// <summary>The immutable, checked thing that a contract compiles to. Only the compiler makes one.</summary>
public sealed class Plan
{
    internal Plan()
    {
    }

    /// <summary>The contract's name; no dots.</summary>
    public required string Name { get; init; }

    /// <summary>The contract's version (semantic).</summary>
    public required string Version { get; init; }

    /// <summary>Where the file names it.</summary>
    internal Diagnostics.SourceSpan NamedAt { get; init; } = Diagnostics.SourceSpan.Start;

    /// <summary>What it is for, in the author's words.</summary>
    public required string Description { get; init; }

    /// <summary>SHA-256 over the file and everything it refers to, in lower-case hex: the identity of the content.</summary>
    public required string Hash { get; init; }

    /// <summary>Everything the hash is over, so that it can be stored and compiled again anywhere.</summary>
    public required ContractSource Source { get; init; }

    /// <summary>What a request's payload must be.</summary>
    public required JsonSchema Input { get; init; }

    /// <summary>What a completed end's output must be, or null.</summary>
    public JsonSchema? Output { get; init; }

    /// <summary>The business key's expression over <c>input</c>, or null.</summary>
    public Expression? Key { get; init; }

    /// <summary>What a request gets whose business key a live saga has.</summary>
    public required DuplicatePolicy OnDuplicate { get; init; }

    /// <summary>The fields of <c>data</c>, in the order of the file.</summary>
    public required ImmutableArray<DataField> Data { get; init; }

    /// <summary>The events that may be sent to its sagas, by name.</summary>
    public FrozenDictionary<string, EventPlan> Events { get; init; } = FrozenDictionary<string, EventPlan>.Empty;

    /// <summary>What events do in every ordinary state before the pivot, in order; a state's own rules come first.</summary>
    public ImmutableArray<EventRule> AnyState { get; init; } = [];

    /// <summary>How long a saga may take from its start, or null. Applies in ordinary states before the pivot.</summary>
    public TimeLimit? Deadline { get; init; }

    /// <summary>When sagas start without a request, or null.</summary>
    public SchedulePlan? Schedule { get; init; }

    /// <summary>The state that a saga starts in.</summary>
    public required string Initial { get; init; }

    /// <summary>The states in the order of the file. Includes the implicit ones: see <see cref="StatePlan.Implicit"/>.</summary>
    public required ImmutableArray<StatePlan> States { get; init; }

    /// <summary>The states by name.</summary>
    public required FrozenDictionary<string, StatePlan> StatesByName { get; init; }

    /// <summary>
    /// Where an uncaught failure leads. Without <c>on_failure</c> in the file it is the implicit state <c>compensating</c>,
    /// which leads to the implicit end <c>failed</c>.
    /// </summary>
    public required string OnFailure { get; init; }

    /// <summary>
    /// Where a cancel leads: a compensating state whose only way leads to a failed end. It is <see cref="OnFailure"/> if that is one, else the
    /// compiler adds it, so that whatever a contract does about failures a cancel compensates and ends.
    /// </summary>
    public required string CancelState { get; init; }

    /// <summary>The failed end that <see cref="CancelState"/> leads to.</summary>
    public string CancelEnd => State(CancelState).Choices[0].Next;

    /// <summary>The contracts that its steps call or start, with the places where the file says so.</summary>
    internal ImmutableArray<Child> Children { get; init; } = [];

    /// <summary>What it uses of what is outside of it.</summary>
    internal PlanUses Uses { get; init; } = new([], []);

    /// <summary>What connections tell to its expressions: a map by name of maps by property, as they are configured here and now.</summary>
    public CelValue Connections { get; init; } = CelValue.Map([]);

    /// <summary>Events that wait for one of its sagas to want them, at most.</summary>
    public required int BufferedEventsMax { get; init; }

    /// <summary>Entries of one of its sagas into a state, one after the other, without an event, a wait or new data in between, at most.</summary>
    public required int IdleEntriesMax { get; init; }

    /// <summary>The cases that show how it behaves.</summary>
    public ImmutableArray<ExamplePlan> Examples { get; init; } = [];

    /// <summary>The state of that name; the plan's own names always exist.</summary>
    public StatePlan State(string name) => StatesByName[name];
}

/// <summary>The text of a contract and of every file it refers to, by path relative to the contracts directory.</summary>
public sealed record ContractSource(string Path, string Text, ImmutableSortedDictionary<string, string> References);

/// <summary>What a request gets whose business key a live saga has.</summary>
public enum DuplicatePolicy
{
    /// <summary>An error.</summary>
    Reject,

    /// <summary>The answer of the saga that is there.</summary>
    Join,
}

/// <summary>A field of <c>data</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Initial">Its first value, or null if it starts unset.</param>
public sealed record DataField(string Name, DataType Type, CelValue? Initial);

/// <summary>An event that may be sent to a saga.</summary>
/// <param name="Name">Its name; a request's operation is <c>contract.name</c>.</param>
/// <param name="Data">What its payload must be; other fields are ignored.</param>
/// <param name="Early">How long it is kept if it comes before the saga itself, or null if it may not.</param>
public sealed record EventPlan(string Name, DataType Data, TimeSpan? Early);

/// <summary>What an event does in a state: it leads to another state, or, with <see cref="Stay"/>, only sets fields of <c>data</c>.</summary>
/// <param name="Event">The event's name; declared in <see cref="Plan.Events"/>.</param>
/// <param name="When">The guard over <c>event</c>, or null if it always holds.</param>
/// <param name="Set">What is written into <c>data</c>, from <c>event</c> too, before the state changes.</param>
/// <param name="Next">The state it leads to; null with <c>stay: true</c>.</param>
public sealed record EventRule(string Event, Expression? When, ImmutableArray<Assignment> Set, string? Next)
{
    /// <summary>Whether the saga stays where it is: its steps and timers go on.</summary>
    public bool Stay => Next is null;
}

/// <summary>A time after which something else happens: a state's <c>timeout</c>, a contract's <c>deadline</c>.</summary>
/// <param name="After">How long, from the entry into the state, or from the saga's start.</param>
/// <param name="Next">The state it leads to.</param>
public sealed record TimeLimit(TimeSpan After, string Next);

/// <summary>What kind of state it is.</summary>
public enum StateKind
{
    /// <summary>Runs steps, then moves on.</summary>
    Ordinary,

    /// <summary>Takes back what was done, then moves on.</summary>
    Compensating,

    /// <summary>The end.</summary>
    End,
}

/// <summary>How a saga ends.</summary>
public enum EndKind
{
    /// <summary>Answers <c>success</c>.</summary>
    Completed,

    /// <summary>Answers <c>error</c>.</summary>
    Failed,
}

/// <summary>One state.</summary>
public sealed class StatePlan
{
    internal StatePlan()
    {
    }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>What kind of state it is.</summary>
    public required StateKind Kind { get; init; }

    /// <summary>
    /// Whether the compiler added it: <c>compensating</c> and <c>failed</c> of a contract without <c>on_failure</c>, or what a cancel leads to
    /// (<see cref="Plan.CancelState"/>).
    /// </summary>
    public bool Implicit { get; init; }

    /// <summary>From the entry into it on, nothing is compensated.</summary>
    public bool Pivot { get; init; }

    /// <summary>Its steps, run in order.</summary>
    public ImmutableArray<StepPlan> Steps { get; init; } = [];

    /// <summary>Its steps and those in the branches of each <see cref="ParallelStep"/>, in the order of the file.</summary>
    public IEnumerable<StepPlan> AllSteps => Flatten(Steps);

    /// <summary>The calls among them, those that an <see cref="EachStep"/> makes for each item included.</summary>
    public IEnumerable<CallStep> Calls => AllSteps.Select(step => (step as EachStep)?.Call ?? step).OfType<CallStep>();

    /// <summary>What events do in it, in order; without a rule for an event the contract's <see cref="Plan.AnyState"/> is asked.</summary>
    public ImmutableArray<EventRule> OnEvent { get; init; } = [];

    /// <summary>How long it may last, or null.</summary>
    public TimeLimit? Timeout { get; init; }

    /// <summary>
    /// Where it leads when its steps are done: the first whose guard holds; the last has none. Empty for an end, and for a state without steps
    /// that waits for its events or its timeout.
    /// </summary>
    public ImmutableArray<Choice> Choices { get; init; } = [];

    /// <summary>Where a failure of one of its steps leads that the step does not catch.</summary>
    public ImmutableArray<CatchRule> Catch { get; init; } = [];

    /// <summary>For an end: how.</summary>
    public EndKind? End { get; init; }

    /// <summary>Whether an event that leads to it takes the saga off its ordinary path, so that it sets the fault.</summary>
    public bool IsOffPath => Kind == StateKind.Compensating || End == EndKind.Failed;

    /// <summary>For an end: the response's payload, or null.</summary>
    public Template? Output { get; init; }

    /// <summary>Which kinds of message a saga in this state accepts. The MassTransit machine must accept the same.</summary>
    public required FrozenSet<EventKind> Accepts { get; init; }

    internal static IEnumerable<StepPlan> Flatten(ImmutableArray<StepPlan> steps) => steps.SelectMany(
        step => step is ParallelStep parallel ? parallel.Branches.SelectMany(branch => Flatten(branch.Steps)).Prepend(step) : [step]);
}

/// <summary>The few kinds of message that a saga may get.</summary>
public enum EventKind
{
    /// <summary>The request that starts it. Accepted by no state but the machine's <c>Initial</c>.</summary>
    Started,

    /// <summary>A result of a command. Accepted where commands may be outstanding: states with steps, and compensating ones.</summary>
    StepResult,

    /// <summary>A wake-up. Accepted by every state that is not an end.</summary>
    Timer,

    /// <summary>A further request of the same business key or identity, which wants the same answer. Accepted everywhere.</summary>
    Joined,

    /// <summary>An event from outside. Accepted by every state that is not an end: one that the state does not want is kept, or refused.</summary>
    External,

    /// <summary>What an operator asks for. Accepted by every state that is not an end.</summary>
    Operator,
}

/// <summary>One way out of a state.</summary>
/// <param name="When">The guard, or null if it always holds.</param>
/// <param name="Next">The state it leads to.</param>
/// <param name="Fault">The code of the fault that it sets, or null.</param>
public sealed record Choice(Expression? When, string Next, string? Fault);

/// <summary>Where a step's final error leads.</summary>
/// <param name="Errors">The codes it is for; empty for any.</param>
/// <param name="Next">The state it leads to.</param>
public sealed record CatchRule(ImmutableArray<string> Errors, string Next)
{
    /// <summary>Whether it is for that code.</summary>
    public bool Covers(string code) => Errors.IsEmpty || Errors.Contains(code, StringComparer.Ordinal);
}

/// <summary>Which role runs a call.</summary>
public enum StepKind
{
    /// <summary>A touch on the outside world, run by runtime-effects.</summary>
    Effect,

    /// <summary>A pure computation, run by runtime-worker.</summary>
    Compute,

    /// <summary>Another contract's saga, run by main: a child, whose end is the call's outcome.</summary>
    Saga,
}

/// <summary>One step.</summary>
public abstract class StepPlan
{
    private protected StepPlan()
    {
    }

    /// <summary>Its id, unique in the contract. A step that calls nothing and has none of its own is called after its place: <c>state[2]</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Where its final error leads, before the state's own <c>catch</c>.</summary>
    public ImmutableArray<CatchRule> Catch { get; init; } = [];
}

/// <summary>Runs branches at the same time: <c>parallel</c>.</summary>
public sealed class ParallelStep : StepPlan
{
    internal ParallelStep()
    {
    }

    /// <summary>The branches; two at least.</summary>
    public required ImmutableArray<BranchPlan> Branches { get; init; }

    /// <summary>When it is done.</summary>
    public required Join Join { get; init; }

    /// <summary>How many branches must complete.</summary>
    public required int Needed { get; init; }
}

/// <summary>When branches that run at the same time are done.</summary>
public enum Join
{
    /// <summary>All of them must complete; the first that fails ends the others.</summary>
    All,

    /// <summary>One must complete; the others are ended then.</summary>
    Any,

    /// <summary>A number of them must complete; the others are ended then.</summary>
    AtLeast,
}

/// <summary>One branch: steps that run in order.</summary>
/// <param name="Steps">The steps; one at least.</param>
/// <param name="Keep">Whether what it has done stays done if the join does not wait for it (<c>losers: keep</c>); else it is taken back.</param>
public sealed record BranchPlan(ImmutableArray<StepPlan> Steps, bool Keep);

/// <summary>Makes one call for each item of a list: <c>each</c>.</summary>
public sealed class EachStep : StepPlan
{
    internal EachStep()
    {
    }

    /// <summary>What is called for an item, under the id of this step; it saves nothing.</summary>
    public required CallStep Call { get; init; }

    /// <summary>The expression that gives the list.</summary>
    public required Expression Items { get; init; }

    /// <summary>Whether the list can be worked out again at any time, because it comes from the input alone.</summary>
    public required bool ItemsAreInput { get; init; }

    /// <summary>How many calls are in flight at most.</summary>
    public required int AtOnce { get; init; }

    /// <summary>How many items there may be.</summary>
    public required int AtMost { get; init; }

    /// <summary>How many items may fail; one more ends it. Null: any number.</summary>
    public required int? FailuresMax { get; init; }

    /// <summary>What is written into <c>data</c> from <c>results</c> and <c>failures</c> when all items are done.</summary>
    public ImmutableArray<Assignment> Save { get; init; } = [];

    /// <summary>Whether that reads the items' results or failures.</summary>
    public required bool ReadsItems { get; init; }

    /// <summary>What its completed items come to.</summary>
    public ImmutableArray<AggregatePlan> Aggregates { get; init; } = [];

    /// <summary>Whether some expression reads <c>steps.&lt;id&gt;</c>: how many items completed and failed, and the aggregates.</summary>
    public bool ResultIsRead { get; internal set; }
}

/// <summary>What the completed items of an <c>each</c> come to, worked out item by item.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">How items are put together.</param>
/// <param name="Of">What is looked at of each.</param>
/// <param name="IsDouble">Whether that is known to be a double.</param>
public sealed record AggregatePlan(string Name, AggregateKind Kind, Expression Of, bool IsDouble);

/// <summary>How an aggregate puts items together.</summary>
public enum AggregateKind
{
    /// <summary>How many it held for.</summary>
    Count,

    /// <summary>The sum.</summary>
    Sum,

    /// <summary>The least.</summary>
    Min,

    /// <summary>The greatest.</summary>
    Max,
}

/// <summary>Publishes a domain event with the commit: <c>emit</c>.</summary>
public sealed class EmitStep : StepPlan
{
    internal EmitStep()
    {
    }

    /// <summary>The topic.</summary>
    public required string Topic { get; init; }

    /// <summary>The record's key: a template that gives text; null for the saga's correlation id.</summary>
    public Template? Key { get; init; }

    /// <summary>The record's value.</summary>
    public required Template Value { get; init; }
}

/// <summary>Starts another contract's saga and does not wait for it: <c>saga</c> with <c>detached: true</c>.</summary>
public sealed class StartStep : StepPlan
{
    internal StartStep()
    {
    }

    /// <summary>The contract.</summary>
    public required string Contract { get; init; }

    /// <summary>Its input: a template that gives a map.</summary>
    public required Template Input { get; init; }
}

/// <summary>Waits, durably: <c>wait: 5m</c>, <c>wait: { until: data.start_at }</c>.</summary>
public sealed class WaitStep : StepPlan
{
    internal WaitStep()
    {
    }

    /// <summary>How long, or null.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>Until when: an expression that gives a timestamp. Null with <see cref="For"/>.</summary>
    public Expression? Until { get; init; }
}

/// <summary>Writes into <c>data</c> inside the transition, without a message: <c>set: { total: data.total + 1.0 }</c>.</summary>
public sealed class SetStep : StepPlan
{
    internal SetStep()
    {
    }

    /// <summary>What is written; all are evaluated over <c>data</c> as it was before.</summary>
    public required ImmutableArray<Assignment> Assignments { get; init; }
}

/// <summary>Answers the request now; the saga goes on, and its end is not answered again.</summary>
public sealed class RespondStep : StepPlan
{
    internal RespondStep()
    {
    }

    /// <summary>The response's payload.</summary>
    public required Template Payload { get; init; }
}

/// <summary>Fails with a code of the contract's own, as a step that is rejected does.</summary>
public sealed class FailStep : StepPlan
{
    internal FailStep()
    {
    }

    /// <summary>The fault's code.</summary>
    public required string Code { get; init; }

    /// <summary>The fault's message for people: a template that gives text.</summary>
    public required Template Message { get; init; }
}

/// <summary>Calls an operation that a role runs, or another contract: <c>effect</c>, <c>compute</c>, <c>saga</c>.</summary>
public sealed class CallStep : StepPlan
{
    internal CallStep()
    {
    }

    /// <summary>Which role runs it.</summary>
    public required StepKind Kind { get; init; }

    /// <summary>What is called.</summary>
    public required Invocation Invocation { get; init; }

    /// <summary>What the result must look like, beyond the operation's own schema, or null.</summary>
    public DataType? Returns { get; init; }

    /// <summary>The type of the operation's own result.</summary>
    public required DataType ResultType { get; init; }

    /// <summary>What is written into <c>data</c> from <c>result</c>.</summary>
    public ImmutableArray<Assignment> Save { get; init; } = [];

    /// <summary>How failures are retried.</summary>
    public required RetryPolicy Retry { get; init; }

    /// <summary>Run time of one attempt.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Answers that are a final "no".</summary>
    public ImmutableArray<RejectRule> Reject { get; init; } = [];

    /// <summary>How it is taken back, or null.</summary>
    public CompensationPlan? Compensation { get; init; }

    /// <summary>Whether it may be called again after it has happened, to get an answer that is understood.</summary>
    public bool IsRepeatable { get; init; }

    /// <summary>Whether some expression reads <c>steps.&lt;id&gt;</c>, so that the result must be kept.</summary>
    public bool ResultIsRead { get; internal set; }

    /// <summary>Which paths below the result are read (<c>body.score</c>); a path that ends in nothing means all of it.</summary>
    public ImmutableArray<ImmutableArray<string>> ResultPaths { get; internal set; } = [];
}

/// <summary>A call of an operation.</summary>
/// <param name="Operation">Its name, or that of the contract (<see cref="StepKind.Saga"/>).</param>
/// <param name="Connection">The connection it goes through, or null.</param>
/// <param name="Arguments">Its arguments: a template that gives a map.</param>
public sealed record Invocation(string Operation, string? Connection, Template Arguments);

/// <summary>How a completed step is taken back.</summary>
/// <param name="Kind">Which role runs it.</param>
/// <param name="Invocation">What is called; its arguments are evaluated when the step completes, over <c>result</c> too.</param>
/// <param name="Retry">How failures are retried.</param>
/// <param name="Timeout">Run time of one attempt.</param>
/// <param name="WhenUnknown">What becomes of a step of which nobody can tell whether it happened.</param>
public sealed record CompensationPlan(StepKind Kind, Invocation Invocation, RetryPolicy Retry, TimeSpan Timeout, WhenUnknown WhenUnknown);

/// <summary>What becomes of a step of which nobody can tell, after its last attempt, whether it happened: <c>when_unknown</c>.</summary>
public enum WhenUnknown
{
    /// <summary>The saga is blocked, and an operator decides.</summary>
    Block,

    /// <summary>
    /// It is compensated as if it had happened. The arguments of the compensation then read only <c>input</c>, <c>data</c> as of before the step, and
    /// <c>command_id</c>, and no <c>result</c>.
    /// </summary>
    Run,

    /// <summary>It counts as not done.</summary>
    AssumeNotDone,
}

/// <summary>Writes the value of an expression into a field of <c>data</c>.</summary>
public sealed record Assignment(string Field, DataType Type, Expression Value);

/// <summary>An answer that is a final "no".</summary>
/// <param name="When">The guard over <c>result</c>.</param>
/// <param name="Code">The code of the rejection.</param>
public sealed record RejectRule(Expression When, string Code);

/// <summary>How the delay before an attempt is spread.</summary>
public enum Jitter
{
    /// <summary>Anything from nothing to the delay.</summary>
    Full,

    /// <summary>The delay as it is.</summary>
    None,
}

/// <summary>How failures are retried.</summary>
/// <param name="Attempts">How often it is tried in all; at least 1.</param>
/// <param name="First">The delay before the second attempt.</param>
/// <param name="Factor">What each further delay is multiplied by.</param>
/// <param name="Max">The longest delay.</param>
/// <param name="Jitter">How delays are spread.</param>
/// <param name="Within">The time in which the last attempt must begin, from the first one on, or null.</param>
public sealed record RetryPolicy(int Attempts, TimeSpan First, double Factor, TimeSpan Max, Jitter Jitter, TimeSpan? Within)
{
    /// <summary>5 attempts, first 200 ms, factor 2, at most 20 s, full jitter.</summary>
    public static RetryPolicy Default { get; } =
        new(5, TimeSpan.FromMilliseconds(200), 2, TimeSpan.FromSeconds(20), Jitter.Full, null);

    /// <summary>No attempt begins later than this after the first: outcomes of effects are kept a little longer, and not for ever.</summary>
    public static TimeSpan Span { get; } = TimeSpan.FromDays(14);

    /// <summary>The delays between all attempts together, as long as jitter can make them; at most 3660 days, in whole seconds if they are long.</summary>
    public TimeSpan LongestDelays
    {
        get
        {
            var (all, delay) = (0.0, First.TotalMilliseconds);
            for (var attempt = 1; attempt < Attempts; attempt++)
            {
                all += Math.Min(delay, Max.TotalMilliseconds);
                delay *= Factor;
            }

            all = Math.Min(all, TimeSpan.FromDays(3660).TotalMilliseconds);
            return TimeSpan.FromMilliseconds(all > 10_000 ? Math.Floor(all / 1000) * 1000 : Math.Floor(all));
        }
    }
}
