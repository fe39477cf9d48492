namespace Onex.Tests.Unit.Contracts.Expressions;

public class ExpressionTests
{
    private static readonly Scope _scope = Scope.Parse("""
        {
          "input": { "total": 10.5, "count": 3, "name": "Anna", "tags": ["a", "b"], "nothing": null,
          "items": [{ "price": 2, "sku": "x" }, { "price": 5, "sku": "y" }] },
          "saga": { "id": "0199b6a8-0000-7000-8000-000000000001" }
        }
        """);

    [Theory]
    // Fields, indexes and missing values.
    [InlineData("input.total > 10.0")]
    [InlineData("input['count'] == 3 && input.tags[1] == 'b' && input.nothing == null")]
    [InlineData("has(input.total) && !has(input.missing)")]
    [InlineData("input.?missing.deeper.orValue(7) == 7")]
    [InlineData("input.?name.orValue('x') == 'Anna'")]
    [InlineData("input.tags[?5].orValue('z') == 'z' && input.tags[?0].value() == 'a'")]
    [InlineData("!input.?missing.hasValue() && optional.of(1).hasValue()")]
    [InlineData("input.?missing.or(optional.of(2)).value() == 2 && optional.of(1).or(2).value() == 1")]
    [InlineData("optional.of(1).orValue(1 / 0) == 1")]
    [InlineData("!optional.ofNonZeroValue('').hasValue() && optional.ofNonZeroValue(3) == optional.of(3)")]
    [InlineData("optional.none() == optional.none() && optional.none() != optional.of(null)")]
    [InlineData("[?input.?missing, 1, ?optional.of(2)] == [1, 2]")]
    [InlineData("{?'a': input.?missing, 'b': 1} == {'b': 1}")]
    [InlineData("{'content-type': 1}.`content-type` == 1")]
    [InlineData("{true: 1, 2: 'two', 3u: 'three'}[3] == 'three'")]
    // Macros.
    [InlineData("input.items.all(i, i.price > 1) && !input.items.all(i, i.price > 2)")]
    [InlineData("input.items.exists(i, i.sku == 'y') && input.items.exists_one(i, i.price == 5)")]
    [InlineData("input.items.map(i, i.price) == [2, 5]")]
    [InlineData("input.items.map(i, i.price > 2, i.sku) == ['y']")]
    [InlineData("input.items.filter(i, i.price < 3).size() == 1")]
    [InlineData("{'b': 1, 'a': 2}.map(k, k) == ['b', 'a']")]
    [InlineData("[1, 2].map(x, [3, 4].map(y, x * y)) == [[3, 4], [6, 8]]")]
    [InlineData("[1].map(input, input + 1) == [2] && [1].map(input, .input.count) == [3]")]
    [InlineData("[1, 0].exists(x, 1 / x == 1) && ![0, 1].all(x, 1 / x == 2)")]
    // Text.
    [InlineData("size('a\\U0001F600') == 2 && 'a\\U0001F600'.size() == 2 && size(b'\\xff') == 1")]
    [InlineData("'hello'.startsWith('he') && 'hello'.endsWith('lo') && 'hello'.contains('ell')")]
    [InlineData("'abc'.matches('b') && matches('abc', '^a.c$') && !'abc\\n'.matches('c$')")]
    [InlineData("!'\\u0663'.matches('\\\\d') && 'x-1'.matches('^[[:alpha:]]-[\\\\d]$') && 'a[b'.matches('[[]')")]
    [InlineData("'ab' + 'c' == 'abc' && b'a' + b'b' == b'ab' && 'a' < 'b' && '\\uFF5E' < '\\U0001F600'")]
    [InlineData("lower('ÄB') == 'äb' && 'ab'.upper() == 'AB' && trim(' a ') == 'a'")]
    [InlineData("'a,b,c'.split(',') == ['a', 'b', 'c'] && split('a,b,c', ',', 2) == ['a', 'b,c'] && 'ab'.split('') == ['a', 'b']")]
    [InlineData("''.split(',') == [''] && ''.split('') == [] && 'a,'.split(',') == ['a', ''] && 'a'.split(',', 0) == []")]
    [InlineData("join(['a', 'b'], '-') == 'a-b' && input.tags.join() == 'ab'")]
    [InlineData("base64('hi') == 'aGk=' && base64(b'\\xff') == '/w=='")]
    [InlineData("sha256('abc') == 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'")]
    [InlineData("uuid(saga, 'refund') == uuid(saga.id, 'refund') && uuid(saga, 'a') != uuid(saga, 'b')")]
    [InlineData("uuid('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com') == '2ed6657d-e927-568b-95e1-2665a8aea6a2'")]
    // Numbers.
    [InlineData("1 == 1u && 1 == 1.0 && 1u < 2 && 1.5 > 1 && 7 / 2 == 3 && -7 % 3 == -1 && 7u % 4u == 3u")]
    [InlineData("round(2.5) == 3.0 && round(-2.5) == -3.0 && round(1.005, 1) == 1.0 && round(3) == 3")]
    // Rounds the digits that string() shows, halves away from zero.
    [InlineData("round(2.675, 2) == 2.68 && round(1.005, 2) == 1.01 && round(1.115, 2) == 1.12 && round(-1.005, 2) == -1.01")]
    [InlineData(
        "round(0.285, 2) == 0.29 && round(10.075, 2) == 10.08 && round(9.995, 2) == 10.0 && round(0.5) == 1.0 && "
            + "round(0.49999999999999994) == 0.0")]
    [InlineData(
        "round(4503599627370497.5) == 4503599627370498.0 && round(1e300, 3) == 1e300 && round(5e-324, 15) == 0.0 && round(9.9e15, 15) == "
            + "9.9e15")]
    [InlineData("string(round(-0.2)) == '0' && round(0.0004, 3) == 0.0 && round(0.0005, 3) == 0.001 && round(123456.785, 2) == 123456.79")]
    [InlineData("min([3, 1, 2]) == 1 && max(1, 2.5) == 2.5 && max(['a', 'b']) == 'b' && sum([1, 2]) == 3 && sum([]) == 0")]
    [InlineData("sum(input.items.map(i, i.price)) == 7 && sum([duration('1s'), duration('2s')]) == duration('3s')")]
    [InlineData("int('42') == 42 && int(3.9) == 3 && int(-3.9) == -3 && uint(3) == 3u && double('1e3') == 1000.0 && int(5u) == 5")]
    [InlineData(
        "string(1) == '1' && string(1.5) == '1.5' && string(true) == 'true' && string(b'abc') == 'abc' && bytes('ä') == b'\\xc3\\xa4'")]
    [InlineData("bool('true') && !bool('0') && string(1e100) == '1e+100'")]
    [InlineData(".5 == 0.5 && 0xFF == 255 && 1e3 == 1000.0 && - 5 == -5")]
    // Types.
    [InlineData(
        "type(1) == int && type('') == string && type(null) == null_type && type(int) == type && type([]) == list && type({}) == map")]
    [InlineData("type(timestamp(0)) == google.protobuf.Timestamp && type(duration('1s')) == google.protobuf.Duration")]
    [InlineData("string(type(1u)) == 'uint' && type(dyn(1.0)) == double && type(optional.none()) == optional_type")]
    // Times.
    [InlineData("timestamp('2030-01-31T12:00:00Z') + duration('24h') == timestamp('2030-02-01T12:00:00Z')")]
    [InlineData(
        "timestamp('2030-01-01T00:00:00+02:00') == timestamp('2029-12-31T22:00:00Z') && int(timestamp('1970-01-01T00:01:00Z')) == 60")]
    [InlineData("timestamp('2030-01-02T00:00:00Z') - timestamp('2030-01-01T00:00:00Z') == duration('24h')")]
    [InlineData("string(timestamp('2030-01-01T00:00:00.120Z')) == '2030-01-01T00:00:00.12Z' && string(duration('-1.5s')) == '-1.5s'")]
    [InlineData(
        "timestamp('1969-12-31T23:59:59.5Z') < timestamp(0) && timestamp(0) - timestamp('1969-12-31T23:59:59.5Z') == duration('500ms')")]
    [InlineData("timestamp('2030-03-05T06:07:08.009Z').getFullYear() == 2030 && timestamp('2030-03-05T06:07:08Z').getMonth() == 2")]
    [InlineData("timestamp('2030-03-05T06:07:08Z').getDate() == 5 && timestamp('2030-03-05T06:07:08Z').getDayOfMonth() == 4")]
    [InlineData("timestamp('2030-03-05T06:07:08Z').getDayOfWeek() == 2 && timestamp('2030-03-05T06:07:08Z').getDayOfYear() == 63")]
    [InlineData(
        "timestamp('2030-03-05T06:07:08.009Z').getMilliseconds() == 9 && timestamp('2030-03-05T06:07:08Z').getHours('-08:00') == 22")]
    [InlineData(
        "duration('1h30m').getMinutes() == 90 && duration('1h30m').getHours() == 1 && duration('90s').getSeconds() == 90 && "
            + "duration('1.321s').getMilliseconds() == 321")]
    [InlineData(
        "duration('1h') > duration('59m59s') && duration('1us') == duration('1000ns') && duration('1m') - duration('2m') == "
            + "duration('-60s')")]
    // A timestamp keeps nine decimals of a second, and a leap second is the second after it. A duration is rounded to nanoseconds.
    [InlineData("timestamp('1985-04-12T00:59:59.999999999999999Z') == timestamp('1985-04-12T00:59:59.999999999Z')")]
    [InlineData(
        "timestamp('1998-12-31T23:59:60Z') == timestamp('1999-01-01T00:00:00Z') && timestamp('1998-12-31T15:59:60.5-08:00') == "
            + "timestamp('1999-01-01T00:00:00.5Z')")]
    [InlineData(
        "duration('1.0000000004s') == duration('1s') && duration('1.0000000005s') == duration('1.000000001s') && "
            + "duration('-0.0000000005s') == duration('-1ns')")]
    [InlineData(
        "duration('0.0000000001h') == duration('360ns') && duration('1.5ns') == duration('2ns') && duration('0.4ns0.4ns') == "
            + "duration('1ns')")]
    [InlineData(
        "duration('9223372036854775807ns') == duration('9223372036s') + duration('854775807ns') && "
            + "string(duration('-9223372036854775808ns')) == '-9223372036.854775808s'")]
    // The time of Bern until 1894 had an offset of 29 min 46 s. .NET does not have the seconds of an offset.
    [InlineData(
        "timestamp('1880-01-01T00:00:00Z').getSeconds('+00:29:46') == 46 && "
            + "timestamp('1880-01-01T00:00:00Z').getSeconds('Europe/Zurich') == 46")]
    [InlineData(
        "timestamp('1971-12-31T12:00:00Z').getSeconds('Africa/Monrovia') == 30 && "
            + "timestamp('1972-02-01T12:00:00Z').getSeconds('Africa/Monrovia') == 0")]
    [InlineData(
        "timestamp('1960-07-01T12:00:00Z').getHours('America/New_York') == 8 && "
            + "timestamp('2026-07-01T12:00:00Z').getHours('America/New_York') == 8")]
    [InlineData(
        "timestamp('2030-03-05T06:07:08Z').getSeconds('+01:00:30') == 38 && timestamp('2030-03-05T06:07:08Z').getMinutes('-00:00:10') == "
            + "6")]
    [InlineData("[,] == [] && {,} == {} && [1,] == [1] && {'a': 1,} == {'a': 1}")]
    // An operand that decides the result absorbs the error of the other, in either order.
    [InlineData("1 / 0 == 0 || true")]
    [InlineData("!(input.missing && false)")]
    [InlineData("nobody || true")]
    // White space and comments as in the public conformance suite, which has them around a protobuf message.
    [InlineData("[\f{\t'a'\n:\rint ( 17 ) } . a ] [ 0 ] == ( 18 - 1 ) && ! false ? true : false")]
    [InlineData("// first\n[// @\n1// @\r still a comment\n, 2][1// @\n] == 2 // last")]
    public void The_expression_is_true(string text) => Assert.Equal("true", Evaluate(text).ToString());

