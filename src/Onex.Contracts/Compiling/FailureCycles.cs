using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>
/// Finds cycles of failures and unconditional transitions, which repeat for as long as the step fails. A guard may end a cycle, and an
/// event or a wait slows it down: such cycles are allowed, and the engine counts them.
/// </summary>
internal sealed class FailureCycles
{
    private readonly Dictionary<string, StatePlan> _states;
    private readonly Dictionary<string, List<string>> _failures;
    private readonly string _onFailure;

    private FailureCycles(IReadOnlyList<StatePlan> states, string onFailure, IReadOnlySet<string> beforePivot)
    {
        _onFailure = onFailure;
        _states = states.ToDictionary(state => state.Name, StringComparer.Ordinal);
        _failures = states.ToDictionary(
            state => state.Name,
            state => Failures(state, beforePivot.Contains(state.Name) && !state.Pivot).Distinct(StringComparer.Ordinal).ToList(),
            StringComparer.Ordinal);
    }

    /// <summary>Reports the first cycle.</summary>
    /// <param name="scope">The contract.</param>
    /// <param name="states">Its states.</param>
    /// <param name="onFailure">The target of uncaught failures.</param>
    /// <param name="beforePivot">The states that can be entered before the pivot.</param>
    public static void Run(ContractScope scope, IReadOnlyList<StatePlan> states, string onFailure, IReadOnlySet<string> beforePivot)
    {
        var cycles = new FailureCycles(states, onFailure, beforePivot);
        if (cycles.FindFromOnFailure() is { } cycle)
        {
            scope.Report(ContractDiagnostics.FailureLeadsBack(scope.Declared.States[cycle[^2]], cycle[^2], cycle));
        }
        else if (states.Select(state => cycles.FindFrom(state.Name)).FirstOrDefault(found => found is not null) is { } caught)
        {
            scope.Report(ContractDiagnostics.FailureLeadsBack(scope.Declared.States[caught[0]], caught[0], caught));
        }
    }

    // A cycle through on_failure: a failure on its path leads back to it.
    private List<string>? FindFromOnFailure() => Find(
        [_onFailure], state =>
            _failures[state].Contains(_onFailure), state => _failures[state].Concat(UnconditionalTargets(state, calls: true))) is { } path
        ? [.. path, _onFailure]
        : null;

    // A state whose failure leads back to it without a successful call in between.
    private List<string>? FindFrom(string state) => Find(
        _failures[state], other => other == state, other => _failures[other].Concat(UnconditionalTargets(other, calls: false))) is { } path
        ? [state, .. path]
        : null;

    // The shortest path from one of these states to a wanted one.
    private static List<string>? Find(IEnumerable<string> starts, Predicate<string> isWanted, Func<string, IEnumerable<string>> targets)
    {
        var before = new Dictionary<string, string?>(StringComparer.Ordinal);
        var open = new Queue<(string State, string? Before)>(starts.Select(start => (start, (string?)null)));
        while (open.TryDequeue(out var next))
        {
            if (!before.TryAdd(next.State, next.Before))
            {
                continue;
            }

            if (isWanted(next.State))
            {
                var path = new List<string>();
                for (var state = next.State; state is not null; state = before[state])
                {
                    path.Insert(0, state);
                }

                return path;
            }

            foreach (var target in targets(next.State))
            {
                open.Enqueue((target, next.State));
            }
        }

        return null;
    }

    // The target that a state reaches immediately and independently of data.
    private IEnumerable<string> UnconditionalTargets(string name, bool calls)
    {
        var state = _states[name];
        return state is { Choices: [{ When: null } only], Kind: not StateKind.End }
            && (state.Kind == StateKind.Compensating || (!Waits(state.Steps) && (calls || !state.Calls.Any())))
            && state.Steps is not [.., FailStep]
            ? [only.Next]
            : [];
    }

    // The targets of its failures.
    private IEnumerable<string> Failures(StatePlan state, bool isBeforePivot) => state.Kind == StateKind.Ordinary
        ? Failures(state.Steps, code => ResolveCatch(state.Catch, code, isBeforePivot ? [_onFailure] : []))
        : [];

    private static IEnumerable<string> Failures(ImmutableArray<StepPlan> steps, Func<string?, IEnumerable<string>> otherwise)
    {
        foreach (var step in steps)
        {
            switch (step)
            {
                case WaitStep:
                    yield break;
                case ParallelStep parallel:
                    // Unless all must complete, a failure only ends its branch; too many failures fail the step itself.
                    Func<string?, IEnumerable<string>> inside = parallel.Join == Join.All ? code =>
                        ResolveCatch(parallel.Catch, code, otherwise(code)) : _ => [];
                    foreach (var target in parallel.Branches.SelectMany(branch => Failures(branch.Steps, inside)))
                    {
                        yield return target;
                    }

                    foreach (var target in parallel.Join == Join.All ? []
                        : ResolveCatch(parallel.Catch, StepCodes.JoinFailed, otherwise(StepCodes.JoinFailed)))
                    {
                        yield return target;
                    }

                    if (Waits([parallel]))
                    {
                        yield break;
                    }

                    break;
                case EachStep { FailuresMax: null }:
                    break;
                case CallStep or EachStep or FailStep:
                    var code = (step as FailStep)?.Code;
                    foreach (var target in ResolveCatch(step.Catch, code, otherwise(code)))
                    {
                        yield return target;
                    }

                    break;
            }
        }
    }

    // Without a code, any rule may match.
    private static IEnumerable<string> ResolveCatch(ImmutableArray<CatchRule> rules, string? code, IEnumerable<string> otherwise)
    {
        foreach (var rule in rules.Where(rule => code is null || rule.Covers(code)))
        {
            yield return rule.Next;
            if (code is not null || rule.Errors.IsEmpty)
            {
                yield break;
            }
        }

        foreach (var target in otherwise)
        {
            yield return target;
        }
    }

    // Whether every path through the steps contains a wait.
    private static bool Waits(ImmutableArray<StepPlan> steps) => steps.Any(step => step switch
    {
        WaitStep => true,
        ParallelStep { Join: Join.All } parallel => parallel.Branches.Any(branch => Waits(branch.Steps)),
        ParallelStep parallel => parallel.Branches.All(branch => Waits(branch.Steps)),
        _ => false,
    });
}
