using System.Globalization;
using System.Text.RegularExpressions;

namespace Onex.Tests.Unit.Contracts.Expressions;

/// <summary>
/// The public conformance suite of CEL (google/cel-spec, tests/simple/testdata, Apache-2.0), which is not part of this repository:
/// CEL_CONFORMANCE names a directory with its .textproto files. Without it these tests are skipped.
/// </summary>
public partial class ConformanceTests
{
    // Files that do not apply to Onex at all. docs/expressions.md lists the same.
    private static readonly string[] _otherFiles =
    [
        "bindings_ext", "block_ext", "encoders_ext", "enums", "macros2", "math_ext", "network_ext", "proto2", "proto2_ext", "proto3",
        "string_ext",
        "type_deduction", "wrappers",
    ];

    private const string Messages = "protobuf messages are out of scope";
    private const string Wrappers = "protobuf wrappers and messages are out of scope";
    private const string InsideMessage = "written around a protobuf message; ExpressionTests has the same without one";

    // The key is file/section or file/section/test, the value is why it does not apply to Onex. docs/expressions.md lists the same.
    private static readonly Dictionary<string, string> _excluded = new()
    {
        ["comparisons/eq_literal/eq_dyn_json_null"] = Messages,
        ["comparisons/eq_literal/not_eq_dyn_proto2_msg_null"] = Messages,
        ["comparisons/eq_literal/not_eq_dyn_proto3_msg_null"] = Messages,
        ["comparisons/eq_wrapper"] = Wrappers,
        ["comparisons/ne_literal/ne_proto2"] = Messages,
        ["comparisons/ne_literal/ne_proto2_any_unpack"] = Messages,
        ["comparisons/ne_literal/ne_proto2_any_unpack_bytewise_fallback"] = Messages,
        ["comparisons/ne_literal/ne_proto2_missing_fields_neq"] = Messages,
        ["comparisons/ne_literal/ne_proto3"] = Messages,
        ["comparisons/ne_literal/ne_proto3_any_unpack"] = Messages,
        ["comparisons/ne_literal/ne_proto3_any_unpack_bytewise_fallback"] = Messages,
        ["comparisons/ne_literal/ne_proto3_missing_fields_neq"] = Messages,
        ["comparisons/ne_literal/ne_proto_different_types"] = Messages,
        ["comparisons/ne_literal/ne_proto_nan_not_equal"] = Messages,
        ["parse/comments"] = InsideMessage,
        ["parse/nest/message_literal"] = Messages,
        ["parse/repeat/message_literal"] = Messages,
        ["parse/repeat/select"] = Messages,
        ["parse/struct_field_names"] = Messages,
        ["parse/whitespace"] = InsideMessage,
    };

    private static readonly Lazy<List<(string Name, TextProto Test)>> _all = new(() => [.. Read()]);

    private static string Directory => Environment.GetEnvironmentVariable("CEL_CONFORMANCE") ?? "";

