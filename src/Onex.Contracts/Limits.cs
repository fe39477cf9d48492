namespace Onex.Contracts;

/// <summary>What a contract may be at most. Far above what a process needs, low enough that no file can stall the start.</summary>
internal static class Limits
{
    /// <summary>Bytes of one file.</summary>
    public const int FileBytesMax = 1024 * 1024;

    /// <summary>Maps and lists in one another, in a file or in a value.</summary>
    public const int DepthMax = 64;

    /// <summary>Complaints about one file.</summary>
    public const int DiagnosticsPerFileMax = 100;

    /// <summary>States of one contract.</summary>
    public const int StatesMax = 500;

    /// <summary>Steps of one contract, all states together.</summary>
    public const int StepsMax = 1000;

    /// <summary>Branches of one <c>parallel</c> step.</summary>
    public const int BranchesMax = 100;

    /// <summary>Items of one <c>each</c> step.</summary>
    public const int ItemsMax = 100_000;

    /// <summary>Calls of one <c>each</c> step that are in flight at the same time.</summary>
    public const int AtOnceMax = 100;

    /// <summary>Calls in flight of an <c>each</c> step that does not say how many.</summary>
    public const int AtOnce = 10;

    /// <summary>Items of an <c>each</c> step whose results an expression may read.</summary>
    public const int ResultsMax = 1000;

    /// <summary>Events that a contract declares.</summary>
    public const int EventsMax = 200;

    /// <summary>Rules of one <c>on_event</c> or <c>any_state</c>.</summary>
    public const int EventRulesMax = 200;

    /// <summary>Fields of <c>data</c>.</summary>
    public const int DataFieldsMax = 500;

    /// <summary>Characters of a name.</summary>
    public const int NameLengthMax = 100;

    /// <summary>Files that one contract may refer to.</summary>
    public const int ReferencesMax = 100;

    /// <summary>Attempts of a retry policy.</summary>
    public const int AttemptsMax = 1000;

    /// <summary>Examples of one contract.</summary>
    public const int ExamplesMax = 200;

    /// <summary>Problems of one value against its schema.</summary>
    public const int SchemaProblemsMax = 20;

    /// <summary>Checks of a schema against one value: schemas whose branches call themselves could multiply them without end.</summary>
    public const int SchemaChecksMax = 2_000_000;
}
