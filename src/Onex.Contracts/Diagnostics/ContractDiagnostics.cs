using System.Globalization;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Text;
using static Onex.Contracts.Text.Spelling;

namespace Onex.Contracts.Diagnostics;

/// <summary>
/// Every complaint the compiler can make, in code order. Each has a page in <c>docs/errors</c> and an example in
/// <c>tests/contracts/invalid</c>.
/// </summary>
internal static partial class ContractDiagnostics
{
    // The file.

    public static DiagnosticDraft YamlSyntax(SourceSpan at, string reason) =>
        Error("ONEX1001", at, $"this cannot be read: {reason}.", "Check the indentation, the quotes and the brackets here and just above.");

    public static DiagnosticDraft YamlFeature(SourceSpan at, string feature) =>
        Error("ONEX1002", at, $"{feature} is not allowed here.",
            feature switch
            {
                "a tag" => "Write the value plainly. If this is an expression that begins with '!', quote it: '!x'.",
                "a second document" => "One file is one document: move the other to a file of its own.",
                _ => "Write the value out where it is used. If it is text that begins with '&' or '*', quote it.",
            });

    public static DiagnosticDraft DuplicateKey(SourceSpan at, string key) =>
        Error("ONEX1003", at, $"'{Clip(key)}' is here twice.", "Remove or rename one of them.");

    public static DiagnosticDraft NotUtf8(SourceSpan at) =>
        Error("ONEX1004", at, "the file is not UTF-8.", "Save it as UTF-8.");

    public static DiagnosticDraft TooLarge(long bytes) =>
        Error("ONEX1005", SourceSpan.Start, $"the file has {Plural.Format(bytes, "byte")}; {Number(Limits.FileBytesMax)} are allowed.",
            "Split the contract, or move its schemas to files of their own.");

    public static DiagnosticDraft TooDeep(SourceSpan at, int depthMax) =>
        Error("ONEX1006", at, $"this is nested deeper than {depthMax} levels.", "Flatten it.");

    public static DiagnosticDraft NoContracts(string problem) =>
        Error("ONEX1007", SourceSpan.Start, problem,
            "Put a contract there (*.yaml, not below runtime/, connections/ or schemas/), or set CONTRACTS_DIR to the directory that has them.");

    public static DiagnosticDraft IgnoredFile(string name) =>
        new("ONEX1008", Severity.Warning, SourceSpan.Start, $"'{name}' is not read: contracts end in '.yaml'.",
            "Rename it to end in '.yaml', or remove it.");

    public static DiagnosticDraft Unreadable(SourceSpan at, string path, string reason) =>
        Error("ONEX1009", at, $"'{Clip(path)}' cannot be read: {reason}", "Check that it exists and that this user may read it.");

    // Keys and values.

    public static DiagnosticDraft UnknownKey(SourceSpan at, string where, string key, IReadOnlyCollection<string> known) =>
        Error("ONEX1010", at, $"{where} has no key '{Clip(key)}'.", Suggest(key, "keys", known));

    public static DiagnosticDraft NotSupportedYet(SourceSpan at, string what) =>
        Error("ONEX1011", at, $"'{Clip(what)}' belongs to the contract language, but this version does not have it yet.",
            "Leave it out for now.");

    public static DiagnosticDraft WrongType(SourceSpan at, string what, string expected, string found) =>
        Error("ONEX1012", at, $"{what} must be {expected}, not {found}.", $"Write {expected} here.");

    public static DiagnosticDraft MissingKey(SourceSpan at, string where, string key, string remedy) =>
        Error("ONEX1013", at, $"{where} needs '{key}'.", remedy);

    public static DiagnosticDraft KeysExclude(SourceSpan at, string where, string key, string other, string remedy) =>
        Error("ONEX1014", at, $"{where} cannot have both '{key}' and '{other}'.", remedy);

    // Names.

    public static DiagnosticDraft BadContractName(SourceSpan at, string name, string reason) =>
        Error("ONEX1015", at, $"'{Clip(name)}' cannot name a contract: {reason}.",
            $"Use lower-case letters, digits and dashes, a letter first, at most {Limits.NameLengthMax} characters: 'order-fulfilment'.");

    public static DiagnosticDraft BadVersion(SourceSpan at, string version) =>
        Error("ONEX1016", at, $"'{Clip(version)}' is not a semantic version.", "Write three numbers with dots: 1.0.0.");

