using System.Globalization;
using Cel;

namespace Onex.Tests.Unit.Contracts.Expressions;

/// <summary>
/// Evaluates generated expressions with Onex and with the package Cel: both give the same value, or both an error. Leaves out the cases in
/// which Cel 0.3.3 differs from the language definition of CEL:
/// <list type="bullet">
/// <item>In Cel a double divided by zero is NaN instead of an infinity ("Arithmetic operators", IEEE 754).</item>
/// <item>In Cel <c>size()</c> is not an <c>int</c>, and other functions do not accept it ("List of Standard Definitions": size).</item>
/// <item>In Cel <c>all</c> and <c>exists_one</c> are null if their condition is an error ("Macros"), so null counts as an error.</item>
/// <item>In Cel texts have no order ("List of Standard Definitions": operators).</item>
/// <item>In Cel only messages have fields, so <c>m.a</c> and <c>has(m.a)</c> of a map are errors ("Field Selection").</item>
/// </list>
/// </summary>
public sealed class CelOracleTests
{
    private static readonly Scope _scope = Scope.Parse("""{ "n": 7, "s": "abc", "l": [3, 1, 2], "m": { "a": 1, "b": 2 } }""");
    private static readonly Dictionary<string, object?> _variables = new()
    {
        ["n"] = 7L,
        ["s"] = "abc",
        ["l"] = new List<object?> { 3L, 1L, 2L },
        ["m"] = new Dictionary<object, object?> { ["a"] = 1L, ["b"] = 2L },
    };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void An_expression_has_the_same_value_in_another_CEL_engine(int seed)
    {
        var random = new Random(seed);
        var environment = new CelEnvironment(null, null);
        var values = 0;
        for (var i = 0; i < 800; i++)
        {
            var text = Any(random, 4);
            var value = ExpressionTests.Parse(text).Evaluate(_scope);
            var inOnex = value.IsError ? "an error" : Text(value);
            var inCel = EvaluateInCel(environment, text);
            values += value.IsError ? 0 : 1;
            Assert.True(inOnex == inCel, $"{text} is {inOnex} in Onex ({value}), and {inCel} in Cel");
        }

        Assert.True(values > 500, $"Only {values} expressions have a value, so the comparison covers too little.");
    }

    private static string EvaluateInCel(CelEnvironment environment, string text)
    {
        try
        {
            return Text(environment.Program(text, _variables));
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            return "an error";
        }
    }

    private static string Any(Random random, int depth) => random.Next(6) switch
    {
        5 => $"size({(random.Next(2) == 0 ? String(random, depth - 1) : List(random, depth - 1))})",
        0 => Int(random, depth),
        1 => Double(random, depth),
        2 => String(random, depth),
        3 => List(random, depth),
        _ => Bool(random, depth),
    };

    private static string Int(Random random, int depth) => random.Next(depth > 0 ? 14 : 4) switch
    {
        < 3 => Pick(random, "0", "1", "2", "-1", "10", "9223372036854775807", "-9223372036854775808"),
        3 => "n",
        < 7 => $"({Int(random, depth - 1)} {Pick(random, "+", "-", "*", "/", "%")} {Int(random, depth - 1)})",
        7 => $"-({Int(random, depth - 1)})",
        8 or 9 => $"({Bool(random, depth - 1)} ? {Int(random, depth - 1)} : {Pick(random, "m['a']", "m['c']", "l[0]", "l[3]")})",
        10 => $"({Bool(random, depth - 1)} ? {Int(random, depth - 1)} : {Int(random, depth - 1)})",
        11 => $"{List(random, depth - 1)}[{Int(random, 0)}]",
        12 => $"int({Double(random, depth - 1)})",
        _ => Pick(random, "m['a']", "m['b']", "m['c']", "l[1]"),
    };

