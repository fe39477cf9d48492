using System.Globalization;
using System.Text;

namespace Onex.Contracts.Graphs;

/// <summary>Writes Graphviz DOT.</summary>
internal static class DotText
{
    public static string Write(GraphModel graph)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"digraph {Quoted(graph.Title)} {{\n");
        text.Append("    graph [rankdir=TB, nodesep=0.4, ranksep=0.35, fontname=\"Helvetica\"];\n");
        text.Append("    node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11, margin=\"0.15,0.08\"];\n");
        text.Append("    edge [fontname=\"Helvetica\", fontsize=10, arrowsize=0.7];\n");
        foreach (var node in graph.Nodes)
        {
            var look = GraphStyle.For(node.Kind);
            var ends = node.Kind is NodeKind.Completed or NodeKind.Failed ? ", peripheries=2" : "";
            text.Append(node.Kind == NodeKind.Start
                ? $"    {Quoted(node.Id)} [shape=circle, style=filled, fillcolor=\"#333333\", width=0.18, label=\"\"];\n"
                : $"    {Quoted(node.Id)} [label={Quoted(string.Join('\n', node.Lines.Prepend(node.Title)))}, fillcolor=\"{look.Fill}\", "
                    + $"color=\"{look.Stroke}\"{ends}];\n");
        }

        foreach (var edge in graph.Edges)
        {
            var (colour, dashed) = GraphStyle.For(edge.Kind);
            var label = edge.Labels.Count == 0 ? "" : $", label={Quoted(" " + string.Join("\n ", edge.Labels))}, fontcolor=\"{colour}\"";
            text.Append(CultureInfo.InvariantCulture,
                $"    {Quoted(edge.From)} -> {Quoted(edge.To)} [color=\"{colour}\"{(dashed ? ", style=dashed" : "")}{label}];\n");
        }

        return text.Append("}\n").ToString();
    }

    private static string Quoted(string text) => '"'
        + text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal)
        + '"';
}
