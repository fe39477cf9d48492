using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Schemas;

namespace Onex.Tests.Unit.Contracts.Expressions;

/// <summary>The types and estimated costs of expressions, and the problems of expressions with a type error.</summary>
public class CheckerTests
{
    private static readonly CelType _input = StaticTypes.From(TestContracts.Compile("""
        initial: done
        states:
          done: { end: completed }
        output:
          type: object
          properties:
            total: { type: number }
            count: { type: integer }
            name: { type: string, maxLength: 10 }
            note: { type: [string, 'null'] }
            flag: { type: boolean }
            items:
              type: array
              maxItems: 100
              items: { type: object, properties: { sku: { type: string }, price: { type: number } }, additionalProperties: false }
            any: {}
            either: { type: [string, integer] }
            deep: { $ref: '#/$defs/deep' }
            prices: { type: object, additionalProperties: { type: number } }
            named: { type: object, properties: { a: { type: number } }, patternProperties: { '^b': { type: number } } }
            open: { type: object, properties: { a: {}, b: {} } }
            closed: { type: object, properties: { a: {}, b: {}, c: {} }, additionalProperties: false }
            limited: { type: object, maxProperties: 5, additionalProperties: { type: number } }
            free: { type: object }
            code: { type: string, enum: [abc, abcdef] }
            word: { const: abcd }
            kind: { enum: [a, b] }
          $defs: { deep: { type: object, properties: { deeper: { $ref: '#/$defs/deep' }, leaf: { type: integer } } } }
        """).Output!);

    private static readonly CelType _connections =
        StaticTypes.From(CelJson.Read("""{ "stock": { "region": "eu-west-1", "regions": ["a", "b", "c"] } }"""u8));

    [Theory]
    [InlineData("1", "int")]
    [InlineData("1u", "uint")]
    [InlineData("optional.of({'a': optional.of(1)}).a", "optional(optional(int))")]
    [InlineData("{'a': optional.of(1)}.?a", "optional(optional(int))")]
    [InlineData("{'a': optional.of(1)}.a", "optional(int)")]
    [InlineData("optional.of(optional.of({'a': 1})).a", "optional(int)")]
    [InlineData("optional.of(optional.of([1]))[0]", "optional(int)")]
    [InlineData("optional.of([optional.of(1)])[0]", "optional(optional(int))")]
    [InlineData("[optional.of(1)][?0]", "optional(optional(int))")]
    [InlineData("1.5", "double")]
    [InlineData("'a'", "string")]
    [InlineData("b'a'", "bytes")]
    [InlineData("null", "null")]
    [InlineData("int", "type")]
    [InlineData("google.protobuf.Duration", "type")]
    [InlineData("input", "object")]
    [InlineData("input.total", "double")]
    [InlineData("input.count + 1", "int")]
    [InlineData("input['name']", "string")]
    [InlineData("input.note", "string?")]
    [InlineData("input.kind", "string")]
    [InlineData("input.any.x[0]", "dyn")]
    [InlineData("input.either", "dyn")]
    [InlineData("input.other", "dyn")]
    [InlineData("input.deep.deeper.deeper.leaf", "int")]
    [InlineData("input.prices.tea", "double")]
    [InlineData("input.items", "list(object)")]
    [InlineData("input.items[0].price", "double")]
    [InlineData("input.items.map(i, i.sku)", "list(string)")]
    [InlineData("input.items.map(i, i.price > 1.0, i.price)", "list(double)")]
    [InlineData("input.items.filter(i, i.price > 1.0)", "list(object)")]
    [InlineData("input.items.exists(i, i.sku == 'a') && input.items.exists_one(i, true)", "bool")]
    [InlineData("input.prices.map(k, k + '!')", "list(string)")]
    [InlineData("input.?name", "optional(string)")]
    [InlineData("input.?deep.leaf.orValue(3)", "int")]
    [InlineData("input.items[?0].sku", "optional(string)")]
    [InlineData("input.?name.optMap(n, size(n))", "optional(int)")]
    [InlineData("input.?deep.optFlatMap(d, d.?leaf)", "optional(int)")]
    [InlineData("has(input.name) ? input.name : null", "string?")]
    [InlineData("input.flag ? 1 : input.count", "int")]
    [InlineData("[]", "list(dyn)")]
    [InlineData("[1, 2]", "list(int)")]
    [InlineData("[1, 'a']", "list(dyn)")]
    [InlineData("[1, null]", "list(int?)")]
    [InlineData("[[], [1]]", "list(list(int))")]
    [InlineData("[] + [1]", "list(int)")]
    [InlineData("[?input.?count]", "list(int)")]
    [InlineData("{'a': 1}", "map(string, int)")]
    [InlineData("{'a': 1, 'b': 'x'}.a", "dyn")]
    [InlineData("{1: [2.0]}[1][0]", "double")]
    [InlineData("1 + dyn('a')", "int")]
    [InlineData("dyn(1) + dyn(2)", "dyn")]
    [InlineData("1 == 1.0 && 1 < 1.5 && 2u in [1, 2]", "bool")]
    [InlineData("timestamp('2030-01-01T00:00:00Z') + duration('1h')", "timestamp")]
    [InlineData("timestamp(0) - timestamp(1)", "duration")]
    [InlineData("timestamp(0) - dyn(1)", "dyn")]
    [InlineData("size('a')", "int")]
    [InlineData("'a,b'.split(',')", "list(string)")]
    [InlineData("max(1, 2)", "int")]
    [InlineData("max(1, 2.5)", "dyn")]
    [InlineData("min(input.items.map(i, i.price))", "double")]
    [InlineData("sum(input.items.map(i, i.price))", "double")]
    [InlineData("optional.none().orValue('a')", "string")]
    [InlineData("optional.of(1).or(optional.none())", "optional(int)")]
    [InlineData("type(1)", "type")]
    [InlineData("input.note == null || input.note == 'x'", "bool")]
    [InlineData("nobody.knows + 1", "int")]
    public void An_expression_has_a_type(string text, string type)
    {
        var found = Check(text);
        Assert.DoesNotContain(found.Problems, problem => problem.Kind != CheckProblemKind.DoubtfulField);
        Assert.Equal(type, found.Type.ToString());
    }

