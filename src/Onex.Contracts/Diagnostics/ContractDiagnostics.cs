using System.Globalization;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Text;
using static Onex.Contracts.Text.Spelling;

namespace Onex.Contracts.Diagnostics;

/// <summary>
/// All diagnostics of the compiler, by subject. Each has a page in <c>docs/errors</c> and an example in <c>tests/contracts/invalid</c>.
/// </summary>
internal static partial class ContractDiagnostics
{
    // The file.

    public static DiagnosticDraft YamlSyntax(SourceSpan at, string reason) =>
        Error("ONEX1001", at, $"invalid YAML or JSON: {reason}.",
            "Check the indentation, the quotes and the brackets here and just above.");

    public static DiagnosticDraft YamlFeature(SourceSpan at, string feature) =>
        Error("ONEX1002", at, $"{feature} is not allowed here.",
            feature switch
            {
                "a tag" => "Write the value plainly. If this is an expression that begins with '!', quote it: '!x'.",
                "a second document" => "One file is one document: move the other to a file of its own.",
                _ => "Repeat the value where it is used. If it is text that begins with '&' or '*', quote it.",
            });

    public static DiagnosticDraft DuplicateKey(SourceSpan at, string key) =>
        Error("ONEX1003", at, $"the key '{Clip(key)}' is duplicated.", "Remove or rename one of them.");

    public static DiagnosticDraft NotUtf8(SourceSpan at) =>
        Error("ONEX1004", at, "the file is not UTF-8.", "Save it as UTF-8.");

    public static DiagnosticDraft TooLarge(long bytes) =>
        Error("ONEX1005", SourceSpan.Start, $"the file has {Plural.Format(bytes, "byte")}; {Number(Limits.FileBytesMax)} are allowed.",
            "Split the contract, or move its schemas to files of their own.");

    public static DiagnosticDraft TooDeep(SourceSpan at, int depthMax) =>
        Error("ONEX1006", at, $"this is nested deeper than {depthMax} levels.", "Flatten it, or raise ONEX_MAX_DEPTH.");

    public static DiagnosticDraft NoContracts(string problem) =>
        Error("ONEX1007", SourceSpan.Start, problem,
            "Put a contract there (*.yaml, not below runtime/, connections/, schemas/ or operations/), or set CONTRACTS_DIR to the "
                + "directory that has them.");

    public static DiagnosticDraft IgnoredFile(string name) =>
        new("ONEX1008", Severity.Warning, SourceSpan.Start, $"'{name}' is not read: contracts end in '.yaml'.",
            "Rename it to end in '.yaml', or remove it.");

    public static DiagnosticDraft Unreadable(SourceSpan at, string path, string reason) =>
        Error("ONEX1009", at, $"'{Clip(path)}' cannot be read: {reason}", "Check that it exists and that this user may read it.");

    // Keys and values.

    public static DiagnosticDraft UnknownKey(SourceSpan at, string where, string key, IReadOnlyCollection<string> known) =>
        Error("ONEX1010", at, $"{where} has no key '{Clip(key)}'.", Suggest(key, "keys", known));

    public static DiagnosticDraft NotSupportedYet(SourceSpan at, string what) =>
        Error("ONEX1011", at, $"'{Clip(what)}' is part of the contract language, but this version does not support it yet.",
            "Leave it out for now.");

    public static DiagnosticDraft WrongType(SourceSpan at, string what, string expected, string found) =>
        Error("ONEX1012", at, $"{what} must be {expected}, not {found}.", $"Write {expected} here.");

    public static DiagnosticDraft MissingKey(SourceSpan at, string where, string key, string remedy) =>
        Error("ONEX1013", at, $"{where} needs '{key}'.", remedy);

    public static DiagnosticDraft KeysExclude(SourceSpan at, string where, string key, string other, string remedy) =>
        Error("ONEX1014", at, $"{where} cannot have both '{key}' and '{other}'.", remedy);

    // Names.

    public static DiagnosticDraft BadContractName(SourceSpan at, string name, string reason) =>
        Error("ONEX1015", at, $"'{Clip(name)}' is not a valid name for a contract: {reason}.",
            $"Use lower-case letters, digits and dashes, a letter first, at most {Limits.NameLengthMax} characters: 'order-fulfilment'.");

    public static DiagnosticDraft BadVersion(SourceSpan at, string version) =>
        Error("ONEX1016", at, $"'{Clip(version)}' is not a semantic version.", "Write three numbers with dots: 1.0.0.");

    public static DiagnosticDraft BadName(SourceSpan at, string what, string name, bool allowsDashes) =>
        Error("ONEX1017", at, $"'{Clip(name)}' is not a valid name for {what}.",
            $"Use letters, digits and '_'{(allowsDashes ? " and '-'" : "")}, no digit first, at most {Limits.NameLengthMax} characters, "
                + "and no keyword of the expression language.");

