using Onex.Contracts.Expressions;
using Onex.Contracts.Graphs;
using Onex.Contracts.Plans;

namespace Onex.Engine.Examples;

/// <summary>Records which parts of a plan are covered.</summary>
internal sealed class CoverageObserver(Plan plan) : IPlanObserver
{
    // Compares by reference, because two rules with the same text are two rules.
    private readonly HashSet<object> _transitions = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<object> _guardsThatHeld = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<object> _guardsThatDidNot = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _states = new(StringComparer.Ordinal);
    private readonly HashSet<string> _compensations = new(StringComparer.Ordinal);

    public void GuardEvaluated(Expression guard, bool holds) => (holds ? _guardsThatHeld : _guardsThatDidNot).Add(guard);

    public void TransitionTaken(object transition) => _transitions.Add(transition);

    /// <summary>Records the state or the compensation that an entry of the history shows, if any.</summary>
    public void Record(HistoryNote note)
    {
        if (note.Kind == HistoryKind.StateEntered)
        {
            _states.Add(note.State);
        }
        else if (note is { Kind: HistoryKind.CompensationCompleted, Step: { } step })
        {
            _compensations.Add(step);
        }
    }

    /// <summary>How much of what the contract's file declares is covered.</summary>
    public Coverage Report() => new(
        Part(plan.States.Where(state => !state.Implicit), state => state.Name, state => _states.Contains(state.Name)),
        Part(
            PlanTransitions.All(plan).Where(transition => transition.From is null || !plan.State(transition.From).Implicit),
            Text,
            transition => _transitions.Contains(transition.Part)),
        Part(
            PlanTransitions.Guards(plan).SelectMany(
                entry => new[] { (entry.Guard, entry.Place, Holds: true), (entry.Guard, entry.Place, Holds: false) }),
            entry => $"{entry.Place}: '{entry.Guard.Text}' {(entry.Holds ? "holds" : "does not hold")}",
            entry => (entry.Holds ? _guardsThatHeld : _guardsThatDidNot).Contains(entry.Guard)),
        Part(
            plan.States.SelectMany(state => state.Calls).Where(step => step.Compensation is not null),
            step => step.Id,
            step => _compensations.Contains(step.Id)));

    private static string Text(PlanTransition transition)
    {
        var target = transition.Stays ? "stays" : $"to {transition.To}";
        return transition.Cause.Length == 0
            ? $"{transition.From} {target}"
            : $"{transition.From ?? "any state"} {target}: {transition.Cause}";
    }

    private static CoveredPart Part<T>(IEnumerable<T> parts, Func<T, string> name, Func<T, bool> isCovered)
    {
        var all = parts.ToList();
        var missing = all.Where(part => !isCovered(part)).Select(name).ToList();
        return new CoveredPart(all.Count - missing.Count, all.Count, missing);
    }
}
