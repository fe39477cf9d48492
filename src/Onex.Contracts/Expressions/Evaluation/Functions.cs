using System.Collections.Frozen;

namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>All functions by name, documented in docs/expressions.md; a test compares both.</summary>
internal static partial class Functions
{
    // The maximum of arguments of a function that takes any number.
    private const int VariadicMax = 1_000;

    // Name, whether f(a) and a.f() are allowed, minimum and maximum of arguments, usage, signatures, implementation.
    private static readonly FrozenDictionary<string, Function> _table = new Function[]
    {
        // Any value.
        new("size", true, true, 1, 1, "size(value)", "(string) -> int; (bytes) -> int; (list(A)) -> int; (map(A, B)) -> int", Size),
        new("type", true, false, 1, 1, "type(value)", "(A) -> type", (ref _, a) => CelValue.Type(CelTypes.NameOf(a[0]))),
        new("dyn", true, false, 1, 1, "dyn(value)", "(A) -> dyn", (ref _, a) => a[0]),

        // Conversions.
        new("int", true, false, 1, 1, "int(value)", "(int) -> int; (uint) -> int; (double) -> int; (string) -> int; (timestamp) -> int",
            ToInt),
        new("uint", true, false, 1, 1, "uint(value)", "(int) -> uint; (uint) -> uint; (double) -> uint; (string) -> uint", ToUint),
        new("double", true, false, 1, 1, "double(value)", "(int) -> double; (uint) -> double; (double) -> double; (string) -> double",
            ToDouble),
        new("string", true, false, 1, 1, "string(value)",
            "(string) -> string; (number) -> string; (bool) -> string; (bytes) -> string; (timestamp) -> string; (duration) -> string; "
                + "(type) -> string", ToText),
        new("bytes", true, false, 1, 1, "bytes(text)", "(bytes) -> bytes; (string) -> bytes", ToBytes),
        new("bool", true, false, 1, 1, "bool(text)", "(bool) -> bool; (string) -> bool", ToBool),
        new("timestamp", true, false, 1, 1, "timestamp('2030-01-31T12:00:00Z')",
            "(timestamp) -> timestamp; (string) -> timestamp; (int) -> timestamp", ToTimestamp),
        new("duration", true, false, 1, 1, "duration('1h30m')", "(duration) -> duration; (string) -> duration", ToDuration),

        // Text.
        new("startsWith", false, true, 2, 2, "text.startsWith(prefix)", "(string, string) -> bool",
            (ref f, a) => TestTexts(ref f, "startsWith", a, (s, p) => s.StartsWith(p, StringComparison.Ordinal))),
        new("endsWith", false, true, 2, 2, "text.endsWith(suffix)", "(string, string) -> bool",
            (ref f, a) => TestTexts(ref f, "endsWith", a, (s, p) => s.EndsWith(p, StringComparison.Ordinal))),
        new("contains", false, true, 2, 2, "text.contains(part)", "(string, string) -> bool", Contains),
        new("matches", true, true, 2, 2, "text.matches(pattern)", "(string, string) -> bool", Matches),
        new("lower", true, true, 1, 1, "lower(text)", "(string) -> string",
            (ref f, a) => MapText(ref f, "lower", a[0], s => s.ToLowerInvariant())),
        new("upper", true, true, 1, 1, "upper(text)", "(string) -> string",
            (ref f, a) => MapText(ref f, "upper", a[0], s => s.ToUpperInvariant())),
        new("trim", true, true, 1, 1, "trim(text)", "(string) -> string", (ref f, a) => MapText(ref f, "trim", a[0], s => s.Trim())),
        new("split", true, true, 2, 3, "split(text, separator) or split(text, separator, limit)",
            "(string, string) -> list(string); (string, string, int) -> list(string)", Split),
        new("join", true, true, 1, 2, "join(texts) or join(texts, separator)", "(list(string)) -> string; (list(string), string) -> string",
            Join),

        // Numbers.
        new("round", true, true, 1, 2, "round(number) or round(number, digits)",
            "(int) -> int; (uint) -> uint; (double) -> double; (int, int) -> int; (uint, int) -> uint; (double, int) -> double", Round),
        new("min", true, true, 1, VariadicMax, "min(list) or min(a, b, ...)", "(list(A)) -> A; (A, A, ...) -> A",
            (ref f, a) => MinOrMax(ref f, "min", a, -1)),
        new("max", true, true, 1, VariadicMax, "max(list) or max(a, b, ...)", "(list(A)) -> A; (A, A, ...) -> A",
            (ref f, a) => MinOrMax(ref f, "max", a, 1)),
        new("sum", true, true, 1, 1, "sum(list)",
            "(list(int)) -> int; (list(uint)) -> uint; (list(double)) -> double; (list(duration)) -> duration", Sum),

        // Encodings, hashes and ids.
        new("base64", true, true, 1, 1, "base64(bytes)", "(bytes) -> string; (string) -> string", Base64),
        new("sha256", true, true, 1, 1, "sha256(bytes)", "(bytes) -> string; (string) -> string", Sha256),
        new("uuid", true, false, 2, 2, "uuid(saga, name)", "(string, string) -> string; (map(string, A), string) -> string", Uuid),

        // Optionals.
        new("optional.of", true, false, 1, 1, "optional.of(value)", "(A) -> optional(A)", (ref _, a) => CelValue.Some(a[0])),
        new("optional.none", true, false, 0, 0, "optional.none()", "() -> optional(A)", (ref _, _) => CelValue.None),
        new("optional.ofNonZeroValue", true, false, 1, 1, "optional.ofNonZeroValue(value)", "(A) -> optional(A)", (ref _, a) => IsZero(a[0])
            ? CelValue.None : CelValue.Some(a[0])),
        new("hasValue", false, true, 1, 1, "optional.hasValue()", "(optional(A)) -> bool", HasValue),
        new("value", false, true, 1, 1, "optional.value()", "(optional(A)) -> A", Value),
        new("or", false, true, 2, 2, "optional.or(optional)", "(optional(A), optional(A)) -> optional(A)", Unreachable),
        new("orValue", false, true, 2, 2, "optional.orValue(value)", "(optional(A), A) -> A", Unreachable),

        // Times.
        TimePart("getFullYear", local => local.Year, null),
        TimePart("getMonth", local => local.Month - 1, null),
        TimePart("getDate", local => local.Day, null),
        TimePart("getDayOfMonth", local => local.Day - 1, null),
        TimePart("getDayOfWeek", local => (long)local.DayOfWeek, null),
        TimePart("getDayOfYear", local => local.DayOfYear - 1, null),
        TimePart("getHours", local => local.Hour, duration => duration.Bits / 3_600),
        TimePart("getMinutes", local => local.Minute, duration => duration.Bits / 60),
        TimePart("getSeconds", local => local.Second, duration => duration.Bits),
        TimePart("getMilliseconds", null, duration => duration.Nanos / 1_000_000),
    }.ToFrozenDictionary(function => function.Name);

    private static readonly string[] _macros = ["all", "exists", "exists_one", "existsOne", "filter", "has", "map", "optFlatMap", "optMap"];

    /// <summary>The names of all functions and macros.</summary>
    public static IEnumerable<string> AllNames => _table.Keys.Concat(_macros).Order(StringComparer.Ordinal);

    public static IEnumerable<Function> All => _table.Values;

    public static Function? Find(string name) => _table.GetValueOrDefault(name);

    /// <summary>Whether a name is a namespace of functions: <c>optional.of(...)</c>.</summary>
    public static bool IsNamespace(string name) => name == "optional";

    // The compiler handles or() and orValue() itself, because their second argument is evaluated only if it is needed.
    private static CelValue Unreachable(ref Frame frame, ReadOnlySpan<CelValue> arguments) =>
        throw new System.Diagnostics.UnreachableException();
}
