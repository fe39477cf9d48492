using Onex.Contracts.Diagnostics;
using Onex.Contracts.Schemas;

namespace Onex.Tests.Unit.Contracts.Schemas;

/// <summary>
/// The keywords of JSON Schema 2020-12 in the order of the specification. A case has a schema, its valid instances and its invalid
/// instances. Instances are separated by blanks.
/// </summary>
public sealed class JsonSchemaKeywordTests
{
    [Theory]
    // type: 1.0 is an integer, a bool is not a number.
    [InlineData("{type: integer}", "1 1.0 -0.0 1e3", "1.5 '1' true null [] {}")]
    [InlineData("{type: number}", "1 1.5 1e400 100000000000000000000", "'1' false null")]
    [InlineData("{type: 'null'}", "null", "0 '' false [] {}")]
    [InlineData("{type: boolean}", "true false", "0 1 'true' null")]
    [InlineData("{type: string}", "'' '1'", "1 null")]
    [InlineData("{type: object}", "{}", "[] null")]
    [InlineData("{type: array}", "[]", "{} null")]
    [InlineData("{type: [array, object]}", "[] {}", "null 1 ''")]
    // enum and const: deep equality, in which 1 equals 1.0 but not a bool.
    [InlineData(
        "{enum: [1, [false], {a: [0]}, null]}", "1 1.0 [false] {\"a\":[0.0]} null", "true [0] [] {\"a\":[false]} {\"a\":[0],\"b\":1} '1'")]
    [InlineData("{const: 0}", "0 0.0 -0.0", "false '' [] null")]
    [InlineData("{const: false}", "false", "0 [] ''")]
    [InlineData("{const: {a: 1, b: [2]}}", "{\"b\":[2.0],\"a\":1}", "{\"a\":1} [1]")]
    [InlineData("{const: null}", "null", "0 false ''")]
    [InlineData("{const: 9007199254740993}", "9007199254740993", "9007199254740992 9007199254740994")]
    [InlineData("{enum: []}", "", "1 null")]
    // Numbers keep all their digits. The keywords of numbers ignore other values.
    [InlineData("{const: 18446744073709551615}", "18446744073709551615", "18446744073709551614 18446744073709551616 1.8446744073709552e19")]
    [InlineData("{type: number, const: 18446744073709551615}", "18446744073709551615", "18446744073709551614")]
    [InlineData(
        "{type: number, enum: [9007199254740993, 18446744073709551614]}",
        "9007199254740993 18446744073709551614",
        "9007199254740992 18446744073709551615")]
    [InlineData("{type: number, minimum: 9007199254740993}", "9007199254740993", "9007199254740992")]
    [InlineData("{allOf: [{type: number}, {const: 9007199254740993}]}", "9007199254740993", "9007199254740992")]
    [InlineData("{patternProperties: {a: {type: number}, b: {multipleOf: 2}}}", "{\"ab\":9007199254740994}", "{\"ab\":9007199254740993}")]
    [InlineData(
        "{properties: {a: {type: number}}, allOf: [{properties: {a: {multipleOf: 2}}}]}",
        "{\"a\":9007199254740994}",
        "{\"a\":9007199254740993}")]
    [InlineData(
        "{properties: {a: {type: number}}, patternProperties: {a: {multipleOf: 2}}}",
        "{\"a\":9007199254740994}",
        "{\"a\":9007199254740993}")]
    [InlineData(
        "{properties: {a: {type: number}}, dependentSchemas: {a: {properties: {a: {multipleOf: 2}}}}}",
        "{\"a\":9007199254740994}",
        "{\"a\":9007199254740993}")]
    [InlineData(
        "{items: {type: number}, if: {items: {multipleOf: 2}}, then: true, else: false}", "[9007199254740994]", "[9007199254740993]")]
    [InlineData("{multipleOf: 2}", "10 0 -4 'x' 4.0", "7 3.5")]
    [InlineData(
        "{multipleOf: 2}",
        "9007199254740994 18446744073709551614 -9223372036854775808",
        "9007199254740993 18446744073709551615 9223372036854775807")]
    [InlineData(
        "{type: number, multipleOf: 3}", "9007199254740993 18446744073709551615", "9007199254740992 9007199254740994 18446744073709551614")]
    [InlineData("{multipleOf: 0.01}", "1000000000000000 1e15 1000000000000000.25 4.35 0.07 1e300", "100000000000.125 0.075 1e-3")]
    [InlineData("{multipleOf: 1e-8}", "12391239123 1e-7 0.00000001", "1e-9 0.123456789")]
    [InlineData("{multipleOf: 9007199254740993}", "9007199254740993 18014398509481986", "9007199254740992 18014398509481984")]
    [InlineData("{type: integer, multipleOf: 0.5}", "1e18 5", "1.5")]
    [InlineData("{multipleOf: 0.123456789}", "0.246913578", "1e308")]
    [InlineData(
        "{maxLength: 9007199254740991, maxItems: 9007199254740991, maxProperties: 9007199254740991.0, maxContains: 9007199254740991}",
        "'x' [] {}",
        "")]
    [InlineData("{multipleOf: 1.5}", "0 4.5 -3", "35")]
    [InlineData("{multipleOf: 0.0001}", "0.0075 0.0001", "0.00751")]
    [InlineData("{multipleOf: 0.01}", "19.99 1234567.01 0.07", "19.999")]
    [InlineData("{type: integer, multipleOf: 0.00000001}", "12391239123", "")]
    [InlineData("{type: integer, multipleOf: 0.123456789}", "", "1e308")]
    [InlineData("{multipleOf: 3}", "9223372036854775806", "9223372036854775807")]
    [InlineData("{minimum: 1.1}", "1.1 2.6 'x'", "0.6")]
    [InlineData("{minimum: -2}", "-1 0 -2 -2.0", "-2.0001 -3")]
    [InlineData("{maximum: 300}", "299.97 300 300.0", "300.5")]
    [InlineData("{minimum: 9007199254740993}", "9007199254740993", "9007199254740992")]
    [InlineData("{exclusiveMinimum: 1.1, exclusiveMaximum: 3}", "1.2 2.9", "1.1 3 3.0 0")]
    // Text: characters are code points. A pattern matches anywhere in the text, as in ECMA-262.
    [InlineData("{minLength: 2}", "'ab' '\\ud83d\\udca9\\ud83d\\udca9' 1", "'a' '\\ud83d\\udca9'")]
    [InlineData("{minLength: 2.0, maxLength: 2.0}", "'ab' '\\ud83d\\udca9\\ud83d\\udca9'", "'a' 'abc'")]
    [InlineData("{pattern: 'a+'}", "'xxaayy' 1 null {}", "'b'")]
    [InlineData("{pattern: '^a*$'}", "'aaa' ''", "'abc' 'a\\n'")]
    [InlineData("{pattern: '^\\d+$'}", "'42'", "'\u07c0' '4x'")]
    [InlineData("{pattern: '^\\w+$'}", "'a_1'", "'\u00e9'")]
    [InlineData("{pattern: '^\\W$'}", "'\u00e9' '\\ud83d\\udc32'", "'e'")]
    [InlineData("{pattern: '^\\s$'}", "'\u00a0' '\\ufeff' '\\u2029' '\\u000b'", "'\\u0001' 'x'")]
    [InlineData("{pattern: '^\\S$'}", "'x' '\\ud83d\\udc32'", "'\u00a0'")]
    [InlineData("{pattern: '^\\p{Letter}+$'}", "'Hyv\u00e4'", "'4'")]
    [InlineData("{pattern: '^\ud83d\udc32*$'}", "'' '\\ud83d\\udc32\\ud83d\\udc32'", "'\\ud83d\\udc09'")]
    [InlineData("{pattern: '^[\ud83d\udc30-\ud83d\udc32]$'}", "'\\ud83d\\udc31'", "'\\ud83d\\udc33' 'a'")]
    [InlineData("{pattern: '^[^a]$'}", "'b' '\\ud83d\\udc32'", "'a'")]
    [InlineData("{pattern: '^.$'}", "'b' '\\ud83d\\udc32'", "'ab' '\\n'")]
    [InlineData("{pattern: '^\\u{1F432}\\x41$'}", "'\\ud83d\\udc32A'", "'A'")]
    [InlineData("{pattern: '[[:alpha:]'}", "'a' ':'", "'b'")]
    // Arrays.
    [InlineData("{minItems: 1, maxItems: 2}", "[1] [1,2] 'xyz'", "[] [1,2,3]")]
    [InlineData(
        "{uniqueItems: true}",
        "[1,2] [1,true] [0,false] [[1],[true]] [{\"a\":1},{\"a\":true}] [{\"a\":false},{\"a\":0}] ['1',1] []",
        "[1,1] [1.0,1] [{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}] [[1,2],[1,2.0]] [null,null]")]
    [InlineData("{uniqueItems: false}", "[1,1]", "")]
    [InlineData(
        "{uniqueItems: true}",
        "[9007199254740993,9007199254740992.0] [[9007199254740993],[9007199254740992.0]]",
        "[9007199254740992,9007199254740992.0]")]
    [InlineData("{const: {a: [9007199254740993]}}", "{\"a\":[9007199254740993]}", "{\"a\":[9007199254740992.0]}")]
    [InlineData("{items: {type: integer}}", "[] [1,2] {\"0\":'x'}", "[1,'x']")]
    [InlineData("{items: false}", "[]", "[1]")]
    [InlineData("{prefixItems: [{type: integer}, {type: string}]}", "[1,'a'] [1] [] [1,'a',true]", "['a',1] [1,2]")]
    [InlineData("{prefixItems: [{type: integer}], items: {type: string}}", "[1] [1,'a','b'] []", "[1,2] ['a']")]
    [InlineData("{prefixItems: [true, false]}", "[1] []", "[1,1]")]
    [InlineData("{contains: {minimum: 5}}", "[3,4,5] [5] {} 'x'", "[2,3] []")]
    [InlineData("{contains: true}", "[1]", "[]")]
    [InlineData("{contains: false}", "1", "[1] []")]
    [InlineData("{contains: {const: 1}, minContains: 2}", "[1,1] [1,2,1]", "[1] []")]
    [InlineData("{contains: {const: 1}, maxContains: 1}", "[1] [1,2]", "[1,1] []")]
    [InlineData("{contains: {const: 1}, minContains: 0}", "[] [2] [1]", "")]
    [InlineData("{contains: {const: 1}, minContains: 0, maxContains: 1}", "[] [1]", "[1,1]")]
    [InlineData("{minContains: 2, maxContains: 1}", "[] [1]", "")]
    // Objects.
    [InlineData("{required: [a, '__proto__']}", "{\"a\":null,\"__proto__\":1} []", "{\"a\":1} {}")]
    [InlineData("{properties: {a: {type: integer}, b: false}}", "{\"a\":1} {} {\"c\":[]} []", "{\"a\":'x'} {\"b\":1}")]
    [InlineData(
        "{patternProperties: {'f.*o': {type: integer}}}",
        "{\"foo\":1} {\"foooooo\":1,\"x\":'x'} {} [] 12",
        "{\"foo\":'bar'} {\"xfxox\":'bar'}")]
    [InlineData(
        "{patternProperties: {'a*': {type: integer}, 'aaa*': {maximum: 20}}}",
        "{\"a\":21} {\"aaaa\":18}",
        "{\"a\":'x'} {\"aaaa\":31} {\"aaa\":'f'}")]
    [InlineData(
        "{patternProperties: {'[0-9]{2,}': {type: boolean}, 'X_': {type: string}}}",
        "{\"a31b\":true,\"a_X_3\":'x'} {\"a_x_3\":3}",
        "{\"a31b\":null} {\"a_X_3\":3}")]
    [InlineData(
        "{properties: {foo: {}}, patternProperties: {'^v': {}}, additionalProperties: false}",
        "{\"foo\":1} {\"vroom\":2} []",
        "{\"quux\":1}")]
    [InlineData("{properties: {foo: {}}, additionalProperties: {type: boolean}}", "{\"foo\":1,\"q\":true}", "{\"foo\":1,\"q\":12}")]
    [InlineData("{additionalProperties: false}", "{} 1", "{\"a\":1}")]
    [InlineData("{minProperties: 1, maxProperties: 2}", "{\"a\":1} []", "{} {\"a\":1,\"b\":1,\"c\":1}")]
    [InlineData("{propertyNames: {maxLength: 3}}", "{\"f\":{},\"foo\":{}} {} [] 1", "{\"foobar\":{}}")]
    [InlineData("{propertyNames: {pattern: '^a+$'}}", "{\"aa\":1}", "{\"aaA\":1}")]
    [InlineData("{propertyNames: false}", "{}", "{\"a\":1}")]
    [InlineData("{dependentRequired: {bar: [foo], q: []}}", "{} {\"foo\":1} {\"foo\":1,\"bar\":2} {\"q\":1} ['bar']", "{\"bar\":2}")]
    [InlineData(
        "{dependentSchemas: {bar: {properties: {foo: {type: integer}}, required: [foo]}}}",
        "{\"foo\":'x'} {\"foo\":1,\"bar\":1} {}",
        "{\"foo\":'x',\"bar\":1} {\"bar\":1}")]
    // Combined.
    [InlineData("{allOf: [{type: integer}, {minimum: 3}]}", "3", "2 'x' 3.5")]
    [InlineData("{anyOf: [{type: integer}, {minimum: 2}]}", "1 2.5 3", "1.5")]
    [InlineData("{oneOf: [{type: integer}, {minimum: 2}]}", "1 2.5", "3 1.5")]
    [InlineData("{oneOf: [true, true]}", "", "1")]
    [InlineData("{anyOf: [{}, {type: number}]}", "'x' 1", "")]
    [InlineData("{not: {type: [integer, boolean]}}", "'x' 1.5", "1 true")]
    [InlineData("{not: {not: {type: integer}}}", "1", "'x'")]
    [InlineData("{not: {}}", "", "1 null {}")]
    [InlineData("{if: {exclusiveMaximum: 0}, then: {minimum: -10}, else: {multipleOf: 2}}", "-1 4 -10", "-100 3")]
    [InlineData("{if: {const: 0}, else: {const: 1}}", "0 1", "2")]
    [InlineData("{then: {const: 0}, else: {const: 1}}", "2", "")]
    [InlineData("{if: true, then: {const: a}, else: {const: b}}", "'a'", "'b'")]
    // References.
    [InlineData("{$ref: '#/$defs/a', maximum: 5, $defs: {a: {minimum: 3}}}", "3 5", "2 6")]
    [InlineData("{properties: {a: {$ref: '#'}}, additionalProperties: false}", "{\"a\":{\"a\":{}}}", "{\"a\":{\"b\":1}} {\"b\":1}")]
    [InlineData("{$ref: '#/$defs/a~0b', $defs: {'a~b': {type: integer}}}", "1", "'x'")]
    [InlineData("{$ref: '#/$defs/a~1b', $defs: {'a/b': {type: integer}}}", "1", "'x'")]
    [InlineData("{$ref: '#/$defs/a~01b', $defs: {'a~1b': {type: integer}}}", "1", "'x'")]
    [InlineData("{$ref: '#/$defs/a%25b', $defs: {'a%b': {type: integer}}}", "1", "'x'")]
    [InlineData("{$ref: '#/$defs/a%22b', $defs: {'a\"b': {type: integer}}}", "1", "'x'")]
    [InlineData("{$ref: '#/prefixItems/1', prefixItems: [{type: string}, {type: array}]}", "[]", "1")]
    [InlineData("{$ref: '#/$defs/c', $defs: {a: {type: integer}, b: {$ref: '#/$defs/a'}, c: {$ref: '#/$defs/b'}}}", "5", "'x'")]
    [InlineData("{properties: {$ref: {type: string}}}", "{\"$ref\":'x'}", "{\"$ref\":1}")]
    [InlineData("{$ref: '#/$defs/a', $defs: {a: false}}", "", "1")]
    [InlineData("true", "1 null", "")]
    [InlineData("false", "", "1 null")]
    // Formats that are checked, and one that is ignored (ipv4).
    [InlineData(
        "{format: date-time}",
        "'1963-06-19T08:30:06.283185Z' '1963-06-19t08:30:06z' '1990-12-31T15:59:59-08:00' 12 null",
        "'1990-02-31T15:59:59Z' '1990-12-31T15:59:59-24:00' '06/19/1963' '1963-06-19T08:30:06' '1963-06-1\u09eaT00:00:00Z'")]
    [InlineData(
        "{format: date}", "'1963-06-19' '2020-02-29' 1", "'2021-02-29' '1998-1-20' '06/19/1963' '1963-06-19Z' '20230328' '2013-350'")]
    [InlineData(
        "{format: uuid}",
        "'2EB8AA08-AA98-11EA-B4AA-73B441D16380' '00000000-0000-0000-0000-000000000000' 1",
        "'2eb8aa08-aa98-11ea-b4aa-73b441d1638' '2eb8aa08aa9811eab4aa73b441d16380' '{2eb8aa08-aa98-11ea-b4aa-73b441d16380}'")]
    [InlineData(
        "{format: email}",
        "'joe.bloggs@example.com' 'te~st@example.com' 'te.s.t@example.com' 12",
        "'2962' '.test@example.com' 'test.@example.com' 'te..st@example.com' 'joe@' '@example.com'")]
    [InlineData("{format: ipv4}", "'x'", "")]
    public void A_keyword_accepts_valid_values_and_rejects_others(string schema, string valid, string invalid)
    {
        var compiled = Schema(schema);
        Assert.All(Instances(valid), instance => Assert.Empty(compiled.Validate(Json(instance), out _)));
        Assert.All(Instances(invalid), instance => Assert.NotEmpty(compiled.Validate(Json(instance), out _)));
    }

