using Onex.Contracts.Expressions.Checking;
using static Onex.Contracts.Text.Spelling;

namespace Onex.Contracts.Diagnostics;

/// <summary>About contracts that are called, and about what is let through and does not do what it seems to.</summary>
internal static partial class ContractDiagnostics
{
    // Contracts that are called.

    public static DiagnosticDraft ChildInputMismatch(SourceSpan at, string child, string type, Mismatch mismatch) =>
        Error("ONEX1180", at, $"the input of {child} wants {type} here, and {Given("this", mismatch)}.", mismatch.Remedy ?? "Change the value, or that contract's 'input'.");

    public static DiagnosticDraft ChildFieldMissing(SourceSpan at, string child, string field, string type) =>
        Error("ONEX1180", at, $"the input of {child} requires '{Clip(field)}' ({type}) here.", $"Add '{Clip(field)}: ...' under 'with'.");

    public static DiagnosticDraft ChildFieldUnknown(SourceSpan at, string child, string field, IReadOnlyCollection<string> fields) =>
        Error("ONEX1180", at, $"the input of {child} allows no field '{Clip(field)}' here.", Suggest(field, "fields", fields));

    public static DiagnosticDraft ChildInputInvalid(SourceSpan at, string child, string problem) =>
        Error("ONEX1180", at, $"{child} does not take this for its input: {Clip(problem)}.", "Write a value that its 'input' allows.");

    public static DiagnosticDraft ChildFieldDoubtful(SourceSpan at, string child, string field, string meant) =>
        new("ONEX1182", Severity.Warning, at, $"the input of {child} declares no field '{Clip(field)}'.",
            $"Did you mean '{Clip(meant)}'? What its 'input' does not declare it takes, and most likely never looks at.");

    public static DiagnosticDraft ReturnsContradicted(SourceSpan at, string callee, Mismatch mismatch) =>
        Error("ONEX1181", at, $"{callee} never answers with what 'returns' says: {Given("its answer", mismatch)}.",
            "Write under 'returns' what it answers with, or remove it: a result that does not fit fails the step with 'result_invalid'.");

    // What is let through, and does not do what it seems to.

    public static DiagnosticDraft NeverCaught(SourceSpan at, string what, string code, bool isOfSaga, IReadOnlyCollection<string> codes) =>
        Warning("ONEX1183", at, $"nothing in {what} ends with the code '{Clip(code)}', so that this is never taken.",
            isOfSaga ? "It comes over a saga as a whole, and no 'catch' is asked about it: where a time limit leads is said by its own 'next'."
            : Catalogue.RejectionCodes.IsAttemptCode(code)
                ? "It is the code of one attempt, which is tried again: in the end it is 'step_failed' or 'step_timed_out'. Catch that, or give such an answer a code of its own with 'reject'."
            : Suggest(code, "codes", codes));

    public static DiagnosticDraft CatchAfterAll(SourceSpan at) =>
        Warning("ONEX1184", at, "an entry before this one has no 'error', so that it catches everything, and this one is never reached.",
            "Give that one its codes, or move it to the end.");

    public static DiagnosticDraft CaughtBefore(SourceSpan at, string code) =>
        Warning("ONEX1184", at, $"an entry before this one catches '{Clip(code)}' already.", "Name the code in one of them.");

    public static DiagnosticDraft TextNotValue(SourceSpan at, string text, string expression) =>
        Warning("ONEX1185", at, $"'{Clip(text)}' is text here, and goes out as it stands: only what stands in '${{...}}' is evaluated.",
            $"Write ${{{Clip(expression)}}} for the value. If the text is meant, write it as a constant: ${{'{Clip(text)}'}}.");

    public static DiagnosticDraft KeyNotEvaluated(SourceSpan at, string key) =>
        Warning("ONEX1185", at, $"the key '{Clip(key)}' is taken as it stands: only values are evaluated.",
            "Make the whole map with an expression: \"${{input.name: input.value}}\".");

    public static DiagnosticDraft NameNotEvaluated(SourceSpan at, string what) =>
        Warning("ONEX1185", at, $"{what} is a name, and taken as it stands: nothing is evaluated in it.", "Write the name out. For several, write several entries.");

    public static DiagnosticDraft ArgumentIgnored(SourceSpan at, string operation, string argument) =>
        Warning("ONEX1186", at, $"a service looks at no '{argument}' of '{operation}': most ignore it, and some refuse it.",
            "Put what is asked for into 'query' or the path, or call 'http.post'.");

    public static DiagnosticDraft KeyReserved(SourceSpan at, string operation, string argument, string key) =>
        Warning("ONEX1186", at, $"'{Clip(key)}' under '{argument}' of '{operation}' is set by the runtime itself, and not by a step.",
            "Remove it. What identifies a call to the service is the command's id, which the runtime sends along.");

    public static DiagnosticDraft UnusedData(SourceSpan at, string field) =>
        Warning("ONEX1187", at, $"nothing writes or reads 'data.{Clip(field)}'.", "Remove it, or write it with 'save' or 'set'.");

    public static DiagnosticDraft DataNeverSet(SourceSpan at, string field) =>
        Warning("ONEX1187", at, $"nothing ever writes 'data.{Clip(field)}', so that it is read in vain.", "Write it with 'save' or 'set', or give it an initial value.");

    public static DiagnosticDraft UnusedRetry(SourceSpan at, string name) =>
        Warning("ONEX1188", at, $"no step is retried by the policy '{Clip(name)}'.", $"Write 'retry: {Clip(name)}' at a step, or remove it.");

    public static DiagnosticDraft UnusedConnection(SourceSpan at, string name) =>
        Warning("ONEX1189", at, $"no contract here uses the connection '{Clip(name)}'.",
            "Remove it, unless sagas of versions that are no longer here still go through it.");

    public static DiagnosticDraft NeverCompletes(SourceSpan at, string initial) =>
        Warning("ONEX1190", at, $"no way leads from '{Clip(initial)}' to an end that completes: every saga of this contract fails.",
            "Add a state with 'end: completed', and let a 'next' lead to it.");

    public static DiagnosticDraft GuardNeverTaken(SourceSpan at, string why, string remedy) =>
        Warning("ONEX1191", at, $"this entry is never taken: {why}.", remedy);

    public static DiagnosticDraft CompensationNeverRuns(SourceSpan at, string step) =>
        Warning("ONEX1192", at, $"step '{Clip(step)}' runs past the pivot only, where nothing is compensated.", "Remove 'compensate', or move the step before the pivot.");

    public static DiagnosticDraft RetryKeyUnused(SourceSpan at, string key) =>
        Warning("ONEX1193", at, $"with one attempt there is no delay, so that '{key}' says nothing.", $"Raise 'attempts', or remove '{key}'.");
}
