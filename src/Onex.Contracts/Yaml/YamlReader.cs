using Onex.Contracts.Diagnostics;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Onex.Contracts.Yaml;

/// <summary>
/// Reads YAML into a tree with positions. Anchors, aliases, merge keys, tags and several documents are errors, because YAML readers
/// interpret them differently.
/// </summary>
internal sealed class YamlReader
{
    // Longer lines are not examined for common mistakes, because that takes long.
    private const int ExaminedLineMax = 1000;

    private readonly SourceFile _file;
    private readonly Scanner _scanner;
    private readonly Parser _parser;

    // The positions of the open braces and brackets.
    private readonly Stack<Mark> _brackets = new();

    // Whether a part of the tree is missing. Then the whole tree is dropped, because further diagnostics would mislead.
    private bool _isIncomplete;

    private readonly int _depthMax;
    private readonly bool _isRegistered;

    private YamlReader(SourceFile file, int depthMax, bool isRegistered)
    {
        _file = file;
        _depthMax = depthMax;
        _isRegistered = isRegistered;
        _scanner = new Scanner(new StringReader(file.Text), skipComments: true);
        _parser = new Parser(_scanner);
    }

    /// <summary>Parses the file; null after reporting a syntax error. Never throws.</summary>
    /// <param name="file">The file.</param>
    /// <param name="depthMax">The maximum nesting depth.</param>
    /// <param name="isRegistered">Whether the file was accepted by an earlier version, whose weaker rules then apply.</param>
    public static SyntaxNode? Read(SourceFile file, int depthMax, bool isRegistered = false)
    {
        var reader = new YamlReader(file, depthMax, isRegistered);
        try
        {
            return reader.ReadDocument();
        }
        catch (TooDeepException tooDeep)
        {
            file.Report(ContractDiagnostics.TooDeep(tooDeep.At, depthMax));
        }
        catch (YamlException failure)
        {
            var reason = Reason(failure);
            reader.Explain(Place(failure.Start), ContractDiagnostics.YamlSyntax(Place(failure.Start), reason),
                reason.Contains("tab", StringComparison.Ordinal));
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // The scanner throws other exceptions for some malformed input, such as a block inside open braces.
            var at = Place(reader._scanner.CurrentPosition);
            reader.Explain(
                at,
                reader.OpenBracket(at) is { } open
                    ? ContractDiagnostics.YamlSyntax(open, "this bracket is not closed, or something inside it is misplaced")
                    : ContractDiagnostics.YamlSyntax(at, "it is not YAML"),
                isAboutTab: false);
        }

        return null;
    }

    private SyntaxNode? ReadDocument()
    {
        _parser.MoveNext();
        if (!_parser.MoveNext() || _parser.Current is StreamEnd)
        {
            _file.Report(ContractDiagnostics.YamlSyntax(SourceSpan.Start, "the file is empty"));
            return null;
        }

        Next();
        var root = ReadNode(0);
        Next();
        if (_parser.Current is not StreamEnd)
        {
            _file.Report(ContractDiagnostics.YamlFeature(Place(_parser.Current!.Start), "a second document"));
            _isIncomplete |= root is ScalarSyntax { IsNull: true };
        }

        return _isIncomplete ? null : root;
    }

    // Reads a node and advances the parser past it.
    private SyntaxNode ReadNode(int depth)
    {
        var current = _parser.Current!;
        if (depth > _depthMax)
        {
            throw new TooDeepException(Place(current.Start));
        }

        if (current is NodeEvent node)
        {
            RejectProperties(node);
        }

        switch (current)
        {
            case Scalar scalar:
                Next();
                return WithoutCurlyQuotes(ToSyntax(scalar));
            case SequenceStart start:
                return ReadList(start, depth, start.Style == SequenceStyle.Flow);
            case MappingStart start:
                return ReadMap(start, depth, start.Style == MappingStyle.Flow);
            case AnchorAlias alias:
                _file.Report(ContractDiagnostics.YamlFeature(Place(alias), "an alias"));
                _isIncomplete = true;
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
            if (flow && !_isRegistered && read is ScalarSyntax { Form: ScalarForm.Plain } joined
                && value is ScalarSyntax { IsPlain: true, Text: "" })
            {
                (read, value) = SplitAtColon(joined, value);
            }

            if (read is not ScalarSyntax key)
            {
                _file.Report(ContractDiagnostics.WrongType(read.At, "a key", "text", read.Kind));
            }
            else if (key is { IsPlain: true, Text: "<<" })
            {
                _file.Report(ContractDiagnostics.YamlFeature(key.At, "a merge key"));
                _isIncomplete = true;
            }
            else if (!entries.TryAdd(new SyntaxEntry(key, value)))
            {
                _file.Report(ContractDiagnostics.DuplicateKey(key.At, key.Text));
            }
        }

        var at = flow ? Enclosed(start.Start, _parser.Current.Start) : entries.Count > 0 ? entries[0].Key.At : Place(start.Start);
        Leave(flow);
        return new MapSyntax(at, entries, flow);
    }