    [Theory]
    [InlineData("1 / 0", "division by zero")]
    [InlineData("1 % 0", "modulus by zero")]
    [InlineData("9223372036854775807 + 1", "out of range")]
    [InlineData("-9223372036854775808 - 1", "out of range")]
    [InlineData("-(-9223372036854775808)", "out of range")]
    [InlineData("-9223372036854775808 / -1", "out of range")]
    [InlineData("-9223372036854775808 % -1", "out of range")]
    [InlineData("9223372036854775807 * 2", "out of range")]
    [InlineData("0u - 1u", "out of range")]
    [InlineData("18446744073709551615u + 1u", "out of range")]
    [InlineData("int(1e30)", "out of range")]
    [InlineData("uint(-1)", "out of range")]
    [InlineData("input.total + 1", "convert one with")]
    [InlineData("'a' + 1", "no matching overload for '+': string and int")]
    [InlineData("input.missing", "no such key: missing")]
    [InlineData("input.name.first", "no matching overload for the field 'first': string")]
    [InlineData("input.nothing.?x", "no matching overload for the field 'x': null")]
    [InlineData("input.tags[2]", "index out of bounds: 2 in a list of 2")]
    [InlineData("nobody", "there is no 'nobody' here")]
    [InlineData("'a' && true", "no matching overload for '&&': string")]
    [InlineData("1 ? 2 : 3", "no matching overload for '?:': int")]
    [InlineData("{'a': 1, 'a': 2}", "repeated key: a")]
    [InlineData("{1: 1, 1u: 2}", "repeated key: 1")]
    [InlineData("{1.5: 1}", "a key of a map")]
    [InlineData("[1, 0].map(x, 1 / x)", "division by zero")]
    [InlineData("[0, 1].exists_one(x, 1 / x == 1)", "division by zero")]
    [InlineData("3.map(x, x)", "no matching overload for a macro over items: int")]
    [InlineData("optional.none().value()", "the optional has no value")]