    public static DiagnosticDraft BadName(SourceSpan at, string what, string name, bool dashes) =>
        Error("ONEX1017", at, $"'{Clip(name)}' cannot name {what}.",
            $"Use letters, digits and '_'{(dashes ? " and '-'" : "")}, no digit first, at most {Limits.NameLengthMax} characters, and no word of the expression language.");

    public static DiagnosticDraft ReservedState(SourceSpan at, string name) =>
        Error("ONEX1018", at, $"'{name}' is a state of every contract and cannot be declared.", "Give the state another name.");

    public static DiagnosticDraft DuplicateStep(SourceSpan at, string id, string state) =>
        Error("ONEX1019", at, $"state '{state}' already has a step '{id}'.",
            "Give one of the steps another id: ids are unique in the whole contract.");

    public static DiagnosticDraft TooMany(SourceSpan at, string what, int most) =>
        Error("ONEX1020", at, $"there are too many {what}; the limit is {Number(most)}.", "Split the contract.");

    public static DiagnosticDraft MoreProblems(SourceSpan at) =>
        Error("ONEX1021", at, $"more may be wrong with this file than the first {Limits.DiagnosticsPerFileMax - 1} problems shown.",
            "Put these right first.");

    public static DiagnosticDraft SameIdentity(SourceSpan at, string name, string version, string otherPath) =>
        Error("ONEX1022", at, $"contract '{name}' {version} is in '{otherPath}' too, with other content.",
            "Raise the version of one of them, or rename it.");

    // States.

    public static DiagnosticDraft UnknownState(SourceSpan at, string name, IReadOnlyCollection<string> states) =>
        Error("ONEX1023", at, $"there is no state '{Clip(name)}'.", Suggest(name, "states", states));

    public static DiagnosticDraft UnreachableState(SourceSpan at, string name) =>
        Error("ONEX1024", at, $"nothing leads to state '{name}'.", "Lead to it with 'next', 'choose', 'catch', 'on_event', 'timeout' or 'on_failure', or remove it.");

    public static DiagnosticDraft EndlessState(SourceSpan at, string name, bool pastPivot) =>
        Error("ONEX1025", at, $"no way leads from state '{name}' to an end{(pastPivot ? " past the pivot, where 'any_state' and 'deadline' do not apply" : "")}.",
            "Add a 'next', a 'choose', an 'on_event' or a 'timeout' that leads to a state with 'end'.");

    public static DiagnosticDraft LastChoiceGuarded(SourceSpan at) =>
        Error("ONEX1026", at, "the last entry of 'choose' has a guard, so that there may be no way on.",
            "Add an entry without 'when' at the end: - next: some_state");

    public static DiagnosticDraft ChoiceAfterAlways(SourceSpan at) =>
        Error("ONEX1027", at, "the entry before this one has no guard, so that this one is never reached.",
            "Give that one a 'when', or move it to the end.");

    public static DiagnosticDraft NoTransitionOut(SourceSpan at, string name) =>
        Error("ONEX1028", at, $"state '{name}' does not say where it leads.", "Add 'next: some_state', 'choose', or 'end: completed'; for a state that waits, 'on_event' or 'timeout'.");

    public static DiagnosticDraft FaultMissing(SourceSpan at, string target) =>
        Error("ONEX1029", at, $"this leads to the compensating state '{target}' without saying why.",
            "Add 'fault: some_code' beside 'next': it is what the failed end answers with.");

    // Operations.

    public static DiagnosticDraft UnknownOperation(SourceSpan at, string name, IReadOnlyCollection<string> operations) =>
        Error("ONEX1030", at, $"there is no operation '{Clip(name)}'.", Suggest(name, "operations", operations));

    public static DiagnosticDraft WrongRole(SourceSpan at, string name, string kind, string right) =>
        Error("ONEX1031", at, $"'{name}' is not for '{kind}' steps.", $"Write '{right}: {name}'.");

    public static DiagnosticDraft ConnectionMissing(SourceSpan at, string operation, string type, IReadOnlyCollection<string> fitting) =>
        Error("ONEX1032", at, $"'{operation}' needs a connection of type '{type}'.",
            "Add 'connection: some_name'"
            + (operation.StartsWith("http.", StringComparison.Ordinal) ? " and a 'path' under 'with', or a whole 'url' there. " : ". ")
            + (fitting.Count == 0 ? $"No connection of type '{type}' is configured." : $"Connections of that type: {Listed(fitting)}."));

