using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Contracts.Graphs;

/// <summary>What a box represents.</summary>
internal enum NodeKind
{
    /// <summary>The point where a saga starts, which is no state.</summary>
    Start,

    /// <summary>
    /// All states before the pivot that are no end and do not compensate: <c>any_state</c>, deadline, cancellation and failures lead out of
    /// each.
    /// </summary>
    AnyState,

    /// <summary>A state that runs steps, or only takes a transition.</summary>
    Ordinary,

    /// <summary>A state that waits for events or time.</summary>
    Waiting,

    /// <summary>The pivot: from here on nothing is compensated.</summary>
    Pivot,

    /// <summary>A compensating state.</summary>
    Compensating,

    /// <summary>An end that responds with success.</summary>
    Completed,

    /// <summary>An end that responds with an error.</summary>
    Failed,
}

/// <summary>A box.</summary>
/// <param name="Id">The name of its state, or another id if it is no state.</param>
/// <param name="Title">Its title.</param>
/// <param name="Kind">What it represents.</param>
/// <param name="Lines">Its content, line by line.</param>
internal sealed record Node(string Id, string Title, NodeKind Kind, IReadOnlyList<string> Lines);

/// <summary>An arrow.</summary>
/// <param name="From">The source box.</param>
/// <param name="To">The target box.</param>
/// <param name="Kind">The kind of transition.</param>
/// <param name="Labels">Its labels, one for each transition that it stands for; fewer if some are equal or empty.</param>
internal sealed record Edge(string From, string To, TransitionKind Kind, IReadOnlyList<string> Labels);

/// <summary>A contract as boxes and arrows, independent of the format.</summary>
internal sealed record GraphModel(string Title, IReadOnlyList<Node> Nodes, IReadOnlyList<Edge> Edges)
{
    // These ids contain spaces, so they never equal the name of a state.
    private const string Start = "the start";
    private const string AnyState = "any state";

    private const int LinesMax = 6;
    private const int LineLengthMax = 44;

    /// <summary>The boxes and arrows of a plan.</summary>
    public static GraphModel From(Plan plan)
    {
        var transitions = PlanTransitions.All(plan).ToList();
        // PlanTransitions leaves out the implicit on_failure. It is drawn if there are steps, because they may fail.
        if (plan.State(plan.OnFailure).Implicit && plan.States.Any(state => state.Steps.Length > 0))
        {
            transitions.Add(new PlanTransition(null, plan.OnFailure, TransitionKind.Failure, "failure", plan, null));
        }

        if (plan.CancelState != plan.OnFailure)
        {
            transitions.Add(new PlanTransition(null, plan.CancelState, TransitionKind.Failure, "cancelled by an operator", plan, null));
        }

        var nodes = new List<Node> { new(Start, "", NodeKind.Start, []) };
        foreach (var state in plan.States)
        {
            nodes.Add(CreateNode(state, transitions.FindAll(each => each.From == state.Name && each.To == state.Name)));
        }

        if (transitions.Exists(transition => transition.From is null))
        {
            var stayingEvents = transitions.Where(transition => transition.From is null && transition.Stays)
                .Select(transition => Clip($"on {transition.Cause}"));
            nodes.Add(new Node(AnyState, "any state", NodeKind.AnyState, ["before the pivot", .. stayingEvents]));
        }

        return new GraphModel(
            $"{plan.Name} {plan.Version}",
            nodes,
            [
                new Edge(Start, plan.Initial, TransitionKind.Choice, []),
                .. from transition in transitions
                   where transition.From != transition.To && !transition.Stays
                   group transition by (From: transition.From ?? AnyState, transition.To, transition.Kind) into sameArrow
                   select new Edge(sameArrow.Key.From, sameArrow.Key.To, sameArrow.Key.Kind,
                       [.. sameArrow.Select(Label).Where(label => label.Length > 0).Distinct(StringComparer.Ordinal)]),
            ]);
    }

    private static Node CreateNode(StatePlan state, List<PlanTransition> loops)
    {
        var kind = state switch
        {
            { Kind: StateKind.Compensating } => NodeKind.Compensating,
            { End: EndKind.Completed } => NodeKind.Completed,
            { End: EndKind.Failed } => NodeKind.Failed,
            { Pivot: true } => NodeKind.Pivot,
            { Choices.IsEmpty: true, Steps.IsEmpty: true } => NodeKind.Waiting,
            _ => NodeKind.Ordinary,
        };
        List<string> lines = [.. state.Steps.Select(Describe),
            .. loops.Select(transition => transition.Stays ? Clip($"on {transition.Cause}") : Clip($"again: {transition.Cause}"))];
        if (lines.Count > LinesMax)
        {
            lines = [.. lines.Take(LinesMax - 1), $"and {lines.Count - LinesMax + 1} more"];
        }

        return new Node(state.Name, state.Name, kind, lines);
    }

    private static string Describe(StepPlan step) => Clip(step switch
    {
        CallStep { Role: CallRole.Saga } child => $"{child.Id}: saga {child.Invocation.Operation}",
        CallStep call => $"{call.Id}: {call.Invocation.Operation}",
        EachStep each => $"{each.Id}: each {each.Items.Text}, {each.Call.Invocation.Operation}",
        ParallelStep parallel =>
            $"{(parallel.Join == Join.All ? "all" : parallel.Join == Join.Any ? "any" : $"{parallel.Needed}")} of "
                + $"{string.Join(" | ", parallel.Branches.Select(branch => string.Join(", ", branch.Steps.Select(DescribeInBranch))))}",
        StartStep start => $"start {start.Contract}",
        EmitStep emit => $"emit {emit.Topic}",
        WaitStep { For: { } span } => $"wait {Durations.Format(span)}",
        WaitStep { Until: { } until } => $"wait until {until.Text}",
        SetStep set => $"set {string.Join(", ", set.Assignments.Select(assignment => assignment.Field))}",
        RespondStep => "respond",
        FailStep fail => $"fail {fail.Code}",
        _ => step.Id,
    });

    // A call in a branch is named by its id alone, because the line is short.
    private static string DescribeInBranch(StepPlan step) => step is ParallelStep or CallStep or EachStep ? step.Id : Describe(step);

    private static string Label(PlanTransition transition) =>
        Clip(transition.Part is Choice { Fault: { } fault } ? $"{transition.Cause} ({fault})".Trim() : transition.Cause);

    private static string Clip(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= LineLengthMax ? line : line[..(LineLengthMax - 1)].TrimEnd() + "…";
    }
}
