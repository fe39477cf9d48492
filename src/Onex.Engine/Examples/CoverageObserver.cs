using Onex.Contracts.Expressions;
using Onex.Contracts.Graphs;
using Onex.Contracts.Plans;

namespace Onex.Engine.Examples;

/// <summary>Records which parts of a plan are covered.</summary>
internal sealed class CoverageObserver(Plan plan) : IPlanObserver
{
    // Compares by reference, because two rules with the same text are two rules.
    private readonly HashSet<object> _ways = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<object> _held = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<object> _failed = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _states = new(StringComparer.Ordinal);
    private readonly HashSet<string> _compensations = new(StringComparer.Ordinal);

    public void GuardEvaluated(Expression guard, bool holds) => (holds ? _held : _failed).Add(guard);

    public void TransitionTaken(object way) => _ways.Add(way);

    /// <summary>Records the history of a decision.</summary>
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

    /// <summary>The covered parts of all that the file declares.</summary>
    public Coverage Report() => new(
        Part(plan.States.Where(state => !state.Implicit), state => state.Name, state => _states.Contains(state.Name)),
        Part(
            PlanTransitions.All(plan).Where(way => way.From is null || !plan.State(way.From).Implicit),
            Text,
            way => _ways.Contains(way.Part)),
        Part(
            PlanTransitions.Guards(plan).SelectMany(
                entry => new[] { (entry.Guard, entry.Place, Holds: true), (entry.Guard, entry.Place, Holds: false) }),
            entry => $"{entry.Place}: '{entry.Guard.Text}' {(entry.Holds ? "holds" : "does not hold")}",
            entry => (entry.Holds ? _held : _failed).Contains(entry.Guard)),
        Part(
            plan.States.SelectMany(state => state.Calls).Where(step => step.Compensation is not null),
            step => step.Id,
            step => _compensations.Contains(step.Id)));

    private static string Text(PlanTransition way)
    {
        var target = way.Stays ? "stays" : $"to {way.To}";
        return way.By.Length == 0 ? $"{way.From} {target}" : $"{way.From ?? "any state"} {target}: {way.By}";
    }

    private static CoveredPart Part<T>(IEnumerable<T> parts, Func<T, string> name, Func<T, bool> isCovered)
    {
        var all = parts.ToList();
        var missing = all.Where(part => !isCovered(part)).Select(name).ToList();
        return new CoveredPart(all.Count - missing.Count, all.Count, missing);
    }
}
