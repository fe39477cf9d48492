using Onex.Contracts.Plans;

namespace Onex.Contracts.Graphs;

/// <summary>Draws the state machine of a plan: its states and transitions.</summary>
public static class ContractGraph
{
    /// <summary>The maximum of states in an SVG picture, because the layout takes long for more. Text formats have no limit.</summary>
    public const int DrawnMax = 200;

    /// <summary>The highest version of a contract, which a request starts; null if there is none.</summary>
    public static Plan? Newest(IEnumerable<Plan> plans, string name) =>
        plans.Where(plan => plan.Name == name).OrderByDescending(plan => plan.Version, SemanticVersionOrder.Instance).FirstOrDefault();

    /// <summary>A Mermaid state diagram, which GitHub and many editors render.</summary>
    public static string Mermaid(Plan plan) => MermaidText.Write(GraphModel.From(plan));

    /// <summary>Input for Graphviz.</summary>
    public static string Dot(Plan plan) => DotText.Write(GraphModel.From(plan));

    /// <summary>An SVG picture; null above <see cref="DrawnMax"/> states.</summary>
    public static string? Svg(Plan plan) => plan.States.Length > DrawnMax ? null : SvgPicture.Draw(GraphModel.From(plan));
}
