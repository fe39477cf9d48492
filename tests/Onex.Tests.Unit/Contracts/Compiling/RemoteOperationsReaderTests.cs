using Onex.Contracts.Diagnostics;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;

namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>The declarations of remote operations, and contracts that call them (docs/remote-operations.md).</summary>
public sealed class RemoteOperationsReaderTests : IDisposable
{
    private const string Pricing = """
        operations:
          pricing.quote:
            description: The price of a basket.
            topic: pricing-commands
            changes_world: false
            arguments: { sku: string, quantity: int, coupon: string? }
            result: { cents: int, lines: "list({ sku: string, cents: int })" }
            timeout: 5s
          pricing.reserve:
            topic: pricing-commands
            changes_world: true
            idempotent: true
            arguments: { sku: string }
            result: { reservation: string }
          pricing.release:
            topic: pricing-commands
            changes_world: true
            arguments: { reservation: string }
        """;

    private const string Calls = """
        contract: order
        version: 1.0.0
        input: { type: object, properties: { sku: { type: string } }, required: [sku] }
        data: { cents: int? }
        initial: work
        states:
          work:
            steps:
              - id: quote
                compute: pricing.quote
                with: { sku: "${input.sku}", quantity: 2 }
                save: { cents: result.cents }
              - id: reserve
                effect: pricing.reserve
                with: { sku: "${input.sku}" }
                compensate: { effect: pricing.release, with: { reservation: "${result.reservation}" }, when_unknown: block }
            next: done
          done: { end: completed, output: { cents: "${data.cents}" } }
        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("onex-operations-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_declaration_becomes_an_entry_of_the_catalogue()
    {
        var read = Read(Pricing);
        var quote = read.Operations[0];

        Assert.Empty(read.Diagnostics);
        Assert.Equal(("pricing.quote", OperationRole.Compute, false), (quote.Name, quote.Role, quote.ChangesWorld));
        Assert.Equal(new RemoteOperation("pricing-commands", TimeSpan.FromSeconds(5)), quote.Remote);
        Assert.Equal(
            [("sku", true, "string"), ("quantity", true, "int"), ("coupon", false, "string?")],
            quote.Arguments.Select(argument => (argument.Name, argument.Required, argument.Type)));
        Assert.Equal("list({ sku: string, cents: int })", quote.Result["lines"]);
        var reserve = read.Operations[1];
        Assert.Equal((OperationRole.Effect, true, true), (reserve.Role, reserve.ChangesWorld, reserve.Idempotent));
    }

    [Theory]
    [InlineData("topik: x, changes_world: false", "an operation has no key 'topik'.\n", "ONEX1010", "ONEX1013")]
    [InlineData("changes_world: false", "Add 'topic: some-commands'", "ONEX1013")]
    [InlineData("topic: x", "Add 'changes_world: false' if it only computes", "ONEX1013")]
    [InlineData("topic: x, changes_world: perhaps", "true or false", "ONEX1012")]
    [InlineData("topic: x, changes_world: true, timeout: soon", "is not a duration", "ONEX1047")]
    [InlineData("topic: x, changes_world: true, arguments: { a: strng }", "the nearest one is 'string'", "ONEX1050")]
    [InlineData("topic: x, changes_world: true, result: { a: { $ref: a.json } }", "no schemas in files of their own", "ONEX1050")]
    [InlineData("topic: x, changes_world: true, result: { a: { b-c: int } }", "is not a type", "ONEX1050")]
    [InlineData("topic: x, changes_world: true, arguments: { a-b: int }", "is not a valid name for an argument", "ONEX1017")]
    [InlineData("topic: x.cancel, changes_world: true", "is not a valid topic for commands", "ONEX2042")]
    public void A_wrong_declaration_is_reported_with_its_remedy(string declared, string message, params string[] codes)
    {
        var read = Read($"operations:\n  a.b: {{ {declared} }}\n");

        Assert.True(read.HasErrors);
        Assert.Contains(message, string.Concat(
            read.Diagnostics.Select(diagnostic => diagnostic.Render())), StringComparison.Ordinal);
        Assert.Subset(codes.ToHashSet(), read.Diagnostics.Select(diagnostic => diagnostic.Code).ToHashSet());
    }

    [Fact]
    public void A_contract_may_call_declared_operations()
    {
        var plan = Compile(Calls).Plans.Single();
        var steps = plan.State("work").Steps.Cast<CallStep>().ToList();

        Assert.Equal((CallRole.Compute, "pricing-commands", TimeSpan.FromSeconds(5)),
            (steps[0].Role, steps[0].Invocation.Topic, steps[0].Timeout));
        Assert.Equal((CallRole.Remote, "pricing-commands", CallStep.DefaultTimeout),
            (steps[1].Role, steps[1].Invocation.Topic, steps[1].Timeout));
        Assert.Equal(["pricing.quote", "pricing.release", "pricing.reserve"], plan.RemoteOperations);
    }

    [Theory]
    [InlineData("quantity: 2", "quantity: two", "ONEX1038")]
    [InlineData("quantity: 2", "quantety: 2", "ONEX1037", "ONEX1036")]
    [InlineData("result.cents }", "result.price }", "ONEX1077")]
    [InlineData("compute: pricing.quote", "effect: pricing.quote", "ONEX1031")]
    [InlineData("compute: pricing.quote", "compute: pricing.qoute", "ONEX1030")]
    [InlineData(
        "compensate: { effect: pricing.release, with: { reservation: \"${result.reservation}\" }, when_unknown: block }", "", "ONEX1040")]
    [InlineData("when_unknown: block", "when_unknown: maybe", "ONEX1012")]
    public void A_call_is_checked_like_that_of_a_built_in_operation(string part, string replacement, params string[] codes)
    {
        var found = Compile(Calls.Replace(part, replacement, StringComparison.Ordinal)).Diagnostics
            .Where(diagnostic => diagnostic.Severity == Severity.Error).Select(diagnostic => diagnostic.Code).Distinct().ToList();

        Assert.Equal(codes, found);
    }

    [Theory]
    [InlineData("compute: loyalty.rate", true)]
    [InlineData("compute: pricing.discount", false)]
    [InlineData("compute: pricng.quote", false)]
    public void An_unknown_prefix_is_reported_with_the_sources_of_operations(string call, bool isReported)
    {
        var unknown = Compile(Calls.Replace("compute: pricing.quote", call, StringComparison.Ordinal)).Diagnostics
            .Single(diagnostic => diagnostic.Code == "ONEX1030");

        Assert.Equal(isReported, unknown.Remedy.Contains("ONEX_PLUGINS_DIR (or --plugins)", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("description: The price of a basket.", "description: Another text.", true)]
    [InlineData("topic: pricing-commands", "topic: other-commands", true)]
    [InlineData("timeout: 5s", "timeout: 6s", true)]
    [InlineData("cents: int, lines", "cents: double, lines", false)]
    [InlineData("coupon: string?", "coupon: string?, at: timestamp?", false)]
    [InlineData("idempotent: true", "idempotent: false", false)]
    public void The_types_of_an_operation_belong_to_the_identity_of_a_contract_and_its_topic_does_not(
        string part, string replacement, bool isSame)
    {
        var calls = Calls.Replace("data: { cents: int? }", "data: { cents: any }", StringComparison.Ordinal);
        var one = Compile(calls).Plans.Single();
        var other = Compile(calls, Pricing.Replace(part, replacement, StringComparison.Ordinal)).Plans.Single();

        Assert.Equal(isSame, one.Hash == other.Hash);
    }

    [Fact]
    public void A_registered_contract_keeps_the_types_that_it_was_registered_with_and_uses_the_current_topic()
    {
        var registered = Compile(Calls).Plans.Single();
        var without = TestCatalogue.Context with { IsRegistered = true };
        var changed = Read(Pricing.Replace("cents: int,", "euros: double,", StringComparison.Ordinal)
            .Replace("topic: pricing-commands", "topic: new-commands", StringComparison.Ordinal));

        var removed = ContractCompiler.Compile(registered.Source, without).Plans.Single();
        var current = ContractCompiler.Compile(
            registered.Source, without with { Operations = TestCatalogue.Operations.With(changed.Operations) }).Plans.Single();

        Assert.Equal((registered.Hash, "pricing-commands"), (removed.Hash, TopicOf(removed)));
        Assert.Equal((registered.Hash, "new-commands"), (current.Hash, TopicOf(current)));

        static string? TopicOf(Plan plan) => ((CallStep)plan.State("work").Steps[0]).Invocation.Topic;
    }

    [Fact]
    public void The_folder_of_a_file_decides_whether_it_holds_operations_or_a_contract()
    {
        Write("operations/pricing.yaml", Pricing);
        Write("order.yaml", Calls);
        Write("shop/operations/more.yaml", Calls.Replace("contract: order", "contract: other", StringComparison.Ordinal));
        var read = RemoteOperationsReader.Read(_directory, TestCatalogue.Operations);

        var compilation = ContractCompiler.CompileDirectory(
            _directory, TestCatalogue.Context with { Operations = TestCatalogue.Operations.With(read.Operations), Connections = null });

        Assert.Empty(read.Diagnostics.Concat(compilation.Diagnostics));
        Assert.Equal(["order", "other"], compilation.Plans.Select(plan => plan.Name));
    }

    [Fact]
    public void The_documented_keys_are_those_of_the_reader()
    {
        const string Head = "| an operation | |\n| --- | --- |\n";
        var path = Repository.At("docs", "remote-operations.md");
        var text = File.ReadAllText(path);
        var start = text.IndexOf(Head, StringComparison.Ordinal) + Head.Length;
        var end = text.IndexOf("\n\n", start, StringComparison.Ordinal) + 1;
        var expected = string.Concat(RemoteOperationKeys.Operation.All.Select(
            key => $"| `{key.Name}` | {(key.Required ? "Required. " : "")}{key.Description} |\n"));
        if (Repository.Updating)
        {
            File.WriteAllText(path, text[..start] + expected + text[end..]);
        }

        Assert.Equal(expected, text[start..end]);
    }

    [Fact]
    public void The_documented_schema_of_operations_is_current()
    {
        var path = Repository.At("docs", "operation.schema.json");
        var schema = ContractCompiler.RemoteOperationsSchema();
        Assert.Equal(Repository.Golden(path, schema), schema);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("changes_world: false", false)]
    [InlineData("topic: pricing-commands", false)]
    public void The_schema_accepts_what_the_reader_accepts(string missing, bool isAccepted)
    {
        var text = missing.Length == 0 ? Pricing : Pricing.Replace(missing, "", StringComparison.Ordinal);
        var file = new SourceFile("operation.schema.json", ContractCompiler.RemoteOperationsSchema());
        var references = new References(_ => throw new InvalidOperationException(), path => path);
        var schema = new SchemaReader(references).Read(new SchemaDocument(file.Path, file, JsonReader.Read(file, 64)!));
        var value = YamlReader.Read(new SourceFile("pricing.yaml", text), 64)!.ToValue();

        Assert.Empty(file.Reported);
        Assert.Equal(isAccepted, schema!.Validate(value, out _).Count == 0);
    }

    private RemoteOperations Read(string text)
    {
        Write("operations/pricing.yaml", text);
        return RemoteOperationsReader.Read(_directory, TestCatalogue.Operations);
    }

    private Compilation Compile(string contract, string operations = Pricing)
    {
        Write("order.yaml", contract);
        var read = Read(operations);
        return ContractCompiler.CompileDirectory(
            _directory, TestCatalogue.Context with { Operations = TestCatalogue.Operations.With(read.Operations), Connections = null });
    }

    private void Write(string path, string text)
    {
        var full = Path.Combine(_directory, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