    [Theory]
    [InlineData("{type: number}", "10", CelKind.Double)]
    [InlineData("{type: number}", "100000000000000000000", CelKind.Double)]
    [InlineData("{type: integer}", "10.0", CelKind.Int)]
    [InlineData("{$ref: '#/$defs/n', $defs: {n: {type: number}}}", "10", CelKind.Double)]
    [InlineData("{if: {type: integer}, then: {type: number}}", "10", CelKind.Double)]
    [InlineData("{allOf: [{minimum: 1}, {type: number}]}", "10", CelKind.Double)]
    [InlineData("{oneOf: [{type: string}, {type: number}]}", "10", CelKind.Double)]
    [InlineData("{type: [number, 'null']}", "10", CelKind.Double)]
    [InlineData("{}", "10", CelKind.Int)]
    public void A_number_takes_the_type_of_its_schema(string schema, string json, CelKind kind)
    {
        Assert.Empty(Schema(schema).Validate(Json(json), out var converted));
        Assert.Equal(kind, converted.Kind);
    }

    [Fact]
    public void Numbers_take_their_types_at_every_level_of_a_value()
    {
        var schema = Schema(
            "{properties: {a: {type: number}}, patternProperties: {'^p': {type: number}}, additionalProperties: {prefixItems: [{type: "
                + "number}], items: {type: number}}}");
        Assert.Empty(schema.Validate(Json("""{"a": 1, "p1": 1, "rest": [1, 1]}"""), out var converted));
        Assert.Equal("""{"a":1.0,"p1":1.0,"rest":[1.0,1.0]}""", converted.ToString());
    }