    [Theory]
    [InlineData("input.total + 1", "'+' does not accept double and int", "write 1.0", 0, 15)]
    [InlineData("1 - input.total", "'-' does not accept int and double", "write 1.0", 0, 15)]
    [InlineData(
        "input.count * input.total",
        "'*' does not accept int and double",
        "numbers of different types do not mix: convert one with double(...)",
        0,
        25)]
    [InlineData("input.total % 2.0", "'%' does not accept double and double", "'%' is of whole numbers: convert with int(...)", 0, 17)]
    [InlineData("input.name + 1", "'+' does not accept string and int", "convert the other with string(...)", 0, 14)]
    [InlineData("input.name > 1", "'>' does not accept string and int", "convert one of them", 0, 14)]
    [InlineData("input.name == 1", "'==' does not accept string and int", "convert one of them", 0, 15)]
    [InlineData("input.count == null", "'==' does not accept int and null", "never null", 0, 19)]
    [InlineData("1 in input.items", "'in' does not accept int and list(object)", "a list or a map", 0, 16)]
    [InlineData("input.name in ['a', 1]", null, null, 0, 0)]
    [InlineData("!input.count", "'!' does not accept int", "compare the value", 0, 12)]
    [InlineData("-input.name", "'-' does not accept string", "an int or a double", 0, 11)]
    [InlineData("input.flag && input.count", "'&&' takes a bool, not int", "compare the value", 14, 11)]
    [InlineData("input.name ? 1 : 2", "'?:' takes a bool, not string", "compare the value", 0, 10)]
    [InlineData("input.flag ? 1 : 'a'", "'?:' gives int or string", "dyn(...)", 0, 20)]
    [InlineData("size(input.count)", "'size' does not accept int", "it takes (string) or (bytes)", 0, 17)]
    [InlineData("input.name.startsWith(1)", "'startsWith' does not accept string and int", "(string, string)", 0, 24)]
    [InlineData("timestamp(0) + timestamp(1)", "'+' does not accept timestamp and timestamp", "", 0, 27)]
    [InlineData("input.name.first", "string has no fields", "", 0, 16)]
    [InlineData("input.items.first", "list(object) has no fields", "", 0, 17)]
    [InlineData("input.items['a']", "list(object) has no index of type string", "list[0]", 0, 16)]
    [InlineData("input[0]", "object has no index of type int", "object['name']", 0, 8)]
    [InlineData("input.count.map(x, x)", "int has no items", "", 0, 11)]
    [InlineData("input.items.all(i, i.price)", "the condition of a macro takes a bool, not double", "", 19, 7)]
    [InlineData("input.items.all(i, i.prise > 1.0)", "'i' has no field 'prise'", "Did you mean 'price'?", 21, 5)]
    [InlineData("has(input.items[0].prise)", "this has no field 'prise'", "Did you mean 'price'?", 19, 5)]
    [InlineData("{1.5: 1}", "double is not a valid map key", "", 1, 3)]
    [InlineData("[?1]", "after '?' an optional is required, not int", "", 2, 1)]
    [InlineData("optional.of(1).orValue('a')", "'orValue' does not accept optional(int) and string", "", 0, 27)]
    [InlineData("(input.total + 1) + 'a'", "'+' does not accept double and int", "", 1, 15)]
    public void A_type_error_is_reported_once_at_its_position(
        string text, string? problem, string? remedy, int position, int length)
    {
        var found = Check(text).Problems;
        if (problem is null)
        {
            Assert.Empty(found);
            return;
        }

        var reported = Assert.Single(found).Text;
        Assert.Contains(problem, reported.Problem, StringComparison.Ordinal);
        Assert.Contains(remedy ?? "", reported.Remedy, StringComparison.Ordinal);
        Assert.Equal((position, length), (reported.Position, reported.Length));
    }

