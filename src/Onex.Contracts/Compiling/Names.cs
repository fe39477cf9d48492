using System.Collections.Frozen;
using System.Text.RegularExpressions;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Text;

namespace Onex.Contracts.Compiling;

/// <summary>What things of a contract may be called.</summary>
internal static partial class Names
{
    // What Kafka allows.
    private const int TopicLengthMax = 249;

    // Words that the expression language reads as something else than a name.
    private static readonly FrozenSet<string> _words = FrozenSet.ToFrozenSet(
        [
            "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
            "package", "namespace", "return", "var", "void", "while",
        ],
        StringComparer.Ordinal);

    /// <summary>The codes of faults that the engine itself sets. An event that leads to a compensating state gives its own name as the code.</summary>
    public static FrozenSet<string> FaultCodes { get; } = FrozenSet.ToFrozenSet(
        [
            "step_failed", "step_timed_out", "result_invalid", "expression_failed", "output_invalid", "state_timed_out", "deadline_exceeded",
            "cancelled", "terminated", "join_failed", "too_many_items", "undeliverable",
        ],
        StringComparer.Ordinal);

    public static FrozenSet<string> ReservedStates { get; } =
        FrozenSet.ToFrozenSet(["Initial", "Final", "compensating"], StringComparer.Ordinal);

    /// <summary>Why the name cannot be a contract's, or null if it can.</summary>
    public static string? ContractProblem(string name, OperationCatalogue operations)
    {
        if (name.Length > Limits.NameLengthMax || !ContractName().IsMatch(name))
        {
            return name.Contains('.', StringComparison.Ordinal)
                ? "a dot separates a contract from its events"
                : "it has other characters than those allowed, or too many";
        }

        return OperationAliases.IsPrefix(name, operations) || operations.Find(name) is not null
            ? "operations begin with it"
            : null;
    }

    public static bool IsVersion(string text) => text.Length <= Limits.NameLengthMax && SemanticVersion().IsMatch(text);

    public static bool IsState(string name) => name.Length <= Limits.NameLengthMax && StateName().IsMatch(name);

    /// <summary>The runtime's topics where nothing is configured; Onex.Contracts.Messages has them too.</summary>
    public static FrozenSet<string> OwnTopics { get; } = FrozenSet.ToFrozenSet(
        ["requests", "responses", "effect-requests", "effect-responses", "worker-requests", "worker-responses", "saga-events"], StringComparer.Ordinal);

    /// <summary>The operation that writes to a topic, as <c>emit</c> does.</summary>
    public const string Produce = "kafka.produce";

    public static bool IsTopic(string name) => name.Length <= TopicLengthMax && name is not ("." or "..") && TopicName().IsMatch(name);

    /// <summary>A topic of the runtime, or a dead-letter topic: what only Onex writes.</summary>
    public static bool IsOwnTopic(string name) => OwnTopics.Contains(name) || name.EndsWith(".dlq", StringComparison.Ordinal);

    /// <summary>A name that expressions can read after a dot.</summary>
    public static bool IsIdentifier(string name) =>
        name.Length <= Limits.NameLengthMax && Identifier().IsMatch(name) && !_words.Contains(name);

    [GeneratedRegex(@"^[a-z][a-z0-9-]*\z", RegexOptions.NonBacktracking)]
    private static partial Regex ContractName();

    [GeneratedRegex(@"^[A-Za-z0-9._-]+\z", RegexOptions.NonBacktracking)]
    private static partial Regex TopicName();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_-]*\z", RegexOptions.NonBacktracking)]
    private static partial Regex StateName();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]*\z", RegexOptions.NonBacktracking)]
    private static partial Regex Identifier();

    // semver.org, 2.0.0.
    [GeneratedRegex(
        @"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex SemanticVersion();
}
