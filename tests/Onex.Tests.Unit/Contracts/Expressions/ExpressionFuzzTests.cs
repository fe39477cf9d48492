using CsCheck;
using Onex.Contracts.Expressions.Checking;

namespace Onex.Tests.Unit.Contracts.Expressions;

/// <summary>
/// No text makes the parser, the checker or an evaluation throw, hang, or spend more than its budget. A failure of a random test prints the
/// seed that repeats it (CsCheck_Seed).
/// </summary>
public class ExpressionFuzzTests
{
    private const int Seconds = 3;

    private static readonly string[] _seeds =
    [
        "steps.fraud.body.score > 80 && input.total > data.limit", "input.items.map(i, i.price * 2.0).filter(p, p > 1.0)",
        "has(input.a) ? input.?a.b.orValue(1) : 2",
        "'a' + string(1) + r'\\d' + '''x'''", "b'\\xff' + b'a'", "timestamp('2030-01-31T12:00:00Z') + duration('1h30m') < now",
        "{'a': [1, 2u, 3.0], ?'b': input.?b}['a'][?0]",
        "input.name.matches('^(a|b)*[c-e]+$')", "[1, 2].exists(x, [3].all(y, x / (y - 3) == 1)) || true",
        "-9223372036854775808 + 0xFF - 1e308", "optional.of([1]).optMap(v, v[0])",
        "max([1, 2.5]) in [1] == (type(1) == int)", "input.`content-type`.split(',').join('-').size()",
        "sha256(base64(input.name)) // comment", "uuid(saga, 'x').upper().trim()",
    ];

    private static readonly Scope _scope = Scope.Parse(
        """
        {
          "input": { "total": 1.5, "name": "abcabc", "a": { "b": [1, null, "x", {}] }, "items": [{ "price": 2.5 }, { "price": 1 }] },
          "data": { "limit": 1 },
          "steps": { "fraud": { "body": { "score": 90 } } },
          "saga": { "id": "0199b6a8-0000-7000-8000-000000000001" }
        }
        """);

    // Pieces of syntax, whole seeds, and up to three characters of any kind.
    private static readonly Gen<string> _piece = Gen.OneOf(
        Gen.OneOf(
            "(", ")", "[", "]", "{", "}", "?", ":", ".", ".?", "[?", "&&", "||", "!", "-", "==", "in", "'", "\"", "r'", "b'", "'''", "\\",
            "\\u", "`", "//", "\n", "\0", "\uD800", "😀", "1e", "0x", "u", "9999999999999999999", "${", "matches('(((a+)+)+)+$')",
            ".map(x, ", "has(", "optional.", "[x{1,999}]"),
        Gen.OneOf(_seeds),
        Gen.String[Gen.Char, 0, 3]);

    [Fact]
    public void Mutated_expressions_give_a_value_or_an_error() =>
        Gen.Select(Gen.OneOf(_seeds), Gen.Select(Gen.Double[0, 1], Gen.Int[0, 8], _piece).Array[0, 6])
            .Select((text, edits) => edits.Aggregate(text, Edit))
            .Sample(Try, time: Seconds);

    [Fact]
    public void Random_characters_and_bytes_give_a_value_or_an_error() =>
        Gen.OneOf(
            Gen.String[0, 60],
            Gen.Byte.Array[0, 60].Select(Encoding.Latin1.GetString),
            _piece.Array[0, 20].Select(string.Concat)).Sample(Try, time: Seconds);

    [Fact]
    public void Random_patterns_give_a_match_or_an_error() =>
        Gen.OneOf(
                Gen.String[Gen.Char[' ', '~'], 0, 30],
                Gen.OneOf(
                    "(", ")", "[", "]", "[^", "*", "+", "?", "{2,3}", "{1000}", "|", ".", "^", "$", "\\d", "\\W", "\\p{L}", "\\x{1F600}",
                    "[a-😀]", "[[:alpha:]]", "(?i)", "(?P<n>", "\\Q", "\\1", "a", "😀").Array[0, 12].Select(string.Concat))
            .Sample(
                pattern =>
                    Try(
                        "input.name.matches(input.a.p + r'''" + pattern.Replace("'''", "", StringComparison.Ordinal) + "''')",
                        new Scope(new()
                        {
                            ["input"] = CelValue.Map(
                                [new("name", CelValue.String("a😀bab")), new("a", CelValue.Map([new("p", CelValue.String(""))]))]),
                        })), time: Seconds);

    [Theory]
    [InlineData(60_000)]
    public void Huge_literals_give_a_value_or_an_error(int length)
    {
        foreach (var text in new[]
        {
            new string('9', length),
            "0x" + new string('F', length),
            "1." + new string('0', length),
            "1e" + new string('9', length),
            "'" + new string('x', length) + "'",
            "b'" + new string('x', length) + "'",
            "[" + string.Concat(Enumerable.Repeat("1,", length / 2)) + "]",
            "{" + string.Concat(Enumerable.Range(0, length / 8).Select(i => $"{i}:1,")) + "}",
            new string('a', length),
            "a" + string.Concat(Enumerable.Repeat(".a", 150)),
            "duration('" + new string('1', length) + "s')",
            "timestamp('" + new string('1', length) + "')",
            "double('" + new string('9', length) + "')",
            "int('" + new string('9', length) + "')",
            "''.matches('" + new string('a', length) + "')",
            string.Join(" + ", Enumerable.Repeat("'x'", length / 8)),
        })
        {
            Try(text);
        }
    }

    private static string Edit(string text, (double Place, int Length, string Piece) edit)
    {
        var at = (int)(edit.Place * text.Length);
        var end = Math.Min(text.Length, at + edit.Length);
        return text.Length > 2_000 ? text : text[..at] + edit.Piece + text[end..];
    }

    private static void Try(string text) => Try(text, _scope);

    private static void Try(string text, Scope scope)
    {
        if (!Expression.TryParse(text, out var expression, out var problem))
        {
            Assert.True(
                problem is { Position: >= 0, Length: > 0, Problem.Length: > 0, Remedy.Length: > 0 } && problem.Position <= text.Length,
                text);
            return;
        }

        var found = expression.Check(name => name == "saga" ? CelType.Dyn : null);
        Assert.True(found.Cost >= 0 && !double.IsNaN(found.Cost), text);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var value = expression.Evaluate(scope);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        // The budget allows about 1 MB. The rest is for a pattern that is compiled during the evaluation and cached with its states.
        Assert.True(allocated < 8_000_000, $"{text} allocated {allocated} bytes");
        Assert.True(!value.IsError || value.AsError().Length > 0);
        Assert.True(expression.MeasureCost(scope) <= ExpressionLimits.Budget || value.IsError, text);
    }
}
