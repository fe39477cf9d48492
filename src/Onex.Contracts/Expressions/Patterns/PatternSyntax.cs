namespace Onex.Contracts.Expressions.Patterns;

/// <summary>The syntax tree of a regular expression.</summary>
internal abstract record PatternSyntax
{
    private PatternSyntax()
    {
    }

    /// <summary>The number of its parts after expanding repetitions: the worst-case cost per character.</summary>
    public abstract long Size { get; }

    /// <summary>One character of a set.</summary>
    internal sealed record One(CharacterSet Set) : PatternSyntax
    {
        public override long Size => 1;
    }

    /// <summary>An assertion about a position in the text.</summary>
    internal sealed record Place(PatternPlace What) : PatternSyntax
    {
        public override long Size => 1;
    }

    /// <summary>A sequence; empty if it has no parts.</summary>
    internal sealed record All(IReadOnlyList<PatternSyntax> Parts) : PatternSyntax
    {
        public override long Size { get; } = Parts.Sum(part => part.Size);
    }

    /// <summary>An alternative.</summary>
    internal sealed record Either(IReadOnlyList<PatternSyntax> Parts) : PatternSyntax
    {
        public override long Size { get; } = Parts.Sum(part => part.Size);
    }

    /// <summary>A repetition; unbounded if <paramref name="Most"/> is null.</summary>
    internal sealed record Repeated(PatternSyntax Part, int Least, int? Most) : PatternSyntax
    {
        public override long Size { get; } = Math.Max(1, Part.Size) * Math.Max(1, Math.Max(Least, Most ?? 0));
    }
}

/// <summary>A position between two characters.</summary>
internal enum PatternPlace
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
    WordBorder,

    /// <summary>Not a word boundary.</summary>
    NoWordBorder,
}
