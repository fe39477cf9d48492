namespace Onex.Contracts.Text;

/// <summary>Limits of the contract language. Unlike the configurable limits, they are the same everywhere.</summary>
internal static class Limits
{
    /// <summary>Bytes of one file.</summary>
    public const int FileBytesMax = 1024 * 1024;

    /// <summary>Nesting depth of a type in the short form.</summary>
    public const int TypeDepthMax = 64;

    /// <summary>Diagnostics of one file.</summary>
    public const int DiagnosticsPerFileMax = 100;

    /// <summary>Calls of one <c>each</c> step that are in flight at the same time.</summary>
    public const int AtOnceMax = 100;

    /// <summary>Calls of an <c>each</c> step that are in flight at the same time, if it does not set <c>at_once</c>.</summary>
    public const int AtOnce = 10;

    /// <summary>Aggregates of one <c>each</c> step. Few are allowed, because they are stored in the saga's row.</summary>
    public const int AggregatesMax = 20;

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

    /// <summary>The longest name of a topic that Kafka allows.</summary>
    public const int TopicLengthMax = 249;

    /// <summary>Files that one contract may refer to.</summary>
    public const int ReferencesMax = 100;

    /// <summary>Attempts of a retry policy.</summary>
    public const int AttemptsMax = 1000;

    /// <summary>Examples of one contract.</summary>
    public const int ExamplesMax = 200;

    /// <summary>Problems of one value against its schema.</summary>
    public const int SchemaProblemsMax = 20;

    /// <summary>Schema checks of one value. Without the limit, recursive alternatives could multiply them without bound.</summary>
    public const int SchemaChecksMax = 2_000_000;
}
