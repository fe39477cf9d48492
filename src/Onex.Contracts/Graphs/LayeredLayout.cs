namespace Onex.Contracts.Graphs;

/// <summary>A positioned element: a box, the label of an arrow, or a point where an arrow passes a layer.</summary>
internal sealed class Spot(int layer, double width, double height, bool isBox)
{
    public int Layer { get; } = layer;

    public double Width { get; } = width;

    public double Height { get; } = height;

    public bool IsBox { get; } = isBox;

    /// <summary>The center.</summary>
    public double X { get; set; }

    /// <summary>The center.</summary>
    public double Y { get; set; }

    public List<Spot> Above { get; } = [];

    public List<Spot> Below { get; } = [];

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
internal sealed record Route(Edge Edge, Spot Upper, Spot Lower, IReadOnlyList<Spot> Between, Spot? Label, bool Upwards);

/// <summary>
/// Places boxes in layers, so arrows lead downwards where possible (the Sugiyama method). Boxes are in even layers, and labels with their
/// own width in the odd layers between them, so nothing overlaps. The steps: break cycles, assign layers, order each layer by the
/// barycenter of neighbours, then move elements as near to their neighbours as the order allows.
/// </summary>
internal sealed class LayeredLayout
{
    private const double Gap = 26;
    private const double Distance = 24;
    private const int SweepsMax = 24;

    private readonly Dictionary<string, int> _layers = new(StringComparer.Ordinal);
    private readonly List<List<Spot>> _rows = [];

    private LayeredLayout()
    {
    }

    // Large graphs get fewer sweeps, to bound the time.
    private int Sweeps => Math.Clamp(400_000 / _rows.Sum(row => row.Count), 4, SweepsMax);

    /// <summary>The boxes by their node's id.</summary>
    public Dictionary<string, Spot> Boxes { get; } = new(StringComparer.Ordinal);

    public List<Route> Routes { get; } = [];

    public double Width { get; private set; }

    public double Height { get; private set; }

    /// <summary>The top and bottom of each layer.</summary>
    public List<(double Top, double Bottom)> Bands { get; } = [];

