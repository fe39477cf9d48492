using System.Runtime.InteropServices;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Contracts.Compiling;

/// <summary>What only the whole of the states shows.</summary>
internal sealed class FlowChecks
{
    private readonly ContractScope _scope;
    private readonly Dictionary<string, StatePlan> _states;
    private readonly ILookup<string, string> _ways;
    private readonly List<string> _anywhere;
    private readonly string _onFailure;
    private HashSet<string> _beforePivot = [];

    private FlowChecks(ContractScope scope, IReadOnlyList<StatePlan> states, string onFailure)
    {
        _scope = scope;
        _onFailure = onFailure;
        _states = states.ToDictionary(state => state.Name, StringComparer.Ordinal);
        _ways = scope.Ways.ToLookup(way => way.From, way => way.To, StringComparer.Ordinal);
        _anywhere = [.. scope.Anywhere.Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Reports about states, steps and times that cannot be as they are, and gives what warns of the rest (<see cref="Doubt"/>).</summary>
    /// <param name="scope">The contract, all of which was read.</param>
    /// <param name="states">Its states.</param>
    /// <param name="initial">The first.</param>
    /// <param name="onFailure">Where failures lead.</param>
    /// <param name="deadline">How long a saga may take, or null.</param>
    public static FlowChecks Run(ContractScope scope, IReadOnlyList<StatePlan> states, string initial, string onFailure, TimeLimit? deadline)
    {
        var checks = new FlowChecks(scope, states, onFailure);
        checks.CheckFaults();
        var ways = checks.Reach([initial, onFailure], checks._anywhere);
        checks.CheckWays(states, ways);

        // What can be entered without entering a pivot. What nothing leads to has its own complaint.
        var before = checks._beforePivot = ways.Keys.Where(place => !place.PastPivot).Select(place => place.State).ToHashSet(StringComparer.Ordinal);
        foreach (var step in scope.Uncompensated.Where(step => before.Contains(step.State)))
        {
            scope.Report(ContractDiagnostics.CompensationMissing(step.At, step.Step, step.Operation));
        }

        foreach (var step in scope.Undecided.Where(step => before.Contains(step.State)))
        {
            scope.Report(ContractDiagnostics.UnknownUndecided(step.At, step.Step, step.Operation));
        }

        if (deadline is not null)
        {
            checks.CheckWaits([initial, onFailure], deadline);
        }

        checks.CheckRetries(states, deadline);

        // What was accepted before goes on; the engine counts how often it goes round.
        if (!scope.Context.IsRegistered)
        {
            checks.CheckPivot(ways);
        }

        // Of states that never end more than enough was said.
        if (!scope.File.HasErrors)
        {
            checks.CheckCircles(states);
            if (!scope.File.HasErrors && !scope.Context.IsRegistered)
            {
                FailureCircles.Run(scope, states, onFailure, before);
            }
        }

        return checks;
    }

    /// <summary>Warns, where nothing is wrong, of a contract that cannot end well, and of compensations where nothing is compensated.</summary>
    /// <param name="initial">The first state.</param>
    public void Doubt(string initial)
    {
        if (!Reach(initial).Any(state => _states[state].End == EndKind.Completed))
        {
            _scope.Report(ContractDiagnostics.NeverCompletes(_scope.States[initial], initial));
        }

        foreach (var call in _states.Values.Where(state => !_beforePivot.Contains(state.Name)).SelectMany(state => state.Calls).Where(call => call.Compensation is not null))
        {
            _scope.Report(ContractDiagnostics.CompensationInVain(_scope.CallNodes[call.Id].KeyAt("compensate"), call.Id));
        }
    }

    // Unlike the ways of a file, it does not go on behind a step that fails.
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
            var aside = state.Kind != StateKind.Ordinary ? [] : state.AllSteps.SelectMany(step => step.Catch).Concat(state.Catch).Select(rule => rule.Next)
                .Concat(state.OnEvent.Select(rule => rule.Next).OfType<string>())
                .Concat(state.Timeout is { } timeout ? [timeout.Next] : [])
                .Concat(_anywhere)
                .Append(_onFailure);
            foreach (var next in onward.Concat(aside))
            {
                open.Push(next);
            }
        }

        return reached;
    }

    private void CheckPivot(Dictionary<Place, List<Place>> ways)
    {
        foreach (var way in _scope.Ways.Where(way => _states[way.To].Kind == StateKind.Compensating && ways.ContainsKey(new Place(way.From, PastPivot: true))))
        {
            _scope.Report(ContractDiagnostics.PivotCompensates(way.At, way.From, way.To, _states[way.From].Pivot));
        }
    }

