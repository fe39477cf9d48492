using System.Text.Json;
using Onex.Tests.Integration.Persistence;

namespace Onex.Tests.Integration.Effects.Db;

/// <summary>Values of every PostgreSQL type are converted to JSON, and JSON parameters to every type.</summary>
public sealed class TypesTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private DatabaseHarness _harness = null!;

    public async ValueTask InitializeAsync()
    {
        _harness = new DatabaseHarness(database, database.Database.ConnectionString);
        await database.Database.ExecuteAsync("""
            DO $do$ BEGIN
                IF to_regtype('mood') IS NULL THEN
                    CREATE TYPE mood AS ENUM ('sad', 'so so');
                    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
                    CREATE TYPE pair AS (a positive, b text[]);
                    CREATE TYPE nested AS (p pair, ps pair[]);
                END IF;
            END $do$
            """);
    }

    public ValueTask DisposeAsync() => _harness.DisposeAsync();

    // An SQL expression, its JSON, and whether the JSON as a parameter is converted to the same value again.
    public static TheoryData<string, string, bool> Values => new()
    {
        { "true", "true", true },
        { "'-32768'::int2", "-32768", true },
        { "'2147483647'::int4", "2147483647", true },
        { "'9223372036854775807'::int8", "9223372036854775807", true },
        { "1234.5600::numeric", "1234.5600", true },
        { "12345678901234567890.5::numeric", "\"12345678901234567890.5\"", true },
        { "'NaN'::numeric", "\"NaN\"", true },
        { "'-Infinity'::numeric", "\"-Infinity\"", true },
        { "1e299::numeric(400)", "1" + new string('0', 299), true },
        { "1e300::numeric(400)", $"\"1{new string('0', 300)}\"", true },
        { "1.1::float4", "1.1", true },
        { "0.1::float8 + 0.2::float8", "0.30000000000000004", true },
        { "5::float8", "5.0", true },
        { "'Infinity'::float8", "\"Infinity\"", true },
        { "'é \"\\ 🙂'::text", "\"é \\\"\\\\ 🙂\"", true },
        { "'ab'::char(4)", "\"ab  \"", false },
        { "'ab'::varchar(4)", "\"ab\"", true },
        { "'n'::name", "\"n\"", true },
        { "'x'::\"char\"", "\"x\"", true },
        { "'\\x00ff10'::bytea", "\"AP8Q\"", true },
        { "'2024-02-29'::date", "\"2024-02-29\"", true },
        { "'-infinity'::date", "\"-infinity\"", true },
        { "'0044-03-15 BC'::date", "\"0044-03-15 BC\"", true },
        { "'12:34:56.789'::time", "\"12:34:56.789\"", true },
        { "'24:00'::time", "\"24:00:00\"", true },
        { "'12:34:56+02'::timetz", "\"12:34:56+02\"", true },
        { "'2024-02-29 12:34:56.000001'::timestamp", "\"2024-02-29T12:34:56.000001\"", true },
        { "'2024-02-29 12:34:56+02'::timestamptz", "\"2024-02-29T10:34:56Z\"", true },
        { "'infinity'::timestamptz", "\"infinity\"", true },
        { "'20240-02-29 12:00Z'::timestamptz", "\"20240-02-29 12:00:00+00\"", true },
        { "'1 year 2 days -3 hours'::interval", "\"P1Y2DT-3H\"", true },
        { "'00000000-0000-0000-0000-00000000000f'::uuid", "\"00000000-0000-0000-0000-00000000000f\"", true },
        { "'{\"a\": [1, null]}'::json", "{\"a\": [1, null]}", false },
        { "'{\"b\": 1.50, \"a\": \"x\"}'::jsonb", "{\"a\": \"x\", \"b\": 1.50}", true },
        { "'null'::jsonb", "null", false },
        { "'\"\\u0000\"'::json", "\"\\uFFFD\"", false },
        { "'$.a'::jsonpath", "\"$.\\\"a\\\"\"", false },
        { "'<a/>'::xml", "\"<a/>\"", false },
        { "B'1010'", "\"1010\"", true },
        { "B'101'::varbit", "\"101\"", true },
        { "'127.0.0.1/8'::inet", "\"127.0.0.1/8\"", true },
        { "'10.0.0.0/8'::cidr", "\"10.0.0.0/8\"", true },
        { "'08:00:2b:01:02:03'::macaddr", "\"08:00:2b:01:02:03\"", true },
        { "'08:00:2b:01:02:03:04:05'::macaddr8", "\"08:00:2b:01:02:03:04:05\"", true },
        { "'(1,2)'::point", "\"(1,2)\"", false },
        { "'{1,2,3}'::line", "\"{1,2,3}\"", true },
        { "'[(1,2),(3,4)]'::lseg", "\"[(1,2),(3,4)]\"", true },
        { "'(3,4),(1,2)'::box", "\"(3,4),(1,2)\"", true },
        { "'((1,2),(3,4))'::path", "\"((1,2),(3,4))\"", true },
        { "'((1,2),(3,4))'::polygon", "\"((1,2),(3,4))\"", false },
        { "'<(1,2),3>'::circle", "\"<(1,2),3>\"", true },
        { "to_tsvector('simple', 'a b')", "\"'a':1 'b':2\"", true },
        { "'a & b'::tsquery", "\"'a' & 'b'\"", true },
        { "1234.5::float8::numeric::money", "\"$1,234.50\"", true },
        { "'16/B374D848'::pg_lsn", "\"16/B374D848\"", true },
        { "4294967295::oid", "4294967295", true },
        { "'pg_class'::regclass", "\"pg_class\"", true },
        { "'1 2'::int2vector", "\"1 2\"", false },
        { "int4range(1, 5)", "\"[1,5)\"", true },
        { "tstzrange('2024-01-01Z', NULL)", "\"[\\\"2024-01-01 00:00:00+00\\\",)\"", true },
        { "'so so'::mood", "\"so so\"", true },
        { "7::positive", "7", true },
        { "ARRAY[1, NULL, 3]", "[1,null,3]", true },
        { "'{}'::int[]", "[]", true },
        { "ARRAY[[1, 2], [3, 4]]", "[[1,2],[3,4]]", true },
        { "'[0:1]={5,6}'::int[]", "[5,6]", false },
        { "ARRAY['a,b', NULL, 'NULL', '', '\"\\']", "[\"a,b\",null,\"NULL\",\"\",\"\\\"\\\\\"]", true },
        { "ARRAY['so so', 'sad']::mood[]", "[\"so so\",\"sad\"]", true },
        { "ARRAY['\\x00'::bytea]", "[\"AA==\"]", true },
        { "ARRAY['{\"a\": 1}'::jsonb, '[2]']", "[{\"a\": 1},[2]]", true },
        { "ARRAY['(3,4),(1,2)'::box]", "[\"(3,4),(1,2)\"]", true },
        { "ARRAY[1, 2]::positive[]", "[1,2]", true },
        { "ARRAY[int4range(1, 5)]", "[\"[1,5)\"]", true },
        { "ROW(1, ARRAY['x', 'y z'])::pair", "{\"a\":1,\"b\":[\"x\",\"y z\"]}", true },
        {
            "ROW(ROW(1, NULL), ARRAY[ROW(2, '{\"\\\"\"}')::pair])::nested",
            "{\"p\":{\"a\":1,\"b\":null},\"ps\":[{\"a\":2,\"b\":[\"\\\"\"]}]}",
            true
        },
        { "ROW(1, 'a')", "\"(1,a)\"", false },
        { "pg_sleep(0)", "\"\"", false },
        { "NULL::int", "null", false },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public async Task A_value_is_returned_as_documented(string expression, string json, bool isReversible)
    {
        var result = await _harness.ResultAsync("db.query", $"SELECT {expression} AS v");

        var value = result.GetProperty("rows")[0].GetProperty("v");
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(json), value), $"{value.GetRawText()} instead of {json}");
        if (isReversible)
        {
            var type = await database.Database.ScalarAsync<string>($"SELECT format_type(pg_typeof({expression}), NULL)");
            type = type == "bit" ? "text" : type;
            var reverse = await _harness.RunAsync(
                "db.query",
                $$"""{"sql": {{JsonSerializer.Serialize($"SELECT $1::{type}::text = ({expression})::{type}::text AS same")}},"""
                + $$""" "parameters": [{{json}}]}""");
            Assert.Equal("""{"rows":[{"same":true}],"row_count":1}""", reverse.Result?.ToString() ?? reverse.Message);
        }
    }

    [Fact]
    public async Task Every_type_of_the_catalogue_is_returned_as_JSON()
    {
        await database.Database.ExecuteAsync(
            "CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS citext; CREATE EXTENSION IF NOT EXISTS ltree");
        var types = await database.Database.QueryAsync("""
            SELECT format_type(oid, NULL) FROM pg_type
            WHERE typtype IN ('b', 'c', 'd', 'e', 'r', 'm') AND typisdefined
            ORDER BY oid
            """);
        Assert.True(types.Count > 400, $"only {types.Count} types");

        // NULL of each type, and a value of each type that accepts one of these texts.
        foreach (var chunk in types.Chunk(50))
        {
            var columns = string.Join(", ", chunk.Select((type, index) => $"NULL::{type} AS c{index}"));
            var nulls = await _harness.ResultAsync("db.query", $"SELECT {columns}");
            Assert.All(nulls.GetProperty("rows")[0].EnumerateObject(), column => Assert.Equal(JsonValueKind.Null, column.Value.ValueKind));
        }

        await database.Database.ExecuteAsync("""
            CREATE FUNCTION example(type text) RETURNS text LANGUAGE plpgsql AS $$
            DECLARE
                sample text; converted text;
            BEGIN
                -- Of a composite, a row of nulls.
                SELECT '(' || repeat(',', count(*)::int - 1) || ')' INTO converted
                FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
                WHERE t.oid = type::regtype AND t.typtype = 'c' HAVING count(*) > 0;
                IF converted IS NOT NULL THEN RETURN converted; END IF;
                FOREACH sample IN ARRAY ARRAY['1', 'a', '{}', '(1,2)', '2024-01-01', '12:00', '(1,1),(0,0)', '127.0.0.1',
                    '08:00:2b:01:02:03',
                    '08:00:2b:01:02:03:04:05', '[1,2)', 'empty', '{1,2,3}', '<(1,2),3>', '[(1,2),(3,4)]', '((1,2),(3,4))',
                    '0/0', '1:1:', '(0,0)',
                    '00000000-0000-0000-0000-000000000000', '"a"=>"b"', '$.a', 'pg_class', 'int4', 'now()', '+(int4,int4)',
                    '\x00', 'english', 'sad', 'YES'] LOOP
                    BEGIN
                        EXECUTE format('SELECT (%L::%s)::text', sample, type) INTO converted;
                        IF converted IS NOT NULL THEN RETURN sample; END IF;
                    EXCEPTION WHEN OTHERS THEN NULL;
                    END;
                END LOOP;
                RETURN NULL;
            END $$
            """);
        var samples = await database.Database.QueryAsync("""
            SELECT type, example(type) FROM (SELECT oid, format_type(oid, NULL) AS type FROM pg_type
                WHERE typtype IN ('b', 'c', 'd', 'e', 'r', 'm') AND typisdefined) t
            ORDER BY oid
            """);
        var typesWithoutValue = samples.Where(row => row.EndsWith('|')).Select(row => row[..^1]).ToList();
        var values = samples.Count - typesWithoutValue.Count;
        foreach (var row in samples.Where(row => !row.EndsWith('|')))
        {
            var (type, sample) = (
                row[..row.IndexOf('|', StringComparison.Ordinal)], row[(row.IndexOf('|', StringComparison.Ordinal) + 1)..]);
            var literal = $"'{sample}'::{type}";
            var result = await _harness.ResultAsync("db.query", $"SELECT {literal} AS v, ARRAY[NULL, {literal}] AS vs");
            Assert.Equal(1, result.GetProperty("row_count").GetInt32());
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{values} types with a value; none for {typesWithoutValue.Count}: {string.Join(", ", typesWithoutValue)}");
        Assert.True(typesWithoutValue.Count < 20, $"no value of {string.Join(", ", typesWithoutValue)}");
    }

    [Fact]
    public async Task Rows_of_the_catalogues_are_returned_as_JSON()
    {
        foreach (
            var view in new[] { "pg_type", "pg_class", "pg_statistic", "pg_index", "pg_aggregate", "pg_amop",
                "pg_rewrite", "pg_settings", "pg_locks" })
        {
            var result = await _harness.RunAsync("db.query", DatabaseHarness.Statement($"SELECT * FROM {view} LIMIT 300"));
            Assert.True(result.Outcome == "completed", $"{view}: {result.Message}");
            var whole = await _harness.RunAsync("db.query", DatabaseHarness.Statement($"SELECT x, ARRAY[x] AS xs FROM {view} x LIMIT 100"));
            Assert.True(whole.Outcome == "completed", $"{view}: {whole.Message}");
        }
    }

    [Fact]
    public async Task A_byte_that_is_not_UTF8_becomes_a_replacement_character_or_the_escape_of_the_server()
    {
        var result = await _harness.ResultAsync("db.query", "SELECT (-56)::int::\"char\" AS v");

        Assert.Contains(result.GetProperty("rows")[0].GetProperty("v").GetString(), new[] { "\uFFFD", "\\310" });
    }
}
