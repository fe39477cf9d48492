using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>What decisions look up in a plan, computed once per plan.</summary>
internal sealed class PlanFacts
{
    private static readonly ConditionalWeakTable<Plan, PlanFacts> _byPlan = [];

    private readonly FrozenSet<string> _statesWithFault;
    private readonly FrozenDictionary<string, CallStep> _calls;
    private readonly FrozenDictionary<string, (Sequence Sequence, int Index)> _places;
    private readonly FrozenDictionary<string, Sequence> _sequences;
    private readonly FrozenDictionary<string, bool> _readChangingValues;
    private readonly FrozenSet<string> _callsThatReadBody;
    private readonly EventFlow _events;

    private PlanFacts(Plan plan)
    {
        _statesWithFault = FaultFlow.StatesWithFault(plan);
        _calls = plan.States.SelectMany(state => state.Calls).ToFrozenDictionary(call => call.Id, StringComparer.Ordinal);
        _sequences = plan.States
            .SelectMany(state => Sequence.Within(new Sequence(state.Name, state.Name, state.Steps, null, 0, [])))
            .ToFrozenDictionary(sequence => sequence.Key, StringComparer.Ordinal);
        _places = _sequences.Values
            .SelectMany(sequence => sequence.Steps.Select((step, index) => KeyValuePair.Create(step.Id, (sequence, index))))
            .ToFrozenDictionary(StringComparer.Ordinal);
        _readChangingValues = _calls.ToFrozenDictionary(call => call.Key, call => ReadsChangingValues(call.Value), StringComparer.Ordinal);
        _callsThatReadBody = plan.States.SelectMany(state => state.AllSteps)
            .Select(step => (Call: step as CallStep ?? (step as EachStep)?.Call, Each: step as EachStep))
            .Where(step => step.Call is not null && NeedsBody(step.Call, step.Each))
            .Select(step => step.Call!.Id)
            .ToFrozenSet(StringComparer.Ordinal);
        _events = new EventFlow(plan);
    }

    public static PlanFacts For(Plan plan) => _byPlan.GetValue(plan, static plan => new PlanFacts(plan));

    /// <summary>Whether <c>fault</c> can be read in that state.</summary>
    public bool CanReadFault(string state) => _statesWithFault.Contains(state);

    /// <summary>The call of that id, which may be the call of an <c>each</c> step; ids are unique in a contract.</summary>
    public CallStep Call(string id) => _calls[id];

    /// <summary>The role that runs the command: that of its step, or of the compensation; null if the step has no compensation.</summary>
    public CallRole? RoleOf(Outstanding command)
    {
        var step = Call(command.Step);
        return command.Direction == StepDirection.Forward ? step.Role : step.Compensation?.Role;
    }

    public StepPlan Step(string id) => SequenceOf(id).Steps[_places[id].Index];

    public string StateOf(string id) => SequenceOf(id).State;

    public Sequence SequenceOf(string id) => _places[id].Sequence;

    public Sequence SequenceOfState(string state) => _sequences[state];

    /// <summary>The steps of that <see cref="Engine.Sequence.Key"/>.</summary>
    public Sequence SequenceAt(string key) => _sequences[key];

    public Sequence Branch(string parallel, int branch) => _sequences[Sequence.KeyOf(parallel, branch)];

    public ParallelStep Parallel(string id) => (ParallelStep)Step(id);

    /// <summary>Whether the arguments of a call read values that may change while it is in flight.</summary>
    public bool ReadsChangingValues(string call) => _readChangingValues[call];

    /// <summary>
    /// Whether the contract needs <c>result.body</c> of a call as JSON: <c>returns</c> declares it and not as text, or does not mention it
    /// and some expression reads it. Then a body that does not parse cannot be used.
    /// </summary>
    public bool NeedsBody(string call) => _callsThatReadBody.Contains(call);

    /// <summary>Whether an expression reads <c>result.body</c>, or all of the result.</summary>
    public static bool ReadsBody(Expression expression) =>
        expression.PathUses.Any(use => use.Path[0] == "result" && (use.Path.Length == 1 || use.Path[1] == "body"));

    public bool CanStillAccept(string @event, string state, bool pastPivot) => _events.CanStillAccept(@event, state, pastPivot);

    public bool CanAcceptLater(string @event, string state, bool pastPivot) => _events.CanAcceptLater(@event, state, pastPivot);

    // The other names that a call can read do not change while it is in flight.
    private static bool ReadsChangingValues(CallStep call) => Expressions(call.Invocation.Arguments)
        .Concat(call.Compensation is { WhenUnknown: WhenUnknown.Run } compensation ? Expressions(compensation.Invocation.Arguments) : [])
        .SelectMany(expression => expression.PathUses)
        .Any(use => use.Path[0] is "data" or "steps" or "fault");