    // What the file says of a step alone: the policy that all have otherwise is nobody's mistake.
    private void CheckRetries(IReadOnlyList<StatePlan> states, TimeLimit? deadline)
    {
        foreach (var (state, call) in states.SelectMany(state => state.Calls, (state, call) => (state, call)))
        {
            if (!_scope.RetriedAt.TryGetValue(call.Id, out var at))
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
                _scope.Report(ContractDiagnostics.RetryTooLong(at, call.Retry.Attempts, Durations.Format(delays), limit.What, Durations.Format(limit.Limit)));
            }
        }
    }

    // The delays between the attempts alone; with full jitter, half of each on the average.
    private static TimeSpan Delays(RetryPolicy policy)
    {
        var delays = policy.Jitter == Jitter.Full ? policy.LongestDelays / 2 : policy.LongestDelays;
        return delays.TotalSeconds > 10 ? TimeSpan.FromSeconds(Math.Floor(delays.TotalSeconds)) : TimeSpan.FromMilliseconds(Math.Floor(delays.TotalMilliseconds));
    }

    // A circle of states in which nothing is called, waited for or counted goes round for ever in one moment.
    private void CheckCircles(IReadOnlyList<StatePlan> states)
    {
        var instant = states
            .Where(state => state is { Kind: StateKind.Ordinary, Choices.IsEmpty: false } or { Kind: StateKind.Ordinary, Steps.IsEmpty: false }
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
                _scope.Report(ContractDiagnostics.CircleWithoutProgress(_scope.States[state.Name], state.Name));
                return;
            }
        }
    }

    private static List<string> Onward(StatePlan state) =>
        [.. state.Choices.Select(choice => choice.Next).Concat(state.AllSteps.OfType<FailStep>().SelectMany(step => step.Catch.Concat(state.Catch)).Select(rule => rule.Next))];

    // A deadline comes once: what only it leads to, such as a long last wait for an answer, is past it.
    private void CheckWaits(IReadOnlyList<string> starts, TimeLimit deadline)
    {
        var anyState = _scope.Anywhere.ToList();
        anyState.Remove(deadline.Next);
        var running = Reach(starts, anyState).Keys.Where(place => !place.PastPivot).Select(place => place.State).ToHashSet(StringComparer.Ordinal);
        foreach (var wait in _scope.Waits.Where(wait => wait.Length >= deadline.After && running.Contains(wait.State)))
        {
            _scope.Report(ContractDiagnostics.WaitBeyondDeadline(wait.At, wait.What, Durations.Format(wait.Length), Durations.Format(deadline.After)));
        }
    }

    private void CheckFaults()
    {
        foreach (var way in _scope.Ways.Where(way => way.FaultMissing && _states[way.To].Kind == StateKind.Compensating))
        {
            _scope.Report(ContractDiagnostics.FaultMissing(way.At, way.To));
        }
    }

    private void CheckWays(IReadOnlyList<StatePlan> states, Dictionary<Place, List<Place>> ways)
    {
        var ending = Ending(ways);
        var endless = ways.Keys.Where(place => !ending.Contains(place)).ToLookup(place => place.State, place => place.PastPivot, StringComparer.Ordinal);
        var reached = ways.Keys.Select(place => place.State).ToHashSet(StringComparer.Ordinal);
        foreach (var state in states.Where(state => !state.Implicit))
        {
            if (endless.Contains(state.Name))
            {
                // Where it never ends at all, the pivot is not to blame.
                var onlyPast = _anywhere.Count > 0 && endless[state.Name].All(pastPivot => pastPivot);
                _scope.Report(ContractDiagnostics.EndlessState(_scope.States[state.Name], state.Name, onlyPast));
            }
            else if (!reached.Contains(state.Name) && !_scope.HasUnknownState)
            {
                _scope.Report(ContractDiagnostics.UnreachableState(_scope.States[state.Name], state.Name));
            }
        }
    }

    /// <summary>Every place that can be reached, with where it leads. Failures are no ordinary way on: <c>on_failure</c> is reached from the start.</summary>
    private Dictionary<Place, List<Place>> Reach(IReadOnlyList<string> starts, IReadOnlyList<string> anywhere)
    {
        var ways = new Dictionary<Place, List<Place>>();
        var waiting = new Queue<Place>(starts.Concat(anywhere).Select(state => Enter(state, pastPivot: false)));
        while (waiting.TryDequeue(out var place))
        {
            if (!ways.ContainsKey(place))
            {
                ways[place] = [.. Targets(place, anywhere).Select(next => Enter(next, place.PastPivot))];
                ways[place].ForEach(waiting.Enqueue);
            }
        }

        return ways;
    }

    private IEnumerable<string> Targets(Place place, IReadOnlyList<string> anywhere)
    {
        var state = _states[place.State];
        return state.Implicit ? state.Choices.Select(choice => choice.Next)
            : state.Kind == StateKind.Ordinary && !place.PastPivot
                ? _ways[place.State].Concat(anywhere).Concat(state is { Choices.IsEmpty: true, Steps: [.., FailStep] } ? [_onFailure] : [])
            : _ways[place.State];
    }

    private Place Enter(string state, bool pastPivot) => new(state, pastPivot || _states[state].Pivot);

    /// <summary>The places from which some way leads to an end.</summary>
    private HashSet<Place> Ending(Dictionary<Place, List<Place>> ways)
    {
        var sources = ways.SelectMany(way => way.Value, (way, to) => (From: way.Key, To: to)).ToLookup(way => way.To, way => way.From);
        var ending = new HashSet<Place>();
        var waiting = new Queue<Place>(ways.Keys.Where(place => _states[place.State].Kind == StateKind.End || _scope.Broken.Contains(place.State)));
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

    /// <summary>A state, before or past the pivot: the same state may be entered both ways, and fewer ways lead on past it.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Place(string State, bool PastPivot);
}
