using Onex.Contracts.Expressions.Checking;
using static Onex.Contracts.Text.Spelling;

namespace Onex.Contracts.Diagnostics;

/// <summary>Diagnostics about called contracts, and warnings about declarations without effect.</summary>
internal static partial class ContractDiagnostics
{
    // Called contracts.

    public static DiagnosticDraft ChildInputMismatch(SourceSpan at, string child, string type, Mismatch mismatch) =>
        Error("ONEX1180", at, $"the input of {child} expects {type} here, but {Describe("this", mismatch)}.", mismatch.Remedy
            ?? "Change the value, or that contract's 'input'.");

    public static DiagnosticDraft ChildFieldMissing(SourceSpan at, string child, string field, string type) =>
        Error("ONEX1180", at, $"the input of {child} requires '{Clip(field)}' ({type}) here.", $"Add '{Clip(field)}: ...' under 'with'.");

    public static DiagnosticDraft ChildFieldUnknown(SourceSpan at, string child, string field, IReadOnlyCollection<string> fields) =>
        Error("ONEX1180", at, $"the input of {child} allows no field '{Clip(field)}' here.", Suggest(field, "fields", fields));

    public static DiagnosticDraft ChildInputInvalid(SourceSpan at, string child, string problem) =>
        Error("ONEX1180", at, $"this does not match the input of {child}: {Clip(problem)}.", "Write a value that its 'input' allows.");

    public static DiagnosticDraft ChildFieldUndeclared(SourceSpan at, string child, string field, string nearest) =>
        new("ONEX1182", Severity.Warning, at, $"the input of {child} declares no field '{Clip(field)}'.",
            $"Did you mean '{Clip(nearest)}'? Undeclared fields are accepted, but probably ignored.");

    public static DiagnosticDraft ReturnsNeverMatches(SourceSpan at, string called, Mismatch mismatch) =>
        Error("ONEX1181", at, $"the result of {called} never matches 'returns': {Describe("the result", mismatch)}.",
            "Correct 'returns' or remove it: a result that does not match fails the step with 'result_invalid'.");

    // Declarations without effect.

    public static DiagnosticDraft CatchNeverTaken(SourceSpan at, string what, string code, bool isSagaCode, bool isRetriedCode,
        IReadOnlyCollection<string> codes) =>
        Warning("ONEX1183", at, $"nothing in {what} fails with the code '{Clip(code)}', so this entry is never taken.",
            isSagaCode ? "This code concerns the saga as a whole, so no 'catch' applies. A time limit has a 'next' of its own."
            : isRetriedCode
                ? "It is the code of a single attempt, which is retried; the step finally fails with 'step_failed' or 'step_timed_out'. "
                    + "Catch one of these, or map the response to a code with 'reject'."
            : Suggest(code, "codes", codes));

    public static DiagnosticDraft CatchAfterAll(SourceSpan at) =>
        Warning("ONEX1184", at, "an earlier entry has no 'error' and catches everything, so this one is never reached.",
            "Name codes in the earlier entry, or move it to the end.");

    public static DiagnosticDraft CaughtBefore(SourceSpan at, string code) =>
        Warning("ONEX1184", at, $"an earlier entry already catches '{Clip(code)}'.", "Keep the code in one of them.");

    public static DiagnosticDraft TextNotEvaluated(SourceSpan at, string text, string expression) =>
        Warning("ONEX1185", at, $"'{Clip(text)}' is literal text here: only '${{...}}' is evaluated.",
            $"Write ${{{Clip(expression)}}} for the value. If the text is intended, write it as a constant: ${{'{Clip(text)}'}}.");

    public static DiagnosticDraft KeyNotEvaluated(SourceSpan at, string key) =>
        Warning("ONEX1185", at, $"the key '{Clip(key)}' is literal: only values are evaluated.",
            "Create the whole map with an expression: \"${{input.name: input.value}}\".");

    public static DiagnosticDraft NameNotEvaluated(SourceSpan at, string what) =>
        Warning("ONEX1185", at, $"{what} is a literal name: '${{...}}' is not evaluated in it.",
            "Write the name. For several names, write several entries.");

    public static DiagnosticDraft InitialNotEvaluated(SourceSpan at, string field) =>
        Warning("ONEX1185", at, $"the initial value of '{Clip(field)}' is a constant: this text is stored as it is, not evaluated.",
            $"To compute the value, set the field in a state: 'set: {{ {Clip(field)}: ... }}'.");

    public static DiagnosticDraft ArgumentUnexpected(SourceSpan at, string operation, string argument) =>
        Warning("ONEX1186", at, $"services do not expect '{argument}' in '{operation}': most ignore it, and some reject it.",
            "Use 'query' or the path instead, or call 'http.post'.");

    public static DiagnosticDraft KeyReserved(SourceSpan at, string operation, string argument, string key) =>
        Warning("ONEX1186", at, $"'{Clip(key)}' under '{argument}' of '{operation}' is set by Onex and cannot be set by a step.",
            "Remove it: Onex sets it.");

    public static DiagnosticDraft UnusedData(SourceSpan at, string field) =>
        Warning("ONEX1187", at, $"'data.{Clip(field)}' is never written or read.", "Remove it, or write it with 'save' or 'set'.");

    public static DiagnosticDraft DataNeverSet(SourceSpan at, string field) =>
        Warning("ONEX1187", at, $"'data.{Clip(field)}' is read but never written.",
            "Write it with 'save' or 'set', or give it an initial value.");

    public static DiagnosticDraft UnusedRetry(SourceSpan at, string name) =>
        Warning("ONEX1188", at, $"no step uses the retry policy '{Clip(name)}'.",
            $"Write 'retry: {Clip(name)}' at a step, or remove it.");

    public static DiagnosticDraft UnusedConnection(SourceSpan at, string name) =>
        Warning("ONEX1189", at, $"no contract here uses the connection '{Clip(name)}'.",
            "Remove it, unless sagas of removed contract versions still use it.");

    public static DiagnosticDraft NeverCompletes(SourceSpan at, string initial) =>
        Warning("ONEX1190", at, $"no completed end is reachable from '{Clip(initial)}': every saga of this contract fails.",
            "Add a state with 'end: completed' and a transition to it.");

    public static DiagnosticDraft EntryNeverTaken(SourceSpan at, string why, string remedy) =>
        Warning("ONEX1191", at, $"this entry is never taken: {why}.", remedy);

    public static DiagnosticDraft CompensationNeverRuns(SourceSpan at, string step) =>
        Warning("ONEX1192", at, $"step '{Clip(step)}' only runs past the pivot, where nothing is compensated.",
            "Remove 'compensate', or move the step before the pivot.");

    public static DiagnosticDraft RetryKeyUnused(SourceSpan at, string key) =>
        Warning("ONEX1193", at, $"with one attempt there is no delay, so '{key}' has no effect.",
            $"Raise 'attempts', or remove '{key}'.");
}
