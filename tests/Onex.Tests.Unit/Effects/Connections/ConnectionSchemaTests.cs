using System.Text.Json.Nodes;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;
using Onex.Effects.Connections;

namespace Onex.Tests.Unit.Effects.Connections;

/// <summary>
/// The JSON Schema of files of connections agrees with the reader: it is generated from the reader's tables, and validates real files.
/// </summary>
public sealed class ConnectionSchemaTests : IDisposable
{
    private static readonly JsonSchema _schema = Compile(ConnectionSchema.Write());

    private readonly string _directory = Directory.CreateTempSubdirectory("onex-connections-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_documented_connections_schema_is_current()
    {
        var path = Repository.At("docs", "connections.schema.json");
        if (Repository.Updating)
        {
            File.WriteAllText(path, ConnectionSchema.Write());
        }

        Assert.Equal(File.ReadAllText(path), ConnectionSchema.Write());
    }

    [Fact]
    public void The_schema_describes_exactly_the_keys_of_a_connection()
    {
        var definitions = JsonNode.Parse(ConnectionSchema.Write())!["$defs"]!.AsObject();
        foreach (var type in ConnectionTypes.All)
        {
            var map = definitions[type]!.AsObject();
            var properties = map["properties"]!.AsObject();

            Assert.Equal(ConnectionKeys.Names(type), properties.Select(property => property.Key));
            Assert.All(properties, property => Assert.NotEmpty(property.Value!["description"]!.GetValue<string>()));
            Assert.False(map["additionalProperties"]!.GetValue<bool>());
        }
    }

    [Fact]
    public void The_connections_of_the_repository_are_valid() => Assert.All(
        Directory.EnumerateFiles(
            Repository.At("contracts", "connections"), "*.yaml"), path => Assert.Empty(Problems(File.ReadAllText(path))));

    [Theory]
    [InlineData("x: { type: http, url: 'http://x', headrs: {} }")]
    [InlineData("x: { url: 'http://x' }")]
    [InlineData("x: { type: htp, url: 'http://x' }")]
    [InlineData("x: { type: redis, url: 'redis://c', host: db }")]
    [InlineData("x: { type: filesystem }")]
    [InlineData("x: { type: postgres, host: h, database: d, user: u, port: 0 }")]
    [InlineData("x: { type: postgres, host: h, database: d, user: u, sslmode: full }")]
    [InlineData("x: { type: postgres, host: h, database: d, user: u, concurrency: 5000 }")]
    [InlineData("x: { type: http, url: 'http://x', public: [a] }")]
    [InlineData("x: { type: http, url: 'http://x', timeout: 10 }")]
    [InlineData("x: { type: http, url: 'http://x', timeout: soon }")]
    [InlineData("x: { type: http, url: 'http://x', rate_limit: fast }")]
    [InlineData("x: { type: http, url: 'http://x', breaker: { calls: 1 } }")]
    [InlineData("x: { type: http, url: 'http://x', retry: { jitter: some } }")]
    [InlineData("x: { type: http, url: 'http://x', allow: 10.0.0.0/8 }")]
    [InlineData("Stock_1: { type: http, url: 'http://x' }")]
    public void A_connections_file_that_the_schema_rejects_has_errors_for_the_reader_too(string entry)
    {
        var text = $"connections:\n  {entry}\n";
        File.WriteAllText(Path.Combine(_directory, "a.yaml"), text);

        Assert.NotEmpty(Problems(text));
        Assert.True(ConnectionsReader.Read(_directory, new Dictionary<string, string>(), resolveSecrets: false).HasErrors);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2")]
    [InlineData("'2'")]
    public void A_version_of_http_needs_no_quotes(string version)
    {
        var text = $"connections:\n  x: {{ type: http, url: 'http://x', http_version: {version} }}\n";
        File.WriteAllText(Path.Combine(_directory, "a.yaml"), text);

        Assert.Empty(Problems(text));
        Assert.Empty(ConnectionsReader.Read(_directory, new Dictionary<string, string>(), resolveSecrets: false).Diagnostics);
    }

    private static IReadOnlyList<SchemaProblem> Problems(string text) =>
        _schema.Validate(YamlReader.Read(new SourceFile("connections.yaml", text), depthMax: 16)!.ToValue(), out _);

    private static JsonSchema Compile(string schema)
    {
        var file = new SourceFile("schema.json", schema);
        var references = new References(path => LoadedFile.Parse(path, null, "there is no such file", depthMax: 64), path => path);
        var compiled = new SchemaReader(references).Read(new SchemaDocument("schema.json", file, JsonReader.Read(file, depthMax: 64)!));
        Assert.Equal("", string.Concat(file.Diagnostics().Select(diagnostic => diagnostic.Render())));
        return compiled;
    }
}
