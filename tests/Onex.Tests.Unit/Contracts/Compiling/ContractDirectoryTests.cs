using Onex.Contracts.Diagnostics;

namespace Onex.Tests.Unit.Contracts.Compiling;

public sealed class ContractDirectoryTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-");

    [Fact]
    public void Contracts_are_found_in_folders_except_excluded_ones()
    {
        Write("b.yaml", Contract("b"));
        Write("orders/a.yaml", Contract("a"));
        Write("runtime/runtime_config.yaml", "logging: {}");
        Write("connections/outside.yaml", "connections: {}");
        Write("schemas/order.yaml", "type: object");
        Write("..data/b.yaml", "not to be read");
        Write("README.md", "words");

        var compilation = ContractCompiler.CompileDirectory(_directory.FullName, TestCatalogue.Context);

        Assert.Empty(compilation.Diagnostics);
        Assert.Equal(["b.yaml", "orders/a.yaml"], compilation.Plans.Select(plan => plan.Source.Path));
    }

    [Fact]
    public void A_missing_directory_is_reported_with_its_remedy()
    {
        var diagnostic = Assert.Single(
            ContractCompiler.CompileDirectory(Path.Combine(_directory.FullName, "nowhere"), TestCatalogue.Context).Diagnostics);

        Assert.Equal("ONEX1007", diagnostic.Code);
        Assert.Contains("CONTRACTS_DIR", diagnostic.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void References_are_relative_to_their_file_and_a_broken_schema_is_reported_once()
    {
        Write("orders/a.yaml", Contract("a").Replace("{}", "{ $ref: ../schemas/order.json }", StringComparison.Ordinal));
        Write("orders/b.yaml", Contract("b").Replace("{}", "{ $ref: ../schemas/order.json }", StringComparison.Ordinal));
        Write("schemas/order.json", "{\n  \"typo\": \"object\"\n}");

        var compilation = ContractCompiler.CompileDirectory(_directory.FullName, TestCatalogue.Context);
        var diagnostic = Assert.Single(compilation.Diagnostics);

        Assert.Empty(compilation.Plans);
        Assert.Equal(("ONEX1052", 2, 3, 6), (diagnostic.Code, diagnostic.Line, diagnostic.Column, diagnostic.Length));
        Assert.EndsWith("schemas/order.json", diagnostic.Path, StringComparison.Ordinal);
    }

    [Fact]
    public void Schemas_may_refer_to_each_other_in_cycles()
    {
        Write("a.yaml", Contract("a").Replace("{}", "{ $ref: schemas/node.json }", StringComparison.Ordinal));
        Write("schemas/node.json", """{ "properties": { "next": { "$ref": "list.json#/$defs/node" } } }""");
        Write("schemas/list.json", """{ "$defs": { "node": { "$ref": "node.json" } } }""");

        var plan = Assert.Single(ContractCompiler.CompileDirectory(_directory.FullName, TestCatalogue.Context).Plans);

        Assert.Equal(["schemas/list.json", "schemas/node.json"], plan.Source.References.Keys);
        Assert.Empty(ContractCompiler.Compile(plan.Source, TestCatalogue.Context).Diagnostics);
    }

    [Fact]
    public void One_broken_file_does_not_hide_another()
    {
        Write(
            "a.yaml",
            Contract("a").Replace("done", "over", StringComparison.Ordinal).Replace(
                "initial: over", "initial: done", StringComparison.Ordinal));
        Write("b.yaml", "contract: [");
        Write("c.yaml", Contract("c"));

        var compilation = ContractCompiler.CompileDirectory(_directory.FullName, TestCatalogue.Context);

        Assert.Equal(["ONEX1023", "ONEX1001"], compilation.Diagnostics.Select(diagnostic => diagnostic.Code));
        Assert.Equal("c", Assert.Single(compilation.Plans).Name);
    }

    [Fact]
    public void A_contract_that_occurs_in_two_files_is_one_contract_with_a_warning()
    {
        Write("a.yaml", Contract("same"));
        Write("b.yaml", Contract("same"));

        var compilation = ContractCompiler.CompileDirectory(_directory.FullName, TestCatalogue.Context);

        var warning = Assert.Single(compilation.Diagnostics);
        Assert.Equal(("ONEX1203", Severity.Warning, 1, 11), (warning.Code, warning.Severity, warning.Line, warning.Column));
        Assert.Single(compilation.Plans);
    }

    [Fact]
    public async Task Pipes_and_links_to_them_are_not_opened()
    {
        Write("a.yaml", Contract("a").Replace("{}", "{ $ref: schemas/order.yaml }", StringComparison.Ordinal));
        Write(".hidden/d.yaml", Contract("d"));
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "schemas"));
        foreach (var pipe in (string[])["b.yaml", "schemas/order.yaml"])
        {
            (await Shell.RunAsync("mkfifo", Path.Combine(_directory.FullName, pipe))).OrThrow("mkfifo");
        }

        File.CreateSymbolicLink(Path.Combine(_directory.FullName, "c.yaml"), "b.yaml");
        File.CreateSymbolicLink(Path.Combine(_directory.FullName, "d.yaml"), ".hidden/d.yaml");

        var compilation = await Task.Run(
            () => ContractCompiler.CompileDirectory(_directory.FullName, TestCatalogue.Context), TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Equal(
            ["b.yaml", "c.yaml", "order.yaml"],
            compilation.Diagnostics.Where(diagnostic => diagnostic.Code == "ONEX1001")
                .Select(diagnostic => Path.GetFileName(diagnostic.Path)));
        Assert.Equal("d", Assert.Single(compilation.Plans).Name);
    }

    [Fact]
    public void The_contracts_of_the_repository_compile()
    {
        var compilation = ContractCompiler.CompileDirectory(
            Repository.At("contracts"), TestCatalogue.OrderFulfilmentContext with { Connections = null });

        Assert.Equal("", string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));
        Assert.NotEmpty(compilation.Plans);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static string Contract(string name) =>
        $"contract: {name}\nversion: 1.0.0\ninput: {{}}\ninitial: done\nstates:\n  done: {{ end: completed }}\n";

    private void Write(string path, string text)
    {
        var file = Path.Combine(_directory.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
