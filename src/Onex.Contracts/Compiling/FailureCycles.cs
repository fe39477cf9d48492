using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>
/// Finds cycles of failures and unconditional transitions, because they repeat for as long as the step fails. A cycle is allowed with a
/// guard, which may end it, or with an event or a wait, which slows it down.
/// </summary>
internal sealed class FailureCycles
{
    private readonly Dictionary<string, StatePlan> _states;
    private readonly Dictionary<string, List<string>> _failureTargets;
    private readonly string _onFailure;

    private FailureCycles(IReadOnlyList<StatePlan> states, string onFailure, IReadOnlySet<string> beforePivot)
    {
        _onFailure = onFailure;
        _states = states.ToDictionary(state => state.Name, StringComparer.Ordinal);
        _failureTargets = states.ToDictionary(
            state => state.Name,
            state => FailureTargets(state, beforePivot.Contains(state.Name) && !state.Pivot).Distinct(StringComparer.Ordinal).ToList(),
            StringComparer.Ordinal);
    }

    /// <summary>Reports the first cycle. Uncaught failures lead to on_failure only in the states before the pivot.</summary>
    public static void Run(ContractScope scope, IReadOnlyList<StatePlan> states, string onFailure, IReadOnlySet<string> beforePivot)
    {
        var cycles = new FailureCycles(states, onFailure, beforePivot);
        if (cycles.FindFromOnFailure() is { } cycle)
        {
            var failingState = cycle[^2];
            scope.Report(ContractDiagnostics.FailureLeadsBack(scope.Declared.States[failingState], failingState, cycle));
        }
        else if (states.Select(state => cycles.FindFrom(state.Name)).FirstOrDefault(found => found is not null) is { } caught)
        {
            scope.Report(ContractDiagnostics.FailureLeadsBack(scope.Declared.States[caught[0]], caught[0], caught));
        }
    }

    // A cycle through the state of on_failure: a failure on the path from it leads back to it.
    private List<string>? FindFromOnFailure()
    {
        var path = FindPath([_onFailure], state => _failureTargets[state].Contains(_onFailure),
            state => _failureTargets[state].Concat(UnconditionalTargets(state, allowsCalls: true)));
        return path is null ? null : [.. path, _onFailure];
    }

    // A cycle in which a failure of this state leads back to it without a successful call in between.
    private List<string>? FindFrom(string state)
    {
        var path = FindPath(_failureTargets[state], other => other == state,
            other => _failureTargets[other].Concat(UnconditionalTargets(other, allowsCalls: false)));
        return path is null ? null : [state, .. path];
    }

    // The shortest path from one of these states to one that is wanted, by breadth-first search; null if there is none.
    private static List<string>? FindPath(IEnumerable<string> starts, Predicate<string> isWanted, Func<string, IEnumerable<string>> targets)
    {
        var previous = new Dictionary<string, string?>(StringComparer.Ordinal);
        var queue = new Queue<(string State, string? Previous)>(starts.Select(start => (start, (string?)null)));
        while (queue.TryDequeue(out var next))
        {
            if (!previous.TryAdd(next.State, next.Previous))
            {
                continue;
            }

            if (isWanted(next.State))
            {
                var path = new List<string>();
                for (var state = next.State; state is not null; state = previous[state])
                {
                    path.Insert(0, state);
                }

                return path;
            }

            foreach (var target in targets(next.State))
            {
                queue.Enqueue((target, next.State));
            }
        }

        return null;
    }

    // The target to which a state continues whatever `data` is, without a wait and, unless allowed, without a call; none otherwise.
    private IEnumerable<string> UnconditionalTargets(string name, bool allowsCalls)
    {
        var state = _states[name];
        if (state is not { Choices: [{ When: null } only], Kind: not StateKind.End } || state.Steps is [.., FailStep])
        {
            return [];
        }

        var isImmediate = !Waits(state.Steps) && (allowsCalls || !state.Calls.Any());
        return isImmediate || state.Kind == StateKind.Compensating ? [only.Next] : [];
    }

    // The targets of the failures of a state.
    private IEnumerable<string> FailureTargets(StatePlan state, bool isBeforePivot) => state.Kind == StateKind.Ordinary
        ? FailureTargets(state.Steps, code => ResolveCatch(state.Catch, code, isBeforePivot ? [_onFailure] : []))
        : [];

    private static IEnumerable<string> FailureTargets(ImmutableArray<StepPlan> steps, Func<string?, IEnumerable<string>> otherwise)
    {
        foreach (var step in steps)
        {
            switch (step)
            {
                case WaitStep:
                    yield break;
                case ParallelStep parallel:
                    // If not all branches must complete, a failure only ends its branch; too many failures fail the step itself.
                    Func<string?, IEnumerable<string>> inBranch = parallel.Join == Join.All
                        ? code => ResolveCatch(parallel.Catch, code, otherwise(code))
                        : _ => [];
                    foreach (var target in parallel.Branches.SelectMany(branch => FailureTargets(branch.Steps, inBranch)))
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
                // It completes whatever its items do, because the list is never too long.
                case EachStep { FailuresMax: null } each when (each.Items.Type.Plain as CelType.ListOf)?.SizeMax <= each.AtMost:
                    break;
                case CallStep or EachStep or FailStep:
                    var code = step is EachStep { FailuresMax: null } ? StepCodes.TooManyItems : (step as FailStep)?.Code;
                    foreach (var target in ResolveCatch(step.Catch, code, otherwise(code)))
                    {
                        yield return target;
                    }

                    break;
            }
        }
    }

    // The targets of a code: the first rule that covers it, or the next outer rules (`otherwise`). Null is any code: each rule may match.
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

    // Whether the steps cannot complete without a wait.
    private static bool Waits(ImmutableArray<StepPlan> steps) => steps.Any(step => step switch
    {
        WaitStep => true,
        ParallelStep parallel => parallel.Branches.Count(branch => !Waits(branch.Steps)) < parallel.Needed,
        _ => false,
    });
}