    [Theory]
    [InlineData("{type: number}", "100000000000000000000", null)]
    [InlineData("{properties: {a: {items: {type: number}}}}", "{\"a\":[1,100000000000000000000]}", null)]
    [InlineData("{}", "100000000000000000000", "")]
    [InlineData("{}", "{\"a\":[1,-100000000000000000000]}", "/a/1")]
    [InlineData("{type: number}", "1e999", "")]
    [InlineData("{}", "18446744073709551615", null)]
    [InlineData("{}", "1.0e20", null)]
    public void A_whole_number_beyond_64_bits_needs_the_schema_type_number(string schema, string json, string? pointer)
    {
        Assert.Empty(Schema(schema).Validate(Json(json), out var converted));
        Assert.Equal(pointer, ValueBounds.Problems(converted).SingleOrDefault()?.Pointer);
    }

    [Fact]
    public void Thousands_of_items_are_compared_in_linear_time()
    {
        var items = string.Join(',', Enumerable.Range(0, 50_000).Select(number => $"{{\"a\":{number}}}"));
        Assert.Empty(Schema("{uniqueItems: true}").Validate(Json($"[{items}]"), out _));
    }

    [Theory]
    [InlineData("{pattern: '(?=a)b'}")]
    [InlineData("{pattern: '(a)\\1'}")]
    [InlineData("{pattern: '(a{1000}){1000}'}")]
    [InlineData("{pattern: '['}")]
    [InlineData("{patternProperties: {'(': {}}}")]
    public void A_pattern_that_is_invalid_or_cannot_run_in_linear_time_is_an_error(string schema) => AssertRejected("ONEX1053", schema);