    private static string Double(Random random, int depth) => random.Next(depth > 0 ? 6 : 2) switch
    {
        < 2 => Pick(random, "0.0", "1.5", "-2.5", "1e3", "0.1"),
        2 => $"({Double(random, depth - 1)} {Pick(random, "+", "-", "*")} {Double(random, depth - 1)})",
        3 => $"({Double(random, depth - 1)} / {Pick(random, "1.5", "-2.5", "1e3")})",
        4 => $"double({Int(random, depth - 1)})",
        _ => $"({Bool(random, depth - 1)} ? {Double(random, depth - 1)} : {Double(random, depth - 1)})",
    };

    private static string String(Random random, int depth) => random.Next(depth > 0 ? 6 : 3) switch
    {
        < 2 => Pick(random, "''", "'a'", "'b'", "'ab'", "'\\n'", "'ü'"),
        2 => "s",
        3 => $"({String(random, depth - 1)} + {String(random, depth - 1)})",
        4 => $"string({Int(random, depth - 1)})",
        _ => $"({Bool(random, depth - 1)} ? {String(random, depth - 1)} : {String(random, depth - 1)})",
    };

    private static string List(Random random, int depth) => random.Next(depth > 0 ? 6 : 2) switch
    {
        0 => $"[{string.Join(", ", Enumerable.Range(0, random.Next(4)).Select(_ => Int(random, 0)))}]",
        1 => "l",
        2 => $"({List(random, depth - 1)} + {List(random, depth - 1)})",
        3 => $"{List(random, depth - 1)}.map(x, x {Pick(random, "+", "*", "-")} {Int(random, 0)})",
        4 => $"{List(random, depth - 1)}.filter(x, x {Comparison(random)} {Int(random, depth - 1)})",
        _ => $"[{Int(random, depth - 1)}, {Int(random, depth - 1)}]",
    };

    private static string Bool(Random random, int depth) => random.Next(depth > 0 ? 13 : 2) switch
    {
        < 2 => Pick(random, "true", "false"),
        2 => $"({Int(random, depth - 1)} {Comparison(random)} {Int(random, depth - 1)})",
        3 => $"({Double(random, depth - 1)} {Comparison(random)} {Double(random, depth - 1)})",
        4 => $"({String(random, depth - 1)} {Pick(random, "==", "!=")} {String(random, depth - 1)})",
        5 or 6 => $"({Bool(random, depth - 1)} {Pick(random, "&&", "||")} {Bool(random, depth - 1)})",
        7 => $"!{Bool(random, depth - 1)}",
        8 => $"{List(random, depth - 1)}.{Pick(random, "exists", "all", "exists_one")}(x, x {Comparison(random)} {Int(random, depth - 1)})",
        9 => $"({Int(random, depth - 1)} in {List(random, depth - 1)})",
        10 => $"{String(random, depth - 1)}.{Pick(random, "startsWith", "endsWith", "contains")}({String(random, depth - 1)})",
        11 => Pick(random, "('a' in m)", "('c' in m)"),
        _ => $"({List(random, depth - 1)} == {List(random, depth - 1)})",
    };

    private static string Comparison(Random random) => Pick(random, "==", "!=", "<", "<=", ">", ">=");

    private static string Pick(Random random, params string[] from) => from[random.Next(from.Length)];

    private static string Text(CelValue value) => value.Kind switch
    {
        CelKind.Bool => value.AsBool() ? "true" : "false",
        CelKind.Int => value.AsInt().ToString(CultureInfo.InvariantCulture),
        CelKind.Double => Text((object)value.AsDouble()),
        CelKind.String => $"'{value.AsString()}'",
        CelKind.List => $"[{string.Join(", ", value.AsList().Select(Text))}]",
        _ => value.Kind.ToString(),
    };

    private static string Text(object? value) => value switch
    {
        bool flag => flag ? "true" : "false",
        int or long => Convert.ToInt64(value, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture),
        double number => $"{number.ToString("R", CultureInfo.InvariantCulture)}d",
        string text => $"'{text}'",
        System.Collections.IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Select(Text))}]",
        _ => value?.GetType().Name ?? "an error",
    };
}
