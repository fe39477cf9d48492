using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;

namespace Onex.Contracts.Compiling;

/// <summary>
/// The diagnostics that only files of operations have, in code order. Errors that contracts can have too (YAML, unknown keys, missing keys,
/// types, durations) have the codes of contracts. Each code has a page in <c>docs/errors</c> and an example in <c>tests/operations</c>.
/// </summary>
internal static class RemoteOperationDiagnostics
{
    public static DiagnosticDraft BadName(SourceSpan at, string name) =>
        Error(
            "ONEX2040", at, $"'{Spelling.Clip(name)}' cannot name an operation.",
            "Write a prefix and a name: pricing.quote. Both consist of lower-case letters, digits, '_' and '-', "
                + $"a letter first; at most {Limits.NameLengthMax} characters in all.");

    public static DiagnosticDraft PrefixTaken(SourceSpan at, string name, string prefix) =>
        Error(
            "ONEX2041", at, $"'{Spelling.Clip(name)}' has the prefix '{prefix}' of operations that Onex itself or a plug-in runs.",
            "Use a prefix of your own, such as the name of your team or service.");

    public static DiagnosticDraft DeclaredTwice(SourceSpan at, string name, string place) =>
        Error(
            "ONEX2041", at, $"operation '{Spelling.Clip(name)}' is declared at {place} already.",
            "Give one of the two another name, or remove it.");

    public static DiagnosticDraft BadTopic(SourceSpan at, string topic) =>
        Error(
            "ONEX2042", at, $"'{Spelling.Clip(topic)}' is not a valid topic for commands.",
            $"Use letters, digits, '.', '_' and '-', at most {RemoteOperationsReader.TopicLengthMax} of them, "
                + "and none of the endings '.dlq' and '.cancel': pricing-commands");

    public static DiagnosticDraft OwnTopic(SourceSpan at, string topic) =>
        Error(
            "ONEX2042", at, $"'{Spelling.Clip(topic)}' is a topic of Onex itself.",
            "Use a topic of your own, which only your workers read: pricing-commands");

    public static DiagnosticDraft IgnoredFile(string name) =>
        new(
            "ONEX2043", Severity.Warning, SourceSpan.Start, $"'{name}' is not read: files of operations end in '.yaml'.",
            "Rename it to end in '.yaml', or remove it.");

    public static DiagnosticDraft ContractHere(SourceSpan at) =>
        Error(
            "ONEX2044", at, "this is a contract, but the folder 'operations' holds declarations of operations.",
            "Move the file out of 'operations'. Contracts may be in every other folder but runtime/, connections/ and schemas/.");

    private static DiagnosticDraft Error(string code, SourceSpan at, string problem, string remedy) =>
        new(code, Severity.Error, at, problem, remedy);
}
