using System.Collections.Concurrent;

namespace Onex.Contracts.Expressions.Patterns;

/// <summary>
/// A regular expression that matches in linear time by simulating all its states at once. Sets of states are cached with their transitions,
/// as in a lazily built DFA.
/// </summary>
internal sealed class Pattern
{
    // The maximum of cached transitions and states per pattern.
    private const int TransitionsMax = 20_000;
    private const int Ascii = 128;

    private static readonly ConcurrentDictionary<(string Source, bool IsEcma), Pattern> _kept = new();

    private readonly List<Node> _nodes = [];
    private readonly CharacterSet _lineEnds;
    private readonly bool _looksAround;

    // Characters that the pattern does not distinguish form one class.
    private readonly int[] _borders;
    private readonly int[] _kinds;
    private readonly byte[] _asciiKinds = new byte[Ascii];
    private readonly int _kindCount;
    private readonly int[] _examples;

    private readonly Lock _growing = new();
    private readonly Dictionary<Key, State> _states = [];
    private readonly State _start;
    private int _transitions;

    private Pattern(PatternSyntax syntax, bool isEcma)
    {
        Size = syntax.Size;
        _lineEnds = PatternReader.LineEnds(isEcma);
        var end = Add(new Node(NodeKind.End, null, default, -1, -1));
        var first = Build(syntax, end);
        _looksAround = _nodes.Exists(node => node.Kind == NodeKind.Place);
        var sets = _nodes.Where(node => node.Set is not null).Select(node => node.Set!).Distinct().ToList();
        if (_looksAround)
        {
            sets.AddRange([PatternReader.Words, _lineEnds]);
        }

        (_borders, _kinds, _examples) = Kinds(sets);
        _kindCount = _examples.Length;
        for (var character = 0; character < Ascii; character++)
        {
            _asciiKinds[character] = (byte)Math.Min(byte.MaxValue, SearchedKind(character));
        }

        First = first;
        _start = Keep([first], Before.Nothing);
    }

    /// <summary>The number of its parts after expanding repetitions: the worst-case cost per character.</summary>
    public long Size { get; }

    private int First { get; }

    /// <summary>Compiles RE2 syntax; null with the reason if it is invalid.</summary>
    public static Pattern? Compile(string source, out string? problem) => Compile(source, isEcma: false, out problem);

    /// <summary>Compiles ECMA-262 syntax, as JSON Schema uses it.</summary>
    public static Pattern? OfSchema(string source, out string? problem) => Compile(source, isEcma: true, out problem);

    private static Pattern? Compile(string source, bool isEcma, out string? problem)
    {
        problem = null;
        if (_kept.TryGetValue((source, isEcma), out var kept))
        {
            return kept;
        }

        if (source.Length > ExpressionLimits.PatternLength)
        {
            problem = $"it is longer than {ExpressionLimits.PatternLength} characters";
            return null;
        }

        try
        {
            var pattern = new Pattern(new PatternReader(source, isEcma).Read(), isEcma);
            if (_kept.Count >= ExpressionLimits.PatternsKept)
            {
                _kept.Clear();
            }

            _kept[(source, isEcma)] = pattern;
            return pattern;
        }
        catch (FormatException failure)
        {
            problem = failure.Message;
            return null;
        }
    }

    /// <summary>Whether it matches anywhere in a text.</summary>
    public bool IsMatch(string text)
    {
        var state = _start;
        for (var at = 0; at < text.Length;)
        {
            int character = text[at++];
            if (char.IsHighSurrogate((char)character) && at < text.Length && char.IsLowSurrogate(text[at]))
            {
                character = char.ConvertToUtf32((char)character, text[at++]);
            }

            state = After(state, KindOf(character));
            if (state.Found)
            {
                return true;
            }
        }

        // The end of the text is a separate character class.
        return After(state, _kindCount).Found;
    }

    private int KindOf(int character) =>
        character < Ascii && _asciiKinds[character] != byte.MaxValue ? _asciiKinds[character] : SearchedKind(character);

    private int SearchedKind(int character)
    {
        var at = Array.BinarySearch(_borders, character);
        return _kinds[at >= 0 ? at : ~at - 1];
    }

    private State After(State state, int kind)
    {
        if (state.Next is { } known && Volatile.Read(ref known[kind]) is { } next)
        {
            return next;
        }

        lock (_growing)
        {
            next = Step(state, kind);
            if (state.Next is { } table)
            {
                Volatile.Write(ref table[kind], next);
            }

            return next;
        }
    }

    private State Step(State state, int kind)
    {
        var isEnd = kind == _kindCount;
        var example = isEnd ? -1 : _examples[kind];
        var (isWord, endsLine) = isEnd ? (false, false) : (PatternReader.Words.Contains(example), _lineEnds.Contains(example));
        var there = new HashSet<int>();
        var open = new Stack<int>(state.Places);
        var next = new SortedSet<int>();
        while (open.TryPop(out var place))
        {
            if (!there.Add(place))
            {
                continue;
            }

            var node = _nodes[place];
            switch (node.Kind)
            {
                case NodeKind.End:
                    return State.Match;
                case NodeKind.Fork:
                    open.Push(node.Next);
                    open.Push(node.Other);
                    break;
                case NodeKind.Place when Holds(node.Place, state.Before, isEnd, isWord, endsLine):
                    open.Push(node.Next);
                    break;
                case NodeKind.One when !isEnd && node.Set!.Contains(example):
                    next.Add(node.Next);
                    break;
            }
        }

        // A match may start after any character.
        next.Add(First);
        return Keep([.. next], !_looksAround ? Before.Nothing : endsLine ? Before.LineEnd : isWord ? Before.Word : Before.Other);
    }

