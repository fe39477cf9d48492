using System.Globalization;
using System.Text;

namespace Onex.Contracts.Graphs;

internal static class MermaidText
{
    private static readonly (NodeKind Kind, string Style)[] _classes =
    [
        (NodeKind.Waiting, "fill:#fff4d6,stroke:#b7791f"),
        (NodeKind.Pivot, "fill:#ece6ff,stroke:#6b46c1,stroke-width:2px"),
        (NodeKind.Compensating, "fill:#ffe8d9,stroke:#c05621"),
        (NodeKind.Completed, "fill:#dcf5e3,stroke:#2f855a"),
        (NodeKind.Failed, "fill:#fde2e2,stroke:#c53030"),
        (NodeKind.AnyState, "fill:#f7f7f7,stroke:#888,stroke-dasharray:4 3"),
    ];

    public static string Write(GraphModel graph)
    {
        // The ids in the text have numbers, because the names of two states may differ only in characters that Mermaid does not accept.
        var ids = graph.Nodes.Select(
            (node, index) => (node, Id: node.Kind == NodeKind.Start ? "[*]" : $"s{index.ToString(CultureInfo.InvariantCulture)}"))
            .ToDictionary(entry => entry.node.Id, entry => entry.Id, StringComparer.Ordinal);
        var text = new StringBuilder("stateDiagram-v2\n");
        foreach (var node in graph.Nodes.Where(node => node.Kind != NodeKind.Start))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"    state \"{Escape(string.Join('\n', node.Lines.Prepend(node.Title)))}\" as {ids[node.Id]}\n");
        }

        foreach (var edge in graph.Edges)
        {
            var label = string.Join(" / ", edge.Labels);
            text.Append(CultureInfo.InvariantCulture,
                $"    {ids[edge.From]} --> {ids[edge.To]}{(label.Length == 0 ? "" : " : " + Escape(label))}\n");
        }

        foreach (var end in graph.Nodes.Where(node => node.Kind is NodeKind.Completed or NodeKind.Failed))
        {
            text.Append(CultureInfo.InvariantCulture, $"    {ids[end.Id]} --> [*]\n");
        }

        foreach (var (kind, style) in _classes)
        {
            var members = graph.Nodes.Where(node => node.Kind == kind).Select(node => ids[node.Id]).ToList();
            if (members.Count > 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"    classDef {kind} {style}\n    class {string.Join(',', members)} {kind}\n");
            }
        }

        return text.ToString();
    }

    private static string Escape(string text) => string.Concat(text.Select(character => character switch
    {
        '\n' => "<br/>",
        '"' => "#quot;",
        '#' or ':' or ';' or '<' or '>' or '{' or '}' or '%' => string.Create(CultureInfo.InvariantCulture, $"#{(int)character};"),
        _ => character.ToString(),
    }));
}
