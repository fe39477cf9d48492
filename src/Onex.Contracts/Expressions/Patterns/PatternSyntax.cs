namespace Onex.Contracts.Expressions.Patterns;

/// <summary>A regular expression, read.</summary>
internal abstract record PatternSyntax
{
    private PatternSyntax()
    {
    }

    /// <summary>Its parts, repetitions written out: what a character of the text may cost at worst.</summary>
    public abstract long Size { get; }

    /// <summary>One character of a set.</summary>
    internal sealed record One(CharacterSet Set) : PatternSyntax
    {
        public override long Size => 1;
    }

    /// <summary>A place in the text.</summary>
    internal sealed record Place(PatternPlace What) : PatternSyntax
    {
        public override long Size => 1;
    }

    /// <summary>One after the other; nothing, if there are none.</summary>
    internal sealed record All(IReadOnlyList<PatternSyntax> Parts) : PatternSyntax
    {
        public override long Size { get; } = Parts.Sum(part => part.Size);
    }

    /// <summary>One of several.</summary>
    internal sealed record Either(IReadOnlyList<PatternSyntax> Parts) : PatternSyntax
    {
        public override long Size { get; } = Parts.Sum(part => part.Size);
    }

    /// <summary>The same several times; without an end where <paramref name="Most"/> is null.</summary>
    internal sealed record Repeated(PatternSyntax Part, int Least, int? Most) : PatternSyntax
    {
        public override long Size { get; } = Math.Max(1, Part.Size) * Math.Max(1, Math.Max(Least, Most ?? 0));
    }
}

/// <summary>A place between two characters.</summary>
internal enum PatternPlace
{
    /// <summary>Before the first.</summary>
    Start,

    /// <summary>Behind the last.</summary>
    End,

    /// <summary>Before the first of a line.</summary>
    LineStart,

    /// <summary>Behind the last of a line.</summary>
    LineEnd,

    /// <summary>Between a letter, digit or underline of ASCII and something else.</summary>
    WordBorder,

    /// <summary>Anywhere else.</summary>
    NoWordBorder,
}
