namespace Onex.Contracts.Expressions;

/// <summary>How large an expression and its evaluation may become.</summary>
public static class ExpressionLimits
{
    /// <summary>Characters of an expression's text.</summary>
    public const int TextLength = 64 * 1024;

    /// <summary>Levels of the syntax tree, parentheses and operators in a row included: what recursion over it costs of the stack.</summary>
    public const int Depth = 200;

    /// <summary>Levels of lists and maps in a value that is read from JSON or written to it.</summary>
    public const int ValueDepth = 512;

    /// <summary>
    /// Levels of lists and maps in a value that arrives, leaves, or is kept: requests, events, arguments, results, data, outputs. One number for
    /// all, so that what was taken in can be kept, sent and read again.
    /// </summary>
    public const int KeptDepth = 64;

    /// <summary>Levels of lists and maps in what is read from a row: more than any version has written, so that nothing kept is ever out of reach.</summary>
    public const int StoredDepth = 900;

    /// <summary>
    /// Cost units of one evaluation. A unit is about 20 ns or 20 bytes: one step of the evaluation, one item of a list made, eight characters
    /// of text made. The whole is about 1 ms or 1 MB, and the same on every machine.
    /// </summary>
    public const int Budget = 50_000;

    /// <summary>Items that the estimate assumes of a list or a map whose schema has no bound.</summary>
    public const int ItemsAssumed = 32;

    /// <summary>Characters that the estimate assumes of a text whose schema has no bound.</summary>
    public const int CharactersAssumed = 64;

    /// <summary>Characters of a regular expression that is not a constant of the text.</summary>
    public const int PatternLength = 1_000;

    /// <summary>Parts of a regular expression, counted after its repetitions are written out.</summary>
    public const int PatternSize = 2_000;

    /// <summary>Regular expressions kept of those that are computed.</summary>
    internal const int PatternsKept = 256;
}