    public static DiagnosticDraft ReservedAggregate(SourceSpan at, string name) =>
        Error("ONEX1017", at, $"'{name}' is not a valid name for an aggregate.",
            "Give it another name: the result of an 'each' always has 'completed' and 'failed'.");

    public static DiagnosticDraft ReservedState(SourceSpan at, string name) =>
        Error("ONEX1018", at, $"'{name}' is a reserved name of a state.", "Give the state another name.");

    public static DiagnosticDraft DuplicateStep(SourceSpan at, string id, string state) =>
        Error("ONEX1019", at, $"state '{state}' already has a step '{id}'.",
            "Give one of the steps another id: ids are unique in the whole contract.");

    public static DiagnosticDraft TooMany(SourceSpan at, string what, int limit, string? setting = null) =>
        Error("ONEX1020", at, $"there are too many {what}; the limit is {Number(limit)}.",
            setting is null ? "Split the contract." : $"Split the contract, or raise {setting}.");

    public static DiagnosticDraft MoreProblems(SourceSpan at) =>
        Error("ONEX1021", at, $"this file has more problems than the first {Limits.DiagnosticsPerFileMax - 1} shown.",
            "Fix these first.");

    public static DiagnosticDraft SameIdentity(SourceSpan at, string name, string version, string otherPath) =>
        Error("ONEX1022", at, $"contract '{name}' {version} is also in '{otherPath}', with different content.",
            "Raise the version of one of them, or rename it.");

    // States.

    public static DiagnosticDraft UnknownState(SourceSpan at, string name, IReadOnlyCollection<string> states) =>
        Error("ONEX1023", at, $"there is no state '{Clip(name)}'.", Suggest(name, "states", states));

    public static DiagnosticDraft UnreachableState(SourceSpan at, string name) =>
        Error("ONEX1024", at, $"state '{name}' is unreachable.",
            "Add a transition to it ('next', 'choose', 'catch', 'on_event', 'timeout' or 'on_failure'), or remove it.");

    public static DiagnosticDraft EndlessState(SourceSpan at, string name, bool isPastPivot) =>
        Error("ONEX1025", at, "no end is reachable from state "
            + $"'{name}'{(isPastPivot ? " past the pivot, where 'any_state' and 'deadline' do not apply" : "")}.",
            "Add a 'next', 'choose', 'on_event' or 'timeout' that leads to a state with 'end'.");

    public static DiagnosticDraft LastChoiceGuarded(SourceSpan at) =>
        Error("ONEX1026", at, "the last entry of 'choose' has a guard, so there may be no transition.",
            "Add an entry without 'when' at the end: - next: some_state");

    public static DiagnosticDraft ChoiceAfterAlways(SourceSpan at) =>
        Error("ONEX1027", at, "the entry before this one has no guard, so this one is never reached.",
            "Give that one a 'when', or move it to the end.");

    public static DiagnosticDraft NoTransitionOut(SourceSpan at, string name) =>
        Error("ONEX1028", at, $"state '{name}' has no transition.",
            "Add 'next: some_state', 'choose' or 'end: completed', or, for a state that waits, 'on_event' or 'timeout'.");

    public static DiagnosticDraft FaultMissing(SourceSpan at, string target) =>
        Error("ONEX1029", at, $"this transition to the compensating state '{target}' sets no fault.",
            "Add 'fault: some_code' beside 'next': the failed end responds with this code.");

    // Operations.

    public static DiagnosticDraft UnknownOperation(SourceSpan at, string name, IReadOnlyCollection<string> operations) =>
        Error("ONEX1030", at, $"there is no operation '{Clip(name)}'.",
            EnabledOperations.MustBeNamed(name)
                ? $"It runs code, so it is off unless handlers.enabled in runtime_config.yaml names '{name.Split('.')[0]}', "
                    + "with the prefixes of all other operations that contracts use."
                : LoadingHint(name, operations) + Suggest(name, "operations", operations));

    // If no known operation has the prefix, the file or plug-in that brings the operation was probably not loaded.
    private static string LoadingHint(string name, IReadOnlyCollection<string> operations) =>
        Nearest(name, operations) is null
        && !operations.Any(known => known.StartsWith(name.Split('.')[0] + ".", StringComparison.Ordinal))
            ? "An operation of a plug-in needs ONEX_PLUGINS_DIR (or --plugins), a remote one its declaration in operations/*.yaml. "
            : "";

    public static DiagnosticDraft WrongRole(SourceSpan at, string name, string kind, string rightKind) =>
        Error("ONEX1031", at, $"'{name}' is not for '{kind}' steps.", $"Write '{rightKind}: {name}'.");

