using System.Collections.Frozen;
using System.Text.RegularExpressions;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Text;

namespace Onex.Contracts.Compiling;

/// <summary>Rules for the names in contracts, and the names that Onex reserves.</summary>
internal static partial class Names
{
    /// <summary>The suffix of a dead-letter topic's name.</summary>
    public const string DeadLetterSuffix = ".dlq";

    /// <summary>The suffix of the topic with the cancellations of a command topic.</summary>
    public const string CancelSuffix = ".cancel";

    // The reserved words of the expression language.
    private static readonly FrozenSet<string> _reservedWords = FrozenSet.ToFrozenSet(
        [
            "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
            "package", "namespace", "return", "var", "void", "while",
        ],
        StringComparer.Ordinal);

    /// <summary>
    /// The fault codes that the engine sets. An event cannot have one as its name, because an event that leads to a compensating
    /// state or a failed end sets a fault whose code is the event's name.
    /// </summary>
    public static FrozenSet<string> FaultCodes { get; } = FrozenSet.ToFrozenSet(
        [.. CatchChecks.CallCodes, .. CatchChecks.SagaCodes, StepCodes.JoinFailed, StepCodes.TooManyItems], StringComparer.Ordinal);

    public static FrozenSet<string> ReservedStates { get; } =
        FrozenSet.ToFrozenSet(["Initial", "Final", "compensating"], StringComparer.Ordinal);

    /// <summary>Why the name is not valid for a contract, or null.</summary>
    public static string? ContractProblem(string name, OperationCatalogue operations)
    {
        if (name.Length > Limits.NameLengthMax || !ContractName().IsMatch(name))
        {
            return name.Contains('.', StringComparison.Ordinal)
                ? "a dot separates a contract from its events"
                : "it is too long, or has a character that is not allowed there";
        }

        return OperationAliases.IsPrefix(name, operations) || operations.Find(name) is not null ? "it is a prefix of operations" : null;
    }

    public static bool IsVersion(string text) => text.Length <= Limits.NameLengthMax && SemanticVersion().IsMatch(text);

    public static bool IsState(string name) => name.Length <= Limits.NameLengthMax && StateName().IsMatch(name);

    /// <summary>The default names of the runtime's topics, as in Onex.Contracts.Messages.</summary>
    public static FrozenSet<string> OwnTopics { get; } = FrozenSet.ToFrozenSet(
        [
            "requests", "responses", "effect-requests", "effect-responses", "worker-requests", "worker-requests.cancel",
            "worker-responses", "saga-events",
        ],
        StringComparer.Ordinal);

    /// <summary>The operation that writes to a topic, as <c>emit</c> does.</summary>
    public const string ProduceOperation = "kafka.produce";

    /// <summary>The operation that can read the stored items of an <c>each</c>.</summary>
    public const string AggregateOperation = "aggregate";

    public static bool IsTopic(string name) =>
        name.Length <= Limits.TopicLengthMax && name is not ("." or "..") && TopicName().IsMatch(name);

    /// <summary>
    /// Whether steps must not write to the topic: it has the default name of one of the runtime's, or that of a dead-letter topic.
    /// Configured names are checked at the start of a role, because the compiler does not know them.
    /// </summary>
    public static bool IsOwnTopic(string name) =>
        OwnTopics.Contains(name) || name.EndsWith(DeadLetterSuffix, StringComparison.Ordinal);

    /// <summary>Whether the name consists of letters, digits and '_', so that it can follow a dot, and is no reserved word.</summary>
    public static bool IsIdentifier(string name) =>
        name.Length <= Limits.NameLengthMax && Identifier().IsMatch(name) && !_reservedWords.Contains(name);

    [GeneratedRegex(@"^[a-z][a-z0-9-]*\z", RegexOptions.NonBacktracking)]
    private static partial Regex ContractName();

    [GeneratedRegex(@"^[A-Za-z0-9._-]+\z", RegexOptions.NonBacktracking)]
    private static partial Regex TopicName();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_-]*\z", RegexOptions.NonBacktracking)]
    private static partial Regex StateName();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]*\z", RegexOptions.NonBacktracking)]
    private static partial Regex Identifier();

    // Semantic Versioning 2.0.0, semver.org.
    [GeneratedRegex(
        @"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex SemanticVersion();
}