    [Theory]
    [InlineData("int", "double", true)]
    [InlineData("double", "int", false)]
    [InlineData("int", "string", false)]
    [InlineData("string", "timestamp", false)]
    [InlineData("timestamp", "string", false)]
    [InlineData("string", "string?", true)]
    [InlineData("string?", "string", true)]
    [InlineData("list(int)", "list(double)", true)]
    [InlineData("list(string)", "list(int)", false)]
    [InlineData("map(int)", "map(any)", true)]
    [InlineData("{ a: int, b: string }", "{ a: double }", true)]
    [InlineData("{ a: int }", "{ a: double, b: string? }", true)]
    [InlineData("{ a: int }", "{ a: double, b: string }", false)]
    [InlineData("{ a: { b: string } }", "{ a: { b: int } }", false)]
    [InlineData("{ a: int }", "map(double)", true)]
    [InlineData("{ a: string }", "map(double)", false)]
    [InlineData("any", "int", true)]
    [InlineData("list(any)", "list(int)", true)]
    [InlineData("int", "any", true)]
    public void A_value_is_assignable_to_a_field_if_its_type_converts(string value, string field, bool converts) =>
        Assert.Equal(
            converts,
            TypeRules.FindMismatch(
                StaticTypes.From(DataTypeReader.Parse(value)), StaticTypes.From(DataTypeReader.Parse(field)), asJson: false) is null);

    // The scope has values of the declared types. An expression without problems gives a value of the type that was found, or an error.
    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    public void A_value_has_the_type_that_the_checker_found(int seed)
    {
        var random = new Random(seed);
        var types = new Dictionary<string, CelType>
        {
            ["input"] = StaticTypes.From(DataTypeReader.Parse("{ a: list(int), b: string }")),
            ["a"] = CelType.Int,
            ["b"] = StaticTypes.From(DataTypeReader.Parse("map(int)")),
        };
        var scope = Scope.Parse("""{ "input": { "a": [1, 0, 3], "b": "text" }, "a": -1, "b": { "k": 2 } }""");
        var (typed, values) = (0, 0);
        for (var i = 0; i < 40_000; i++)
        {
            var text = HostileInputTests.Generate(random, 3);
            var expression = ExpressionTests.Parse(text);
            var found = expression.Check(types.GetValueOrDefault);
            if (found.Problems.Count > 0 || found.Type.IsDyn)
            {
                continue;
            }

            typed++;
            var value = expression.Evaluate(scope);
            values += value.IsError ? 0 : 1;
            Assert.True(value.IsError || HasType(found.Type, value), $"{text} is {value.Kind} {value}, not {found.Type}");
        }

        Assert.True(typed > 2_000 && values > 1_000, $"Only {typed} expressions have a known type, and {values} a value.");
    }