    public static DiagnosticDraft ConnectionMissing(SourceSpan at, string operation, string type, IReadOnlyCollection<string> fitting) =>
        Error("ONEX1032", at, $"'{operation}' needs a connection of type '{type}'.",
            "Add 'connection: some_name'"
            + (operation.StartsWith("http.", StringComparison.Ordinal) ? " and a 'path' under 'with', or a whole 'url' there. " : ". ")
            + (fitting.Count == 0 ? $"No connection of type '{type}' is configured." : $"Connections of that type: {Listed(fitting)}."));

    public static DiagnosticDraft UnknownConnection(SourceSpan at, string name, IReadOnlyCollection<string> connections) =>
        Error("ONEX1033", at, $"there is no connection '{Clip(name)}'.",
            Suggest(name, "connections", connections) + " Connections are declared in connections/*.yaml.");

    public static DiagnosticDraft WrongConnection(SourceSpan at, string name, string type, string operation, string needed) =>
        Error("ONEX1034", at, $"connection '{name}' has type '{type}', but '{operation}' needs type '{needed}'.",
            $"Name a connection of type '{needed}', or use an operation of '{type}'.");

    public static DiagnosticDraft ConnectionNotTaken(SourceSpan at, string operation) =>
        Error("ONEX1035", at, $"'{operation}' does not use a connection.", "Remove 'connection'.");

    public static DiagnosticDraft UnknownArgument(SourceSpan at, string operation, string argument, IReadOnlyCollection<string> known) =>
        Error("ONEX1036", at, $"'{operation}' has no argument '{Clip(argument)}'.", Suggest(argument, "arguments", known));

    public static DiagnosticDraft ArgumentMissing(SourceSpan at, string operation, string argument, string type) =>
        Error("ONEX1037", at, $"'{operation}' needs the argument '{argument}' ({type}).", $"Add '{argument}' under 'with'.");

    public static DiagnosticDraft ArgumentWrong(SourceSpan at, string argument, string type, string found) =>
        Error("ONEX1038", at, $"the argument '{Clip(argument)}' must be {type}, not {found}.",
            "Write a value of that type, or an expression that gives one: \"${...}\".");

    public static DiagnosticDraft ExpressionInConstant(SourceSpan at, string argument) =>
        Error("ONEX1039", at, $"the argument '{Clip(argument)}' is constant and cannot contain '${{...}}'.",
            "Write a constant. For a literal '${' write '$${'. Pass variable values in the operation's other arguments.");

    public static DiagnosticDraft ExpressionNotBare(SourceSpan at, string argument, IReadOnlyList<string> names) =>
        Error("ONEX1039", at, $"the argument '{Clip(argument)}' is an expression and cannot contain '${{...}}'.",
            $"Write it bare. It reads {string.Join(", ", names.Select(name => $"'{name}'"))}; pass values of the saga under 'values'.");

    public static DiagnosticDraft CompensationMissing(SourceSpan at, string step, string operation) =>
        Error("ONEX1040", at, $"step '{step}' changes the world ('{operation}') but has no compensation.",
            "Add 'compensate: { effect: ..., with: ... }' or 'compensate: { none: \"the reason\" }', or move the step past the pivot.");

    public static DiagnosticDraft UnknownOutcomeUnhandled(SourceSpan at, string step, string operation) =>
        new("ONEX1130", Severity.Warning, at,
            $"it may remain unknown whether step '{step}' ('{operation}') took effect; without 'when_unknown' the saga will be blocked.",
            "Add 'when_unknown: run' to compensate it anyway, 'when_unknown: assume_not_done' if that is safe, or 'when_unknown: block' "
                + "to let an operator decide.");

    // Expressions.

    public static DiagnosticDraft QuoteExpression(SourceSpan at, string quoted) =>
        Error("ONEX1041", at, "YAML misreads this expression.", $"Quote this expression: {Clip(quoted)}");

    public static DiagnosticDraft QuoteValue(SourceSpan at, string quoted) =>
        Error("ONEX1041", at, "YAML misreads this value.", $"Quote it: {Clip(quoted)}");

    public static DiagnosticDraft ExpressionWrong(SourceSpan at, string problem, string remedy) =>
        Error("ONEX1042", at, $"{problem.TrimEnd('.')}.", Sentence(remedy));

    public static DiagnosticDraft UnknownName(SourceSpan at, string name, string remedy) =>
        Error("ONEX1043", at, $"'{Clip(name)}' is not available here.", remedy);

    public static DiagnosticDraft UndeclaredField(SourceSpan at, string field, IReadOnlyCollection<string> fields) =>
        Error("ONEX1044", at, $"'data' declares no field '{Clip(field)}'.", Suggest(field, "fields", fields));