    private static bool NeedsBody(CallStep call, EachStep? each)
    {
        if (call.Returns?.Field("body") is { } returned)
        {
            return !returned.IsText;
        }

        return call.Save.Select(assignment => assignment.Value)
                .Concat(call.Reject.Select(rule => rule.When))
                .Concat(call.Compensation is { } compensation ? Expressions(compensation.Invocation.Arguments) : [])
                .Concat(each?.Aggregates.Select(aggregate => aggregate.Of) ?? [])
                .Any(ReadsBody)
            || each is { ReadsItems: true }
            || (call.ResultIsRead && (call.ResultPaths.IsEmpty || call.ResultPaths.Any(path => path.IsEmpty || path[0] == "body")));
    }

    private static IEnumerable<Expression> Expressions(Template template) => template switch
    {
        Template.Single single => [single.Expression],
        Template.Text text => text.Parts.Select(part => part.Expression).OfType<Expression>(),
        Template.List list => list.Items.SelectMany(Expressions),
        Template.Map map => map.Entries.SelectMany(entry => Expressions(entry.Value)),
        _ => [],
    };
}

/// <summary>Steps that run one after the other: those of a state, or of one branch of a <c>parallel</c> step.</summary>
/// <param name="Key">Its name: the state's, or <see cref="KeyOf"/>.</param>
/// <param name="State">The state.</param>
/// <param name="Steps">The steps.</param>
/// <param name="Parallel">The step whose branch it is, or null.</param>
/// <param name="Branch">The index of the branch.</param>
/// <param name="EnclosingBranches">The branches that it is nested in, from the outermost to its own.</param>
internal sealed record Sequence(
    string Key,
    string State,
    ImmutableArray<StepPlan> Steps,
    ParallelStep? Parallel,
    int Branch,
    ImmutableArray<BranchId> EnclosingBranches)
{
    public static string KeyOf(string parallel, int branch) => $"{parallel}/{branch}";

    /// <summary>The sequence and all that are nested in it.</summary>
    public static IEnumerable<Sequence> Within(Sequence outer) => outer.Steps
        .OfType<ParallelStep>()
        .SelectMany(parallel => parallel.Branches.Select((branch, index) => new Sequence(
            KeyOf(parallel.Id, index), outer.State, branch.Steps, parallel, index,
            outer.EnclosingBranches.Add(new BranchId(parallel.Id, index)))))
        .SelectMany(Within)
        .Prepend(outer);

    /// <summary>Whether it is that branch or nested in it.</summary>
    public bool IsWithin(string parallel, int branch) => EnclosingBranches.Contains(new BranchId(parallel, branch));
}

/// <summary>One branch of a <c>parallel</c> step.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BranchId(string Parallel, int Branch);

/// <summary>Which events a saga can still accept from a state on, along all transitions. Guards are ignored.</summary>
internal sealed class EventFlow(Plan plan)
{
    private readonly ConcurrentDictionary<(string State, bool PastPivot), FrozenSet<string>> _later = new();

    /// <summary>Whether that state itself, or one that can be reached from it, has a rule for the event.</summary>
    public bool CanStillAccept(string @event, string state, bool pastPivot) =>
        AcceptedEvents(plan.State(state), pastPivot).Contains(@event, StringComparer.Ordinal) || CanAcceptLater(@event, state, pastPivot);

    /// <summary>Whether a state that can be reached from that one has a rule for the event.</summary>
    public bool CanAcceptLater(string @event, string state, bool pastPivot) =>
        _later.GetOrAdd((state, pastPivot), EventsAfter).Contains(@event);

    private FrozenSet<string> EventsAfter((string State, bool PastPivot) from)
    {
        var accepted = new HashSet<string>(StringComparer.Ordinal);
        var reached = new HashSet<(string, bool)>();
        var open = new Queue<(string State, bool PastPivot)>([from]);
        while (open.TryDequeue(out var node))
        {
            foreach (var name in NextStates(plan.State(node.State), node.PastPivot))
            {
                var next = plan.State(name);
                var pastPivot = node.PastPivot || next.Pivot;
                if (reached.Add((name, pastPivot)))
                {
                    accepted.UnionWith(AcceptedEvents(next, pastPivot));
                    open.Enqueue((name, pastPivot));
                }
            }
        }

        return accepted.ToFrozenSet(StringComparer.Ordinal);
    }

    private IEnumerable<string> AcceptedEvents(StatePlan state, bool pastPivot) => state.Kind != StateKind.Ordinary
        ? []
        : state.OnEvent.Concat(pastPivot ? [] : plan.AnyState).Select(rule => rule.Event);

    private IEnumerable<string> NextStates(StatePlan state, bool pastPivot)
    {
        var targets = state.Choices.Select(choice => choice.Next);
        if (state.Kind != StateKind.Ordinary)
        {
            return targets;
        }

        targets = targets
            .Concat(state.Catch.Select(rule => rule.Next))
            .Concat(state.AllSteps.SelectMany(step => step.Catch).Select(rule => rule.Next))
            .Concat(state.OnEvent.Select(rule => rule.Next).OfType<string>())
            .Concat(state.Timeout is { } timeout ? [timeout.Next] : []);
        return pastPivot
            ? targets
            : targets
                .Concat(plan.AnyState.Select(rule => rule.Next).OfType<string>())
                .Concat(plan.Deadline is { } deadline ? [deadline.Next] : [])
                .Append(plan.OnFailure);
    }
}
