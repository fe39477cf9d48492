using Onex.Contracts.Diagnostics;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Onex.Contracts.Yaml;

/// <summary>
/// Reads YAML into a tree with places. Plain data only: what YAML has beyond it (anchors, aliases, merge keys, tags, several documents) is
/// refused, because it makes one text mean different things to different readers.
/// </summary>
internal sealed class YamlReader
{
    private readonly SourceFile _file;
    private readonly Scanner _scanner;
    private readonly Parser _parser;

    // Where the braces and brackets begin that are open.
    private readonly Stack<Mark> _brackets = new();

    // Whether something is missing from the tree, so that what else would be said about it would mislead.
    private bool _incomplete;

    private readonly int _depthMax;

    private YamlReader(SourceFile file, int depthMax)
    {
        _file = file;
        _depthMax = depthMax;
        _scanner = new Scanner(new StringReader(file.Text), skipComments: true);
        _parser = new Parser(_scanner);
    }

    /// <summary>The file's root, or null after complaining. Never throws.</summary>
    /// <param name="file">The file.</param>
    /// <param name="depthMax">Maps and lists in one another.</param>
    public static SyntaxNode? Read(SourceFile file, int depthMax)
    {
        var reader = new YamlReader(file, depthMax);
        try
        {
            return reader.ReadDocument();
        }
        catch (TooDeepException tooDeep)
        {
            file.Report(Complaints.TooDeep(tooDeep.At, depthMax));
        }
        catch (YamlException wrong)
        {
            file.Report(Misread(file, Place(wrong.Start)) ?? Complaints.YamlSyntax(Place(wrong.Start), Reason(wrong)));
        }
        catch (Exception wrong) when (wrong is not OutOfMemoryException)
        {
            // The scanner meets some garbage with exceptions of other kinds; among it, a line that begins like a block inside open braces.
            file.Report(reader._brackets.TryPeek(out var open)
                ? Complaints.YamlSyntax(Place(open), "this bracket is not closed, or something inside it is misplaced")
                : Complaints.YamlSyntax(Place(reader._scanner.CurrentPosition), "it is not YAML"));
        }

        return null;
    }

    private SyntaxNode? ReadDocument()
    {
        _parser.MoveNext();
        if (!_parser.MoveNext() || _parser.Current is StreamEnd)
        {
            _file.Report(Complaints.YamlSyntax(SourceSpan.Start, "the file is empty"));
            return null;
        }

        Next();
        var root = ReadNode(0);
        Next();
        if (_parser.Current is not StreamEnd)
        {
            _file.Report(Complaints.YamlFeature(Place(_parser.Current!.Start), "a second document"));
        }

        return _incomplete ? null : root;
    }

    // Leaves the parser behind the node.
    private SyntaxNode ReadNode(int depth)
    {
        var current = _parser.Current!;
        if (depth > _depthMax)
        {
            throw new TooDeepException(Place(current.Start));
        }

        if (current is NodeEvent node)
        {
            RefuseProperties(node);
        }

        switch (current)
        {
            case Scalar scalar:
                Next();
                return ToSyntax(scalar);
            case SequenceStart start:
                return ReadList(start, depth, start.Style == SequenceStyle.Flow);
            case MappingStart start:
                return ReadMap(start, depth, start.Style == MappingStyle.Flow);
            case AnchorAlias alias:
                _file.Report(Complaints.YamlFeature(Place(alias), "an alias"));
                _incomplete = true;
                Next();
                return new ScalarSyntax(Place(alias), "", ScalarForm.Other, plain: true);
            default:
                throw new YamlException(current.Start, current.End, "something else was expected");
        }
    }

    private ListSyntax ReadList(SequenceStart start, int depth, bool flow)
    {
        var items = new List<SyntaxNode>();
        Enter(start, flow);
        while (_parser.Current is not SequenceEnd)
        {
            items.Add(ReadNode(depth + 1));
        }

        var at = flow ? Enclosed(start.Start, _parser.Current.Start) : Place(start.Start);
        Leave(flow);
        return new ListSyntax(at, items);
    }