    public static DiagnosticDraft UndeclaredStep(SourceSpan at, string step, IReadOnlyCollection<string> steps) =>
        Error("ONEX1045", at, $"there is no step '{Clip(step)}'.", Suggest(step, "steps", steps));

    public static DiagnosticDraft StepWithoutResult(SourceSpan at, string step) =>
        Error("ONEX1045", at, $"step '{Clip(step)}' has no result.",
            "Read the result of a step with 'effect', 'compute' or 'saga', or a field of 'data'.");

    public static DiagnosticDraft UnclosedTemplate(SourceSpan at) =>
        Error("ONEX1046", at, "this '${' is not closed.", "Close it with '}'. For a literal '${' write '$${'.");

    // Durations, retries, types, schemas.

    public static DiagnosticDraft BadDuration(SourceSpan at, string text) =>
        Error("ONEX1047", at, $"'{Clip(text)}' is not a duration.",
            "Write a number and a unit, above zero: 200ms, 1.5s, 2m, 1h30m, 7d."
                + (text.Contains("${", StringComparison.Ordinal) ? " A time that is computed needs 'wait: { until: now + ... }'." : ""));

    public static DiagnosticDraft UnknownRetry(SourceSpan at, string name, IReadOnlyCollection<string> retries) =>
        Error("ONEX1048", at, $"'retries' has no policy '{Clip(name)}'.", Suggest(name, "policies", retries));

    public static DiagnosticDraft OutOfRange(SourceSpan at, string what, string range) =>
        Error("ONEX1049", at, $"'{what}' must be {range}.", "Change the number.");

    public static DiagnosticDraft BadDataType(SourceSpan at, string text, string reason) =>
        Error("ONEX1050", at, $"'{Clip(text)}' is not a type: {reason}.",
            "Types: string, bool, int, double, bytes, timestamp, duration, any, list(T), map(T), T?, { field: T }, { $ref: file.json }.");

    public static DiagnosticDraft InitialWrong(SourceSpan at, string field, string problem) =>
        Error("ONEX1051", at, $"the initial value of '{field}' does not fit its type: {Clip(problem)}.", "Change the value or the type.");

    public static DiagnosticDraft SchemaKeyword(SourceSpan at, string keyword, IReadOnlyCollection<string> known) =>
        Error("ONEX1052", at, $"the schema keyword '{Clip(keyword)}' is not supported.",
            DidYouMean(keyword, known)
            + "Keywords that would be ignored are errors; docs/errors/ONEX1052.md lists the supported ones.");

    public static DiagnosticDraft SchemaWrong(SourceSpan at, string keyword, string expected) =>
        Error("ONEX1053", at, $"the schema keyword '{Clip(keyword)}' must be {expected}.", "Correct it as JSON Schema 2020-12 defines it.");

    public static DiagnosticDraft ReferenceWrong(SourceSpan at, string reference, string reason) =>
        Error("ONEX1054", at, $"'{Clip(reference)}' is not a valid reference: {reason}.",
            "Name a .json or .yaml file below the contracts directory, relative to this file, with an optional fragment: "
                + "schemas/order.json#/$defs/line");

    // Events and time.

    public static DiagnosticDraft UndeclaredEvent(SourceSpan at, string name, IReadOnlyCollection<string> events) =>
        Error("ONEX1055", at, $"'events' declares no event '{Clip(name)}'.", Suggest(name, "events", events));

    public static DiagnosticDraft UnusedEvent(SourceSpan at, string name) =>
        new("ONEX1056", Severity.Warning, at, $"no rule accepts the event '{Clip(name)}'.",
            "Add a rule for it under 'on_event' of a state or under 'any_state', or remove it: without a rule it is declined.");

    public static DiagnosticDraft RuleAfterAlways(SourceSpan at, string name) =>
        Error("ONEX1057", at, $"an earlier rule for '{Clip(name)}' has no guard, so this one is never reached.",
            "Give that one a 'when', or move it to the end.");

    public static DiagnosticDraft NextOrStay(SourceSpan at, string name, bool hasBoth) =>
        Error("ONEX1058", at, $"the rule for '{Clip(name)}' has {(hasBoth ? "both 'next' and 'stay'" : "neither 'next' nor 'stay'")}.",
            "Write 'next: some_state', or 'stay: true'.");

    public static DiagnosticDraft WaitBeyondDeadline(SourceSpan at, string what, string length, string deadline) =>
        Error("ONEX1059", at, $"{what} of {length} is not shorter than the deadline of {deadline}, so it never ends.",
            "Shorten it, or lengthen 'deadline'.");

    public static DiagnosticDraft StepAfterFail(SourceSpan at) =>
        Error("ONEX1060", at, "the step before this one always fails, so this one is never reached.",
            "Remove it, or move 'fail' to the end.");