    private static bool HasType(CelType type, CelValue value) => type switch
    {
        CelType.Basic basic => value.Kind == basic.Kind,
        CelType.ListOf list => value.Kind == CelKind.List && value.AsList().All(item => HasType(list.Item, item)),
        CelType.MapOf or CelType.ObjectOf => value.Kind == CelKind.Map,
        CelType.Nullable nullable => value.IsNull || HasType(nullable.Value, value),
        CelType.OptionalOf optional => value.Kind == CelKind.Optional && (!value.HasValue || HasType(optional.Value, value.Inner)),
        _ => true,
    };

    [Theory]
    [InlineData("input.count > 1", 10)]
    [InlineData("input.items.exists(i, i.price > input.total)", 1_000)]
    [InlineData("input.items.map(i, i.sku.upper())", 5_000)]
    [InlineData("input.items.map(a, input.items.filter(b, a.sku == b.sku))", 200_000)]
    [InlineData("input.any.all(a, input.any.all(b, a != b))", 20_000)]
    [InlineData("input.any.all(a, input.any.all(b, input.any.all(c, true)))", 200_000)]
    [InlineData("input.any.all(a, input.any.all(b, input.any.all(c, input.any.all(d, input.any.all(e, input.any.all(f, true))))))", 1e10)]
    public void The_cost_estimate_has_the_right_order_of_magnitude(string text, double costMax)
    {
        var cost = Check(text).Cost;
        Assert.InRange(cost, costMax / 20, costMax);
    }

    [Theory]
    [InlineData("input.any.map(a, a)", 32)]
    [InlineData("input.any.map(a, a) + input.any.filter(a, true)", 64)]
    [InlineData("(input.any.map(a, a) + input.items).filter(a, true)", 132)]
    [InlineData("input.prices", 32)]
    [InlineData("input.free", 32)]
    [InlineData("input.named", 33)]
    [InlineData("input.open", 2)]
    [InlineData("input.closed", 3)]
    [InlineData("input.limited", 5)]
    [InlineData("connections.stock.regions", 3)]
    [InlineData("connections.stock", 2)]
    public void The_cost_estimate_follows_the_assumed_size_of_a_list_or_an_object(string list, double items) =>
        Assert.Equal(Check(list).Cost + items, Check($"({list}).all(i, true)").Cost);

    [Theory]
    [InlineData("input.name", 10L)]
    [InlineData("input.kind", 1L)]
    [InlineData("input.code", 6L)]
    [InlineData("input.word", 4L)]
    [InlineData("connections.stock.region", 9L)]
    [InlineData("'abc'", 3L)]
    [InlineData("b'abcd'", 4L)]
    public void The_greatest_length_of_a_text_or_of_bytes_is_known(string text, long length) =>
        Assert.Equal(length, Assert.IsType<CelType.Basic>(Check(text).Type).Size);