    private MapSyntax ReadMap(MappingStart start, int depth, bool flow)
    {
        var entries = new MapEntries();
        Enter(start, flow);
        while (_parser.Current is not MappingEnd)
        {
            var read = ReadNode(depth + 1);
            var value = ReadNode(depth + 1);
            if (read is not ScalarSyntax key)
            {
                _file.Report(Complaints.WrongType(read.At, "a key", "text", read.Kind));
            }
            else if (key is { IsPlain: true, Text: "<<" })
            {
                _file.Report(Complaints.YamlFeature(key.At, "a merge key"));
                _incomplete = true;
            }
            else if (!entries.TryAdd(new SyntaxEntry(key, value)))
            {
                _file.Report(Complaints.DuplicateKey(key.At, key.Text));
            }
        }

        var at = flow ? Enclosed(start.Start, _parser.Current.Start) : entries.Count > 0 ? entries[0].Key.At : Place(start.Start);
        Leave(flow);
        return new MapSyntax(at, entries, flow);
    }

    private void RefuseProperties(NodeEvent node)
    {
        if (!node.Anchor.IsEmpty)
        {
            _file.Report(Complaints.YamlFeature(Place(node.Start), "an anchor"));
        }

        if (!node.Tag.IsEmpty)
        {
            _file.Report(Complaints.YamlFeature(Place(node.Start), "a tag"));
        }
    }

    private static ScalarSyntax ToSyntax(Scalar scalar)
    {
        var oneLine = scalar.Start.Line == scalar.End.Line;
        var width = scalar.End.Column - scalar.Start.Column;
        var form = scalar.Style switch
        {
            ScalarStyle.Plain when oneLine => ScalarForm.Plain,
            ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted when oneLine && width == scalar.Value.Length + 2 => ScalarForm.Quoted,
            _ => ScalarForm.Other,
        };
        var at = form == ScalarForm.Plain
            ? new SourceSpan((int)scalar.Start.Line, (int)scalar.Start.Column, Math.Max(1, scalar.Value.Length))
            : Place(scalar.Start, scalar.End);
        return new ScalarSyntax(at, scalar.Value, form, scalar.Style == ScalarStyle.Plain);
    }

    private void Enter(NodeEvent start, bool flow)
    {
        if (flow)
        {
            _brackets.Push(start.Start);
        }

        Next();
    }

    private void Leave(bool flow)
    {
        if (flow)
        {
            _brackets.Pop();
        }

        Next();
    }

    private void Next()
    {
        if (!_parser.MoveNext())
        {
            throw new YamlException("it ends in the middle");
        }
    }

    private static SourceSpan Place(ParsingEvent node) => Place(node.Start, node.End);

    private static SourceSpan Place(Mark start) => new((int)Math.Max(1, start.Line), (int)Math.Max(1, start.Column), 1);

    private static SourceSpan Place(Mark start, Mark end)
    {
        var width = end.Line == start.Line ? end.Column - start.Column : 1;
        return Place(start) with { Length = (int)Math.Max(1, width) };
    }

    // Up to the closing bracket, if it is on the same line.
    private static SourceSpan Enclosed(Mark start, Mark close) =>
        Place(start) with { Length = start.Line == close.Line ? (int)Math.Max(1, close.Column + 1 - start.Column) : 1 };

    // The scanner's own words, as a clause.
    private static string Reason(YamlException wrong)
    {
        var reason = (wrong.InnerException ?? wrong).Message.Trim().TrimEnd('.');
        return reason.Length == 0 ? "it is not YAML" : char.ToLowerInvariant(reason[0]) + reason[1..];
    }

    /// <summary>
    /// Bare expressions that YAML cannot read: <c>when: a ? b : c</c>, <c>when: "a" == b</c>. The scanner's message is about mappings and block
    /// ends then, which helps nobody.
    /// </summary>
    private static Complaint? Misread(SourceFile file, SourceSpan at)
    {
        // The scanner notices some of them only at the start of the next line.
        for (var number = at.Line; number >= Math.Max(1, at.Line - 1); number--)
        {
            if (file.Line(number) is { Length: < 1000 } line && BareExpression.Misread(line) is var (column, key, value) && value is not null)
            {
                return Complaints.QuoteExpression(new SourceSpan(number, column, value.Length), $"{key}: {BareExpression.Quote(value)}");
            }
        }

        return null;
    }

    private sealed class TooDeepException(SourceSpan at) : Exception
    {
        public SourceSpan At { get; } = at;
    }
}
