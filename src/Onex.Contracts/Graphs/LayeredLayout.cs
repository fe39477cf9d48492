namespace Onex.Contracts.Graphs;

/// <summary>A positioned element: a box, the label of an arrow, or a point where an arrow passes a layer.</summary>
internal sealed class Element(int layer, double width, double height, bool isBox)
{
    public int Layer { get; } = layer;

    public double Width { get; } = width;

    public double Height { get; } = height;

    public bool IsBox { get; } = isBox;

    /// <summary>The horizontal position of its center.</summary>
    public double X { get; set; }

    /// <summary>The vertical position of its center.</summary>
    public double Y { get; set; }

    /// <summary>The elements in the layer above that an arrow connects with it.</summary>
    public List<Element> Above { get; } = [];

    /// <summary>The elements in the layer below that an arrow connects with it.</summary>
    public List<Element> Below { get; } = [];

    /// <summary>Its index in its layer, from 0.</summary>
    public int Order { get; set; }
}

/// <summary>The route of an arrow.</summary>
/// <param name="Edge">The arrow.</param>
/// <param name="Upper">The box above.</param>
/// <param name="Lower">The box below.</param>
/// <param name="Between">The elements in between, from top to bottom.</param>
/// <param name="Label">Its label among them, or null.</param>
/// <param name="Upwards">Whether it leads upwards.</param>
internal sealed record Route(Edge Edge, Element Upper, Element Lower, IReadOnlyList<Element> Between, Element? Label, bool Upwards);

/// <summary>
/// Places boxes in layers, so that arrows lead downwards where possible (the Sugiyama method). Boxes are in even layers. Labels are in the
/// odd layers between them and have a width of their own, so nothing overlaps. The steps: break cycles, assign layers, order each layer by
/// the barycenter of neighbours, then move elements as near to their neighbours as the order allows.
/// </summary>
internal sealed class LayeredLayout
{
    private const double LayerDistance = 26;
    private const double ElementDistance = 24;

    // The width that is reserved for an arrow where it passes a layer.
    private const double PassingWidth = 10;

    private const int SweepsMin = 4;
    private const int SweepsMax = 24;
    private const int SweptElementsMax = 400_000;

    private readonly Dictionary<string, int> _layers = new(StringComparer.Ordinal);
    private readonly List<List<Element>> _rows = [];

    private LayeredLayout()
    {
    }

    // A large graph gets fewer sweeps, so that the time is bounded.
    private int Sweeps => Math.Clamp(SweptElementsMax / _rows.Sum(row => row.Count), SweepsMin, SweepsMax);

    /// <summary>The boxes by their node's id.</summary>
    public Dictionary<string, Element> Boxes { get; } = new(StringComparer.Ordinal);

    public List<Route> Routes { get; } = [];

    public double Width { get; private set; }

    public double Height { get; private set; }

    /// <summary>The top and bottom of each layer.</summary>
    public List<(double Top, double Bottom)> Bands { get; } = [];

    /// <summary>Computes the layout.</summary>
    /// <param name="graph">The boxes and arrows.</param>
    /// <param name="box">The size of a box.</param>
    /// <param name="label">The size of an arrow's label.</param>
    public static LayeredLayout Compute(
        GraphModel graph, Func<Node, (double Width, double Height)> box, Func<Edge, (double Width, double Height)> label)
    {
        var layout = new LayeredLayout();
        var upwards = layout.AssignLayers(graph);
        foreach (var node in graph.Nodes)
        {
            var (width, height) = box(node);
            layout.Boxes[node.Id] = layout.Add(new Element(2 * layout._layers[node.Id], width, height, isBox: true));
        }

        foreach (var edge in graph.Edges)
        {
            layout.AddRoute(edge, upwards.Contains(edge), label(edge));
        }

        layout.OrderRows();
        layout.PlaceColumns();
        layout.PlaceRows();
        return layout;
    }

