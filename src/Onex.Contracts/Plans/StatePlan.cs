using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Onex.Contracts.Plans;

/// <summary>A state of a plan.</summary>
public sealed class StatePlan
{
    internal StatePlan()
    {
    }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The kind of state.</summary>
    public required StateKind Kind { get; init; }

    /// <summary>Whether the compiler added it, for <see cref="Plan.OnFailure"/> or <see cref="Plan.CancelState"/>.</summary>
    public bool Implicit { get; init; }

    /// <summary>Whether it is a pivot: once entered, nothing is compensated.</summary>
    public bool Pivot { get; init; }

    /// <summary>Its steps, run in order.</summary>
    public ImmutableArray<StepPlan> Steps { get; init; } = [];

    /// <summary>Its steps and those in the branches of each <see cref="ParallelStep"/>, in the order of the file.</summary>
    public IEnumerable<StepPlan> AllSteps => Flatten(Steps);

    /// <summary>The calls among them, including the call of each <see cref="EachStep"/>.</summary>
    public IEnumerable<CallStep> Calls => AllSteps.Select(step => (step as EachStep)?.Call ?? step).OfType<CallStep>();

    /// <summary>The rules for events in this state, in order. Before the pivot those of <see cref="Plan.AnyState"/> follow them.</summary>
    public ImmutableArray<EventRule> OnEvent { get; init; } = [];

    /// <summary>The time limit from its entry, or null.</summary>
    public TimeLimit? Timeout { get; init; }

    /// <summary>
    /// The transitions once its steps are done: the first whose guard holds is taken, and the last has no guard. None in an end, in a state
    /// without steps that waits for events or its timeout, and perhaps in a state whose last step is a <see cref="FailStep"/>.
    /// </summary>
    public ImmutableArray<Choice> Choices { get; init; } = [];

    /// <summary>The transitions for failures that a step itself does not catch.</summary>
    public ImmutableArray<CatchRule> Catch { get; init; } = [];

    /// <summary>For an end: how the saga ends.</summary>
    public EndKind? End { get; init; }

    /// <summary>Whether an event that leads here leaves the normal path, so that the event sets the fault.</summary>
    public bool IsOffPath => Kind == StateKind.Compensating || End == EndKind.Failed;

    /// <summary>For an end: the response's payload, or null.</summary>
    public Template? Output { get; init; }

    /// <summary>The messages that the MassTransit state machine of the contract accepts in this state.</summary>
    public required FrozenSet<EventKind> Accepts { get; init; }

    internal static IEnumerable<StepPlan> Flatten(ImmutableArray<StepPlan> steps) => steps.SelectMany(
        step => step is ParallelStep parallel ? parallel.Branches.SelectMany(branch => Flatten(branch.Steps)).Prepend(step) : [step]);
}

/// <summary>The kind of state.</summary>
public enum StateKind
{
    /// <summary>Runs steps, then takes a transition.</summary>
    Ordinary,

    /// <summary>Compensates the completed steps, then takes a transition.</summary>
    Compensating,

    /// <summary>An end.</summary>
    End,
}

/// <summary>How a saga ends.</summary>
public enum EndKind
{
    /// <summary>Responds with <c>success</c>.</summary>
    Completed,

    /// <summary>Responds with <c>error</c>.</summary>
    Failed,
}

/// <summary>The kinds of message that a saga receives.</summary>
public enum EventKind
{
    /// <summary>The request that starts it. Accepted by no state but the machine's <c>Initial</c>.</summary>
    Started,

    /// <summary>The result of a command, or a report on it. Accepted by every state that is not an end.</summary>
    StepResult,

    /// <summary>A timer. Accepted by every state that is not an end.</summary>
    Timer,

    /// <summary>A further request with the same business key or identity, which gets the same response. Accepted by every state.</summary>
    Joined,

    /// <summary>
    /// An external event. Accepted by every state that is not an end, which buffers or declines an event that it has no rule for.
    /// </summary>
    External,

    /// <summary>
    /// A command of an operator, or the runtime's own request to resend. Accepted by every state that is not an end.
    /// </summary>
    Operator,
}
