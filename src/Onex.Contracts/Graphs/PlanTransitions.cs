using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Contracts.Graphs;

/// <summary>What causes a transition.</summary>
public enum TransitionKind
{
    /// <summary><c>next</c>, or an entry of <c>choose</c>.</summary>
    Choice,

    /// <summary>An event.</summary>
    Event,

    /// <summary>A time limit.</summary>
    Time,

    /// <summary>A failure.</summary>
    Failure,
}

/// <summary>A transition of a plan.</summary>
/// <param name="From">The source state; null for every state before the pivot that is no end and does not compensate.</param>
/// <param name="To">The target state; if the saga stays, the source, or empty for any state.</param>
/// <param name="Kind">The kind of transition.</param>
/// <param name="Cause">What causes it, in a few words: an event, a code, a guard. Empty for a plain <c>next</c>.</param>
/// <param name="Part">The part of the plan that defines it.</param>
/// <param name="Guard">Its guard, or null.</param>
public sealed record PlanTransition(string? From, string To, TransitionKind Kind, string Cause, object Part, Expression? Guard)
{
    /// <summary>Whether the saga stays in its state (<c>stay: true</c>).</summary>
    public bool Stays => Part is EventRule { Stay: true };
}

/// <summary>The transitions of a plan, for graphs and coverage.</summary>
public static class PlanTransitions
{
    /// <summary>All transitions except the implicit failure: by state in the order of the file, then those of any state.</summary>
    public static IEnumerable<PlanTransition> All(Plan plan) =>
    [
        .. plan.States.SelectMany(OutOf),
        .. plan.AnyState.Select(rule => ForEvent(null, rule)),
        .. plan.Deadline is { } deadline
            ? [new PlanTransition(null, deadline.Next, TransitionKind.Time, $"deadline {Durations.Format(deadline.After)}", deadline, null)]
            : Array.Empty<PlanTransition>(),
        .. plan.State(plan.OnFailure).Implicit ? Array.Empty<PlanTransition>()
            : [new PlanTransition(null, plan.OnFailure, TransitionKind.Failure, "failure", plan, null)],
    ];

    /// <summary>The transitions of one state.</summary>
    public static IEnumerable<PlanTransition> OutOf(StatePlan state) =>
    [
        .. state.Choices.Select(choice => new PlanTransition(
            state.Name, choice.Next, TransitionKind.Choice, choice.When?.Text ?? (state.Choices.Length > 1 ? "otherwise" : ""), choice,
            choice.When)),
        .. state.OnEvent.Select(rule => ForEvent(state.Name, rule)),
        .. state.Timeout is { } timeout
            ? [new PlanTransition(state.Name, timeout.Next, TransitionKind.Time, $"after {Durations.Format(timeout.After)}", timeout, null)]
            : Array.Empty<PlanTransition>(),
        .. state.AllSteps.SelectMany(step => step.Catch).Concat(state.Catch).Select(rule => new PlanTransition(
            state.Name, rule.Next, TransitionKind.Failure, rule.Errors.IsEmpty ? "failure" : string.Join(", ", rule.Errors), rule, null)),
    ];

    /// <summary>Every guard of a plan, with a description of its position.</summary>
    public static IEnumerable<(Expression Guard, string Place)> Guards(Plan plan) =>
    [
        .. All(plan).Where(transition => transition.Guard is not null)
            .Select(transition => (transition.Guard!, transition.Part is EventRule rule
                ? $"{transition.From ?? "any_state"}, event {rule.Event}" : transition.From!)),
        .. from state in plan.States
           from step in state.Calls
           from rule in step.Reject
           select (rule.When, $"{step.Id}, reject {rule.Code}"),
    ];

    private static PlanTransition ForEvent(string? state, EventRule rule)
    {
        var cause = rule.When is null ? rule.Event : $"{rule.Event} [{rule.When.Text}]";
        return new PlanTransition(state, rule.Next ?? state ?? "", TransitionKind.Event, cause, rule, rule.When);
    }
}
