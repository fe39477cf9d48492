using System.Collections.Concurrent;

namespace Onex.Contracts.Expressions.Patterns;

/// <summary>
/// A regular expression that matches in linear time: a nondeterministic automaton whose nodes are simulated all at once. Each set of nodes
/// that occurs is a state of a deterministic automaton, which is cached with its transitions.
/// </summary>
internal sealed class Pattern
{
    // The maximum of transitions and node indices in the cached states of a pattern.
    private const int CachedMax = 20_000;
    private const int Ascii = 128;

    private static readonly ConcurrentDictionary<(string Source, bool IsEcma, bool IsStrict), Pattern> _cache = new();

    private readonly List<Node> _nodes = [];
    private readonly CharacterSet _lineEnds;
    private readonly bool _hasAssertions;

    // Characters that the pattern does not distinguish form one class, which one example represents.
    private readonly int[] _borders;
    private readonly int[] _classes;
    private readonly byte[] _asciiClasses = new byte[Ascii];
    private readonly int _classCount;
    private readonly int[] _examples;

    private readonly Lock _statesLock = new();
    private readonly Dictionary<Key, State> _states = [];
    private readonly State _start;
    private int _cachedSize;

    private Pattern(PatternSyntax syntax, bool isEcma)
    {
        Size = syntax.Size;
        _lineEnds = PatternReader.LineEnds(isEcma);
        var end = Add(new Node(NodeKind.End, null, default, -1, -1));
        First = Build(syntax, end);
        _hasAssertions = _nodes.Exists(node => node.Kind == NodeKind.Assertion);
        var sets = _nodes.Where(node => node.Set is not null).Select(node => node.Set!).Distinct().ToList();
        if (_hasAssertions)
        {
            sets.AddRange([PatternReader.Words, _lineEnds]);
        }

        (_borders, _classes, _examples) = FindClasses(sets);
        _classCount = _examples.Length;
        for (var character = 0; character < Ascii; character++)
        {
            _asciiClasses[character] = (byte)Math.Min(byte.MaxValue, SearchClass(character));
        }

        _start = GetOrAddState([First], Before.Nothing);
    }

    /// <summary>The number of its parts after expanding repetitions: the worst-case cost per character.</summary>
    public long Size { get; }

    private int First { get; }

    /// <summary>Compiles RE2 syntax; null with the reason if it is invalid.</summary>
    public static Pattern? Compile(string source, out string? problem) =>
        Compile(source, isEcma: false, isStrict: false, out problem);

    /// <summary>
    /// Compiles ECMA-262 syntax, as JSON Schema uses it; null with the reason if it is invalid. If it is not strict, some syntax is valid
    /// that only RE2 has, or only ECMA-262 without the flag <c>u</c>.
    /// </summary>
    public static Pattern? CompileEcma(string source, out string? problem, bool isStrict = true) =>
        Compile(source, isEcma: true, isStrict, out problem);

    private static Pattern? Compile(string source, bool isEcma, bool isStrict, out string? problem)
    {
        problem = null;
        if (_cache.TryGetValue((source, isEcma, isStrict), out var cached))
        {
            return cached;
        }

        if (source.Length > ExpressionLimits.PatternLength)
        {
            problem = $"it is longer than {ExpressionLimits.PatternLength} characters";
            return null;
        }

        try
        {
            var pattern = new Pattern(new PatternReader(source, isEcma, isStrict).Read(), isEcma);
            if (_cache.Count >= ExpressionLimits.PatternsCached)
            {
                _cache.Clear();
            }

            _cache[(source, isEcma, isStrict)] = pattern;
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

            state = After(state, ClassOf(character));
            if (state.IsMatch)
            {
                return true;
            }
        }

        // The end of the text is a separate character class.
        return After(state, _classCount).IsMatch;
    }

    private int ClassOf(int character) =>
        character < Ascii && _asciiClasses[character] != byte.MaxValue ? _asciiClasses[character] : SearchClass(character);

    private int SearchClass(int character)
    {
        var at = Array.BinarySearch(_borders, character);
        return _classes[at >= 0 ? at : ~at - 1];
    }

    private State After(State state, int characterClass)
    {
        if (state.Next is { } known && Volatile.Read(ref known[characterClass]) is { } next)
        {
            return next;
        }

        lock (_statesLock)
        {
            next = Step(state, characterClass);
            if (state.Next is { } table)
            {
                Volatile.Write(ref table[characterClass], next);
            }

            return next;
        }
    }

    private State Step(State state, int characterClass)
    {
        var isEnd = characterClass == _classCount;
        var example = isEnd ? -1 : _examples[characterClass];
        var (isWord, endsLine) = isEnd ? (false, false) : (PatternReader.Words.Contains(example), _lineEnds.Contains(example));
        var visited = new HashSet<int>();
        var pending = new Stack<int>(state.NodeIndices);
        var next = new SortedSet<int>();
        while (pending.TryPop(out var index))
        {
            if (!visited.Add(index))
            {
                continue;
            }

            var node = _nodes[index];
            switch (node.Kind)
            {
                case NodeKind.End:
                    return State.Match;
                case NodeKind.Fork:
                    pending.Push(node.Next);
                    pending.Push(node.Other);
                    break;
                case NodeKind.Assertion when Holds(node.Assertion, state.Before, isEnd, isWord, endsLine):
                    pending.Push(node.Next);
                    break;
                case NodeKind.Character when !isEnd && node.Set!.Contains(example):
                    next.Add(node.Next);
                    break;
            }
        }

        // A match may start after any character.
        next.Add(First);
        var before = !_hasAssertions ? Before.Nothing
            : endsLine ? Before.LineEnd
            : isWord ? Before.Word
            : Before.Other;
        return GetOrAddState([.. next], before);
    }

