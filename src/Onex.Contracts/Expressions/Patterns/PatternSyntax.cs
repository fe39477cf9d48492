namespace Onex.Contracts.Expressions.Patterns;

/// <summary>The syntax tree of a regular expression.</summary>
internal abstract record PatternSyntax
{
    private PatternSyntax()
    {
    }

    /// <summary>The number of its parts after repetitions are expanded: the worst-case cost per character.</summary>
    public abstract long Size { get; }

    /// <summary>One character of a set.</summary>
    internal sealed record Character(CharacterSet Set) : PatternSyntax
    {
        public override long Size => 1;
    }

    /// <summary>An assertion about a position in the text.</summary>
    internal sealed record Assertion(AssertionKind Kind) : PatternSyntax
    {
        public override long Size => 1;
    }

    /// <summary>A sequence; empty if it has no parts.</summary>
    internal sealed record Sequence(IReadOnlyList<PatternSyntax> Parts) : PatternSyntax
    {
        public override long Size { get; } = Parts.Sum(part => part.Size);
    }

    /// <summary>Alternatives.</summary>
    internal sealed record Alternatives(IReadOnlyList<PatternSyntax> Parts) : PatternSyntax
    {
        public override long Size { get; } = Parts.Sum(part => part.Size);
    }

    /// <summary>A repetition; unbounded if <paramref name="Max"/> is null.</summary>
    internal sealed record Repetition(PatternSyntax Part, int Min, int? Max) : PatternSyntax
    {
        public override long Size { get; } = Math.Max(1, Part.Size) * Math.Max(1, Math.Max(Min, Max ?? 0));
    }
}

/// <summary>What an assertion requires of a position between two characters.</summary>
internal enum AssertionKind
{
    /// <summary>The start of the text.</summary>
    Start,

    /// <summary>The end of the text.</summary>
    End,

    /// <summary>The start of a line.</summary>
    LineStart,

    /// <summary>The end of a line.</summary>
    LineEnd,

    /// <summary>A word boundary: between an ASCII letter, digit or underscore and another character.</summary>
    WordBoundary,

    /// <summary>Not a word boundary.</summary>
    NotWordBoundary,
}
