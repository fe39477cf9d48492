using System.Collections.Frozen;
using System.Collections.Immutable;
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

    /// <summary>Whether the compiler added it: <c>compensating</c> and <c>failed</c> of a contract without <c>on_failure</c>.</summary>
    public bool Implicit { get; init; }

    /// <summary>From the entry into it on, nothing is compensated.</summary>
    public bool Pivot { get; init; }

    /// <summary>Its steps, run in order.</summary>
    public ImmutableArray<StepPlan> Steps { get; init; } = [];

    /// <summary>Where it leads when its steps are done: the first whose guard holds; the last has none. Empty for an end.</summary>
    public ImmutableArray<Choice> Choices { get; init; } = [];

    /// <summary>Where a failure of one of its steps leads that the step does not catch.</summary>
    public ImmutableArray<CatchRule> Catch { get; init; } = [];

    /// <summary>For an end: how.</summary>
    public EndKind? End { get; init; }

    /// <summary>For an end: the response's payload, or null.</summary>
    public Template? Output { get; init; }

    /// <summary>Which kinds of message a saga in this state accepts. The MassTransit machine must accept the same.</summary>
    public required FrozenSet<EventKind> Accepts { get; init; }
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

/// <summary>What kind of step it is.</summary>
public enum StepKind
{
    /// <summary>A touch on the outside world, run by runtime-effects.</summary>
    Effect,

    /// <summary>A pure computation, run by runtime-worker.</summary>
    Compute,
}

/// <summary>One step.</summary>
public sealed class StepPlan
{
    internal StepPlan()
    {
    }

    /// <summary>Its id, unique in the contract.</summary>
    public required string Id { get; init; }

    /// <summary>What kind it is.</summary>
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

    /// <summary>Where its final error leads.</summary>
    public ImmutableArray<CatchRule> Catch { get; init; } = [];

    /// <summary>How it is taken back, or null.</summary>
    public CompensationPlan? Compensation { get; init; }

    /// <summary>Whether some expression reads <c>steps.&lt;id&gt;</c>, so that the result must be kept.</summary>
    public bool ResultIsRead { get; internal set; }

    /// <summary>Which paths below the result are read (<c>body.score</c>); a path that ends in nothing means all of it.</summary>
    public ImmutableArray<ImmutableArray<string>> ResultPaths { get; internal set; } = [];
}

/// <summary>A call of an operation.</summary>
/// <param name="Operation">Its name.</param>
/// <param name="Connection">The connection it goes through, or null.</param>
/// <param name="Arguments">Its arguments: a template that gives a map.</param>
public sealed record Invocation(string Operation, string? Connection, Template Arguments);

/// <summary>How a completed step is taken back.</summary>
/// <param name="Kind">Which role runs it.</param>
/// <param name="Invocation">What is called; its arguments are evaluated when the step completes, over <c>result</c> too.</param>
/// <param name="Retry">How failures are retried.</param>
/// <param name="Timeout">Run time of one attempt.</param>
public sealed record CompensationPlan(StepKind Kind, Invocation Invocation, RetryPolicy Retry, TimeSpan Timeout);

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
}
