using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;

namespace Onex.Hosting.Settings;

/// <summary>
/// The diagnostics that only settings have, in code order. Problems that a contract can have too (YAML, unknown keys, wrong types) have the
/// codes of contracts. Each has a page in <c>docs/errors</c> and an example in <c>tests/settings/invalid</c>. None holds a secret.
/// </summary>
internal static class SettingsDiagnostics
{
    public static DiagnosticDraft Unknown(string name, IEnumerable<string> known) =>
        Warning("ONEX2020", $"'{Spelling.Clip(name)}' is not a setting and is ignored.",
            Spelling.DidYouMean(name, known) + "Correct the name, or remove it (docs/configuration.md lists the settings).");

    public static DiagnosticDraft BadValue(string problem, string remedy) => Error("ONEX2021", problem, remedy);

    public static DiagnosticDraft Missing(string name, string because, string remedy) =>
        Error("ONEX2022", $"{name} is not set, but {because}.", remedy);

    public static DiagnosticDraft SetTwice(string problem) => Error("ONEX2023", problem, "Set one of the two.");

    public static DiagnosticDraft Placeholder(string name) =>
        Error("ONEX2024", $"{name} still holds a __REPLACE_WITH_...__ placeholder.",
            "Replace it with the real secret, or remove the variable if nothing uses it.");

    public static DiagnosticDraft BadSecretFile(string problem, string remedy) => Error("ONEX2025", problem, remedy);

    public static DiagnosticDraft OnlyInProcess(string problem, string remedy) => Error("ONEX2026", problem, remedy);

    public static DiagnosticDraft BadName(string name, string fullName, int lengthMax) =>
        Error("ONEX2027", $"{name} makes '{Spelling.Clip(fullName)}', which Kafka does not accept as a name.",
            $"Use letters, digits, '.', '_' and '-', at most {lengthMax} of them with ONEX_TOPIC_PREFIX.");

    public static DiagnosticDraft SameName(string names, string what, string shared) =>
        Error("ONEX2028", $"{names} name the same {what}, '{Spelling.Clip(shared)}'.", "Give each its own.");

    public static DiagnosticDraft NotThere(string problem, string remedy) => Error("ONEX2029", problem, remedy);

    public static DiagnosticDraft BadToken(string problem, string remedy) => Error("ONEX2030", problem, remedy);

    public static DiagnosticDraft NoEffect(string problem, string remedy) => Warning("ONEX2031", problem, remedy);

    public static DiagnosticDraft OwnTopic(string name, string topic) =>
        Error(
            "ONEX2032", $"{name} allows '{Spelling.Clip(topic)}', a topic of the runtime's own.",
            "Remove it: responses must not go there.");

    public static DiagnosticDraft BadReference(string problem, string remedy) => Error("ONEX2033", problem, remedy);

    private static DiagnosticDraft Error(string code, string problem, string remedy) =>
        new(code, Severity.Error, SourceSpan.Start, problem, remedy);

    private static DiagnosticDraft Warning(string code, string problem, string remedy) =>
        new(code, Severity.Warning, SourceSpan.Start, problem, remedy);
}