    [Theory]
    [InlineData("input.items", 100L)]
    [InlineData("input.items.filter(i, i.price > 1.0)", 100L)]
    [InlineData("input.items.map(i, i.price > 1.0, i.price).map(p, p + 1.0)", 100L)]
    [InlineData("input.items + input.items.filter(i, i.price > 1.0)", 200L)]
    [InlineData("input.items.map(i, i.sku) + ['a', ?input.?name]", 102L)]
    [InlineData("input.flag ? input.items.map(i, i.sku) : ['a']", 100L)]
    [InlineData("optional.of([null, null, null]).orValue(['a', null])", 3L)]
    [InlineData("'a,b'.split(',')", null)]
    [InlineData("'a,b'.split(',').filter(s, s != '')", null)]
    [InlineData("input.any.filter(a, a > 1)", null)]
    [InlineData("input.any.map(a, a).filter(a, a > 1).map(a, a)", null)]
    [InlineData("input.items + input.any", null)]
    [InlineData("input.items + input.any.map(a, a)", null)]
    [InlineData("input.any.map(a, a) + input.items", null)]
    [InlineData("(input.any + input.any.map(a, a)).filter(a, true)", null)]
    [InlineData("input.flag ? ['a'] : 'a,b'.split(',').map(s, s)", null)]
    [InlineData("[['a'], 'a,b'.split(',').map(s, s)][0]", null)]
    [InlineData("optional.of(['a']).orValue('a,b'.split(',').map(s, s))", null)]
    [InlineData("input.prices.map(k, k)", null)]
    [InlineData("connections.stock.regions", null)]
    [InlineData("input.deep.filter(k, k != 'leaf')", null)]
    public void Only_a_proved_size_of_a_list_is_its_bound(string text, long? sizeMax) =>
        Assert.Equal(sizeMax, Assert.IsType<CelType.ListOf>(Check(text).Type).SizeMax);

    [Fact]
    public void The_cost_estimate_is_an_upper_bound()
    {
        var text = "input.items.map(i, i.sku + '!').filter(s, s.startsWith('a')).size() > 3 && sum(input.items.map(i, i.price)) > 10.0";
        var items = CelValue.List(
            [.. Enumerable.Range(0, 100).Select(
                _ => CelValue.Map([new("sku", CelValue.String("sku")), new("price", CelValue.Double(1))]))]);
        var scope = new Scope(new() { ["input"] = CelValue.Map([new("items", items)]) });
        Assert.InRange(ExpressionTests.Parse(text).MeasureCost(scope), 200, Check(text).Cost);
    }

    [Theory]
    [InlineData("input.name == 'a'", "input.name")]
    [InlineData("has(input.name) && input.name == 'a'", "")]
    [InlineData("input.name == 'a' && has(input.name)", "")]
    [InlineData("!has(input.name) || input.name == 'a'", "")]
    [InlineData("has(input.name) || input.name == 'a'", "input.name")]
    [InlineData("has(input.name) ? input.name : 'a'", "")]
    [InlineData("has(input.name) ? 'a' : input.name", "input.name")]
    [InlineData("!has(input.name) ? 'a' : input['name']", "")]
    [InlineData("'name' in input && input.name == 'a'", "")]
    [InlineData("input.?name.orValue('a') == 'a'", "")]
    [InlineData("has(input.deep) && has(input.deep.leaf) && input.deep.leaf > 1", "")]
    [InlineData("has(input.deep) && input.deep.leaf > 1", "input.deep.leaf")]
    [InlineData("has(input.items) && input.items.exists(i, has(i.sku) && i.sku == 'a')", "")]
    [InlineData("has(input.items) && input.items.exists(i, i.sku == 'a')", "i.sku")]
    public void A_strict_check_finds_fields_that_may_be_missing(string text, string found) =>
        Assert.Equal(found, string.Join(' ', Strict(text, CheckProblemKind.MaybeMissing)));

    [Theory]
    [InlineData("has(input.any) && input.any.x == 1", "'input.any'")]
    [InlineData("has(input.total) && input.total > 1.0", "")]
    [InlineData("input.other.y", "'input.other'")]
    [InlineData("dyn(1) == 2", "")]
    [InlineData("nothing.of.it", "'nothing'")]
    public void A_strict_check_finds_values_without_a_type(string text, string found) =>
        Assert.Equal(found, string.Join(' ', Strict(text, CheckProblemKind.Dynamic)));

    private static IEnumerable<string> Strict(string text, CheckProblemKind kind) =>
        ExpressionTests.Parse(text).Check(name => name == "input" ? _input : null, isStrict: true)
            .Problems.Where(problem => problem.Kind == kind).Select(problem => problem.Text.Problem).Distinct();

    private static CheckedExpression Check(string text) =>
        ExpressionTests.Parse(text).Check(name => name switch { "input" => _input, "connections" => _connections, _ => null });
}