    public static DiagnosticDraft UndeclaredEventField(SourceSpan at, string name, string field, IReadOnlyCollection<string> fields) =>
        Error("ONEX1061", at, $"the event '{Clip(name)}' declares no field '{Clip(field)}'.",
            fields.Count == 0 ? $"Declare it: {Clip(name)}: {{ data: {{ {Clip(field)}: string }} }}" : Suggest(field, "fields", fields));

    public static DiagnosticDraft ReservedEvent(SourceSpan at, string name) =>
        Error("ONEX1062", at, $"'{name}' is not a valid name for an event: it is a fault code of the engine.",
            "Rename the event: an event that leads to a compensating state or a failed end sets its name as the fault's code.");

    public static DiagnosticDraft RespondsAgain(SourceSpan at) =>
        Error("ONEX1063", at, "an earlier step has already responded, so this one has no effect.", "Remove one of them.");

    // Types.

    public static DiagnosticDraft GuardNotBool(SourceSpan at, string type) =>
        Error("ONEX1070", at, $"a guard must be a bool, but this is {type}.",
            "Compare the value: value > 0, value != \"\", value != null.");

    public static DiagnosticDraft KeyTypeWrong(SourceSpan at, string type) =>
        Error("ONEX1071", at, $"a key must be a string or an int, but this is {type}.", "Take another field, or convert it: string(...).");

    public static DiagnosticDraft AssignmentWrong(SourceSpan at, string field, string type, Mismatch mismatch) =>
        Error("ONEX1072", at, $"'{Clip(field)}' has type {Clip(type)}, but {Describe("this", mismatch)}.", mismatch.Remedy
            ?? $"Write a value that fits, or change the type of '{Clip(field)}' under 'data'.");

    public static DiagnosticDraft ArgumentMismatch(SourceSpan at, string argument, string type, Mismatch mismatch) =>
        Error("ONEX1073", at, $"the argument '{Clip(argument)}' has type {type}, but {Describe("this", mismatch)}.", mismatch.Remedy
            ?? "Write an expression of that type.");

    public static DiagnosticDraft UntilNotTimestamp(SourceSpan at, string type, bool isText) =>
        Error("ONEX1074", at, $"'until' must be a timestamp, but this is {type}.",
            isText ? "Convert it: timestamp(...)." : "Write a point in time: data.start_at, now + duration(\"5m\").");

    public static DiagnosticDraft OutputMismatch(SourceSpan at, string type, Mismatch mismatch) =>
        Error("ONEX1075", at, $"the schema under 'output' expects {type} here, but {Describe("this", mismatch)}.", mismatch.Remedy
            ?? "Change the value, or the schema.");

    public static DiagnosticDraft OutputFieldMissing(SourceSpan at, string field, string type) =>
        Error("ONEX1075", at, $"the schema under 'output' requires '{Clip(field)}' ({type}) here.",
            $"Add '{Clip(field)}: ...', or remove it from 'required'.");

    public static DiagnosticDraft OutputFieldUnknown(SourceSpan at, string field, IReadOnlyCollection<string> fields) =>
        Error("ONEX1075", at, $"the schema under 'output' allows no field '{Clip(field)}' here.", Suggest(field, "fields", fields));

    public static DiagnosticDraft TypesWrong(SourceSpan at, string problem, string remedy) =>
        Error("ONEX1076", at, $"{problem.TrimEnd('.')}.", Sentence(remedy));

    public static DiagnosticDraft UnknownField(SourceSpan at, string problem, string remedy) =>
        Error("ONEX1077", at, $"{problem.TrimEnd('.')}.", Sentence(remedy));

    public static DiagnosticDraft TooCostly(SourceSpan at, double cost, int limit) =>
        Error("ONEX1078", at,
            $"this may cost {(cost < 1e15 ? Number((long)cost) : "more than 1,000,000,000,000,000")} units, but an evaluation may cost "
                + $"{Number(limit)}.",
            "Reduce nested loops, bound lists and texts in the schema (maxItems, maxLength), or set fields of 'data' step by step.");

    public static DiagnosticDraft DoubtfulField(SourceSpan at, string problem, string remedy) =>
        new("ONEX1079", Severity.Warning, at, $"{problem.TrimEnd('.')} in its schema.", Sentence(remedy));

    // Strict checks.

    public static DiagnosticDraft Untyped(SourceSpan at, string what) =>
        new("ONEX1120", Severity.Warning, at,
            $"the type of {Clip(what)} is unknown, so its use is checked only at run time.",
            "Declare the type in its schema, or with 'returns' at the step.");

    public static DiagnosticDraft MaybeMissing(SourceSpan at, string path) =>
        new("ONEX1121", Severity.Warning, at,
            $"'{Clip(path)}' may be missing, because its schema does not require it; then reading it fails.",
            $"Require it in the schema, or test it first: has({Clip(path)}) ? {Clip(path)} : ...");