    public static TheoryData<string> Cases()
    {
        var names = new TheoryData<string>();
        foreach (var (name, _) in _all.Value.Where(test => Exclusion(test.Name) is null && !IsAboutMessages(test.Test)))
        {
            names.Add(name);
        }

        // A theory needs a case. This one is skipped.
        if (names.Count == 0)
        {
            names.Add("");
        }

        return names;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_case_of_the_public_conformance_suite_passes(string name)
    {
        Assert.SkipWhen(name.Length == 0, "CEL_CONFORMANCE names no directory with the suite's .textproto files");
        var test = _all.Value.First(test => test.Name == name).Test;
        var text = test.Text("expr")!;
        var bindings = test.Messages("bindings").ToDictionary(
            binding => binding.Text("key")!, binding => Value(binding.Message("value")!.Message("value")!));

        // The suite switches its checker off and expects unknown functions to fail only where they are called.
        var parsed = Expression.TryParse(text, checkFunctions: false, out var expression, out var problem);
        Assert.True(parsed, problem?.ToString());
        var actual = expression!.Evaluate(new Scope(bindings));

        if (test.Message("eval_error") is not null || test.Message("any_eval_errors") is not null)
        {
            Assert.True(actual.IsError, $"{text} gave {actual}");
            return;
        }

        // A case without a result expects true.
        var result = test.Message("value") ?? test.Message("typed_result")?.Message("result");
        var expected = result is null ? CelValue.Bool(true) : Value(result);
        Assert.True(
            expected.Kind == actual.Kind && expected.Equals(actual),
            $"{text} gave {actual.Kind} {actual}, expected {expected.Kind} {expected}");
    }

    [Fact]
    public void Every_exclusion_names_an_existing_case()
    {
        Assert.SkipWhen(Directory.Length == 0, "CEL_CONFORMANCE names no directory with the suite's .textproto files");
        var names = _all.Value.Select(test => test.Name).ToList();
        Assert.All(
            _excluded.Keys,
            excluded => Assert.Contains(names, name => name == excluded || name.StartsWith(excluded + "/", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_document_names_every_exclusion()
    {
        var document = DocumentTests.Document();
        Assert.All(_excluded.Keys.Concat(_otherFiles), excluded => Assert.Contains($"`{excluded}`", document, StringComparison.Ordinal));
    }

    [Fact]
    public void No_case_of_the_main_files_is_left_out_without_a_listed_exclusion()
    {
        Assert.SkipWhen(Directory.Length == 0, "CEL_CONFORMANCE names no directory with the suite's .textproto files");
        var main = _all.Value.Where(test => test.Name.Split('/')[0] is "basic" or "comparisons" or "lists" or "logic" or "parse").ToList();
        Assert.Empty(main.Where(test => Exclusion(test.Name) is null && IsAboutMessages(test.Test)).Select(test => test.Name));
    }

    private static string? Exclusion(string name) =>
        _excluded.GetValueOrDefault(name) ?? _excluded.GetValueOrDefault(string.Join('/', name.Split('/').Take(2)));

    private static IEnumerable<(string Name, TextProto Test)> Read()
    {
        if (Directory.Length == 0)
        {
            yield break;
        }

        foreach (var path in System.IO.Directory.EnumerateFiles(Directory, "*.textproto").Order(StringComparer.Ordinal))
        {
            if (_otherFiles.Contains(Path.GetFileNameWithoutExtension(path)))
            {
                continue;
            }

            foreach (var section in TextProto.Read(File.ReadAllText(path)).Messages("section"))
            {
                foreach (var test in section.Messages("test"))
                {
                    yield return ($"{Path.GetFileNameWithoutExtension(path)}/{section.Text("name")}/{test.Text("name")}", test);
                }
            }
        }
    }

    // Whether it needs a container of names, has messages, enumerations or unknowns as values, creates messages or names their types, or
    // tests only the checker.
    private static bool IsAboutMessages(TextProto test) =>
        test.Text("container") is { Length: > 0 } || test.Text("check_only") == "true" || Message().IsMatch(test.Text("expr") ?? "")
        || test.Names().Any(name => name is "object_value" or "enum_value" or "message_type" or "unknown" or "any_unknowns");

    [GeneratedRegex(
        @"[A-Za-z_]\{|TestAllTypes|NestedEnum|GlobalEnum|google\.(type|api)|google\.protobuf\.[^TD]|google\.protobuf\.[TD]\w+\{",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Message();

    private static CelValue Value(TextProto message)
    {
        var field = message.FirstField!;
        switch (field)
        {
            case "null_value":
                return CelValue.Null;
            case "bool_value":
                return CelValue.Bool(message.Text(field) == "true");
            case "int64_value":
                return CelValue.Int(long.Parse(message.Text(field)!, CultureInfo.InvariantCulture));
            case "uint64_value":
                return CelValue.Uint(ulong.Parse(message.Text(field)!, CultureInfo.InvariantCulture));
            case "double_value":
                return CelValue.Double(double.Parse(message.Text(field)!, CultureInfo.InvariantCulture));
            case "string_value":
                return CelValue.String(message.Text(field)!);
            case "bytes_value":
                return CelValue.Bytes(message.Bytes(field));
            case "type_value":
                return CelValue.Type(message.Text(field)!);
            case "list_value":
                return CelValue.List([.. message.Message(field)!.Messages("values").Select(Value)]);
            case "map_value":
                {
                    var map = new CelMap(4);
                    foreach (var entry in message.Message(field)!.Messages("entries"))
                    {
                        map.Set(Value(entry.Message("key")!), Value(entry.Message("value")!));
                    }

                    return CelValue.Map(map);
                }

            default:
                throw new FormatException($"A value of kind {field} is out of scope and should be excluded.");
        }
    }
}
