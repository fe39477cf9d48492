using System.Globalization;
using System.Text;

namespace Onex.Contracts.Graphs;

/// <summary>Writes a graph in DOT, the language of Graphviz.</summary>
internal static class DotText
{
    public static string Write(GraphModel graph)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"digraph {Quote(graph.Title)} {{\n");
        text.Append("    graph [rankdir=TB, nodesep=0.4, ranksep=0.35, fontname=\"Helvetica\"];\n");
        text.Append("    node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11, margin=\"0.15,0.08\"];\n");
        text.Append("    edge [fontname=\"Helvetica\", fontsize=10, arrowsize=0.7];\n");
        foreach (var node in graph.Nodes)
        {
            var style = GraphStyle.For(node.Kind);
            var ends = node.Kind is NodeKind.Completed or NodeKind.Failed ? ", peripheries=2" : "";
            text.Append(node.Kind == NodeKind.Start
                ? $"    {Quote(node.Id)} [shape=circle, style=filled, fillcolor=\"#333333\", width=0.18, label=\"\"];\n"
                : $"    {Quote(node.Id)} [label={Quote(string.Join('\n', node.Lines.Prepend(node.Title)))}, fillcolor=\"{style.Fill}\", "
                    + $"color=\"{style.Stroke}\"{ends}];\n");
        }

        foreach (var edge in graph.Edges)
        {
            var (colour, dashed) = GraphStyle.For(edge.Kind);
            var label = edge.Labels.Count == 0 ? "" : $", label={Quote(" " + string.Join("\n ", edge.Labels))}, fontcolor=\"{colour}\"";
            text.Append(CultureInfo.InvariantCulture,
                $"    {Quote(edge.From)} -> {Quote(edge.To)} [color=\"{colour}\"{(dashed ? ", style=dashed" : "")}{label}];\n");
        }

        return text.Append("}\n").ToString();
    }

    private static string Quote(string text) => '"'
        + text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal)
        + '"';
}