    public static DiagnosticDraft UnknownConnection(SourceSpan at, string name, IReadOnlyCollection<string> connections) =>
        Error("ONEX1033", at, $"there is no connection '{Clip(name)}'.",
            Suggest(name, "connections", connections) + " Connections are declared in connections/*.yaml.");

    public static DiagnosticDraft WrongConnection(SourceSpan at, string name, string type, string operation, string needed) =>
        Error("ONEX1034", at, $"connection '{name}' is of type '{type}', but '{operation}' goes through '{needed}'.",
            $"Name a connection of type '{needed}', or use an operation of '{type}'.");

    public static DiagnosticDraft ConnectionNotTaken(SourceSpan at, string operation) =>
        Error("ONEX1035", at, $"'{operation}' takes no connection.", "Remove 'connection'.");

    public static DiagnosticDraft UnknownArgument(SourceSpan at, string operation, string argument, IReadOnlyCollection<string> known) =>
        Error("ONEX1036", at, $"'{operation}' takes no argument '{Clip(argument)}'.", Suggest(argument, "arguments", known));

    public static DiagnosticDraft ArgumentMissing(SourceSpan at, string operation, string argument, string type) =>
        Error("ONEX1037", at, $"'{operation}' needs the argument '{argument}' ({type}).", $"Add '{argument}' under 'with'.");

    public static DiagnosticDraft ArgumentWrong(SourceSpan at, string argument, string type, string found) =>
        Error("ONEX1038", at, $"the argument '{Clip(argument)}' must be {type}, not {found}.",
            "Write a value of that type, or an expression that gives one: \"${...}\".");

    public static DiagnosticDraft ExpressionInConstant(SourceSpan at, string argument) =>
        Error("ONEX1039", at, $"the argument '{Clip(argument)}' is constant and takes no '${{...}}'.",
            "Write the text out. For a literal '${' write '$${'. Values that vary go into the operation's other arguments.");

    public static DiagnosticDraft CompensationMissing(SourceSpan at, string step, string operation) =>
        Error("ONEX1040", at, $"step '{step}' changes the world ('{operation}'), but nothing says how it is taken back.",
            "Add 'compensate: { effect: ..., with: ... }', or 'compensate: { none: \"the reason\" }', or move it behind the pivot.");

    public static DiagnosticDraft UnknownOutcomeUnhandled(SourceSpan at, string step, string operation) =>
        new("ONEX1130", Severity.Warning, at,
            $"it may stay unknown whether step '{step}' ('{operation}') happened, and nothing says what holds then: the saga will be blocked.",
            "Add 'when_unknown: run' to compensate it all the same, 'when_unknown: assume_not_done' if that is safe, or 'when_unknown: block' to have an operator decide.");

    // Expressions.

    public static DiagnosticDraft QuoteExpression(SourceSpan at, string quoted) =>
        Error("ONEX1041", at, "YAML misreads this expression.", $"Quote this expression: {Clip(quoted)}");

    public static DiagnosticDraft QuoteValue(SourceSpan at, string quoted) =>
        Error("ONEX1041", at, "YAML misreads this value.", $"Quote it: {Clip(quoted)}");

    public static DiagnosticDraft ExpressionWrong(SourceSpan at, string problem, string remedy) =>
        Error("ONEX1042", at, $"{problem.TrimEnd('.')}.", Sentence(remedy));

    public static DiagnosticDraft UnknownName(SourceSpan at, string name, string remedy) =>
        Error("ONEX1043", at, $"there is no '{Clip(name)}' in this place.", remedy);

    public static DiagnosticDraft UndeclaredField(SourceSpan at, string field, IReadOnlyCollection<string> fields) =>
        Error("ONEX1044", at, $"'data' declares no field '{Clip(field)}'.", Suggest(field, "fields", fields));

    public static DiagnosticDraft UndeclaredStep(SourceSpan at, string step, IReadOnlyCollection<string> steps) =>
        Error("ONEX1045", at, $"there is no step '{Clip(step)}'.", Suggest(step, "steps", steps));