    [Theory]
    [InlineData("unevaluatedProperties: false")]
    [InlineData("unevaluatedItems: false")]
    [InlineData("$dynamicRef: '#a'")]
    [InlineData("additionalItems: false")]
    [InlineData("dependencies: {}")]
    [InlineData("contentEncoding: base64")]
    public void An_unsupported_keyword_is_an_error(string keyword) => AssertRejected("ONEX1052", $"{{{keyword}}}");

    [Theory]
    [InlineData("{$ref: '#/$defs/nothing'}")]
    [InlineData("{$ref: 'https://example.com/schema'}")]
    [InlineData("{$ref: '../up.json'}")]
    [InlineData("{$ref: '#anchor'}")]
    public void An_invalid_reference_is_an_error(string schema) => AssertRejected("ONEX1054", schema);

    [Fact]
    public void The_document_lists_the_supported_keywords()
    {
        var page = File.ReadAllText(Repository.At("docs", "errors", "ONEX1052.md"));
        Assert.All(SchemaReader.Keywords, keyword => Assert.Contains($"`{keyword}`", page, StringComparison.Ordinal));
    }

    private static void AssertRejected(string code, string schema)
    {
        var diagnostics = TestContracts.Check(TestContracts.Head + Text(schema)).Diagnostics;
        Assert.Equal(code, Assert.Single(diagnostics, diagnostic => diagnostic.Severity == Severity.Error).Code);
    }

    private static JsonSchema Schema(string yaml) => TestContracts.Compile(Text(yaml)).Output!;

    // The end needs no output, because only the schema of the output matters here.
    private static string Text(string schema) => $"initial: done\nstates:\n  done: {{ end: completed }}\noutput: {schema}\n";

    private static string[] Instances(string texts) => texts.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static CelValue Json(string text) => CelValue.FromJson(Encoding.UTF8.GetBytes(text.Replace('\'', '"')));
}
