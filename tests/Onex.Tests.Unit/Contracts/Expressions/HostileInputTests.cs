using System.Diagnostics;

namespace Onex.Tests.Unit.Contracts.Expressions;

public class HostileInputTests
{
    private static readonly string[] _pieces =
    [
        "input", "a", "b", "x", ".", ".?", "[", "]", "[?", "(", ")", "{", "}", ",", ":", "?", "+", "-", "*", "/", "%", "==", "!=", "<",
        ">=", "&&", "||", "!",
        " in ", "1", "0", "9223372036854775807", "-9223372036854775808", "3u", "1.5", "1e308", "'t'", "b'\\xff'", "r'\\'", "'''", "null",
        "true", "false",
        "has(", "size(", ".all(x,", ".exists(x,", ".map(x,", ".filter(x,", ".exists_one(x,", ".matches('(a|b)*')", ".split('')",
        ".orValue(", "optional.of(",
        "optional.none()", "timestamp('2030-01-01T00:00:00Z')", "timestamp(", "duration('1h')", "duration(", ".getHours('+23:59')", "int(",
        "uint(", "double(",
        "string(", "bytes(", "round(", "min(", "max(", "sum(", "sha256(", "uuid(", "join(", "type(", "[1,2,3]", "{'a':1}", "//", "\n",
        "`a-b`", "\u00e9", "\ud83d\ude00",
    ];

    private static readonly Scope _scope = Scope.Parse(
        """{ "input": { "a": [1, 2.5, "s", null, { "b": [] }], "b": "text" }, "a": -1, "b": {} }""");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Random_token_sequences_throw_nothing(int seed)
    {
        var random = new Random(seed);
        var parsed = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var text = new StringBuilder();
            for (var length = random.Next(1, 14); length > 0; length--)
            {
                text.Append(_pieces[random.Next(_pieces.Length)]);
            }

            if (Run(text.ToString()))
            {
                parsed++;
            }
        }