    public static DiagnosticDraft StepWithoutResult(SourceSpan at, string step) =>
        Error("ONEX1045", at, $"step '{Clip(step)}' calls nothing, so that it has no result.", "Read the result of a step with 'effect' or 'compute', or a field of 'data'.");

    public static DiagnosticDraft UnclosedTemplate(SourceSpan at) =>
        Error("ONEX1046", at, "this '${' is not closed.", "Close it with '}'. For a literal '${' write '$${'.");

    // Durations, retries, types, schemas.

    public static DiagnosticDraft BadDuration(SourceSpan at, string text) =>
        Error("ONEX1047", at, $"'{Clip(text)}' is not a duration.", "Write a number and a unit, more than nothing: 200ms, 1.5s, 2m, 1h30m, 7d.");

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
            + "One that would be ignored is refused; docs/errors/ONEX1052.md lists those that are checked.");

    public static DiagnosticDraft SchemaWrong(SourceSpan at, string keyword, string expected) =>
        Error("ONEX1053", at, $"the schema keyword '{Clip(keyword)}' must be {expected}.", "Put it right as JSON Schema 2020-12 has it.");

    public static DiagnosticDraft ReferenceWrong(SourceSpan at, string reference, string reason) =>
        Error("ONEX1054", at, $"'{Clip(reference)}' cannot be referred to: {reason}.",
            "Name a .json or .yaml file below the contracts directory, relative to this file, and after '#' a place in it: schemas/order.json#/$defs/line");

    // Events and time.

    public static DiagnosticDraft UndeclaredEvent(SourceSpan at, string name, IReadOnlyCollection<string> events) =>
        Error("ONEX1055", at, $"'events' declares no event '{Clip(name)}'.", Suggest(name, "events", events));

    public static DiagnosticDraft UnusedEvent(SourceSpan at, string name) =>
        new("ONEX1056", Severity.Warning, at, $"nothing wants the event '{Clip(name)}'.",
            "Name it under 'on_event' of a state or under 'any_state', or remove it: whoever sends it is told that nobody wants it.");

    public static DiagnosticDraft RuleAfterAlways(SourceSpan at, string name) =>
        Error("ONEX1057", at, $"a rule for '{Clip(name)}' before this one has no guard, so that this one is never reached.",
            "Give that one a 'when', or move it to the end.");

    public static DiagnosticDraft NextOrStay(SourceSpan at, string name, bool both) =>
        Error("ONEX1058", at, $"the rule for '{Clip(name)}' says {(both ? "both where it leads and that the saga stays" : "neither where it leads nor that the saga stays")}.",
            "Write 'next: some_state', or 'stay: true'.");

    public static DiagnosticDraft WaitBeyondDeadline(SourceSpan at, string what, string length, string deadline) =>
        Error("ONEX1059", at, $"{what} of {length} is not shorter than the deadline of {deadline}, so that it never ends.",
            "Shorten it, or lengthen 'deadline'.");

    public static DiagnosticDraft StepAfterFail(SourceSpan at) =>
        Error("ONEX1060", at, "the step before this one fails, so that this one is never reached.", "Remove it, or move 'fail' to the end.");

    public static DiagnosticDraft UndeclaredEventField(SourceSpan at, string name, string field, IReadOnlyCollection<string> fields) =>
        Error("ONEX1061", at, $"the event '{Clip(name)}' declares no field '{Clip(field)}'.",
            fields.Count == 0 ? $"Declare it: {Clip(name)}: {{ data: {{ {Clip(field)}: string }} }}" : Suggest(field, "fields", fields));

    public static DiagnosticDraft ReservedEvent(SourceSpan at, string name) =>
        Error("ONEX1062", at, $"'{name}' cannot name an event: it is the code of a fault that has another cause.",
            "Give the event another name: what it leads to answers with that name as its code.");

    public static DiagnosticDraft RespondsAgain(SourceSpan at) =>
        Error("ONEX1063", at, "a step before this one has responded already, so that this one does nothing.", "Remove one of them.");

    // Types.

    public static DiagnosticDraft GuardNotBool(SourceSpan at, string type) =>
        Error("ONEX1070", at, $"a guard is a bool, and this is {type}.", "Compare the value: value > 0, value != \"\", value != null.");

    public static DiagnosticDraft KeyTypeWrong(SourceSpan at, string type) =>
        Error("ONEX1071", at, $"a key is a string or an int, and this is {type}.", "Take another field, or convert it: string(...).");

    public static DiagnosticDraft AssignmentWrong(SourceSpan at, string field, string type, Mismatch mismatch) =>
        Error("ONEX1072", at, $"'{Clip(field)}' is {Clip(type)}, and {Given("this", mismatch)}.", mismatch.Remedy ?? $"Write a value that fits, or change the type of '{Clip(field)}' under 'data'.");

    public static DiagnosticDraft ArgumentMismatch(SourceSpan at, string argument, string type, Mismatch mismatch) =>
        Error("ONEX1073", at, $"the argument '{Clip(argument)}' is {type}, and {Given("this", mismatch)}.", mismatch.Remedy ?? "Write an expression that gives such a value.");

    public static DiagnosticDraft UntilNotTimestamp(SourceSpan at, string type, bool isText) =>
        Error("ONEX1074", at, $"'until' is a timestamp, and this is {type}.",
            isText ? "Convert it: timestamp(...)." : "Write a point in time: data.start_at, now + duration(\"5m\").");

    public static DiagnosticDraft OutputMismatch(SourceSpan at, string type, Mismatch mismatch) =>
        Error("ONEX1075", at, $"the schema under 'output' wants {type} here, and {Given("this", mismatch)}.", mismatch.Remedy ?? "Change the value, or the schema.");

    public static DiagnosticDraft OutputFieldMissing(SourceSpan at, string field, string type) =>
        Error("ONEX1075", at, $"the schema under 'output' requires '{Clip(field)}' ({type}) here.", $"Add '{Clip(field)}: ...', or take it out of 'required'.");

    public static DiagnosticDraft OutputFieldUnknown(SourceSpan at, string field, IReadOnlyCollection<string> fields) =>
        Error("ONEX1075", at, $"the schema under 'output' allows no field '{Clip(field)}' here.", Suggest(field, "fields", fields));

    public static DiagnosticDraft TypesWrong(SourceSpan at, string problem, string remedy) =>
        Error("ONEX1076", at, $"{problem.TrimEnd('.')}.", Sentence(remedy));

    public static DiagnosticDraft UnknownField(SourceSpan at, string problem, string remedy) =>
        Error("ONEX1077", at, $"{problem.TrimEnd('.')}.", Sentence(remedy));

    public static DiagnosticDraft TooCostly(SourceSpan at, double cost, int most) =>
        Error("ONEX1078", at,
            $"this could cost {(cost < 1e15 ? Number((long)cost) : "more than 1,000,000,000,000,000")} units, and an evaluation has {Number(most)}.",
            "Loop less deep, bound lists and texts in the schema (maxItems, maxLength), or set fields of 'data' step by step.");

    public static DiagnosticDraft DoubtfulField(SourceSpan at, string problem, string remedy) =>
        new("ONEX1079", Severity.Warning, at, $"{problem.TrimEnd('.')} in its schema.", Sentence(remedy));

    // What only a strict check says.

    public static DiagnosticDraft Untyped(SourceSpan at, string what) =>
        new("ONEX1120", Severity.Warning, at, $"nothing says of what type {Clip(what)} is: what is done with it is checked only when it runs.",
            "Say it: in the schema that it comes from, or with 'returns' at the step.");

    public static DiagnosticDraft MaybeMissing(SourceSpan at, string path) =>
        new("ONEX1121", Severity.Warning, at, $"'{Clip(path)}' may be missing, and to read it fails then: its schema does not require it.",
            $"Require it in the schema, or ask first: has({Clip(path)}) ? {Clip(path)} : ...");

    // What is there instead, and where, if it is a part: .items[].price
    private static string Given(string what, Mismatch mismatch)
    {
        var place = Clip(mismatch.Path.TrimStart('.'));
        return mismatch.Value is null ? $"{what} has no '{place}' ({mismatch.Wanted})"
            : place.Length == 0 ? $"{what} is {mismatch.Value}"
            : $"{what} has {mismatch.Value} at '{place}', where {mismatch.Wanted} is wanted";
    }

    // Branches, items, children.

    public static DiagnosticDraft JoinImpossible(SourceSpan at, int needed, int branches) =>
        Error("ONEX1064", at, $"{needed} can never complete: there {(branches == 1 ? "is" : "are")} {Plural.Format(branches, "branch")}.", "Lower 'at_least', or add branches.");

    public static DiagnosticDraft SavedTwice(SourceSpan at, string field) =>
        Error("ONEX1065", at, $"this branch writes into '{Clip(field)}', and so does one before it: which of them comes last is chance.",
            "Save into two fields, or behind the branches.");

    public static DiagnosticDraft UnknownContract(SourceSpan at, string name, IReadOnlyCollection<string> contracts) =>
        Error("ONEX1066", at, $"there is no contract '{Clip(name)}'.", Suggest(name, "contracts", contracts));

    public static DiagnosticDraft CallsItself(SourceSpan at, string way) =>
        Error("ONEX1067", at, $"this contract waits for itself: {Clip(way)}.",
            "Break the circle. A saga that is started with 'detached: true' is not waited for.");

    public static DiagnosticDraft EachUnbounded(SourceSpan at, string step) =>
        Error("ONEX1068", at, $"step '{Clip(step)}' makes a call for each item, and nothing says how many there may be.",
            "Add 'at_most: 500' here, or 'maxItems' to the list's schema.");

    public static DiagnosticDraft LosersMisplaced(SourceSpan at, string why) =>
        Error("ONEX1069", at, $"'losers' says nothing here: {why}.", "Remove it. It belongs to a branch under 'join: any' or 'join: { at_least: n }'.");

    public static DiagnosticDraft ItemsNotList(SourceSpan at, string type) =>
        Error("ONEX1100", at, $"'item' must give a list, not {Clip(type)}.", "Name a list: each: { item: input.items, at_most: 500 }");

    public static DiagnosticDraft TooManyResults(SourceSpan at, string step, int most) =>
        Error("ONEX1101", at,
            $"step '{Clip(step)}' may have {Plural.Format(most, "item")}, and an expression reads the results of {Number(Limits.ResultsMax)} at most.",
            "Lower 'at_most', or save nothing from 'results' and 'failures': the items' rows hold them all, and steps.<id>.completed says how many.");

    // What is there when it is read.

    public static DiagnosticDraft DataUnset(SourceSpan at, string field) =>
        Error("ONEX1102", at, $"'data.{Clip(field)}' is not set on every way that leads here.",
            $"Set it before, give it an initial value, or let it be null: add '?' to its type. 'data.?{Clip(field)}' reads it if it is there.");

    public static DiagnosticDraft StepNotDone(SourceSpan at, string step) =>
        Error("ONEX1103", at, $"step '{Clip(step)}' has not completed on every way that leads here.",
            $"Read it behind that step only, or as 'steps.?{Clip(step)}', which is there if it has.");

    public static DiagnosticDraft NoFault(SourceSpan at) =>
        Error("ONEX1104", at, "nothing has gone wrong on some way that leads here, so that there is no 'fault'.",
            "Let only failures lead here, or say what is wrong on the other ways: 'fault: some_code' beside 'next'.");

    public static DiagnosticDraft LoserRead(SourceSpan at, string step, string join) =>
        Error("ONEX1105", at, $"'{Clip(join)}' does not wait for all of its branches, so that step '{Clip(step)}' may not have completed.",
            $"Read it as 'steps.?{Clip(step)}', or look first: has(steps.{Clip(step)}) ? ... : ...");

    public static DiagnosticDraft CycleWithoutProgress(SourceSpan at, string state) =>
        Error("ONEX1106", at, $"state '{Clip(state)}' leads back to itself without a call, a wait or anything that is counted.",
            "Add a step or a wait to one of the states of the circle, or a field that is counted in 'set' and ends it.");

    public static DiagnosticDraft RetryTooLong(SourceSpan at, int attempts, string delays, string what, string limit) =>
        Error("ONEX1107", at, $"the delays between {attempts} attempts are {delays} together, and {what} is {limit}: the last ones never come.",
            "Lower 'attempts', 'first' or 'factor', or allow more time.");

    public static DiagnosticDraft UnknownReadsSaved(SourceSpan at, string field) =>
        Error("ONEX1170", at, $"the step itself saves 'data.{Clip(field)}', and this compensation also runs when it is unknown whether the step completed.",
            "Read 'command_id' or 'input', or set the field in a step before this one.");

    public static DiagnosticDraft NullInText(SourceSpan at, string expression, bool isText) =>
        Error("ONEX1171", at, $"'{Clip(expression)}' may be null here, and null has no text.",
            isText
                ? $"Look first: {Clip(expression)} == null ? '-' : {Clip(expression)}, or write optional.ofNonZeroValue({Clip(expression)}).orValue('-')."
                : $"Look first: {Clip(expression)} == null ? '-' : string({Clip(expression)}).");

    public static DiagnosticDraft ConstantFails(SourceSpan at, string problem, string remedy) =>
        Error("ONEX1172", at, $"{Clip(problem.TrimEnd('.'))}, whenever this is evaluated.", Sentence(remedy));

    // Schedules.

    public static DiagnosticDraft ScheduleTimes(SourceSpan at, bool both) =>
        Error("ONEX1110", at, $"'schedule' says {(both ? "both how often and at what times" : "neither how often nor at what times")} sagas start.",
            "Write 'every: 1h', or 'cron: \"0 3 * * *\"'.");

    public static DiagnosticDraft BadCron(SourceSpan at, string text, string reason) =>
        Error("ONEX1111", at, $"'{Clip(text)}' names no times: {reason}.",
            "Write five fields: minute, hour, day of the month, month, day of the week. \"0 3 * * *\" is three o'clock every night.");

    public static DiagnosticDraft UnknownTimeZone(SourceSpan at, string name, IReadOnlyCollection<string> zones) =>
        Error("ONEX1112", at, $"there is no time zone '{Clip(name)}'.",
            DidYouMean(name, zones) + "Name one of the IANA database: Europe/Zurich, or UTC.");

    public static DiagnosticDraft ScheduleInputWrong(SourceSpan at, string problem) =>
        Error("ONEX1113", at, $"what the schedule starts with does not fit the contract's 'input': {Clip(problem)}.",
            "Write 'input: { ... }' under 'schedule', with constants: every saga that it starts has that input.");

    public static DiagnosticDraft ScheduleTooOften(SourceSpan at) =>
        Error("ONEX1114", at, "a schedule starts a saga every second at most.", "Lengthen 'every', or let one saga do more.");

    public static DiagnosticDraft ScheduleKeyWrong(SourceSpan at, string problem) =>
        Error("ONEX1115", at, $"what the schedule starts with has no business key: {Clip(problem.TrimEnd('.'))}.",
            "Change 'input' under 'schedule', or 'key', which must give text or an int.");

    // Examples.

    public static DiagnosticDraft ScriptWrong(SourceSpan at, string step, string problem, string remedy) =>
        Error("ONEX1090", at, $"the script of '{Clip(step)}' {problem}.", remedy);

    public static DiagnosticDraft ExampleInputWrong(SourceSpan at, string problem) =>
        Error("ONEX1091", at, $"this is no input of the contract: {Clip(problem)}.", "Write what a request of this contract would hold: 'input' is its schema.");

    public static DiagnosticDraft ExampleEventWrong(SourceSpan at, string name, string problem) =>
        Error("ONEX1092", at, $"this is no payload of the event '{Clip(name)}': {Clip(problem)}.", "Write under 'with' what 'data' of the event declares.");

    public static DiagnosticDraft DuplicateExample(SourceSpan at, string name) =>
        Error("ONEX1093", at, $"there is an example '{Clip(name)}' already.", "Say in its name what is different about this one.");

    public static DiagnosticDraft ExampleBroken(ExampleProblem broken) =>
        Error(
            broken.Kind switch
            {
                ExampleProblemKind.NotScripted => "ONEX1095",
                ExampleProblemKind.Endless => "ONEX1096",
                ExampleProblemKind.NotSent => "ONEX1097",
                _ => "ONEX1094",
            },
            broken.At, $"the example '{Clip(broken.Example)}' does not hold: {broken.What.TrimEnd('.')}.", broken.Remedy);

    // Domain events.

    public static DiagnosticDraft BadTopic(SourceSpan at, string topic) =>
        Error("ONEX1116", at, $"'{Clip(topic)}' cannot name a topic.", "Use letters, digits, '.', '_' and '-', at most 249 of them: orders.packed");

    public static DiagnosticDraft OwnTopic(SourceSpan at, string topic) =>
        Error("ONEX1117", at, $"'{Clip(topic)}' is a topic of Onex itself, and nothing is emitted to it.",
            "Name a topic of your own. Another contract is started with 'saga: its-name' and 'detached: true'.");

    // Rules that came after contracts had been registered.

    /// <summary>
    /// Whether what follows from a contract's states can be judged although the code was reported: it is about a value, which is there all the
    /// same. Then everything is said at once.
    /// </summary>
    public static bool IsAboutValue(string code) => code is "ONEX1040" or "ONEX1076" or "ONEX1077" or "ONEX1078" or "ONEX1171" or "ONEX1172" or "ONEX1180" or "ONEX1181"
        || (string.CompareOrdinal(code, "ONEX1070") >= 0 && string.CompareOrdinal(code, "ONEX1075") <= 0);

    /// <summary>Whether the code is one of a rule about contracts that came after some had been registered without it: ONEX1130 and above.</summary>
    public static bool IsLaterRule(string code) => string.CompareOrdinal(code, "ONEX1130") >= 0;

    public static DiagnosticDraft RetryBeyondLedger(SourceSpan at, int attempts, string delays, string limit) =>
        Error("ONEX1150", at, $"the longest delays between {attempts} attempts are {delays} together, and no attempt begins later than {limit} after the first: "
            + "the outcomes of effects are kept no longer, so the last ones never come.",
            "Lower 'attempts', 'first', 'factor' or 'max'. To come back to something after weeks, 'wait' in a state of its own.");

    // Failures and the pivot.

    public static DiagnosticDraft FailureLeadsBack(SourceSpan at, string state, IReadOnlyList<string> circle) =>
        Error("ONEX1140", at,
            $"a failure in state '{Clip(state)}' leads back to it ({string.Join(" -> ", circle.Count > 8 ? [.. circle.Take(7), "...", circle[^1]] : circle)}): while it fails it goes round without end.",
            "Catch what fails there, with a 'catch' without 'error' that leads to an end or a compensating state; or let the way back wait ('wait: 1m') or count ('choose').");

    public static DiagnosticDraft PivotCompensates(SourceSpan at, string state, string target, bool isPivot) =>
        Error("ONEX1141", at,
            $"past the pivot nothing is compensated, and state '{Clip(state)}', which {(isPivot ? "is the pivot" : "is entered past it")}, leads to the compensating state '{Clip(target)}'.",
            "Lead to a state with 'end', or do what can fail in a state before the pivot.");

    // Values.

    public static DiagnosticDraft UnfitNumber(SourceSpan at, string text) =>
        Error("ONEX1160", at, $"the number {Clip(text)} can be kept neither as a whole number of 64 bits nor as a double.",
            $"Write it as text, '{Clip(text)}', or as a number that fits: a whole one from {long.MinValue} to {ulong.MaxValue}, or with '.0' if it may be rounded.");

    // YAML that is not what it looks like.

    public static DiagnosticDraft ColonWithoutSpace(SourceSpan at, string text, string apart) =>
        Error("ONEX1200", at, $"'{Clip(text)}' is one word to YAML: there is no blank behind its colon.",
            $"Write {Clip(apart)}, or quote it if the colon belongs to the name: '{Clip(text)}'");

    public static DiagnosticDraft CurlyQuotes(SourceSpan at, string text, string straight) =>
        Error("ONEX1201", at, $"the quotes of {Clip(text)} belong to the text: YAML knows only \" and '.",
            $"Write {Clip(straight)}, or quote all of it if those quotes are meant: '{Clip(text)}'");

    public static DiagnosticDraft TabIndents(SourceSpan at) =>
        Error("ONEX1202", at, "a tab indents this line, and YAML takes only spaces.", "Replace it with spaces, as many as the lines beside it have.");

    public static DiagnosticDraft SameContent(SourceSpan at, string name, string version, string otherPath) =>
        new("ONEX1203", Severity.Warning, at, $"contract '{name}' {version} is in '{otherPath}' too, with the same content.", "Remove one of the files.");

    private static string Sentence(string text) =>
        text.Length == 0 ? text : $"{char.ToUpperInvariant(text[0])}{text[1..]}{(text[^1] is '.' or '?' or '!' ? "" : ".")}";

    private static DiagnosticDraft Error(string code, SourceSpan at, string problem, string remedy) =>
        new(code, Severity.Error, at, problem, remedy);

    private static DiagnosticDraft Warning(string code, SourceSpan at, string problem, string remedy) =>
        new(code, Severity.Warning, at, problem, remedy);

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
