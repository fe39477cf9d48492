namespace Onex.Tests.Unit.Contracts.Expressions;

/// <summary>Rules of the public CEL specification that the files of its conformance suite do not cover.</summary>
public class SpecificationTests
{
    [Theory]
    // Whole numbers.
    [InlineData(
        "40 + 2 == 42 && 40 - -2 == 42 && 42 == -(-42) && 21 * 2 == 42 && 85 / 2 == 42 && -85 / 2 == -42 && 43 % 42 == 1 && -43 % 42 == "
            + "-1 && 43 % -42 == 1")]
    [InlineData(
        "9223372036854775807 - 9223372036854775807 == 0 && -9223372036854775808 + 9223372036854775807 == -1 && 0x7FFFFFFFFFFFFFFF == "
            + "9223372036854775807")]
    [InlineData("42u + 2u == 44u && 44u - 2u == 42u && 21u * 2u == 42u && 85u / 2u == 42u && 43u % 42u == 1u && 0xFFu == 255u")]
    // Doubles: a value outside their range is infinite.
    [InlineData(
        "4.25 * 15.25 == 64.8125 && 64.875 - 0.0625 == 64.8125 && -3.2 == -(3.2) && 1.0 / 0.0 == double('inf') && -1.0 / 0.0 == "
            + "double('-Infinity')")]
    [InlineData(
        "0.0 / 0.0 != 0.0 / 0.0 && !(double('NaN') < 1.0) && !(double('NaN') >= 1.0) && 0.0 == -0.0 && 1e308 * 10.0 == double('Infinity')")]
    // Conversions.
    [InlineData(
        "int(double(36028797018963968)) == 36028797018963968 && int(-123.456) == -123 && int(1.9) == 1 && int(uint(9223372036854775807)) "
            + "== 9223372036854775807")]
    [InlineData(
        "int('-987') == -987 && int(timestamp('2004-09-16T23:59:59Z')) == 1095379199 && uint(3.14) == 3u && uint('300') == 300u && "
            + "uint(25000000) == 25000000u")]
    [InlineData("double(1000000000000) == 1e12 && double(uint(123)) == 123.0 && double('-0.5e2') == -50.0 && double('.5') == 0.5")]
    [InlineData(
        "string(-4.5e-3) == '-0.0045' && string(123.456) == '123.456' && string(-456) == '-456' && string(9876u) == '9876' && "
            + "string('\\U0001F600') == '\\U0001F600'")]
    [InlineData(
        "string(timestamp('2009-02-13T23:31:30Z')) == '2009-02-13T23:31:30Z' && string(duration('1000000s')) == '1000000s' && "
            + "string(duration('-1ms')) == '-0.001s'")]
    [InlineData("bytes('\\u00ff') == b'\\303\\277' && bytes('\\u00ff') != b'\\377' && string(b'\\303\\277') == '\\u00ff'")]
    [InlineData(
        "bool('t') && bool('T') && bool('TRUE') && bool('True') && bool('1') && !bool('f') && !bool('FALSE') && !bool('0') && bool(true)")]
    [InlineData(
        "type(true) == bool && type(type) == type && type(int) == type(string) && type(1) != uint && type({'a': 1}) == map && type(b'') "
            + "== bytes && type(dyn([1])) == list")]
    [InlineData("[1, 3.14, 'foo', true] == dyn([1, 3.14, 'foo', true]) && dyn([1, 'a'])[1] == 'a'")]
    // Text.
    [InlineData(
        "size('') == 0 && size('\\u20acuro') == 4 && size('\\U0001F431\\U0001F600\\U0001F600') == 3 && size('\\u0000') == 1 && size(b'') "
            + "== 0")]
    [InlineData(
        "'na\\u00efve' < 'na\\u00efvf' && 'a' + '\\u00e9' == 'a\\u00e9' && '' + '' == '' && 'cat'.contains('') && ''.startsWith('') && "
            + "''.endsWith('')")]
    [InlineData(
        "'ma\\u00f1ana'.matches('a+\\u00f1+a+') && '\\U0001F431\\U0001F600\\U0001F600'.matches('(a|\\U0001F600){2}') && "
            + "'\\U0001F600\\U0001F600'.matches('^\\U0001F600{2}$')")]
    [InlineData(
        "'\\U0001F600'.matches('^.$') && '\\U0001F600'.matches('^[\\U0001F5FF-\\U0001F601]$') && '\\U0001F600'.matches('^[^a]$') && "
            + "'\\U0001F600'.matches(r'^\\W$') && !'a'.matches(r'^\\W$')")]
    [InlineData(
        "'hubba'.matches('ubb') && ''.matches('') && 'abc'.matches('') && !'abc'.matches('^b') && 'x\\ny'.matches('(?s)x.y') && "
            + "!'x\\ny'.matches('x.y') && 'AB'.matches('(?i)ab')")]
    [InlineData(
        "'\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"\\`\\?' == '\\007\\010\\014\\012\\015\\011\\013\\134\\047\\042\\140\\077' && "
            + "'\\x41\\X41\\101\\u0041\\U00000041' == 'AAAAA'")]
    [InlineData("b'\\xff\\377' == b'\\377\\xFF' && size(b'\u00e9') == 2")]
    [InlineData("r'\\n' == '\\\\n' && R\"\\d\" == '\\\\d' && '''a\n'b\"''' == 'a\\n\\'b\\\"' && br'\\x' == b'\\\\x'")]
    // Maps and fields.
    [InlineData(
        "{0: 1, 2: 2, 5: true}[5] && {0u: 1, 2u: 'happy', 5u: 3}[2u] == 'happy' && {'name': 100u}['name'] == 100u && {true: 5, false: "
            + "8}[true] == 5")]
    [InlineData(
        "{0u: 1u, 1: 2u, 5u: 3u}[1.0] == 2u && {true: null, false: 0}[true] == null && 3.0 in {1: 1.0, 2: 2.0, 3u: 3.0} && !(3.1 in {1: "
            + "1.0, 3u: 3.0}) && !(7 in {})")]
    [InlineData(
        "has({'a': 1, 'b': 2}.a) && !has({'a': 1}.b) && !has({}.a) && has({'/api/v1': true}.`/api/v1`) && {'content-type': "
            + "'x'}.`content-type` == 'x' && {'a.b': 1}.`a.b` == 1")]
    [InlineData("{'a': 1, 'b': [2]} == {'b': [2.0], 'a': 1u} && {} == {} && {'a': 1} != {'a': 2} && {1: 'a'} == {1u: 'a'}")]
    // Macros absorb errors and have variables of their own.
    [InlineData(
        "[1, 'foo', 3].exists(e, e != '1') && ![1, 'foo', 3].exists(e, e == '10') && ![].exists(e, e == 2) && {'key1': 1, 'key2': "
            + "2}.exists(k, k == 'key2')")]
    [InlineData(
        "[].all(e, e > 0) && [1, 2, 3].all(e, e > 0) && ![1, 'foo', 3].all(e, e == 1) && ![1, 2, 3].all(e, 6 / (2 - e) == 6) && !{'a': "
            + "1}.all(k, k == 'b')")]
    [InlineData(
        "[7].exists_one(a, a == 7) && ![7, 8].exists_one(a, a > 0) && ![].exists_one(a, a == 7) && {6: 'six', 7: 'seven'}.exists_one(k, "
            + "k == 7)")]
    [InlineData(
        "[1].map(x, [x].map(x, x + 1)) == [[2]] && [[1], [2, 3]].filter(y, y.exists(x, x > 2)) == [[2, 3]] && [1].all(int, int == 1)")]
    [InlineData(
        "[1, 2, 3].filter(n, n % 2 == 1).map(n, n * n) == [1, 9] && {'John': 'smart'}.map(key, key) == ['John'] && {'a': 1, 'b': "
            + "2}.filter(k, k == 'b') == ['b']")]
    // Absorption of errors, on either side.
    [InlineData(
        "(1 / 0 > 0 || true) && (true || 1 / 0 > 0) && !(1 / 0 > 0 && false) && !(false && 1 / 0 > 0) && ('horses' || true) && !(false "
            + "&& 'horses')")]
    [InlineData("true ? true : 1 / 0 > 0")]
    // Optionals.
    [InlineData(
        "optional.of(42).optMap(y, y + 1).value() == 43 && !optional.none().optMap(y, y + 1).hasValue() && optional.of({'k': "
            + "1}).optFlatMap(m, m.?k).value() == 1")]
    [InlineData(
        "!optional.of(1).optFlatMap(v, optional.none()).hasValue() && {'a': {'b': 'c'}}.?a.b.value() == 'c' && {'a': {'b': "
            + "'c'}}.?a['b'].orValue('') == 'c'")]
    [InlineData(
        "!{}.?c.missing.hasValue() && optional.of([1])[0].value() == 1 && !optional.of([1])[5].hasValue() && "
            + "!optional.none().?a.hasValue() && [[]][?0][?0].orValue(3) == 3")]
    [InlineData(
        "optional.none().or(optional.of(20)).value() == 20 && optional.of(1) == optional.of(1.0) && optional.of(1) != optional.none() && "
            + "type(optional.none()) == optional_type")]
    [InlineData(
        "!has({'a': {}}.?a.b) && has({'a': {'b': 1}}.?a.b) && [?optional.none(), 2] == [2] && {?'a': optional.none(), ?'b': "
            + "optional.of(1)} == {'b': 1}")]
    // Times.
    [InlineData(
        "timestamp('2009-02-13T23:31:30Z') == timestamp('2009-02-13T23:31:20Z') + duration('10s') && duration('600s') + duration('50s') "
            + "== duration('650s')")]
    [InlineData(
        "timestamp('2009-02-13T23:31:00Z') - timestamp('2009-02-13T23:29:00Z') == duration('120s') && timestamp('2009-02-13T23:31:00Z') "
            + "- duration('1m') < timestamp('2009-02-13T23:30:00.001Z')")]
    [InlineData(
        "timestamp('2009-02-13T23:31:20.123456789Z').getDate('Australia/Sydney') == 14 && "
            + "timestamp('2009-02-13T23:31:20Z').getDayOfMonth('US/Central') == 12")]
    [InlineData(
        "timestamp('2009-02-13T02:00:00Z').getDayOfMonth('-02:30') == 11 && timestamp('2009-02-13T23:31:30Z').getHours('02:00') == 1 && "
            + "timestamp('2009-02-13T23:31:30Z').getMinutes('Asia/Kathmandu') == 16")]
    [InlineData(
        "timestamp('2009-02-13T23:31:20.123456789Z').getMilliseconds() == 123 && duration('123.321456789s').getMilliseconds() == 321 && "
            + "duration('3730s').getMinutes() == 62 && duration('10000s').getHours() == 2")]
    [InlineData(
        "timestamp('0001-01-01T00:00:00Z').getFullYear() == 1 && timestamp('9999-12-31T23:59:59.999999999Z').getFullYear() == 9999 && "
            + "timestamp(1).getSeconds() == 1")]
    [InlineData(
        "duration('1h1m1s1ms1us1ns') == duration('3661.001001001s') && duration('+1.5h') == duration('90m') && duration('-0') == "
            + "duration('0s') && duration('1.s') == duration('1s')")]
    public void The_expression_is_true(string text) => Assert.Equal("true", ExpressionTests.Parse(text).Evaluate(Scope.Empty).ToString());

    [Theory]
    [InlineData("9223372036854775807 + 1")]
    [InlineData("-9223372036854775808 - 1")]
    [InlineData("-(-9223372036854775808)")]
    [InlineData("5000000000 * 5000000000")]
    [InlineData("1u - 2u")]
    [InlineData("5000000000u * 5000000000u")]
    [InlineData("17u / 0u")]
    [InlineData("17u % 0u")]
    [InlineData("43.5 % 5.0")]
    [InlineData("int(9223372036854775807.0)")]
    [InlineData("int(-9223372036854775808.0)")]
    [InlineData("int(double('NaN'))")]
    [InlineData("int(18446744073709551615u)")]
    [InlineData("uint(-1.0)")]
    [InlineData("uint(18446744073709551616.0)")]
    [InlineData("uint('-1')")]
    [InlineData("int('1.5')")]
    [InlineData("double('1e400')")]
    [InlineData("double('')")]
    [InlineData("double('1,5')")]
    [InlineData("bool('yes')")]
    [InlineData("string(b'\\xff\\xfe')")]
    [InlineData("timestamp('0000-01-01T00:00:00Z')")]
    [InlineData("timestamp('10000-01-01T00:00:00Z')")]
    [InlineData("timestamp(253402300800)")]
    [InlineData("timestamp(-62135596801)")]
    [InlineData("timestamp('0001-01-01T00:00:00Z') + duration('-1s')")]
    [InlineData("timestamp('9999-12-31T23:59:59.999999999Z') + duration('1ns')")]
    [InlineData("timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')")]
    [InlineData("duration('-320000000000s')")]
    [InlineData("duration('9223372037s')")]
    [InlineData("duration('9000000000s') + duration('9000000000s')")]
    [InlineData("duration('-9000000000s') - duration('9000000000s')")]
    [InlineData("{null: false}[null]")]
    [InlineData("{0: 1}[3]")]
    [InlineData("{1u: 1.0, 2: 2.0}[3.1]")]
    [InlineData("{0: 1, 0u: 2}")]
    [InlineData("{3.3: 1}")]
    [InlineData("{'a': [1, 2]}.a.b")]
    [InlineData("[1, 2, 3].exists(e, e / 0 == 17)")]
    [InlineData("[1, 2, 3].all(e, e / 0 != 17)")]
    [InlineData("[3, 2, 1, 0].exists_one(n, 12 / n > 1)")]
    [InlineData("[3, 2, 1, 0].filter(n, 12 / n > 4)")]
    [InlineData("[2, 1, 0].map(n, 4 / n)")]
    [InlineData("1 / 0 > 0 || false")]
    [InlineData("1 / 0 > 0 && true")]
    [InlineData("optional.of(1).optFlatMap(v, v)")]
    [InlineData("1.optMap(v, v)")]
    [InlineData("'abc'.matches('[' + 'a')")]
    public void The_evaluation_fails(string text) => Assert.True(ExpressionTests.Parse(text).Evaluate(Scope.Empty).IsError, text);

    [Theory]
    [InlineData("a.b.c", "longest")]
    [InlineData("a.b.d", "of two")]
    [InlineData("a.x", "of one")]
    [InlineData(".a.b.c", "longest")]
    [InlineData("[{'b': {'c': 'mine'}}].map(a, a.b.c)[0]", "mine")]
    public void The_longest_qualified_name_in_scope_wins(string text, string expected)
    {
        var scope = new Scope(new()
        {
            ["a.b.c"] = CelValue.String("longest"),
            ["a.b"] = CelValue.Map([new("c", CelValue.String("wrong")), new("d", CelValue.String("of two"))]),
            ["a"] = CelValue.Map([new("b", CelValue.Map([new("c", CelValue.String("wrong"))])), new("x", CelValue.String("of one"))]),
        });
        Assert.Equal(expected, ExpressionTests.Parse(text).Evaluate(scope).AsString());
    }
}