    // Assigns layers by the longest path from a source. Returns the arrows that close a cycle, which lead upwards.
    private HashSet<Edge> AssignLayers(GraphModel graph)
    {
        var upwards = new HashSet<Edge>(ReferenceEqualityComparer.Instance);
        var outgoing = graph.Edges.ToLookup(edge => edge.From, StringComparer.Ordinal);
        var isFinished = new Dictionary<string, bool>(StringComparer.Ordinal);
        var order = new List<string>();
        foreach (var node in graph.Nodes.Where(node => node.Kind == NodeKind.Start).Concat(graph.Nodes))
        {
            Visit(node.Id);
        }

        order.Reverse();
        var down = graph.Edges.Select(edge => upwards.Contains(edge) ? (From: edge.To, To: edge.From) : (edge.From, edge.To))
            .ToLookup(edge => edge.From, edge => edge.To, StringComparer.Ordinal);
        foreach (var id in order)
        {
            _layers.TryAdd(id, 0);
            foreach (var below in down[id])
            {
                _layers[below] = Math.Max(_layers.GetValueOrDefault(below), _layers[id] + 1);
            }
        }

        // The box for any state is placed directly above the highest of its targets.
        foreach (var node in graph.Nodes.Where(node => node.Kind == NodeKind.AnyState))
        {
            _layers[node.Id] = Math.Max(0, outgoing[node.Id].Select(edge => _layers[edge.To]).DefaultIfEmpty(1).Min() - 1);
        }

        return upwards;

        void Visit(string id)
        {
            if (!isFinished.TryAdd(id, false))
            {
                return;
            }

            foreach (var edge in outgoing[id])
            {
                if (isFinished.TryGetValue(edge.To, out var finished) && !finished)
                {
                    upwards.Add(edge);
                }
                else
                {
                    Visit(edge.To);
                }
            }

            isFinished[id] = true;
            order.Add(id);
        }
    }

    private void AddRoute(Edge edge, bool upwards, (double Width, double Height) label)
    {
        var (upper, lower) = upwards ? (Boxes[edge.To], Boxes[edge.From]) : (Boxes[edge.From], Boxes[edge.To]);
        var labelLayer = upwards ? lower.Layer - 1 : upper.Layer + 1;
        var between = new List<Element>();
        var previous = upper;
        for (var layer = upper.Layer + 1; layer <= lower.Layer; layer++)
        {
            var isLabel = layer == labelLayer && edge.Labels.Count > 0;
            var element = layer == lower.Layer ? lower
                : isLabel ? Add(new Element(layer, label.Width, label.Height, isBox: false))
                : Add(new Element(layer, PassingWidth, 0, isBox: false));
            previous.Below.Add(element);
            element.Above.Add(previous);
            if (element != lower)
            {
                between.Add(element);
            }

            previous = element;
        }

        var labelElement = edge.Labels.Count > 0 ? between.Find(element => element.Layer == labelLayer) : null;
        Routes.Add(new Route(edge, upper, lower, between, labelElement, upwards));
    }

    private Element Add(Element element)
    {
        while (_rows.Count <= element.Layer)
        {
            _rows.Add([]);
        }

        element.Order = _rows[element.Layer].Count;
        _rows[element.Layer].Add(element);
        return element;
    }

    private void OrderRows()
    {
        var (best, fewest, sweeps) = (Orders(), CountCrossings(), Sweeps);
        for (var sweep = 0; sweep < sweeps && fewest > 0; sweep++)
        {
            var down = sweep % 2 == 0;
            foreach (var row in down ? _rows : Enumerable.Reverse(_rows))
            {
                var sorted = row.OrderBy(element => Barycenter(down ? element.Above : element.Below, element)).ToList();
                for (var index = 0; index < sorted.Count; index++)
                {
                    sorted[index].Order = index;
                }

                row.Sort((left, right) => left.Order.CompareTo(right.Order));
            }

            var crossings = CountCrossings();
            if (crossings < fewest)
            {
                (best, fewest) = (Orders(), crossings);
            }
        }

        foreach (var (row, order) in _rows.Zip(best))
        {
            row.Clear();
            row.AddRange(order);
            for (var index = 0; index < row.Count; index++)
            {
                row[index].Order = index;
            }
        }

        List<Element[]> Orders() => [.. _rows.Select(row => row.ToArray())];

        static double Barycenter(List<Element> neighbours, Element element) =>
            neighbours.Count == 0 ? element.Order : neighbours.Average(other => other.Order);
    }

