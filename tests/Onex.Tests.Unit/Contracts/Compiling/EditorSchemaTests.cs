using System.Reflection;
using System.Text.Json.Nodes;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;

namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>
/// The JSON Schema for editors agrees with the compiler: it describes the compiler's keys and operations, accepts valid contracts, and
/// rejects only contracts that do not compile.
/// </summary>
public sealed class EditorSchemaTests
{
    private static readonly JsonSchema _schema = Compile(ContractCompiler.EditorSchema(TestCatalogue.Operations));

    public static TheoryData<string> Valid =>
    [
        .. new[] { Repository.At("contracts"), Repository.At("tests", "contracts", "valid") }
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.yaml", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Repository.Root, path))
            .Where(path => !path.Contains("connections/", StringComparison.Ordinal) && !path.Contains("runtime/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    [Fact]
    public void The_documented_schema_is_current()
    {
        var path = Repository.At("docs", "contract.schema.json");
        var schema = ContractCompiler.EditorSchema(TestCatalogue.Operations);
        Assert.Equal(Repository.Golden(path, schema), schema);
    }

    [Fact]
    public void The_schema_describes_exactly_the_keys_that_the_compiler_reads()
    {
        var schema = JsonNode.Parse(ContractCompiler.EditorSchema(TestCatalogue.Operations))!.AsObject();
        var tables = typeof(Keys).GetProperties(BindingFlags.Public | BindingFlags.Static).Select(property => property.GetValue(null));
        foreach (var keys in tables.OfType<Keys>())
        {
            var map = keys.Name == nameof(Keys.Contract) ? schema : schema["$defs"]![keys.Name]!.AsObject();
            var properties = map["properties"]!.AsObject();

            Assert.Equal(keys.Known, properties.Select(property => property.Key));
            Assert.All(properties, property => Assert.NotEmpty(property.Value!["description"]!.GetValue<string>()));
            Assert.False(map["additionalProperties"]!.GetValue<bool>());
        }
    }

    [Fact]
    public void The_schema_lists_every_operation_with_its_arguments()
    {
        var definitions = JsonNode.Parse(ContractCompiler.EditorSchema(TestCatalogue.Operations))!["$defs"]!.AsObject();

        Assert.All(TestCatalogue.Operations.All, operation => Assert.Equal(
            operation.Arguments.Select(argument => argument.Name),
            definitions[$"with {operation.Name}"]!["properties"]!.AsObject().Select(property => property.Key)));
    }

    [Theory]
    [MemberData(nameof(Valid))]
    public void A_contract_that_compiles_is_valid_in_the_schema(string path) =>
        Assert.Empty(Problems(File.ReadAllText(Path.Combine(Repository.Root, path))));

    [Theory]
    [InlineData("ONEX1010")]
    [InlineData("ONEX1011")]
    [InlineData("ONEX1012")]
    [InlineData("ONEX1013")]
    [InlineData("ONEX1030")]
    [InlineData("ONEX1031")]
    [InlineData("ONEX1036")]
    [InlineData("ONEX1037")]
    [InlineData("ONEX1047")]
    [InlineData("ONEX1049")]
    public void A_contract_with_a_structural_error_is_invalid_in_the_schema(string code) =>
        Assert.NotEmpty(Problems(File.ReadAllText(Repository.At("tests", "contracts", "invalid", $"{code}.yaml"))));

    [Fact]
    public void A_contract_that_is_invalid_in_the_schema_does_not_compile() => Assert.All(
        Directory.EnumerateFiles(Repository.At("tests", "contracts", "invalid"), "*.yaml"),
        path =>
        {
            var text = File.ReadAllText(path);
            var root = YamlReader.Read(new SourceFile(path, text), depthMax: 64);
            if (root is not null && _schema.Validate(root.ToValue(), out _).Count > 0)
            {
                Assert.True(TestContracts.Check(text).HasErrors, path);
            }
        });

    private static IReadOnlyList<SchemaProblem> Problems(string text) =>
        _schema.Validate(YamlReader.Read(new SourceFile("contract.yaml", text), depthMax: 64)!.ToValue(), out _);

    private static JsonSchema Compile(string schema)
    {
        var file = new SourceFile("schema.json", schema);
        var references = new References(path => LoadedFile.Parse(path, null, "there is no such file", depthMax: 64), path => path);
        var compiled = new SchemaReader(references).Read(new SchemaDocument("schema.json", file, JsonReader.Read(file, depthMax: 64)!));
        Assert.Equal("", string.Concat(file.Diagnostics().Select(diagnostic => diagnostic.Render())));
        return compiled;
    }
}