        Assert.True(parsed > 100, $"Only {parsed} of the texts are expressions.");
    }

    // These expressions are well-formed by construction, so that all of them are evaluated.
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void Expressions_over_random_values_throw_nothing(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 20_000; i++)
        {
            var text = Generate(random, 4);
            Assert.True(Expression.TryParse(text, out var expression, out var problem), $"{text}: {problem}");
            expression!.Evaluate(_scope);
        }
    }

    [Theory]
    [InlineData(21)]
    public void Random_characters_throw_nothing(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 20_000; i++)
        {
            Run(new string(
                [.. Enumerable.Range(0, random.Next(0, 20)).Select(
                    _ => (char)(random.Next(8) == 0 ? random.Next(0x10000) : random.Next(128)))]));
        }
    }

    [Theory]
    [InlineData("(", "1", ")")]
    [InlineData("[", "1", "]")]
    [InlineData("{1: ", "1", "}")]
    [InlineData("-", "1", "")]
    [InlineData("!", "true", "")]
    [InlineData("", "1", "+1")]
    [InlineData("", "a", ".a")]
    [InlineData("", "a", "[0]")]
    [InlineData("size(", "1", ")")]
    [InlineData("", "a", ".map(x, x)")]
    [InlineData("true ? 1 : ", "1", "")]
    [InlineData("[1].map(x, ", "x", ")")]
    public void Depth_is_limited_before_the_stack_overflows(string open, string middle, string close)
    {
        var text = string.Concat(Enumerable.Repeat(open, 5_000)) + middle + string.Concat(Enumerable.Repeat(close, 5_000));
        Assert.False(Expression.TryParse(text[..Math.Min(text.Length, ExpressionLimits.TextLength)], out _, out var problem));
        Assert.Contains("nested deeper than 200 levels", problem.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_is_too_long_is_an_error()
    {
        Assert.False(Expression.TryParse(new string(' ', ExpressionLimits.TextLength) + "1", out _, out var problem));
        Assert.Contains("longer than", problem.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_chain_of_conditions_is_one_level_deep()
    {
        var text = string.Join(" || ", Enumerable.Repeat("a > 0", 5_000));
        Assert.Equal(CelValue.Bool(false), ExpressionTests.Parse(text).Evaluate(_scope));
    }

    [Theory]
    [InlineData("list.all(a, list.all(b, list.all(c, true)))")]
    [InlineData("list.map(a, list.map(b, [a, b]))")]
    [InlineData("list.all(a, list.all(b, list.all(c, true))) || true")]
    [InlineData("list.map(a, text + text)")]
    [InlineData("list.map(a, text.upper())")]
    [InlineData("list.map(a, list + list)")]
    [InlineData("list.exists(a, list == other)")]
    [InlineData("list.exists(a, -1 in list)")]
    [InlineData("list.map(a, sha256(text))")]
    [InlineData("list.map(a, text.matches('(x+x+)+y'))")]
    [InlineData("list.map(a, text.matches('(x|y)*x.{900}y'))")]
    [InlineData("text.matches('(x|y)*x.{900}y')")]
    [InlineData("list.map(a, text.split(''))")]
    [InlineData("list.map(a, list.map(b, string(b)).join(text))")]
    [InlineData("list.map(a, text.contains(text + 'b'))")]
    [InlineData("list.map(a, sum(list))")]
    public void An_evaluation_beyond_its_budget_is_stopped(string text)
    {
        var scope = new Scope(new()
        {
            ["list"] = CelValue.List([.. Enumerable.Range(0, 2_000).Select(i => CelValue.Int(i))]),
            ["other"] = CelValue.List([.. Enumerable.Range(0, 2_000).Select(i => CelValue.Int(i == 1_999 ? 0 : i))]),
            ["text"] = CelValue.String(new string('x', 20_000)),
        });
        var expression = ExpressionTests.Parse(text);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.GetTimestamp();
        var value = expression.Evaluate(scope);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal("expression budget exceeded", value.AsError());
        Assert.InRange(allocated, 0, 2_500_000);

        // The budget takes milliseconds. The bound leaves time for a busy machine.
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 20);
    }

    [Fact]
    public void Large_text_may_be_passed_and_inspected()
    {
        var scope = new Scope(new() { ["text"] = CelValue.String(new string('x', 800_000)) });
        Assert.Equal(
            CelValue.Bool(true),
            ExpressionTests.Parse("size(text) == 800000 && text.startsWith('x') && !text.contains('y') && {'t': text}.t == "
                + "text").Evaluate(scope));
    }

    private static bool Run(string text)
    {
        if (!Expression.TryParse(text, out var expression, out var problem))
        {
            Assert.InRange(problem.Position, 0, text.Length);
            Assert.True(problem.Length > 0 && problem.Problem.Length > 0 && problem.Remedy.Length > 0, text);
            return false;
        }

        expression.Evaluate(_scope);
        return true;
    }

    /// <summary>A random expression that is well-formed, with that many levels at most.</summary>
    internal static string Generate(Random random, int depth)
    {
        if (depth == 0 || random.Next(6) == 0)
        {
            string[] leaves =
            [
                "input", "input.a", "input.b", "a", "b", "nobody", "1", "-1", "0", "9223372036854775807", "-9223372036854775808", "2u",
                "18446744073709551615u", "1.5",
                "-0.0", "1e308", "'t'", "''", "b'\\xff'", "null", "true", "false", "[]", "{}", "[1, 2]", "{'k': 1}",
                "timestamp('9999-12-31T23:59:59Z')",
                "timestamp('0001-01-01T00:00:00Z')", "duration('87600000h')", "duration('-1ns')", "optional.none()", "int", "'-23:59'",
                "'Europe/Zurich'",
            ];
            return leaves[random.Next(leaves.Length)];
        }

        string Part() => Generate(random, depth - 1);
        string[] operators = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"];
        string[] unary = [
            "size", "int", "uint", "double", "string", "bytes", "bool", "timestamp", "duration", "type", "dyn", "lower", "upper", "trim",
            "join", "round", "min", "max", "sum", "base64", "sha256", "optional.of", "optional.ofNonZeroValue",
        ];
        string[] methods = [
            "startsWith", "endsWith", "contains", "matches", "split", "join", "round", "or", "orValue", "getHours", "getFullYear",
            "getDayOfWeek", "getMilliseconds",
        ];
        string[] macros = ["all", "exists", "exists_one", "map", "filter"];
        return random.Next(11) switch
        {
            0 or 1 or 2 => $"({Part()} {operators[random.Next(operators.Length)]} {Part()})",
            3 => $"{unary[random.Next(unary.Length)]}({Part()})",
            4 => $"({Part()}).{methods[random.Next(methods.Length)]}({Part()})",
            5 => $"({Part()}).{macros[random.Next(macros.Length)]}(v{depth}, {Part()})",
            6 => $"({Part()} ? {Part()} : {Part()})",
            7 => $"({Part()})[{(random.Next(2) == 0 ? "?" : "")}{Part()}]",
            8 => $"({Part()}).{(random.Next(2) == 0 ? "?" : "")}k",
            9 => $"[{Part()}, {Part()}]",
            _ => $"{{{Part()}: {Part()}}}",
        };
    }
}
