using Onex.Contracts.Plans;

namespace Onex.Contracts.Graphs;

/// <summary>Draws a contract from its plan: the states as the state machine has them, and the ways between them.</summary>
public static class ContractGraph
{
    /// <summary>States above which a picture helps nobody; text formats take any number.</summary>
    public const int DrawnMax = 200;

    /// <summary>The newest version of a contract, which a request would start; null if there is none.</summary>
    public static Plan? Newest(IEnumerable<Plan> plans, string name) =>
        plans.Where(plan => plan.Name == name).OrderByDescending(plan => plan.Version, SemanticVersionOrder.Instance).FirstOrDefault();

    /// <summary>A Mermaid state diagram, which GitHub and many editors show.</summary>
    public static string Mermaid(Plan plan) => MermaidText.Write(GraphModel.From(plan));

    /// <summary>Input for Graphviz.</summary>
    public static string Dot(Plan plan) => DotText.Write(GraphModel.From(plan));

    /// <summary>A picture that needs no other program; null above <see cref="DrawnMax"/> states.</summary>
    public static string? Svg(Plan plan) => plan.States.Length > DrawnMax ? null : SvgPicture.Draw(GraphModel.From(plan));
}
