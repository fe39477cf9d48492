using System.Collections.Frozen;

namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>All functions there are, by name; docs/expressions.md explains each, and a test holds it to that.</summary>
internal static partial class Functions
{
    private const int Any = 1_000;

    private static readonly FrozenDictionary<string, Function> _table = new Function[]
    {
        // Of every kind of value.
        new("size", true, true, 1, 1, "size(value)", Size),
        new("type", true, false, 1, 1, "type(value)", (ref _, a) => CelValue.Type(CelTypes.NameOf(a[0]))),
        new("dyn", true, false, 1, 1, "dyn(value)", (ref _, a) => a[0]),

        // Conversions.
        new("int", true, false, 1, 1, "int(value)", ToInt),
        new("uint", true, false, 1, 1, "uint(value)", ToUint),
        new("double", true, false, 1, 1, "double(value)", ToDouble),
        new("string", true, false, 1, 1, "string(value)", ToText),
        new("bytes", true, false, 1, 1, "bytes(text)", ToBytes),
        new("bool", true, false, 1, 1, "bool(text)", ToBool),
        new("timestamp", true, false, 1, 1, "timestamp('2030-01-31T12:00:00Z')", ToTimestamp),
        new("duration", true, false, 1, 1, "duration('1h30m')", ToDuration),

        // Text.
        new("startsWith", false, true, 2, 2, "text.startsWith(prefix)", (ref f, a) => OnTexts(ref f, "startsWith", a, (s, p) => s.StartsWith(p, StringComparison.Ordinal))),
        new("endsWith", false, true, 2, 2, "text.endsWith(suffix)", (ref f, a) => OnTexts(ref f, "endsWith", a, (s, p) => s.EndsWith(p, StringComparison.Ordinal))),
        new("contains", false, true, 2, 2, "text.contains(part)", Contains),
        new("matches", true, true, 2, 2, "text.matches(pattern)", Matches),
        new("lower", true, true, 1, 1, "lower(text)", (ref f, a) => OfText(ref f, "lower", a[0], s => s.ToLowerInvariant())),
        new("upper", true, true, 1, 1, "upper(text)", (ref f, a) => OfText(ref f, "upper", a[0], s => s.ToUpperInvariant())),
        new("trim", true, true, 1, 1, "trim(text)", (ref f, a) => OfText(ref f, "trim", a[0], s => s.Trim())),
        new("split", true, true, 2, 3, "split(text, separator) or split(text, separator, limit)", Split),
        new("join", true, true, 1, 2, "join(texts) or join(texts, separator)", Join),

        // Numbers.
        new("round", true, true, 1, 2, "round(number) or round(number, digits)", Round),
        new("min", true, true, 1, Any, "min(list) or min(a, b, ...)", (ref f, a) => Extreme(ref f, "min", a, -1)),
        new("max", true, true, 1, Any, "max(list) or max(a, b, ...)", (ref f, a) => Extreme(ref f, "max", a, 1)),
        new("sum", true, true, 1, 1, "sum(list)", Sum),

        // Identities.
        new("base64", true, true, 1, 1, "base64(bytes)", Base64),
        new("sha256", true, true, 1, 1, "sha256(bytes)", Sha256),
        new("uuid", true, false, 2, 2, "uuid(saga, name)", Uuid),

        // Optionals.
        new("optional.of", true, false, 1, 1, "optional.of(value)", (ref _, a) => CelValue.Some(a[0])),
        new("optional.none", true, false, 0, 0, "optional.none()", (ref _, _) => CelValue.None),
        new("optional.ofNonZeroValue", true, false, 1, 1, "optional.ofNonZeroValue(value)", (ref _, a) => IsZero(a[0]) ? CelValue.None : CelValue.Some(a[0])),
        new("hasValue", false, true, 1, 1, "optional.hasValue()", HasValue),
        new("value", false, true, 1, 1, "optional.value()", Value),
        new("or", false, true, 2, 2, "optional.or(optional)", Unreachable),
        new("orValue", false, true, 2, 2, "optional.orValue(value)", Unreachable),

        // Times.
        Clock("getFullYear", wall => wall.Year, null),
        Clock("getMonth", wall => wall.Month - 1, null),
        Clock("getDate", wall => wall.Day, null),
        Clock("getDayOfMonth", wall => wall.Day - 1, null),
        Clock("getDayOfWeek", wall => (long)wall.DayOfWeek, null),
        Clock("getDayOfYear", wall => wall.DayOfYear - 1, null),
        Clock("getHours", wall => wall.Hour, duration => duration.Bits / 3_600),
        Clock("getMinutes", wall => wall.Minute, duration => duration.Bits / 60),
        Clock("getSeconds", wall => wall.Second, duration => duration.Bits),
        Clock("getMilliseconds", null, duration => duration.Nanos / 1_000_000),
    }.ToFrozenDictionary(function => function.Name);

    private static readonly string[] _macros = ["all", "exists", "exists_one", "existsOne", "filter", "has", "map"];

    /// <summary>The names of all functions and macros.</summary>
    public static IEnumerable<string> AllNames => _table.Keys.Concat(_macros).Order(StringComparer.Ordinal);

    public static Function? Find(string name) => _table.GetValueOrDefault(name);

    /// <summary>Whether functions are called as <c>name.function()</c>.</summary>
    public static bool IsNamespace(string name) => name == "optional";

    // The compiler has its own code for these, as their second argument is evaluated only when needed.
    private static CelValue Unreachable(ref Frame frame, ReadOnlySpan<CelValue> arguments) => throw new System.Diagnostics.UnreachableException();
}