    /// <summary>Computes the layout.</summary>
    /// <param name="graph">The boxes and arrows.</param>
    /// <param name="box">The size of a box.</param>
    /// <param name="label">The size of an arrow's label.</param>
    public static LayeredLayout Compute(GraphModel graph, Func<Node, (double Width, double Height)> box, Func<Edge,
        (double Width, double Height)> label)
    {
        var layout = new LayeredLayout();
        var upwards = layout.GiveLayers(graph);
        foreach (var node in graph.Nodes)
        {
            var (width, height) = box(node);
            layout.Boxes[node.Id] = layout.Add(new Spot(2 * layout._layers[node.Id], width, height, isBox: true));
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

    // Assigns layers by the longest path from a source; arrows that close a cycle are reversed.
    private HashSet<Edge> GiveLayers(GraphModel graph)
    {
        var upwards = new HashSet<Edge>(ReferenceEqualityComparer.Instance);
        var outgoing = graph.Edges.ToLookup(edge => edge.From, StringComparer.Ordinal);
        var done = new Dictionary<string, bool>(StringComparer.Ordinal);
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

        // The box for any state is placed directly above its first target.
        foreach (var node in graph.Nodes.Where(node => node.Kind == NodeKind.AnyState))
        {
            _layers[node.Id] = Math.Max(0, outgoing[node.Id].Select(edge => _layers[edge.To]).DefaultIfEmpty(1).Min() - 1);
        }

        return upwards;

        void Visit(string id)
        {
            if (!done.TryAdd(id, false))
            {
                return;
            }

            foreach (var edge in outgoing[id])
            {
                if (done.TryGetValue(edge.To, out var finished) && !finished)
                {
                    upwards.Add(edge);
                }
                else
                {
                    Visit(edge.To);
                }
            }

            done[id] = true;
            order.Add(id);
        }
    }

    private void AddRoute(Edge edge, bool upwards, (double Width, double Height) label)
    {
        var (upper, lower) = upwards ? (Boxes[edge.To], Boxes[edge.From]) : (Boxes[edge.From], Boxes[edge.To]);
        var labelled = upwards ? lower.Layer - 1 : upper.Layer + 1;
        var between = new List<Spot>();
        var last = upper;
        for (var layer = upper.Layer + 1; layer <= lower.Layer; layer++)
        {
            var isLabel = layer == labelled && edge.Labels.Count > 0;
            var spot = layer == lower.Layer ? lower
                : Add(isLabel ? new Spot(layer, label.Width, label.Height, isBox: false) : new Spot(layer, 10, 0, isBox: false));
            last.Below.Add(spot);
            spot.Above.Add(last);
            if (spot != lower)
            {
                between.Add(spot);
            }

            last = spot;
        }

        Routes.Add(
            new Route(edge, upper, lower, between, edge.Labels.Count > 0 ? between.Find(spot => spot.Layer == labelled) : null, upwards));
    }

    private Spot Add(Spot spot)
    {
        while (_rows.Count <= spot.Layer)
        {
            _rows.Add([]);
        }

        spot.Order = _rows[spot.Layer].Count;
        _rows[spot.Layer].Add(spot);
        return spot;
    }

    private void OrderRows()
    {
        var (best, least, sweeps) = (Orders(), Crossings(), Sweeps);
        for (var sweep = 0; sweep < sweeps && least > 0; sweep++)
        {
            var down = sweep % 2 == 0;
            foreach (var row in down ? _rows : Enumerable.Reverse(_rows))
            {
                var sorted = row.OrderBy(spot => Middle(down ? spot.Above : spot.Below, spot)).ToList();
                for (var place = 0; place < sorted.Count; place++)
                {
                    sorted[place].Order = place;
                }

                row.Sort((left, right) => left.Order.CompareTo(right.Order));
            }

            if (Crossings() is var crossings && crossings < least)
            {
                (best, least) = (Orders(), crossings);
            }
        }

        foreach (var (row, order) in _rows.Zip(best))
        {
            row.Clear();
            row.AddRange(order);
            for (var place = 0; place < row.Count; place++)
            {
                row[place].Order = place;
            }
        }

        List<Spot[]> Orders() => [.. _rows.Select(row => row.ToArray())];

        static double Middle(List<Spot> neighbours, Spot spot) =>
            neighbours.Count == 0 ? spot.Order : neighbours.Average(other => other.Order);
    }

    private long Crossings() => _rows.Sum(row =>
    {
        var ends = row.SelectMany(spot => spot.Below.Select(below => below.Order).Order()).ToList();
        var seen = new List<int>();
        var crossings = 0L;
        foreach (var end in ends)
        {
            var place = seen.BinarySearch(end);
            place = place < 0 ? ~place : place;
            while (place < seen.Count && seen[place] == end)
            {
                place++;
            }

            crossings += seen.Count - place;
            seen.Insert(place, end);
        }

        return crossings;
    });

    private void PlaceColumns()
    {
        foreach (var row in _rows)
        {
            var x = 0.0;
            foreach (var spot in row)
            {
                spot.X = x + (spot.Width / 2);
                x += spot.Width + Distance;
            }
        }

        var sweeps = Sweeps;
        for (var sweep = 0; sweep < 4 * sweeps; sweep++)
        {
            // Sweeps up and down first to group connected elements, then centers everything between all its neighbours.
            var down = sweep % 2 == 0;
            var settled = sweep >= 2 * sweeps;
            foreach (var row in down || settled ? _rows : Enumerable.Reverse(_rows))
            {
                Straighten(row, spot => settled ? Around(spot) : down ? spot.Above : spot.Below);
            }
        }

        // Finally places everything above its targets, so a plain sequence is a straight line; passing lines stay.
        foreach (var row in Enumerable.Reverse(_rows))
        {
            Straighten(row, spot => spot.Below.Count == 0 || IsLine(spot) ? [spot] : spot.Below);
        }

        var left = _rows.SelectMany(row => row).Min(spot => spot.X - (spot.Width / 2));
        foreach (var spot in _rows.SelectMany(row => row))
        {
            spot.X -= left;
            Width = Math.Max(Width, spot.X + (spot.Width / 2));
        }
    }

    private static bool IsLine(Spot spot) => !spot.IsBox && spot.Above.Concat(spot.Below).Any(other => !other.IsBox);

    // A line that has started continues straight down.
    private static List<Spot> Around(Spot spot) =>
        !spot.IsBox && spot.Above is [{ IsBox: false }] above ? above : [.. spot.Above, .. spot.Below];

    // Places elements as near to their neighbours' center as order and widths allow; overlapping ones move together (isotonic regression).
    private static void Straighten(List<Spot> row, Func<Spot, List<Spot>> neighbours)
    {
        var blocks = new List<(double Ideal, double Weight, int Count)>();
        var offsets = new double[row.Count];
        for (var place = 0; place < row.Count; place++)
        {
            var spot = row[place];
            offsets[place] = place == 0 ? 0 : offsets[place - 1] + ((row[place - 1].Width + spot.Width) / 2) + Distance;
            var near = neighbours(spot);
            var ideal = (near.Count == 0 ? spot.X : near.Average(other => other.X)) - offsets[place];

            // Passing lines are straightened before boxes are centered.
            var weight = near.Count == 0 ? 0.05 : spot.IsBox ? 1 : near.TrueForAll(other => !other.IsBox) ? 8 : 2;
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

        var index = 0;
        foreach (var (ideal, _, count) in blocks)
        {
            for (var end = index + count; index < end; index++)
            {
                row[index].X = ideal + offsets[index];
            }
        }
    }

    private void PlaceRows()
    {
        var y = 0.0;
        for (var layer = 0; layer < _rows.Count; layer++)
        {
            var row = _rows[layer];
            var height = row.Count == 0 ? 0 : row.Max(spot => spot.Height);

            // A line that moves far sideways needs room for its curve.
            var bend = row.SelectMany(spot => spot.Below.Select(below => Math.Abs(below.X - spot.X))).DefaultIfEmpty().Max();
            Bands.Add((y, y + height));
            row.ForEach(spot => spot.Y = y + (height / 2));
            Height = y + height;
            y += height + (Gap / 2) + Math.Min(Gap, bend * 0.08);
        }
    }
}