    private static bool Holds(AssertionKind assertion, Before before, bool isEnd, bool isWord, bool endsLine) => assertion switch
    {
        AssertionKind.Start => before == Before.Nothing,
        AssertionKind.End => isEnd,
        AssertionKind.LineStart => before is Before.Nothing or Before.LineEnd,
        AssertionKind.LineEnd => isEnd || endsLine,
        AssertionKind.WordBoundary => (before == Before.Word) != isWord,
        _ => (before == Before.Word) == isWord,
    };

    // The state from the cache, or a new one. When the cache is full, a new state is not cached, and has no table of transitions.
    private State GetOrAddState(int[] nodes, Before before)
    {
        var key = new Key(nodes, before);
        if (_states.TryGetValue(key, out var known))
        {
            return known;
        }

        if (_cachedSize > CachedMax)
        {
            return new State(nodes, before, null);
        }

        _cachedSize += _classCount + 1 + nodes.Length;
        return _states[key] = new State(nodes, before, new State?[_classCount + 1]);
    }

    private int Add(Node node)
    {
        _nodes.Add(node);
        return _nodes.Count - 1;
    }

    // Adds the nodes of a part and returns the first of them. The node that follows the part already exists.
    private int Build(PatternSyntax syntax, int next)
    {
        switch (syntax)
        {
            case PatternSyntax.Character character:
                return Add(new Node(NodeKind.Character, character.Set, default, next, -1));
            case PatternSyntax.Assertion assertion:
                return Add(new Node(NodeKind.Assertion, null, assertion.Kind, next, -1));
            case PatternSyntax.Sequence sequence:
                for (var part = sequence.Parts.Count - 1; part >= 0; part--)
                {
                    next = Build(sequence.Parts[part], next);
                }

                return next;
            case PatternSyntax.Alternatives alternatives:
                var first = Build(alternatives.Parts[^1], next);
                for (var part = alternatives.Parts.Count - 2; part >= 0; part--)
                {
                    first = Add(new Node(NodeKind.Fork, null, default, Build(alternatives.Parts[part], next), first));
                }

                return first;
            default:
                return Repeat((PatternSyntax.Repetition)syntax, next);
        }
    }

    private int Repeat(PatternSyntax.Repetition repeated, int next)
    {
        if (repeated.Max is { } max)
        {
            var end = next;
            for (var count = repeated.Min; count < max; count++)
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

        for (var count = 0; count < repeated.Min; count++)
        {
            next = Build(repeated.Part, next);
        }

        return next;
    }

    // The borders of ranges of characters, the class of each range, and for each class one of its characters.
    private static (int[] Borders, int[] Classes, int[] Examples) FindClasses(List<CharacterSet> sets)
    {
        var inner = sets.SelectMany(set => set.Borders).Where(border => border < CharacterSet.CodePointEnd);
        int[] borders = [.. inner.Append(0).Distinct().Order()];
        var (classes, examples) = (new int[borders.Length], new List<int>());
        var known = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var at = 0; at < borders.Length; at++)
        {
            var signature = string.Concat(sets.Select(set => set.Contains(borders[at]) ? '1' : '0'));
            if (!known.TryGetValue(signature, out classes[at]))
            {
                known[signature] = classes[at] = examples.Count;
                examples.Add(borders[at]);
            }
        }

        return (borders, classes, [.. examples]);
    }

    private enum NodeKind
    {
        Character,
        Fork,
        Assertion,
        End,
    }

    // What is before a position, as far as assertions depend on it. Nothing: the text starts there, or the pattern has no assertions.
    private enum Before
    {
        Nothing,
        Word,
        LineEnd,
        Other,
    }

    private readonly record struct Node(NodeKind Kind, CharacterSet? Set, AssertionKind Assertion, int Next, int Other);

    // The nodes that are reached after a character. Assertions are checked with the next character, on which they depend.
    private sealed record State(int[] NodeIndices, Before Before, State?[]? Next)
    {
        public static State Match { get; } = new([], Before.Nothing, null);

        public bool IsMatch => ReferenceEquals(this, Match);
    }

    private readonly struct Key(int[] nodes, Before before) : IEquatable<Key>
    {
        private readonly int[] _nodes = nodes;
        private readonly Before _before = before;

        public bool Equals(Key other) => _before == other._before && _nodes.AsSpan().SequenceEqual(other._nodes);

        public override bool Equals(object? other) => other is Key key && Equals(key);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.Add(_before);
            foreach (var node in _nodes)
            {
                hash.Add(node);
            }

            return hash.ToHashCode();
        }
    }
}