    // Describes the actual type and, if only a part of the value has it, the path of that part: items[].price
    private static string Describe(string what, Mismatch mismatch)
    {
        var place = Clip(mismatch.Path.TrimStart('.'));
        return mismatch.Value is null ? $"{what} has no '{place}' ({mismatch.Wanted})"
            : place.Length == 0 ? $"{what} is {mismatch.Value}"
            : $"{what} has {mismatch.Value} at '{place}', where {mismatch.Wanted} is expected";
    }

    // Branches, items, children.

    public static DiagnosticDraft JoinImpossible(SourceSpan at, int needed, int branches) =>
        Error("ONEX1064", at, $"{needed} branches can never complete: there {(branches == 1 ? "is" : "are")} "
            + $"{Plural.Format(branches, "branch")}.",
            "Lower 'at_least', or add branches.");

    public static DiagnosticDraft SavedTwice(SourceSpan at, string field) =>
        Error("ONEX1065", at, $"this branch and an earlier one both write '{Clip(field)}': the order of their writes is undefined.",
            "Save into two fields, or after the branches.");

    public static DiagnosticDraft UnknownContract(SourceSpan at, string name, IReadOnlyCollection<string> contracts) =>
        Error("ONEX1066", at, $"there is no contract '{Clip(name)}'.", Suggest(name, "contracts", contracts));

    public static DiagnosticDraft CallsItself(SourceSpan at, string chain) =>
        Error("ONEX1067", at, $"this contract waits for itself: {Clip(chain)}.",
            "Break the cycle. A saga that is started with 'detached: true' is not waited for.");

    public static DiagnosticDraft EachUnbounded(SourceSpan at, string step) =>
        Error("ONEX1068", at, $"step '{Clip(step)}' makes a call for each item, but the number of items is unbounded.",
            "Add 'at_most: 500' here, or 'maxItems' to the list's schema.");

    public static DiagnosticDraft LosersMisplaced(SourceSpan at, string why) =>
        Error("ONEX1069", at, $"'losers' has no effect here: {why}.",
            "Remove it. It belongs to a branch under 'join: any' or 'join: { at_least: n }'.");

    public static DiagnosticDraft ItemsNotList(SourceSpan at, string type) =>
        Error("ONEX1100", at, $"'item' must be a list, not {Clip(type)}.", "Name a list: each: { item: input.items, at_most: 500 }");

    public static DiagnosticDraft TooManyResults(SourceSpan at, string step, int itemsMax) =>
        Error("ONEX1101", at,
            $"step '{Clip(step)}' may have {Plural.Format(itemsMax, "item")}, but an expression can read the results of at most "
                + $"{Number(Limits.ResultsMax)}.",
            "Lower 'at_most', or do not save 'results' and 'failures': the items' rows hold them, and steps.<id>.completed counts them.");

    // Values that may be missing when they are read.

    public static DiagnosticDraft DataUnset(SourceSpan at, string field) =>
        Error("ONEX1102", at, $"'data.{Clip(field)}' is not set on every path that leads here.",
            $"Set it earlier, give it an initial value, or add '?' to its type, so it may be null. 'data.?{Clip(field)}' reads it if it "
                + "exists.");

    public static DiagnosticDraft StepNotDone(SourceSpan at, string step) =>
        Error("ONEX1103", at, $"step '{Clip(step)}' has not completed on every path that leads here.",
            $"Read it only after that step, or as 'steps.?{Clip(step)}', which exists if it has completed.");

    public static DiagnosticDraft NoFault(SourceSpan at) =>
        Error("ONEX1104", at, "on some path that leads here nothing has failed, so there is no 'fault'.",
            "Let only failures lead here, or set a fault on the other transitions: 'fault: some_code' beside 'next'.");

    public static DiagnosticDraft LoserRead(SourceSpan at, string step, string join) =>
        Error("ONEX1105", at, $"'{Clip(join)}' does not wait for all its branches, so step '{Clip(step)}' may not have completed.",
            $"Read it as 'steps.?{Clip(step)}', or test it first: has(steps.{Clip(step)}) ? ... : ...");

    public static DiagnosticDraft CycleWithoutProgress(SourceSpan at, string state) =>
        Error("ONEX1106", at, $"state '{Clip(state)}' leads back to itself without a call, a wait or a counter.",
            "Add a call or a wait to a state of the cycle, or count in 'set' and end the cycle with a guard.");

    public static DiagnosticDraft RetryTooLong(SourceSpan at, int attempts, string delays, string what, string limit) =>
        Error("ONEX1107", at, $"the delays between {attempts} attempts add up to {delays}, but {what} is {limit}, so the last attempts "
            + "never start.",
            "Lower 'attempts', 'first' or 'factor', or allow more time.");

