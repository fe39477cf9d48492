using System.Runtime.InteropServices;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Contracts.Compiling;

/// <summary>Checks the transitions between states: faults, reachability, pivots, compensations, waits, retries and cycles.</summary>
internal sealed class FlowChecks
{
    private readonly ContractScope _scope;
    private readonly Findings _findings;
    private readonly Dictionary<string, StatePlan> _states;
    private readonly ILookup<string, string> _transitions;
    private readonly List<string> _anyStateTargets;
    private readonly string _onFailure;
    private HashSet<string> _beforePivot = [];

    private FlowChecks(ContractScope scope, Findings findings, IReadOnlyList<StatePlan> states, string onFailure)
    {
        _scope = scope;
        _findings = findings;
        _onFailure = onFailure;
        _states = states.ToDictionary(state => state.Name, StringComparer.Ordinal);
        _transitions = findings.Transitions.ToLookup(transition => transition.From, transition => transition.To, StringComparer.Ordinal);
        _anyStateTargets = [.. findings.AnyStateTargets.Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Reports the errors. <see cref="Warn"/> of the returned checks reports the warnings.</summary>
    public static FlowChecks Run(
        ContractScope scope, Findings findings, IReadOnlyList<StatePlan> states, string initial, string onFailure, TimeLimit? deadline)
    {
        var checks = new FlowChecks(scope, findings, states, onFailure);
        checks.CheckFaults();
        var reached = checks.ReachablePlaces([initial, onFailure], checks._anyStateTargets);
        checks.CheckReachability(states, reached);

        // The states that a saga can be in before it has entered a pivot.
        var before = checks._beforePivot = reached.Keys.Where(place => !place.PastPivot).Select(place => place.State)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var step in findings.Uncompensated.Where(step => before.Contains(step.State)))
        {
            scope.Report(ContractDiagnostics.CompensationMissing(step.At, step.Step, step.Operation));
        }

        foreach (var step in findings.UnknownOutcomeUnhandled.Where(step => before.Contains(step.State)))
        {
            scope.Report(ContractDiagnostics.UnknownOutcomeUnhandled(step.At, step.Step, step.Operation));
        }

        if (deadline is not null)
        {
            checks.CheckWaits([initial, onFailure], deadline);
        }

        checks.CheckRetries(states, deadline);

        // A newer rule: registered contracts stay valid.
        if (!scope.Context.IsRegistered)
        {
            checks.CheckPivot(reached);
        }

        // Skipped after other errors, because those may make a cycle seem to exist.
        if (!scope.File.HasErrors)
        {
            checks.CheckCycles(states);
            if (!scope.File.HasErrors && !scope.Context.IsRegistered)
            {
                FailureCycles.Run(scope, states, onFailure, before);
            }
        }

        return checks;
    }

    /// <summary>Warns of a contract that never completes, and of compensations that never run.</summary>
    public void Warn(string initial)
    {
        if (!ReachableStates(initial).Any(state => _states[state].End == EndKind.Completed))
        {
            _scope.Report(ContractDiagnostics.NeverCompletes(_scope.Declared.States[initial], initial));
        }

        foreach (var call in _states.Values.Where(state => !_beforePivot.Contains(state.Name)).SelectMany(state => state.Calls)
            .Where(call => call.Compensation is not null))
        {
            _scope.Report(ContractDiagnostics.CompensationNeverRuns(_scope.Declared.StepNodes[call.Id].KeyAt("compensate"), call.Id));
        }
    }

    // The states that a saga can be in. Unlike `ReachablePlaces`, this follows all failures, but no `next` or `choose` after a `fail` step.
    private HashSet<string> ReachableStates(string initial)
    {
        var (reached, remaining) = (new HashSet<string>(StringComparer.Ordinal), new Stack<string>([initial]));
        while (remaining.TryPop(out var name))
        {
            if (!reached.Add(name))
            {
                continue;
            }

            var state = _states[name];
            var regular = state.Steps is [.., FailStep] ? [] : state.Choices.Select(choice => choice.Next);
            var interrupting = state.Kind != StateKind.Ordinary ? []
                : state.AllSteps.SelectMany(step => step.Catch).Concat(state.Catch).Select(rule => rule.Next)
                    .Concat(state.OnEvent.Select(rule => rule.Next).OfType<string>())
                    .Concat(state.Timeout is { } timeout ? [timeout.Next] : [])
                    .Concat(_anyStateTargets)
                    .Append(_onFailure);
            foreach (var next in regular.Concat(interrupting))
            {
                remaining.Push(next);
            }
        }

        return reached;
    }

    private void CheckPivot(Dictionary<Place, List<Place>> reached)
    {
        foreach (var (from, to, at, _) in _findings.Transitions)
        {
            if (_states[to].Kind == StateKind.Compensating && reached.ContainsKey(new Place(from, PastPivot: true)))
            {
                _scope.Report(ContractDiagnostics.PivotCompensates(at, from, to, _states[from].Pivot));
            }
        }
    }

    // Checks only steps with `retry`, because the default policy is not a mistake of the author.
    private void CheckRetries(IReadOnlyList<StatePlan> states, TimeLimit? deadline)
    {
        foreach (var (state, call) in states.SelectMany(state => state.Calls, (state, call) => (state, call)))
        {
            if (!_findings.RetriedAt.TryGetValue(call.Id, out var at))
            {
                continue;
            }

            var delays = ExpectedDelays(call.Retry);
            (TimeSpan Limit, string What)? exceeded =
                call.Retry.Within is { } within && delays > within ? (within, "'within'")
                : state.Timeout is { } timeout && delays > timeout.After ? (timeout.After, "the state's timeout")
                : deadline is not null && delays > deadline.After ? (deadline.After, "the deadline")
                : null;
            if (exceeded is { } limit)
            {
                _scope.Report(ContractDiagnostics.RetryTooLong(
                    at, call.Retry.Attempts, Durations.Format(delays), limit.What, Durations.Format(limit.Limit)));
            }
        }
    }

    // The sum of the delays between attempts, without the attempts themselves; full jitter halves it on average. Rounded down, for display.
    private static TimeSpan ExpectedDelays(RetryPolicy policy)
    {
        var delays = policy.Jitter == Jitter.Full ? policy.LongestDelays / 2 : policy.LongestDelays;
        return delays.TotalSeconds > 10 ? TimeSpan.FromSeconds(Math.Floor(delays.TotalSeconds))
            : TimeSpan.FromMilliseconds(Math.Floor(delays.TotalMilliseconds));
    }

    // Reports a cycle of states whose steps, if any, only respond, emit or fail: it waits for nothing and changes no data.
    private void CheckCycles(IReadOnlyList<StatePlan> states)
    {
        var immediate = states
            .Where(state => state.Kind == StateKind.Ordinary && !(state.Choices.IsEmpty && state.Steps.IsEmpty)
                && state.AllSteps.All(step => step is RespondStep or FailStep or EmitStep))
            .ToDictionary(state => state.Name, ImmediateTargets, StringComparer.Ordinal);
        foreach (var state in states.Where(state => immediate.ContainsKey(state.Name)))
        {
            var (reached, remaining) = (new HashSet<string>(StringComparer.Ordinal), new Queue<string>(immediate[state.Name]));
            while (remaining.TryDequeue(out var name))
            {
                if (immediate.TryGetValue(name, out var next) && reached.Add(name))
                {
                    next.ForEach(remaining.Enqueue);
                }
            }

            if (reached.Contains(state.Name))
            {
                _scope.Report(ContractDiagnostics.CycleWithoutProgress(_scope.Declared.States[state.Name], state.Name));
                return;
            }
        }
    }

    private static List<string> ImmediateTargets(StatePlan state) =>
        [.. state.Choices.Select(choice => choice.Next)
            .Concat(state.AllSteps.OfType<FailStep>().SelectMany(step => step.Catch.Concat(state.Catch)).Select(rule => rule.Next))];

    // A wait that is not shorter than the deadline never ends. States that only the deadline leads to are exempt, because it expires once.
    private void CheckWaits(IReadOnlyList<string> starts, TimeLimit deadline)
    {
        var anyState = _findings.AnyStateTargets.ToList();
        anyState.Remove(deadline.Next);
        var running = ReachablePlaces(starts, anyState).Keys.Where(place => !place.PastPivot).Select(place => place.State)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var wait in _findings.Waits.Where(wait => wait.Length >= deadline.After && running.Contains(wait.State)))
        {
            _scope.Report(ContractDiagnostics.WaitBeyondDeadline(
                wait.At, wait.What, Durations.Format(wait.Length), Durations.Format(deadline.After)));
        }
    }