    // Two arrows between the same layers cross if the order of their upper ends is not that of their lower ends.
    private long CountCrossings() => _rows.Sum(row =>
    {
        var ends = row.SelectMany(element => element.Below.Select(below => below.Order).Order()).ToList();
        var seen = new List<int>();
        var crossings = 0L;
        foreach (var end in ends)
        {
            var index = seen.BinarySearch(end);
            index = index < 0 ? ~index : index;
            while (index < seen.Count && seen[index] == end)
            {
                index++;
            }

            crossings += seen.Count - index;
            seen.Insert(index, end);
        }

        return crossings;
    });

    private void PlaceColumns()
    {
        foreach (var row in _rows)
        {
            var x = 0.0;
            foreach (var element in row)
            {
                element.X = x + (element.Width / 2);
                x += element.Width + ElementDistance;
            }
        }

        var sweeps = Sweeps;
        for (var sweep = 0; sweep < 4 * sweeps; sweep++)
        {
            // The first half of the sweeps, up and down, groups connected elements. The second half centers each among all its neighbours.
            var down = sweep % 2 == 0;
            var isCentering = sweep >= 2 * sweeps;
            foreach (var row in down || isCentering ? _rows : Enumerable.Reverse(_rows))
            {
                Straighten(row, element => isCentering ? NeighboursOf(element) : down ? element.Above : element.Below);
            }
        }

        // Finally places each element above its targets, so that a plain sequence is a straight line. Passing lines stay.
        foreach (var row in Enumerable.Reverse(_rows))
        {
            Straighten(row, element => element.Below.Count == 0 || IsPassingLine(element) ? [element] : element.Below);
        }

        var left = _rows.SelectMany(row => row).Min(element => element.X - (element.Width / 2));
        foreach (var element in _rows.SelectMany(row => row))
        {
            element.X -= left;
            Width = Math.Max(Width, element.X + (element.Width / 2));
        }
    }

    private static bool IsPassingLine(Element element) => !element.IsBox && element.Above.Concat(element.Below).Any(other => !other.IsBox);

    // For a passing line only the line above it, so that the line continues straight down.
    private static List<Element> NeighboursOf(Element element) =>
        !element.IsBox && element.Above is [{ IsBox: false }] above ? above : [.. element.Above, .. element.Below];

    // Places elements as near to the center of their neighbours as order and widths allow. Elements that would overlap move together
    // (isotonic regression).
    private static void Straighten(List<Element> row, Func<Element, List<Element>> neighbours)
    {
        var blocks = new List<(double Ideal, double Weight, int Count)>();
        var offsets = new double[row.Count];
        for (var index = 0; index < row.Count; index++)
        {
            var element = row[index];
            offsets[index] = index == 0 ? 0 : offsets[index - 1] + ((row[index - 1].Width + element.Width) / 2) + ElementDistance;
            var near = neighbours(element);
            var ideal = (near.Count == 0 ? element.X : near.Average(other => other.X)) - offsets[index];

            // The weights let passing lines become straight before boxes are centered.
            var weight = near.Count == 0 ? 0.05 : element.IsBox ? 1 : near.TrueForAll(other => !other.IsBox) ? 8 : 2;
            var block = (Ideal: ideal, Weight: weight, Count: 1);
            while (blocks.Count > 0 && blocks[^1].Ideal > block.Ideal)
            {
                var before = blocks[^1];
                blocks.RemoveAt(blocks.Count - 1);
                var sum = before.Weight + block.Weight;
                block = (((before.Ideal * before.Weight) + (block.Ideal * block.Weight)) / sum, sum, before.Count + block.Count);
            }

            blocks.Add(block);
        }

        var next = 0;
        foreach (var (ideal, _, count) in blocks)
        {
            for (var end = next + count; next < end; next++)
            {
                row[next].X = ideal + offsets[next];
            }
        }
    }

    private void PlaceRows()
    {
        var y = 0.0;
        for (var layer = 0; layer < _rows.Count; layer++)
        {
            var row = _rows[layer];
            var height = row.Count == 0 ? 0 : row.Max(element => element.Height);

            // A line that moves far sideways needs more room for its curve.
            var sideways = row.SelectMany(element => element.Below.Select(below => Math.Abs(below.X - element.X))).DefaultIfEmpty().Max();
            Bands.Add((y, y + height));
            row.ForEach(element => element.Y = y + (height / 2));
            Height = y + height;
            y += height + (LayerDistance / 2) + Math.Min(LayerDistance, sideways * 0.08);
        }
    }
}