    public static DiagnosticDraft RetryBeyondLedger(SourceSpan at, int attempts, string delays, string limit) =>
        Error("ONEX1150", at, $"the delays between {attempts} attempts can add up to {delays}, but no attempt begins later than {limit} "
            + "after the first, because the effect ledger deletes outcomes after that time. The last attempts never start.",
            "Lower 'attempts', 'first', 'factor' or 'max'. To retry after weeks, use 'wait' in a state of its own.");

    public static DiagnosticDraft UnknownReadsSaved(SourceSpan at, string field) =>
        Error("ONEX1170", at, $"the step itself saves 'data.{Clip(field)}', and this compensation also runs when it is unknown whether "
            + "the step completed.",
            "Read 'command_id' or 'input', or set the field in an earlier step.");

    public static DiagnosticDraft NullInText(SourceSpan at, string expression, bool isText) =>
        Error("ONEX1171", at, $"'{Clip(expression)}' may be null here, and null cannot be part of a text.",
            isText
                ? $"Test it first: {Clip(expression)} == null ? '-' : {Clip(expression)}, or write "
                    + $"optional.ofNonZeroValue({Clip(expression)}).orValue('-')."
                : $"Test it first: {Clip(expression)} == null ? '-' : string({Clip(expression)}).");

    public static DiagnosticDraft ConstantFails(SourceSpan at, string problem, string remedy) =>
        Error("ONEX1172", at, $"{Clip(problem.TrimEnd('.'))}, every time this is evaluated.", Sentence(remedy));

    // Schedules.

    public static DiagnosticDraft ScheduleTimes(SourceSpan at, bool hasBoth) =>
        Error("ONEX1110", at, $"'schedule' has {(hasBoth ? "both 'every' and 'cron'" : "neither 'every' nor 'cron'")}.",
            "Write 'every: 1h', or 'cron: \"0 3 * * *\"'.");

    public static DiagnosticDraft BadCron(SourceSpan at, string text, string reason) =>
        Error("ONEX1111", at, $"'{Clip(text)}' is not a valid cron expression: {reason}.",
            "Write five fields: minute, hour, day of the month, month, day of the week. \"0 3 * * *\" is three o'clock every night.");

    public static DiagnosticDraft UnknownTimeZone(SourceSpan at, string name, IReadOnlyCollection<string> zones) =>
        Error("ONEX1112", at, $"there is no time zone '{Clip(name)}'.",
            DidYouMean(name, zones) + "Name one of the IANA database: Europe/Zurich, or UTC.");

    public static DiagnosticDraft ScheduleInputWrong(SourceSpan at, string problem) =>
        Error("ONEX1113", at, $"the input of the schedule does not match the contract's 'input': {Clip(problem)}.",
            "Write 'input: { ... }' with constants under 'schedule': every saga that it starts gets this input.");

    public static DiagnosticDraft ScheduleTooOften(SourceSpan at) =>
        Error("ONEX1114", at, "a schedule starts at most one saga per second.", "Lengthen 'every', or let one saga do more.");

    public static DiagnosticDraft ScheduleKeyWrong(SourceSpan at, string problem) =>
        Error("ONEX1115", at, $"the input of the schedule yields no business key: {Clip(problem.TrimEnd('.'))}.",
            "Change 'input' under 'schedule', or 'key', which must be text or an int.");

    // Examples.

    public static DiagnosticDraft ScriptWrong(SourceSpan at, string step, string problem, string remedy) =>
        Error("ONEX1090", at, $"the script of '{Clip(step)}' {problem}.", remedy);

    public static DiagnosticDraft ExampleInputWrong(SourceSpan at, string problem) =>
        Error("ONEX1091", at, $"this is not a valid input of the contract: {Clip(problem)}.",
            "Write the payload of a request, which the schema 'input' describes.");

    public static DiagnosticDraft ExampleEventWrong(SourceSpan at, string name, string problem) =>
        Error("ONEX1092", at, $"this is not a valid payload of the event '{Clip(name)}': {Clip(problem)}.",
            "Write the fields under 'with' that 'data' of the event declares.");

    public static DiagnosticDraft DuplicateExample(SourceSpan at, string name) =>
        Error("ONEX1093", at, $"the name '{Clip(name)}' belongs to an earlier example.", "Give this example another name.");

    public static DiagnosticDraft ExampleBroken(ExampleProblem problem) =>
        Error(
            problem.Kind switch
            {
                ExampleProblemKind.NotScripted => "ONEX1095",
                ExampleProblemKind.Endless => "ONEX1096",
                ExampleProblemKind.NotSent => "ONEX1097",
                _ => "ONEX1094",
            },
            problem.At, $"the example '{Clip(problem.Example)}' fails: {problem.What.TrimEnd('.')}.", problem.Remedy);