    // YAML reads `{ a:1 }` as a key 'a:1' without a value. After the report it is read as intended, to avoid consequential diagnostics.
    private (ScalarSyntax Key, SyntaxNode Value) SplitAtColon(ScalarSyntax joined, SyntaxNode nothing)
    {
        var colon = joined.Text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || colon == joined.Text.Length - 1)
        {
            return (joined, nothing);
        }

        var (key, value) = (joined.Text[..colon], joined.Text[(colon + 1)..]);
        _file.Report(ContractDiagnostics.ColonWithoutSpace(joined.At, _file.Shown(joined.Text), _file.Shown($"{key}: {value}")));
        var isQuoted = value.Length > 1 && value[0] is '"' or '\'' && value[^1] == value[0];
        return (
            new ScalarSyntax(joined.Part(0, colon), key, ScalarForm.Plain, plain: true),
            isQuoted
                ? new ScalarSyntax(joined.Part(colon + 1, value.Length), value[1..^1], ScalarForm.Quoted, plain: false)
                : new ScalarSyntax(joined.Part(colon + 1, value.Length), value, ScalarForm.Plain, plain: true));
    }

    // YAML keeps curly quotes as part of the text. After the report they are removed, to avoid consequential diagnostics.
    private ScalarSyntax WithoutCurlyQuotes(ScalarSyntax scalar)
    {
        // In braces YAML splits “a, b” into two items.
        if (!_isRegistered && scalar is { Form: ScalarForm.Plain, Text: ['\u201C' or '\u201E', ..] } && _brackets.Count > 0
            && !scalar.Text.Contains('\u201D', StringComparison.Ordinal)
            && _file.Line(scalar.At.Line) is { } line && line.IndexOf('\u201D', scalar.At.Column) is > 0 and var end)
        {
            var whole = line[(scalar.At.Column - 1)..(end + 1)];
            _file.Report(ContractDiagnostics.CurlyQuotes(
                scalar.At with { Length = whole.Length }, _file.Shown(whole),
                _file.Shown($"\"{whole[1..^1]}\"")));
            _isIncomplete = true;
            return scalar;
        }

        if (_isRegistered || scalar.Form != ScalarForm.Plain
            || scalar.Text is not ['\u201C' or '\u201D' or '\u201E' or '\u2018' or '\u2019', .. var inner,
            '\u201C' or '\u201D' or '\u2018' or '\u2019']
            || inner.AsSpan().ContainsAny("\u201C\u201D\u201E\u2018\u2019"))
        {
            return scalar;
        }

        _file.Report(ContractDiagnostics.CurlyQuotes(scalar.At, _file.Shown(scalar.Text), _file.Shown($"\"{inner}\"")));
        return new ScalarSyntax(scalar.At, inner, ScalarForm.Quoted, plain: false);
    }

    private void RejectProperties(NodeEvent node)
    {
        if (!node.Anchor.IsEmpty)
        {
            _file.Report(ContractDiagnostics.YamlFeature(Place(node.Start), "an anchor"));
        }

        if (!node.Tag.IsEmpty)
        {
            _file.Report(ContractDiagnostics.YamlFeature(Place(node.Start), "a tag"));
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

    // The span of a bracket, up to the closing one if that is on the same line.
    private static SourceSpan Enclosed(Mark start, Mark close) =>
        Place(start) with { Length = start.Line == close.Line ? (int)Math.Max(1, close.Column + 1 - start.Column) : 1 };

    // The message of the scanner, as a clause.
    private static string Reason(YamlException failure)
    {
        var reason = (failure.InnerException ?? failure).Message.Trim().TrimEnd('.');
        return reason.Length == 0 ? "it is not YAML" : char.ToLowerInvariant(reason[0]) + reason[1..];
    }

    // Reports a common mistake near the position, else the given diagnostic. The message of the scanner is about mappings and block ends,
    // which does not help if a value only needs quotes or a blank.
    private void Explain(SourceSpan at, DiagnosticDraft otherwise, bool isAboutTab)
    {
        var mistakes = FindTab(at, isAboutTab) is { } tab ? [tab]
            : FindMisreadInBrackets(at) is { Count: > 0 } misread ? misread
            : FindMisreadLine(at) is { } line ? [line]
            : [otherwise];
        foreach (var draft in mistakes)
        {
            _file.Report(draft);
        }
    }

    // A tab used for indentation. The scanner reports the start of the file or the text before the tab, so if its message is about a tab,
    // the rest of the file is searched.
    private DiagnosticDraft? FindTab(SourceSpan at, bool isAboutTab)
    {
        for (var number = Math.Max(1, at.Line - 1); (isAboutTab || number <= at.Line) && _file.Line(number) is { } line; number++)
        {
            var tab = line.IndexOf('\t', StringComparison.Ordinal);
            if (tab >= 0 && line.AsSpan(0, tab).IndexOfAnyExcept(" -?:") < 0 && !string.IsNullOrWhiteSpace(line))
            {
                return ContractDiagnostics.TabIndents(new SourceSpan(number, tab + 1, 1));
            }
        }

        return null;
    }

    // The innermost open bracket. If the scanner stopped before reporting one, the first on the line or on the line before.
    private SourceSpan? OpenBracket(SourceSpan at)
    {
        if (_brackets.TryPeek(out var open))
        {
            return Place(open);
        }

        for (var number = at.Line; number >= Math.Max(1, at.Line - 1); number--)
        {
            if (_file.Line(number) is { Length: < ExaminedLineMax } line && BareExpression.FindBracket(line) is { } column)
            {
                return new SourceSpan(number, column, 1);
            }
        }

        return null;
    }

    private List<DiagnosticDraft> FindMisreadInBrackets(SourceSpan at)
    {
        // Starts at the outermost open bracket. If the scanner stopped before reporting one, at the first on the line or the line before.
        if (_brackets.Count > 0)
        {
            return FindMisreadFrom(_file.Offset((int)_brackets.Last().Line, (int)_brackets.Last().Column));
        }

        for (var number = at.Line; number >= Math.Max(1, at.Line - 1); number--)
        {
            if (_file.Line(number) is { Length: < ExaminedLineMax } line && BareExpression.FindBracket(line) is { } column
                && FindMisreadFrom(_file.Offset(number, column)) is { Count: > 0 } found)
            {
                return found;
            }
        }

        return [];
    }

    private List<DiagnosticDraft> FindMisreadFrom(int open) =>
    [
        .. FlowText.FindMisread(_file.Text, open, _depthMax).Select(value => value.IsJoined
            ? ContractDiagnostics.ColonWithoutSpace(_file.Place(value.Start, value.Value.Length), _file.Shown(value.Value),
                _file.Shown($"{value.Key}: {value.Value[(value.Key!.Length + 1)..]}"))
            : ContractDiagnostics.QuoteValue(_file.Place(value.Start, value.Value.Length), _file.Shown(value.Quoted))),
    ];

    private DiagnosticDraft? FindMisreadLine(SourceSpan at)
    {
        // The scanner reports some mistakes only at the start of the next line, so the line before is searched, too.
        for (var number = at.Line; number >= Math.Max(1, at.Line - 1); number--)
        {
            if (_file.Line(number) is not { Length: < ExaminedLineMax } line)
            {
                continue;
            }

            if (BareExpression.FindMisread(line) is var (column, key, value) && value is not null)
            {
                var (span, quoted) = (new SourceSpan(number, column, value.Length), _file.Shown($"{key}: {BareExpression.Quote(value)}"));
                return BareExpression.IsExpression(value) ? ContractDiagnostics.QuoteExpression(span, quoted)
                    : ContractDiagnostics.QuoteValue(span, quoted);
            }

            if (BareExpression.FindColonWithoutSpace(line) is var (start, name, rest) && rest is not null)
            {
                return ContractDiagnostics.ColonWithoutSpace(new SourceSpan(number, start, name.Length + 1 + rest.Length),
                    _file.Shown($"{name}:{rest}"), _file.Shown($"{name}: {rest}"));
            }
        }

        return null;
    }

    private sealed class TooDeepException(SourceSpan at) : Exception
    {
        public SourceSpan At { get; } = at;
    }
}
