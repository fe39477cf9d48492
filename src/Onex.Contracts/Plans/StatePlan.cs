using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Onex.Contracts.Plans;

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