    [InlineData("timestamp('2030-02-30T00:00:00Z')", "is not a timestamp")]
    [InlineData("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "the time is out of range")]
    [InlineData("duration('1x')", "is not a duration")]
    [InlineData("timestamp(0).getHours('Mars/Olympus')", "there is no time zone 'Mars/Olympus'")]
    [InlineData("string(b'\\xff')", "not UTF-8")]
    [InlineData("int(' 1')", "is not an int")]
    [InlineData("int('1\\u0000')", "is not an int")]
    [InlineData("uint('1\\u0000')", "is not a uint")]
    [InlineData("double('1.5\\u0000')", "is not a double")]
    [InlineData("timestamp('2020-01-01T00:00:00UTC')", "is not a timestamp")]
    [InlineData("timestamp('1998-12-31T23:58:60Z')", "is not a timestamp")]
    [InlineData("timestamp('2020-01-01T00:00:00+01:00:30')", "is not a timestamp")]
    [InlineData("duration('9223372036854775808ns')", "is not a duration")]
    [InlineData("duration('9223372036854775807.5ns')", "is not a duration")]
    [InlineData("min([])", "min of an empty list")]
    [InlineData("sum(['a'])", "no matching overload for sum: string")]
    [InlineData("uuid('x', 'y')", "is not a UUID")]
    [InlineData("'a'.matches('(' + 'a')", "the regular expression cannot be used")]
    public void The_evaluation_fails_with_the_reason(string text, string reason)
    {
        var value = Evaluate(text);
        Assert.True(value.IsError, value.ToString());
        Assert.Contains(reason, value.AsError(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 0, 1, "the expression is empty")]
    [InlineData("a = b", 2, 1, "'=' is not an operator", "write == to compare")]
    [InlineData("a and b", 2, 3, "an operator is missing before 'and'", "write && for and")]
    [InlineData("a & b", 2, 1, "'&' is not an operator")]
    [InlineData("'open", 0, 5, "the string is not closed")]
    [InlineData("'a\\q'", 2, 2, "an escape that does not exist")]
    [InlineData("'\\ud800'", 1, 6, "not a character of Unicode")]
    [InlineData("(1 + 2", 6, 1, "the expression ends too early", "expected ')', the closing parenthesis")]
    [InlineData("1 + ", 4, 1, "the expression ends too early")]
    [InlineData("99999999999999999999", 0, 20, "the number does not fit into 64 bits")]
    [InlineData("9223372036854775808", 0, 19, "the number is out of range", "an int has 64 bits")]
    [InlineData("1e999", 0, 5, "the number is out of range", "a double is below 1.8e308")]
    [InlineData("-1e999", 0, 6, "the number is out of range", "a double is below 1.8e308")]
    [InlineData("12ab", 0, 3, "'a' directly after a number")]
    [InlineData("for + 1", 0, 3, "'for' is a reserved word")]
    [InlineData("a.in", 2, 2, "a name must follow the dot")]
    [InlineData("input.name.startWith('a')", 11, 9, "there is no function 'startWith'", "did you mean 'startsWith'?")]
    [InlineData("sizee(a)", 0, 5, "there is no function 'sizee'", "did you mean 'size'?")]
    [InlineData("a.al(x, x)", 2, 2, "there is no function 'al'", "did you mean 'all'?")]
    [InlineData("size(1, 2)", 0, 10, "'size' does not accept 2 arguments", "write size(value)")]
    [InlineData("'a'.int()", 4, 5, "'int' is not called on a value", "write int(value)")]
    [InlineData("startsWith('a', 'b')", 0, 20, "'startsWith' is called on a value")]
    [InlineData("a.all(1, true)", 6, 1, "the first argument of 'all' is the name of its variable")]
    [InlineData("a.filter(x, x, x)", 16, 1, "'filter' has too many arguments")]
    [InlineData("a.optMap(1)", 9, 1, "the first argument of 'optMap' is the name of its variable", "write optional.optMap(x, value)")]
    [InlineData("a.optFlatMap(x, x, x)", 20, 1, "too many arguments", "write optional.optFlatMap(x, optional)")]
    [InlineData("has(a)", 4, 1, "has() takes a field")]
    [InlineData("Point{x: 1}", 5, 1, "messages cannot be made here")]
    [InlineData("'a'.matches('a(?=b)')", 12, 8, "the regular expression cannot be used")]
    [InlineData("'a'.matches('(a{1000}){1000}')", 12, 17, "the regular expression cannot be used")]
    [InlineData("${input.x}", 0, 1, "'$' has no place in an expression")]
    public void A_syntax_error_is_reported_at_its_position(string text, int position, int length, string problem, string? remedy = null)
    {
        Assert.False(Expression.TryParse(text, out _, out var found));
        Assert.Contains(problem, found.Problem, StringComparison.Ordinal);
        Assert.Contains(remedy ?? "", found.Remedy, StringComparison.Ordinal);
        Assert.Equal((position, length), (found.Position, found.Length));
    }

    [Theory]
    [InlineData("steps.fraud.body.score > 80", "steps.fraud.body.score")]
    [InlineData("input", "input")]
    [InlineData("input.items.all(i, i.price > data.least)", "input.items data.least")]
    [InlineData("input['a']['b c'].d", "input.a.b c.d")]
    [InlineData("input.items[data.index].price", "input.items data.index")]
    [InlineData("has(input.a.b) ? input.a.b : input.?c.d.orValue(1)", "input.a.b? input.a.b input.c.d?")]
    [InlineData("[1].map(input, .input.x + input)", "input.x")]
    [InlineData("type(1) == google.protobuf.Timestamp || int == type(a)", "a")]
    [InlineData("uuid(saga, 'x') + optional.of(b.c).value()", "saga b.c")]
    public void The_paths_are_those_read_from_the_scope(string text, string paths)
    {
        var expression = Parse(text);
        Assert.Equal(paths, string.Join(' ', expression.PathUses.Select(use => string.Join('.', use.Path) + (use.Guarded ? "?" : ""))));
    }

    [Fact]
    public void A_path_is_listed_once_with_the_position_of_each_use()
    {
        var expression = Parse("input.a + 1 > data . b || input.a == 2");
        Assert.Equal(["input.a", "data.b"], expression.Paths.Select(path => string.Join('.', path)));
        Assert.Equal(
            ["input.a", "data . b", "input.a"], expression.PathUses.Select(use => expression.Text.Substring(use.Position, use.Length)));
    }

    internal static Expression Parse(string text)
    {
        Assert.True(Expression.TryParse(text, out var expression, out var problem), $"{text}: {problem}");
        return expression;
    }

    private static CelValue Evaluate(string text) => Parse(text).Evaluate(_scope);
}