    private void CheckFaults()
    {
        foreach (var (_, to, at, faultMissing) in _findings.Transitions)
        {
            if (faultMissing && _states[to].Kind == StateKind.Compensating)
            {
                _scope.Report(ContractDiagnostics.FaultMissing(at, to));
            }
        }
    }

    private void CheckReachability(IReadOnlyList<StatePlan> states, Dictionary<Place, List<Place>> reached)
    {
        var ending = PlacesThatEnd(reached);
        var endless = reached.Keys.Where(place => !ending.Contains(place))
            .ToLookup(place => place.State, place => place.PastPivot, StringComparer.Ordinal);
        var names = reached.Keys.Select(place => place.State).ToHashSet(StringComparer.Ordinal);
        foreach (var state in states.Where(state => !state.Implicit))
        {
            if (endless.Contains(state.Name))
            {
                // A state that is endless before the pivot too is not endless because of the pivot.
                var isPivotCause = _anyStateTargets.Count > 0 && endless[state.Name].All(pastPivot => pastPivot);
                _scope.Report(ContractDiagnostics.EndlessState(_scope.Declared.States[state.Name], state.Name, isPivotCause));
            }
            else if (!names.Contains(state.Name) && !_findings.HasUnknownState)
            {
                _scope.Report(ContractDiagnostics.UnreachableState(_scope.Declared.States[state.Name], state.Name));
            }
        }
    }

