namespace Onex.Contracts.Expressions;

/// <summary>Limits of expressions and their evaluation.</summary>
public static class ExpressionLimits
{
    /// <summary>Characters of an expression's text.</summary>
    public const int TextLength = 64 * 1024;

    /// <summary>Levels of the syntax tree, including parentheses and chained operators. The limit bounds the depth of recursion.</summary>
    public const int Depth = 200;

    /// <summary>Levels of lists and maps in a value that is parsed from JSON, or inserted into text.</summary>
    public const int ValueDepth = 512;

    /// <summary>
    /// Levels of lists and maps in values that arrive, leave or are stored: requests, events, arguments, results, data, outputs. All have
    /// the same limit, so that an accepted value can be stored, sent and read again.
    /// </summary>
    public const int KeptDepth = 64;

    /// <summary>Levels of lists and maps in values read from a row. No version has written more, so all of them stay readable.</summary>
    public const int StoredDepth = 900;

    /// <summary>
    /// Cost units of one evaluation by default. A unit is about 20 ns or 20 bytes: one step of the evaluation, one created list item, eight
    /// created characters. So the default is about 1 ms or 1 MB. Units and not times are counted, so that every machine decides the same.
    /// </summary>
    public const int Budget = 50_000;

    /// <summary>Characters, or bytes, that are compared or scanned for one cost unit.</summary>
    internal const int ComparedPerUnit = 64;

    /// <summary>Characters that are created or converted for one cost unit.</summary>
    internal const int CreatedPerUnit = 8;

    /// <summary>Items that the estimate of the cost assumes for a list or a map whose schema has no bound.</summary>
    public const int ItemsAssumed = 32;

    /// <summary>Characters that the estimate of the cost assumes for a text whose schema has no bound.</summary>
    public const int CharactersAssumed = 64;

    /// <summary>Characters of a regular expression, in an expression or a schema.</summary>
    public const int PatternLength = 1_000;

    /// <summary>Parts of a regular expression after its repetitions are expanded.</summary>
    public const int PatternSize = 2_000;

    /// <summary>Compiled regular expressions in the cache.</summary>
    internal const int PatternsCached = 256;
}
