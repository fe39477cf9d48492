using System.Runtime.InteropServices;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Contracts.Compiling;

/// <summary>Checks the flow between all states.</summary>
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

    /// <summary>Reports errors in states, steps and time limits. <see cref="Warn"/> of the result reports the warnings.</summary>
    /// <param name="scope">The contract.</param>
    /// <param name="findings">What reading it found.</param>
    /// <param name="states">Its states.</param>
    /// <param name="initial">The initial state.</param>
    /// <param name="onFailure">The targets of failures.</param>
    /// <param name="deadline">The deadline, or null.</param>
    public static FlowChecks Run(
        ContractScope scope, Findings findings, IReadOnlyList<StatePlan> states, string initial, string onFailure, TimeLimit? deadline)
    {
        var checks = new FlowChecks(scope, findings, states, onFailure);
        checks.CheckFaults();
        var reached = checks.Reach([initial, onFailure], checks._anyStateTargets);
        checks.CheckReachability(states, reached);

        // The states that can be entered before a pivot. Unreachable states are reported separately.
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

        // Accepted contracts stay valid; the engine counts their cycles.
        if (!scope.Context.IsRegistered)
        {
            checks.CheckPivot(reached);
        }

        // Skipped after other errors, which would cause consequential ones.
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
    /// <param name="initial">The initial state.</param>
    public void Warn(string initial)
    {
        if (!Reach(initial).Any(state => _states[state].End == EndKind.Completed))
        {
            _scope.Report(ContractDiagnostics.NeverCompletes(_scope.Declared.States[initial], initial));
        }

        foreach (var call in _states.Values.Where(state => !_beforePivot.Contains(state.Name)).SelectMany(state => state.Calls)
            .Where(call => call.Compensation is not null))
        {
            _scope.Report(ContractDiagnostics.CompensationNeverRuns(_scope.Declared.StepNodes[call.Id].KeyAt("compensate"), call.Id));
        }
    }

    // Unlike the declared transitions, it does not continue after a `fail` step.
    private HashSet<string> Reach(string initial)
    {
        var (reached, open) = (new HashSet<string>(StringComparer.Ordinal), new Stack<string>([initial]));
        while (open.TryPop(out var name))
        {
            if (!reached.Add(name))
            {
                continue;
            }

            var state = _states[name];
            var onward = state.Steps is [.., FailStep] ? [] : state.Choices.Select(choice => choice.Next);
            var aside = state.Kind != StateKind.Ordinary ? []
                : state.AllSteps.SelectMany(step => step.Catch).Concat(state.Catch).Select(rule => rule.Next)
                .Concat(state.OnEvent.Select(rule => rule.Next).OfType<string>())
                .Concat(state.Timeout is { } timeout ? [timeout.Next] : [])
                .Concat(_anyStateTargets)
                .Append(_onFailure);
            foreach (var next in onward.Concat(aside))
            {
                open.Push(next);
            }
        }

        return reached;
    }

    private void CheckPivot(Dictionary<Place, List<Place>> reached)
    {
        foreach (var each in _findings.Transitions.Where(
            each => _states[each.To].Kind == StateKind.Compensating && reached.ContainsKey(new Place(each.From, PastPivot: true))))
        {
            _scope.Report(ContractDiagnostics.PivotCompensates(each.At, each.From, each.To, _states[each.From].Pivot));
        }
    }

    // Only policies that a step declares, because the default policy is not a mistake of the author.
    private void CheckRetries(IReadOnlyList<StatePlan> states, TimeLimit? deadline)
    {
        foreach (var (state, call) in states.SelectMany(state => state.Calls, (state, call) => (state, call)))
        {
            if (!_findings.RetriedAt.TryGetValue(call.Id, out var at))
            {
                continue;
            }

            var delays = Delays(call.Retry);
            (TimeSpan Limit, string What)? tooShort =
                call.Retry.Within is { } within && delays > within ? (within, "'within'")
                : state.Timeout is { } timeout && delays > timeout.After ? (timeout.After, "the state's timeout")
                : deadline is not null && delays > deadline.After ? (deadline.After, "the deadline")
                : null;
            if (tooShort is { } limit)
            {
                _scope.Report(ContractDiagnostics.RetryTooLong(
                    at, call.Retry.Attempts, Durations.Format(delays), limit.What,
                    Durations.Format(limit.Limit)));
            }
        }
    }

    // The delays between attempts without their run time; full jitter halves them on average.
    private static TimeSpan Delays(RetryPolicy policy)
    {
        var delays = policy.Jitter == Jitter.Full ? policy.LongestDelays / 2 : policy.LongestDelays;
        return delays.TotalSeconds > 10 ? TimeSpan.FromSeconds(Math.Floor(delays.TotalSeconds))
            : TimeSpan.FromMilliseconds(Math.Floor(delays.TotalMilliseconds));
    }

    // A cycle of states without a call, a wait or a counter would repeat forever at once.
    private void CheckCycles(IReadOnlyList<StatePlan> states)
    {
        var instant = states
            .Where(state => state is { Kind: StateKind.Ordinary, Choices.IsEmpty: false } or
            {
                Kind: StateKind.Ordinary,
                Steps.IsEmpty: false
            }
                && state.AllSteps.All(step => step is RespondStep or FailStep or EmitStep))
            .ToDictionary(state => state.Name, Onward, StringComparer.Ordinal);
        foreach (var state in states.Where(state => instant.ContainsKey(state.Name)))
        {
            var (reached, open) = (new HashSet<string>(StringComparer.Ordinal), new Queue<string>(instant[state.Name]));
            while (open.TryDequeue(out var name))
            {
                if (instant.TryGetValue(name, out var next) && reached.Add(name))
                {
                    next.ForEach(open.Enqueue);
                }
            }

            if (reached.Contains(state.Name))
            {
                _scope.Report(ContractDiagnostics.CycleWithoutProgress(_scope.Declared.States[state.Name], state.Name));
                return;
            }
        }
    }

    private static List<string> Onward(StatePlan state) =>
        [.. state.Choices.Select(choice => choice.Next)
            .Concat(state.AllSteps.OfType<FailStep>().SelectMany(step => step.Catch.Concat(state.Catch)).Select(rule => rule.Next))];

    // A deadline expires once: it does not apply to states that only the deadline leads to.
    private void CheckWaits(IReadOnlyList<string> starts, TimeLimit deadline)
    {
        var anyState = _findings.AnyStateTargets.ToList();
        anyState.Remove(deadline.Next);
        var running = Reach(starts, anyState).Keys.Where(place => !place.PastPivot).Select(place => place.State)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var wait in _findings.Waits.Where(wait => wait.Length >= deadline.After && running.Contains(wait.State)))
        {
            _scope.Report(ContractDiagnostics.WaitBeyondDeadline(
                wait.At, wait.What, Durations.Format(wait.Length),
                Durations.Format(deadline.After)));
        }
    }

    private void CheckFaults()
    {
        foreach (var each in _findings.Transitions.Where(each => each.FaultMissing && _states[each.To].Kind == StateKind.Compensating))
        {
            _scope.Report(ContractDiagnostics.FaultMissing(each.At, each.To));
        }
    }

    private void CheckReachability(IReadOnlyList<StatePlan> states, Dictionary<Place, List<Place>> reached)
    {
        var ending = Ending(reached);
        var endless = reached.Keys.Where(place => !ending.Contains(place))
            .ToLookup(place => place.State, place => place.PastPivot, StringComparer.Ordinal);
        var names = reached.Keys.Select(place => place.State).ToHashSet(StringComparer.Ordinal);
        foreach (var state in states.Where(state => !state.Implicit))
        {
            if (endless.Contains(state.Name))
            {
                // If it never ends at all, the pivot is not the cause.
                var onlyPast = _anyStateTargets.Count > 0 && endless[state.Name].All(pastPivot => pastPivot);
                _scope.Report(ContractDiagnostics.EndlessState(_scope.Declared.States[state.Name], state.Name, onlyPast));
            }
            else if (!names.Contains(state.Name) && !_findings.HasUnknownState)
            {
                _scope.Report(ContractDiagnostics.UnreachableState(_scope.Declared.States[state.Name], state.Name));
            }
        }
    }

    /// <summary>Every reachable place with its successors. Failures are not followed: <c>on_failure</c> is a start of its own.</summary>
    private Dictionary<Place, List<Place>> Reach(IReadOnlyList<string> starts, IReadOnlyList<string> anyStateTargets)
    {
        var reached = new Dictionary<Place, List<Place>>();
        var waiting = new Queue<Place>(starts.Concat(anyStateTargets).Select(state => Enter(state, pastPivot: false)));
        while (waiting.TryDequeue(out var place))
        {
            if (!reached.ContainsKey(place))
            {
                reached[place] = [.. Targets(place, anyStateTargets).Select(next => Enter(next, place.PastPivot))];
                reached[place].ForEach(waiting.Enqueue);
            }
        }

        return reached;
    }

    private IEnumerable<string> Targets(Place place, IReadOnlyList<string> anyStateTargets)
    {
        var state = _states[place.State];
        return state.Implicit ? state.Choices.Select(choice => choice.Next)
            : state.Kind == StateKind.Ordinary && !place.PastPivot
                ? _transitions[place.State].Concat(anyStateTargets)
                    .Concat(state is { Choices.IsEmpty: true, Steps: [.., FailStep] } ? [_onFailure] : [])
            : _transitions[place.State];
    }

    private Place Enter(string state, bool pastPivot) => new(state, pastPivot || _states[state].Pivot);

    /// <summary>The places from which an end is reachable.</summary>
    private HashSet<Place> Ending(Dictionary<Place, List<Place>> reached)
    {
        var sources = reached.SelectMany(each => each.Value, (each, to) => (From: each.Key, To: to))
            .ToLookup(each => each.To, each => each.From);
        var ending = new HashSet<Place>();
        var waiting = new Queue<Place>(
            reached.Keys.Where(place => _states[place.State].Kind == StateKind.End || _findings.StatesWithErrors.Contains(place.State)));
        while (waiting.TryDequeue(out var place))
        {
            if (ending.Add(place))
            {
                foreach (var source in sources[place])
                {
                    waiting.Enqueue(source);
                }
            }
        }

        return ending;
    }

    /// <summary>A state before or past the pivot: a state may be entered before and past it, and has fewer transitions past it.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Place(string State, bool PastPivot);
}
