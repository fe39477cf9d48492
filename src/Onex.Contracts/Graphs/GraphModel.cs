using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Contracts.Graphs;

/// <summary>What a box stands for.</summary>
internal enum NodeKind
{
    /// <summary>Where a saga starts.</summary>
    Start,

    /// <summary>Every ordinary state before the pivot at once.</summary>
    AnyState,

    /// <summary>A state that runs steps, or only chooses.</summary>
    Ordinary,

    /// <summary>A state that waits for events or time.</summary>
    Waiting,

    /// <summary>From here on nothing is taken back.</summary>
    Pivot,

    /// <summary>Takes back what was done.</summary>
    Compensating,

    /// <summary>An end that answers success.</summary>
    Completed,

    /// <summary>An end that answers error.</summary>
    Failed,
}

/// <summary>A box.</summary>
/// <param name="Id">Its identity; a state's name, which has no spaces.</param>
/// <param name="Title">What it is called.</param>
/// <param name="Kind">What it stands for.</param>
/// <param name="Lines">What happens in it, a line each.</param>
internal sealed record Node(string Id, string Title, NodeKind Kind, IReadOnlyList<string> Lines);

/// <summary>An arrow.</summary>
/// <param name="From">The box that it leaves.</param>
/// <param name="To">The box that it leads to.</param>
/// <param name="Kind">What leads along it.</param>
/// <param name="Labels">By what, a line each.</param>
internal sealed record Edge(string From, string To, TransitionKind Kind, IReadOnlyList<string> Labels);

/// <summary>A contract as boxes and arrows, however they are drawn.</summary>
internal sealed record GraphModel(string Title, IReadOnlyList<Node> Nodes, IReadOnlyList<Edge> Edges)
{
    // Names of states have no spaces: these cannot be one.
    private const string Start = "the start";
    private const string AnyState = "any state";
    private const int LinesMax = 6;
    private const int TextMax = 44;

    /// <summary>The boxes and arrows of a plan.</summary>
    public static GraphModel From(Plan plan)
    {
        var transitions = PlanTransitions.All(plan).ToList();
        if (plan.State(plan.OnFailure).Implicit && plan.States.Any(state => state.Steps.Length > 0))
        {
            transitions.Add(new PlanTransition(null, plan.OnFailure, TransitionKind.Failure, "failure", plan, null));
        }

        if (plan.CancelState != plan.OnFailure)
        {
            transitions.Add(new PlanTransition(null, plan.CancelState, TransitionKind.Failure, "cancelled by an operator", plan, null));
        }

        var nodes = new List<Node> { new(Start, "", NodeKind.Start, []) };
        nodes.AddRange(plan.States.Select(state => CreateNode(state, [.. transitions.Where(transition => transition.From == state.Name && transition.To == state.Name)])));
        if (transitions.Exists(transition => transition.From is null))
        {
            var staying = transitions.Where(transition => transition.From is null && transition.Stays).Select(transition => Clip($"on {transition.By}"));
            nodes.Add(new Node(AnyState, "any state", NodeKind.AnyState, ["before the pivot", .. staying]));
        }

        return new GraphModel(
            $"{plan.Name} {plan.Version}",
            nodes,
            [
                new Edge(Start, plan.Initial, TransitionKind.Choice, []),
                .. from transition in transitions
                   where transition.From != transition.To && !transition.Stays
                   group transition by (From: transition.From ?? AnyState, transition.To, transition.Kind) into along
                   select new Edge(along.Key.From, along.Key.To, along.Key.Kind, [.. along.Select(Label).Where(label => label.Length > 0).Distinct(StringComparer.Ordinal)]),
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
        List<string> lines = [.. state.Steps.Select(Describe), .. loops.Select(transition => transition.Stays ? Clip($"on {transition.By}") : Clip($"again: {transition.By}"))];
        if (lines.Count > LinesMax)
        {
            lines = [.. lines.Take(LinesMax - 1), $"and {lines.Count - LinesMax + 1} more"];
        }

        return new Node(state.Name, state.Name, kind, lines);
    }

    private static string Describe(StepPlan step) => Clip(step switch
    {
        CallStep { Kind: StepKind.Saga } child => $"{child.Id}: saga {child.Invocation.Operation}",
        CallStep call => $"{call.Id}: {call.Invocation.Operation}",
        EachStep each => $"{each.Id}: each {each.Items.Text}, {each.Call.Invocation.Operation}",
        ParallelStep parallel => $"{(parallel.Join == Join.All ? "all" : parallel.Join == Join.Any ? "any" : $"{parallel.Needed}")} of {string.Join(" | ", parallel.Branches.Select(branch => string.Join(", ", branch.Steps.Select(Name))))}",
        StartStep start => $"start {start.Contract}",
        EmitStep emit => $"emit {emit.Topic}",
        WaitStep { For: { } span } => $"wait {Durations.Format(span)}",
        WaitStep { Until: { } until } => $"wait until {until.Text}",
        SetStep set => $"set {string.Join(", ", set.Assignments.Select(assignment => assignment.Field))}",
        RespondStep => "respond",
        FailStep fail => $"fail {fail.Code}",
        _ => step.Id,
    });

    private static string Name(StepPlan step) => step is ParallelStep or CallStep or EachStep ? step.Id : Describe(step);

    private static string Label(PlanTransition transition) => Clip(transition.Part is Choice { Fault: { } fault } ? $"{transition.By} ({fault})".Trim() : transition.By);

    private static string Clip(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= TextMax ? line : line[..(TextMax - 1)].TrimEnd() + "…";
    }
}
