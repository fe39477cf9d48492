using System.Globalization;
using System.Net;
using System.Text;

namespace Onex.Contracts.Graphs;

internal static class SvgPicture
{
    private const double Margin = 24;
    private const double LineHeight = 15;
    private const double PortDistance = 22;
    private const double BoxPadding = 12;
    private const double StartRadius = 8;
    private const double TitleSize = 13;
    private const double TextSize = 11;

    public static string Draw(GraphModel graph)
    {
        var layout = LayeredLayout.Compute(graph, SizeOf, SizeOf);
        var text = new StringBuilder();
        var (width, height) = (layout.Width + (2 * Margin), layout.Height + (2 * Margin));
        text.Append(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{width:0}" height="{height:0}" viewBox="0 0 {width:0} {height:0}"
                font-family="Helvetica, Arial, 'Liberation Sans', sans-serif">
            <title>{Escape(graph.Title)}</title>
            <rect width="100%" height="100%" fill="#ffffff"/>
            <defs>

            """);
        foreach (var colour in Enum.GetValues<TransitionKind>().Select(kind => GraphStyle.For(kind).Colour).Distinct())
        {
            text.Append(CultureInfo.InvariantCulture, $"""
                <marker id="arrow{colour[1..]}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"
                    orient="auto-start-reverse"><path d="M0,0.5 L8,4 L0,7.5 z" fill="{colour}"/></marker>

                """);
        }

        text.Append(CultureInfo.InvariantCulture, $"</defs>\n<g transform=\"translate({Margin:0} {Margin:0})\">\n");
        foreach (var route in layout.Routes)
        {
            DrawLine(text, layout, route);
        }

        foreach (var route in layout.Routes)
        {
            DrawLabel(text, route);
        }

        foreach (var node in graph.Nodes)
        {
            DrawBox(text, node, layout.Boxes[node.Id]);
        }

        return text.Append("</g>\n</svg>\n").ToString();
    }

    private static (double Width, double Height) SizeOf(Node node)
    {
        if (node.Kind == NodeKind.Start)
        {
            return (2 * StartRadius, 2 * StartRadius);
        }

        var text = TextBelowTitle(node);
        var textWidth = text.Select(line => WidthOf(line, TextSize)).DefaultIfEmpty().Max();
        var titleWidth = WidthOf(node.Title, TitleSize, bold: true);
        return (Math.Max(titleWidth, textWidth) + (2 * BoxPadding), TitleSize + 18 + (text.Count * LineHeight));
    }

    private static (double Width, double Height) SizeOf(Edge edge) =>
        (edge.Labels.Select(label => WidthOf(label, TextSize)).DefaultIfEmpty().Max() + 10, edge.Labels.Count * LineHeight);

    private static List<string> TextBelowTitle(Node node) =>
        GraphStyle.Caption(node.Kind) is { } caption ? [caption, .. node.Lines] : [.. node.Lines];

    // Lines are vertical within layers and curved between them, so they stay in the space that is reserved for them.
    private static void DrawLine(StringBuilder text, LayeredLayout layout, Route route)
    {
        var (colour, dashed) = GraphStyle.For(route.Edge.Kind);
        var path = new StringBuilder();
        var (x, y) = (PortX(route, layout.Routes, upper: true), route.Upper.Y + (route.Upper.Height / 2));
        path.Append(CultureInfo.InvariantCulture, $"M{x:0.#},{y:0.#}");
        foreach (var element in route.Between)
        {
            Bend(element.X, layout.Bands[element.Layer].Top);
            y = layout.Bands[element.Layer].Bottom;
            path.Append(CultureInfo.InvariantCulture, $" L{x:0.#},{y:0.#}");
        }

        Bend(PortX(route, layout.Routes, upper: false), route.Lower.Y - (route.Lower.Height / 2));
        text.Append(CultureInfo.InvariantCulture, $"""
            <path d="{path}" fill="none" stroke="{colour}" stroke-width="1.3"{(dashed ? " stroke-dasharray=\"5 3\"" : "")}
                marker-{(route.Upwards ? "start" : "end")}="url(#arrow{colour[1..]})"/>

            """);

        void Bend(double toX, double toY)
        {
            var middle = (y + toY) / 2;
            path.Append(CultureInfo.InvariantCulture, $" C{x:0.#},{middle:0.#} {toX:0.#},{middle:0.#} {toX:0.#},{toY:0.#}");
            (x, y) = (toX, toY);
        }
    }

    // Where an arrow leaves or reaches a box. Several arrows do so side by side, in the order of their other ends.
    private static double PortX(Route route, List<Route> all, bool upper)
    {
        var box = upper ? route.Upper : route.Lower;
        var arrows = all.Where(other => (upper ? other.Upper : other.Lower) == box).OrderBy(other => OtherEnd(other).X).ToList();
        if (arrows.Count == 1)
        {
            return box.X;
        }

        var width = Math.Min(box.Width * 0.7, PortDistance * (arrows.Count - 1));
        return box.X - (width / 2) + (width * arrows.IndexOf(route) / (arrows.Count - 1));

        Element OtherEnd(Route other) =>
            other.Between.Count == 0 ? (upper ? other.Lower : other.Upper) : upper ? other.Between[0] : other.Between[^1];
    }

    private static void DrawLabel(StringBuilder text, Route route)
    {
        if (route.Label is not { } at)
        {
            return;
        }

        var top = at.Y - (at.Height / 2);
        text.Append(CultureInfo.InvariantCulture, $"""
            <rect x="{at.X - (at.Width / 2):0.#}" y="{top:0.#}" width="{at.Width:0.#}" height="{at.Height:0.#}"
                fill="#ffffff" fill-opacity="0.92"/>

            """);
        for (var line = 0; line < route.Edge.Labels.Count; line++)
        {
            Write(text, route.Edge.Labels[line], at.X, top + (LineHeight * line) + 11, TextSize, GraphStyle.For(route.Edge.Kind).Colour);
        }
    }

    private static void DrawBox(StringBuilder text, Node node, Element at)
    {
        var (fill, stroke) = GraphStyle.For(node.Kind);
        var (left, top) = (at.X - (at.Width / 2), at.Y - (at.Height / 2));
        if (node.Kind == NodeKind.Start)
        {
            text.Append(
                CultureInfo.InvariantCulture, $"<circle cx=\"{at.X:0.#}\" cy=\"{at.Y:0.#}\" r=\"{StartRadius}\" fill=\"{fill}\"/>\n");
            return;
        }

        var style = node.Kind switch
        {
            NodeKind.AnyState => " stroke-dasharray=\"4 3\"",
            NodeKind.Pivot => " stroke-width=\"2.5\"",
            _ => " stroke-width=\"1.3\"",
        };
        text.Append(CultureInfo.InvariantCulture, $"""
            <rect x="{left:0.#}" y="{top:0.#}" width="{at.Width:0.#}" height="{at.Height:0.#}"
                rx="8" fill="{fill}" stroke="{stroke}"{style}/>

            """);
        if (node.Kind is NodeKind.Completed or NodeKind.Failed)
        {
            text.Append(CultureInfo.InvariantCulture, $"""
                <rect x="{left + 3:0.#}" y="{top + 3:0.#}" width="{at.Width - 6:0.#}" height="{at.Height - 6:0.#}"
                    rx="6" fill="none" stroke="{stroke}"/>

                """);
        }

        Write(text, node.Title, at.X, top + TitleSize + 7, TitleSize, "#1a1a1a", " font-weight=\"bold\"");
        var below = TextBelowTitle(node);
        for (var line = 0; line < below.Count; line++)
        {
            var isCaption = line == 0 && GraphStyle.Caption(node.Kind) is not null;
            Write(text, below[line], at.X, top + TitleSize + 9 + (LineHeight * (line + 1)), TextSize, isCaption ? stroke : "#4a4a4a");
        }
    }

    private static void Write(StringBuilder text, string line, double x, double y, double size, string colour, string style = "") =>
        text.Append(CultureInfo.InvariantCulture,
            $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" font-size=\"{size:0}\" text-anchor=\"middle\" "
                + $"fill=\"{colour}\"{style}>{Escape(line)}</text>\n");

    // An estimate for common fonts. It is too wide rather than too narrow, so that text stays inside its box.
    private static double WidthOf(string text, double size, bool bold = false) =>
        size * (bold ? 1.08 : 1) * text.Sum(character => character switch
    {
        'i' or 'j' or 'l' or 't' or 'f' or '.' or ',' or ':' or ';' or '\'' or '|' or '!' or ' ' or '(' or ')' or '[' or ']' => 0.33,
        'm' or 'w' or 'M' or 'W' or '%' or '@' or '…' => 0.92,
        >= 'A' and <= 'Z' or '=' or '<' or '>' or '+' or '&' => 0.7,
        > '\u2E80' => 1.05,
        _ => 0.57,
    });

    // XML does not allow control characters.
    private static string Escape(string text) =>
        WebUtility.HtmlEncode(string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character)));
}