    private static bool Holds(PatternPlace place, Before before, bool isEnd, bool isWord, bool endsLine) => place switch
    {
        PatternPlace.Start => before == Before.Nothing,
        PatternPlace.End => isEnd,
        PatternPlace.LineStart => before is Before.Nothing or Before.LineEnd,
        PatternPlace.LineEnd => isEnd || endsLine,
        PatternPlace.WordBorder => (before == Before.Word) != isWord,
        _ => (before == Before.Word) == isWord,
    };

    // The cached state, or a new one, which is not cached above the limit.
    private State Keep(int[] places, Before before)
    {
        var key = new Key(places, before);
        if (_states.TryGetValue(key, out var known))
        {
            return known;
        }

        if (_transitions > TransitionsMax)
        {
            return new State(places, before, null);
        }

        _transitions += _kindCount + 1 + places.Length;
        return _states[key] = new State(places, before, new State?[_kindCount + 1]);
    }

    private int Add(Node node)
    {
        _nodes.Add(node);
        return _nodes.Count - 1;
    }

    // Builds the states for a part and returns its start, given the state that follows it.
    private int Build(PatternSyntax syntax, int next)
    {
        switch (syntax)
        {
            case PatternSyntax.One one:
                return Add(new Node(NodeKind.One, one.Set, default, next, -1));
            case PatternSyntax.Place place:
                return Add(new Node(NodeKind.Place, null, place.What, next, -1));
            case PatternSyntax.All all:
                for (var part = all.Parts.Count - 1; part >= 0; part--)
                {
                    next = Build(all.Parts[part], next);
                }

                return next;
            case PatternSyntax.Either either:
                var first = Build(either.Parts[^1], next);
                for (var part = either.Parts.Count - 2; part >= 0; part--)
                {
                    first = Add(new Node(NodeKind.Fork, null, default, Build(either.Parts[part], next), first));
                }

                return first;
            default:
                return Repeat((PatternSyntax.Repeated)syntax, next);
        }
    }

    private int Repeat(PatternSyntax.Repeated repeated, int next)
    {
        if (repeated.Most is { } most)
        {
            var end = next;
            for (var time = repeated.Least; time < most; time++)
            {
                next = Add(new Node(NodeKind.Fork, null, default, Build(repeated.Part, next), end));
            }
        }
        else
        {
            var loop = Add(new Node(NodeKind.Fork, null, default, -1, next));
            _nodes[loop] = _nodes[loop] with { Next = Build(repeated.Part, loop) };
            next = loop;
        }

        for (var time = 0; time < repeated.Least; time++)
        {
            next = Build(repeated.Part, next);
        }

        return next;
    }

    private static (int[] Borders, int[] Kinds, int[] Examples) Kinds(List<CharacterSet> sets)
    {
        int[] borders = [.. sets.SelectMany(set => set.Borders).Where(border => border < 0x110000).Append(0).Distinct().Order()];
        var (kinds, examples) = (new int[borders.Length], new List<int>());
        var known = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var at = 0; at < borders.Length; at++)
        {
            var signature = string.Create(sets.Count, (sets, border: borders[at]), static (text, of) =>
            {
                for (var set = 0; set < text.Length; set++)
                {
                    text[set] = of.sets[set].Contains(of.border) ? '1' : '0';
                }
            });
            if (!known.TryGetValue(signature, out kinds[at]))
            {
                known[signature] = kinds[at] = examples.Count;
                examples.Add(borders[at]);
            }
        }

        return (borders, kinds, [.. examples]);
    }

    private enum NodeKind
    {
        One,
        Fork,
        Place,
        End,
    }

    private enum Before
    {
        Nothing,
        Word,
        LineEnd,
        Other,
    }

    private readonly record struct Node(NodeKind Kind, CharacterSet? Set, PatternPlace Place, int Next, int Other);

    // The reachable states before the assertions at the next position are known.
    private sealed record State(int[] Places, Before Before, State?[]? Next)
    {
        public static State Match { get; } = new([], Before.Nothing, null);

        public bool Found => ReferenceEquals(this, Match);
    }

    private readonly struct Key(int[] places, Before before) : IEquatable<Key>
    {
        private readonly int[] _places = places;
        private readonly Before _before = before;

        public bool Equals(Key other) => _before == other._before && _places.AsSpan().SequenceEqual(other._places);

        public override bool Equals(object? other) => other is Key key && Equals(key);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.Add(_before);
            foreach (var place in _places)
            {
                hash.Add(place);
            }

            return hash.ToHashCode();
        }
    }
}