    /// <summary>The reachable places and their successors. It ignores uncaught failures, so <c>on_failure</c> must be a start.</summary>
    private Dictionary<Place, List<Place>> ReachablePlaces(IReadOnlyList<string> starts, IReadOnlyList<string> anyStateTargets)
    {
        var reached = new Dictionary<Place, List<Place>>();
        var remaining = new Queue<Place>(starts.Concat(anyStateTargets).Select(state => Enter(state, pastPivot: false)));
        while (remaining.TryDequeue(out var place))
        {
            if (!reached.ContainsKey(place))
            {
                reached[place] = [.. Targets(place, anyStateTargets).Select(next => Enter(next, place.PastPivot))];
                reached[place].ForEach(remaining.Enqueue);
            }
        }

        return reached;
    }

    private IEnumerable<string> Targets(Place place, IReadOnlyList<string> anyStateTargets)
    {
        var state = _states[place.State];
        if (state.Implicit)
        {
            return state.Choices.Select(choice => choice.Next);
        }

        var declared = _transitions[place.State];
        return state.Kind == StateKind.Ordinary && !place.PastPivot
            ? declared.Concat(anyStateTargets).Concat(state is { Choices.IsEmpty: true, Steps: [.., FailStep] } ? [_onFailure] : [])
            : declared;
    }

    private Place Enter(string state, bool pastPivot) => new(state, pastPivot || _states[state].Pivot);

    /// <summary>The places from which an end is reachable; a state with errors counts as an end.</summary>
    private HashSet<Place> PlacesThatEnd(Dictionary<Place, List<Place>> reached)
    {
        var sources = reached.SelectMany(entry => entry.Value, (entry, to) => (From: entry.Key, To: to))
            .ToLookup(transition => transition.To, transition => transition.From);
        var ending = new HashSet<Place>();
        var remaining = new Queue<Place>(
            reached.Keys.Where(place => _states[place.State].Kind == StateKind.End || _findings.StatesWithErrors.Contains(place.State)));
        while (remaining.TryDequeue(out var place))
        {
            if (ending.Add(place))
            {
                foreach (var source in sources[place])
                {
                    remaining.Enqueue(source);
                }
            }
        }

        return ending;
    }

    /// <summary>A state, before or past the pivot. A state may be entered on both sides; past the pivot fewer transitions apply.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Place(string State, bool PastPivot);
}
