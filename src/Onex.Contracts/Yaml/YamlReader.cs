using Onex.Contracts.Diagnostics;
using YamlDotNet.Core;
using YamlDotNet.Core.Tokens;

namespace Onex.Contracts.Yaml;

/// <summary>
/// Reads YAML into a tree with places. Plain data only: what YAML has beyond it (anchors, aliases, merge keys, tags, several documents) is
/// refused, because it makes one text mean different things to different readers. The library cuts the text into tokens; what they make up is
/// read here, because its parser asks the runtime's table of literals about every key, and makes an object of every token again.
/// </summary>
internal sealed class YamlReader
{
    private readonly SourceFile _file;
    private readonly Scanner _scanner;

    // Where the braces and brackets begin that are open.
    private readonly Stack<Mark> _brackets = new();

    // Whether something is missing from the tree, so that what else would be said about it would mislead.
    private bool _incomplete;

    private YamlReader(SourceFile file)
    {
        _file = file;
        _scanner = new Scanner(new StringReader(file.Text), skipComments: true);
    }

    /// <summary>The file's root, or null after complaining. Never throws.</summary>
    public static SyntaxNode? Read(SourceFile file)
    {
        var reader = new YamlReader(file);
        try
        {
            return reader.ReadDocument();
        }
        catch (TooDeepException tooDeep)
        {
            file.Report(Complaints.TooDeep(tooDeep.At));
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
        // Behind the beginning of the stream.
        Next();
        Next();
        SkipDirectives();
        if (Current is StreamEnd)
        {
            _file.Report(Complaints.YamlSyntax(SourceSpan.Start, "the file is empty"));
            return null;
        }

        var root = Current is DocumentStart && Next() is StreamEnd or DocumentStart or DocumentEnd ? Nothing(Current.Start) : ReadNode(0, Style.Block);
        var ended = Current is DocumentEnd;
        while (Current is DocumentEnd)
        {
            Next();
        }

        if (Current is not StreamEnd)
        {
            _file.Report(ended || Current is DocumentStart or VersionDirective or TagDirective
                ? Complaints.YamlFeature(Place(Current.Start), "a second document")
                : throw Wrong("did not find expected <document end>"));
        }

        return _incomplete ? null : root;
    }

    private void SkipDirectives()
    {
        var any = false;
        while (Current is VersionDirective or TagDirective or DocumentEnd)
        {
            any |= Current is not DocumentEnd;
            Next();
        }

        if (any && Current is not DocumentStart)
        {
            throw Wrong("did not find expected <document start>");
        }
    }

    // Leaves the scanner behind the node.
    private SyntaxNode ReadNode(int depth, Style style)
    {
        var start = Current.Start;
        if (depth > Limits.DepthMax)
        {
            throw new TooDeepException(Place(start));
        }

        var refused = RefuseProperties(start);
        switch (Current)
        {
            case Scalar scalar:
                Next();
                return ToSyntax(scalar);
            case FlowSequenceStart:
                return ReadFlowList(start, depth);
            case FlowMappingStart:
                return ReadFlowMap(start, depth);
            case BlockSequenceStart when style != Style.Flow:
                return ReadBlockList(start, depth);
            case BlockMappingStart when style != Style.Flow:
                return ReadBlockMap(start, depth);
            case BlockEntry when style == Style.BlockOfMap:
                return ReadIndentlessList(start, depth);
            case AnchorAlias alias:
                _file.Report(Complaints.YamlFeature(Place(alias.Start, alias.End), "an alias"));
                _incomplete = true;
                Next();
                return Nothing(alias.Start);
            default:
                return refused ? Nothing(start) : throw Wrong("while parsing a node, did not find expected node content");
        }
    }

    private bool RefuseProperties(Mark start)
    {
        var refused = false;
        while (Current is Anchor or Tag)
        {
            _file.Report(Complaints.YamlFeature(Place(start), Current is Anchor ? "an anchor" : "a tag"));
            refused = true;
            Next();
        }

        return refused;
    }

    private ListSyntax ReadBlockList(Mark start, int depth)
    {
        var items = new List<SyntaxNode>();
        Next();
        while (Current is BlockEntry entry)
        {
            items.Add(Next() is BlockEntry or BlockEnd ? Nothing(entry.End) : ReadNode(depth + 1, Style.Block));
        }

        if (Current is not BlockEnd)
        {
            throw Wrong("while parsing a block collection, did not find expected '-' indicator");
        }

        Next();
        return new ListSyntax(Place(start), items);
    }

    // A list under a key may stand as far left as the key: nothing but what follows says that it ends.
    private ListSyntax ReadIndentlessList(Mark start, int depth)
    {
        var items = new List<SyntaxNode>();
        while (Current is BlockEntry entry)
        {
            items.Add(Next() is BlockEntry or Key or Value or BlockEnd ? Nothing(entry.End) : ReadNode(depth + 1, Style.Block));
        }

        return new ListSyntax(Place(start), items);
    }

    private MapSyntax ReadBlockMap(Mark start, int depth)
    {
        var entries = new MapEntries();
        Next();
        while (Current is Key)
        {
            var key = ReadBehind(depth);
            var value = Current is Value ? ReadBehind(depth) : Nothing(Current.Start);
            Add(entries, key, value);
        }

        if (Current is not BlockEnd)
        {
            throw Wrong("while parsing a block mapping, did not find expected key");
        }

        Next();
        return new MapSyntax(entries.Count > 0 ? entries[0].Key.At : Place(start), entries, flow: false);
    }

    // What stands behind '?' or ':', each of which may have nothing behind it.
    private SyntaxNode ReadBehind(int depth)
    {
        var end = Current.End;
        return Next() is Key or Value or BlockEnd ? Nothing(end) : ReadNode(depth + 1, Style.BlockOfMap);
    }

    private ListSyntax ReadFlowList(Mark start, int depth)
    {
        var items = new List<SyntaxNode>();
        _brackets.Push(start);
        while (Next() is not FlowSequenceEnd)
        {
            items.Add(Current is Key ? ReadPair(depth + 1) : ReadNode(depth + 1, Style.Flow));
            if (Current is FlowSequenceEnd)
            {
                break;
            }

            if (Current is not FlowEntry)
            {
                throw Wrong("while parsing a flow sequence, did not find expected ',' or ']'");
            }
        }

        return new ListSyntax(Close(start), items);
    }

    private MapSyntax ReadFlowMap(Mark start, int depth)
    {
        var entries = new MapEntries();
        _brackets.Push(start);
        while (Next() is not FlowMappingEnd)
        {
            ReadFlowEntry(entries, depth);
            if (Current is FlowMappingEnd)
            {
                break;
            }

            if (Current is not FlowEntry)
            {
                throw Wrong("while parsing a flow mapping, did not find expected ',' or '}'");
            }
        }

        return new MapSyntax(Close(start), entries, flow: true);
    }

    // [a: b] is a list of a map.
    private MapSyntax ReadPair(int depth)
    {
        var (start, entries) = (Current.Start, new MapEntries());
        ReadFlowEntry(entries, depth);
        return new MapSyntax(Enclosed(start, Current.Start), entries, flow: true);
    }

    private void ReadFlowEntry(MapEntries entries, int depth)
    {
        var key = Current is not Key || Next() is not (Value or FlowEntry or FlowMappingEnd or FlowSequenceEnd)
            ? ReadNode(depth + 1, Style.Flow)
            : Nothing(Current.Start);
        var value = Current is Value && Next() is not (FlowEntry or FlowMappingEnd or FlowSequenceEnd) ? ReadNode(depth + 1, Style.Flow) : Nothing(Current.Start);
        Add(entries, key, value);
    }

    private void Add(MapEntries entries, SyntaxNode read, SyntaxNode value)
    {
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

    private static ScalarSyntax Nothing(Mark at) => new(Place(at), "", ScalarForm.Plain, plain: true);

    private SourceSpan Close(Mark start)
    {
        var at = Enclosed(start, Current.Start);
        _brackets.Pop();
        Next();
        return at;
    }

    private Token Current => _scanner.Current!;

    private Token Next() => !_scanner.MoveNext() ? throw new YamlException("it ends in the middle")
        : Current is Error error ? throw new YamlException(error.Start, error.End, error.Value)
        : Current;

    private YamlException Wrong(string problem) => new(Current.Start, Current.End, problem);

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

    /// <summary>Where a node stands, which says what it may begin with.</summary>
    private enum Style
    {
        Flow,
        Block,
        BlockOfMap,
    }

    private sealed class TooDeepException(SourceSpan at) : Exception
    {
        public SourceSpan At { get; } = at;
    }
}