    // Domain events.

    public static DiagnosticDraft BadTopic(SourceSpan at, string topic) =>
        Error("ONEX1116", at, $"'{Clip(topic)}' is not a valid name for a topic.",
            $"Use letters, digits, '.', '_' and '-', at most {Limits.TopicLengthMax} of them: orders.packed");

    public static DiagnosticDraft OwnTopic(SourceSpan at, string topic) =>
        Error("ONEX1117", at, $"'{Clip(topic)}' is a topic of Onex itself, to which contracts cannot emit.",
            "Use a topic of your own. To start another contract, use 'saga: its-name' and 'detached: true'.");

    public static DiagnosticDraft OperationsMisplaced(SourceSpan at) =>
        Error("ONEX1210", at, "this declares operations and is no contract.",
            "Move the file to the folder 'operations' below the contracts directory.");

    // Kinds of diagnostics.

    /// <summary>
    /// Whether the diagnostic is about a value and not about the structure of the contract, so the flow can still be checked.
    /// </summary>
    public static bool IsAboutValue(string code) =>
        code is "ONEX1040" or "ONEX1076" or "ONEX1077" or "ONEX1078" or "ONEX1171" or "ONEX1172" or "ONEX1180" or "ONEX1181"
        || (string.CompareOrdinal(code, "ONEX1070") >= 0 && string.CompareOrdinal(code, "ONEX1075") <= 0);

    /// <summary>Whether its rule may be newer than a registered contract, which is then exempt: ONEX1130 and above.</summary>
    public static bool IsLaterRule(string code) => string.CompareOrdinal(code, "ONEX1130") >= 0;

    // Failures and the pivot.

    public static DiagnosticDraft FailureLeadsBack(SourceSpan at, string state, IReadOnlyList<string> cycle) =>
        Error("ONEX1140", at,
            $"a failure in state '{Clip(state)}' leads back to it "
                + $"({string.Join(" -> ", cycle.Count > 8 ? [.. cycle.Take(7), "...", cycle[^1]] : cycle)}), so it repeats without "
                + "end while it fails.",
            "Add a 'catch' without 'error' there that leads to an end or a compensating state, or let the path back wait ('wait: 1m') or "
                + "count ('choose').");

    public static DiagnosticDraft PivotCompensates(SourceSpan at, string state, string target, bool isPivot) =>
        Error("ONEX1141", at,
            $"past the pivot nothing is compensated, but state '{Clip(state)}', which "
                + $"{(isPivot ? "is the pivot" : "is entered past it")}, leads to the compensating state '{Clip(target)}'.",
            "Lead to a state with 'end', or move the steps that can fail before the pivot.");

    // Values.

    public static DiagnosticDraft UnfitNumber(SourceSpan at, string text) =>
        Error("ONEX1160", at, $"the number {Clip(text)} fits neither a 64-bit integer nor a double.",
            $"Write it as text, '{Clip(text)}', as an integer from {long.MinValue} to {ulong.MaxValue}, "
                + "or with '.0' if it may be rounded.");

    // YAML that does not mean what it looks like.

    public static DiagnosticDraft ColonWithoutSpace(SourceSpan at, string text, string separated) =>
        Error("ONEX1200", at, $"YAML reads '{Clip(text)}' as one word: there is no blank after its colon.",
            $"Write {Clip(separated)}, or quote it if the colon belongs to the name: '{Clip(text)}'");

    public static DiagnosticDraft CurlyQuotes(SourceSpan at, string text, string straightQuoted) =>
        Error("ONEX1201", at, $"YAML reads the quotes of {Clip(text)} as part of the text: it only knows \" and '.",
            $"Write {Clip(straightQuoted)}, or quote all of it if those quotes are meant: '{Clip(text)}'");

    public static DiagnosticDraft TabIndents(SourceSpan at) =>
        Error("ONEX1202", at, "this line is indented with a tab, but YAML only accepts spaces.",
            "Replace it with spaces, aligned with the neighboring lines.");

    public static DiagnosticDraft SameContent(SourceSpan at, string name, string version, string otherPath) =>
        new("ONEX1203", Severity.Warning, at, $"contract '{name}' {version} is also in '{otherPath}', with the same content.",
            "Remove one of the files.");

    private static string Sentence(string text) =>
        text.Length == 0 ? text : $"{char.ToUpperInvariant(text[0])}{text[1..]}{(text[^1] is '.' or '?' or '!' ? "" : ".")}";

    private static DiagnosticDraft Error(string code, SourceSpan at, string problem, string remedy) =>
        new(code, Severity.Error, at, problem, remedy);

    private static DiagnosticDraft Warning(string code, SourceSpan at, string problem, string remedy) =>
        new(code, Severity.Warning, at, problem, remedy);

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
