namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>
/// Calls of another contract are checked against it: the arguments must match its <c>input</c>, the result has the type of its
/// <c>output</c>.
/// </summary>
public sealed class ChildTypesTests
{
    private const string Shipment = """
        contract: shipment
        version: 1.0.0
        input:
          type: object
          required: [order, weight, service]
          additionalProperties: false
          properties:
            order: { type: string }
            weight: { type: integer, minimum: 1 }
            service: { enum: [slow, fast] }
            lines: { type: array, items: { type: object, required: [sku], properties: { sku: { type: string }, gift: { type: boolean } } } }
        output:
          type: object
          required: [tracking, cost]
          properties: { tracking: { type: string }, cost: { type: number }, at: { type: string } }
        initial: done
        states:
          done: { end: completed, output: { tracking: t-1, cost: 1.5 } }
        """;

    private const string ValidInput = "{ order: \"${input.id}\", weight: 3, service: fast }";

    [Theory]
    [InlineData(ValidInput)]
    [InlineData("{ order: \"o-${input.id}\", weight: \"${input.count}\", service: slow, lines: \"${input.lines}\" }")]
    [InlineData("{ order: \"${input.id}\", weight: 3, service: fast, lines: [{ sku: \"${input.id}\", gift: true }] }")]
    [InlineData("{ order: \"${input.unknown}\", weight: \"${input.unknown}\", service: \"${input.unknown}\" }")]
    public void Input_that_matches_a_called_contract_is_accepted(string with) =>
        Assert.Equal("", Render(Ship($"with: {with}")));

    [Theory]
    [InlineData("with: { order: \"${input.count}\", weight: 3, service: fast }", "expects string here, but this is int")]
    [InlineData("with: { order: 7, weight: 3, service: fast }", "expects string here, but this is int")]
    [InlineData("with: { order: a, weight: \"${input.id}\", service: fast }", "expects int here, but this is string")]
    [InlineData("with: { order: a, weight: three, service: fast }", "expects int here, but this is string")]
    [InlineData("with: { order: a, weight: 3, service: fast, lines: [{ sku: \"${input.count}\" }] }",
        "expects string here, but this is int")]
    [InlineData("with: { order: a, weight: 3, service: fast, lines: \"${input.id}\" }", "expects list(object) here, but this is string")]
    [InlineData("with: { order: a, weight: 3 }", "requires 'service'")]
    [InlineData("with: { order: a, weight: 3, service: fast, lines: [{ gift: true }] }", "requires 'sku' (string)")]
    [InlineData("with: { order: a, weight: 3, service: fast, colour: red }", "allows no field 'colour'")]
    [InlineData("with: { order: a, weight: 0, service: fast }", "does not match the input of")]
    [InlineData("with: { order: \"${input.id}\", weight: 0, service: fast }", "does not match the input of")]
    [InlineData("with: { order: \"${input.id}\", weight: 3, service: quick }", "does not match the input of")]
    [InlineData("with: {}", "requires 'order' (string)")]
    [InlineData("", "requires 'order' (string)")]
    public void The_arguments_of_a_call_must_match_the_input_of_the_called_contract(string with, string problem)
    {
        var found = Render(Ship(with));

        Assert.Contains("error ONEX1180", found, StringComparison.Ordinal);
        Assert.Contains(problem, found, StringComparison.Ordinal);
        Assert.Contains("contract 'shipment' 1.0.0", found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("- { saga: shipment, detached: true, with: { order: 7, weight: 3, service: fast } }")]
    [InlineData(
        "- { id: ship, saga: shipment, each: { item: input.lines, at_most: 5 }, with: { order: \"${index}\", weight: 3, service: fast }, "
            + "compensate: { none: a test } }")]
    [InlineData(
        "- parallel: { branches: [{ wait: 1m }, { id: ship, saga: shipment, with: { order: 7, weight: 3, service: fast }, "
            + "compensate: { none: a test } }] }")]
    [InlineData(
        "- { id: ship, compute: hash.sha256, with: { text: a }, compensate: { saga: shipment, with: { order: \"${result.hex == ''}\", "
            + "weight: 3, service: fast } } }")]
    public void The_arguments_are_checked_wherever_a_contract_is_called(string step) =>
        Assert.Contains("ONEX1180", Render(Order(step)), StringComparison.Ordinal);

    [Fact]
    public void A_misspelt_input_field_is_a_warning()
    {
        var open = Shipment.Replace("additionalProperties: false\n", "\n", StringComparison.Ordinal);

        Assert.Contains(
            "warning ONEX1182", Render(Ship("with: { order: a, weight: 3, service: fast, line: [] }"), open), StringComparison.Ordinal);
        Assert.Equal("", Render(Ship("with: { order: a, weight: 3, service: fast, colour: red }"), open));
    }

    [Theory]
    [InlineData("save: { tracking: result.cost }", "ONEX1072")]
    [InlineData("save: { tracking: result.trackin }", "ONEX1079")]
    [InlineData("reject: [{ when: result.cost > 'a', code: dear }]", "ONEX1076")]
    [InlineData("compensate: { saga: back, with: { tracking: \"${result.cost}\" } }", "ONEX1180")]
    [InlineData("each: { item: input.lines, at_most: 5 }, aggregate: { all: { sum: result.tracking } }", "ONEX1076")]
    [InlineData("each: { item: input.lines, at_most: 5 }, save: { tracking: 'results[0].cost' }", "ONEX1072")]
    public void The_result_of_a_child_has_the_type_of_its_output(string keys, string code)
    {
        var compensation = keys.StartsWith("compensate", StringComparison.Ordinal) ? "" : ", compensate: { none: a test }";
        var found = Render(Order($"- {{ id: ship, saga: shipment, with: {ValidInput}, {keys}{compensation} }}"), Shipment, Back);

        Assert.Contains(code, found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("steps.ship.cost == 'a'", "ONEX1076")]
    [InlineData("steps.ship.trackin == 'a'", "ONEX1079")]
    public void A_later_read_of_a_child_result_has_the_type_of_its_output(string guard, string code) => Assert.Contains(
        code,
        Render(
            Order(
                $"- {{ id: ship, saga: shipment, with: {ValidInput}, compensate: {{ none: a test }} }}",
                $"choose: [{{ when: \"{guard}\", next: done }}, {{ next: done }}]")),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("{ tracking: int }", true)]
    [InlineData("{ cost: bool }", true)]
    [InlineData("{ tracking: list(string) }", true)]
    [InlineData("{ tracking: { id: string } }", true)]
    [InlineData("{ tracking: string, cost: double }", false)]
    [InlineData("{ cost: int }", false)]
    [InlineData("{ at: timestamp, tracking: any, colour: string? }", false)]
    public void Returns_may_not_contradict_the_output_of_the_child(string returns, bool isRejected) => Assert.Equal(
        isRejected, Render(Ship($"with: {ValidInput}, returns: {returns}")).Contains("error ONEX1181", StringComparison.Ordinal));

    [Theory]
    [InlineData("{ status_code: string }", true)]
    [InlineData("{ status: int }", true)]
    [InlineData("{ headers: map(int) }", true)]
    [InlineData("{ headers: { etag: string }, body: { id: string } }", false)]
    public void Returns_may_not_contradict_the_result_of_an_operation(string returns, bool isRejected) => Assert.Equal(
        isRejected, Render(Order($"- {{ id: look, effect: http.get, connection: stock, with: {{ path: /a }}, returns: {returns} "
            + $"}}")).Contains("error ONEX1181", StringComparison.Ordinal));

    [Fact]
    public void The_highest_version_is_called_in_any_file_order()
    {
        var older = Shipment.Replace("service: { enum: [slow, fast] }", "service: { enum: [snail] }", StringComparison.Ordinal);
        var newer = Shipment.Replace("version: 1.0.0", "version: 1.10.0", StringComparison.Ordinal);
        older = older.Replace("version: 1.0.0", "version: 1.9.0", StringComparison.Ordinal);

        Assert.Equal("", Render(Ship($"with: {ValidInput}"), older, newer));
        Assert.Equal("", Render(Ship($"with: {ValidInput}"), newer, older));
        Assert.Contains(
            "contract 'shipment' 1.10.0", Render(
                Ship("with: { order: a, weight: 3, service: snail }"), older, newer), StringComparison.Ordinal);
    }

    [Fact]
    public void A_child_that_responds_early_has_no_known_result_type()
    {
        var early = Shipment.Replace(
            "initial: done\nstates:\n",
            "initial: work\nstates:\n  work: { steps: [{ respond: { other: 1 } }], next: done }\n",
            StringComparison.Ordinal);

        Assert.Equal(
            "",
            Render(Order($"- {{ id: ship, saga: shipment, with: {ValidInput}, save: {{ tracking: result.cost }}, "
                + "compensate: { none: a test } }"), early));
    }

    [Fact]
    public void A_child_with_an_end_without_output_has_no_known_result_type()
    {
        var silent = Shipment + "\n  other: { end: completed }\n";
        silent = silent.Replace(
            "initial: done\nstates:\n",
            "initial: work\nstates:\n  work: { choose: [{ when: input.weight > 9, next: other }, { next: done }] }\n",
            StringComparison.Ordinal);

        Assert.Equal(
            "",
            Render(Order($"- {{ id: ship, saga: shipment, with: {ValidInput}, save: {{ tracking: result.cost }}, "
                + "compensate: { none: a test } }"), silent));
    }

    [Fact]
    public void A_registered_contract_compiles_without_the_contracts_it_calls()
    {
        var source = new ContractSource("order.yaml", Ship("with: { order: 7 }"), ImmutableSortedDictionary<string, string>.Empty);

        Assert.Empty(ContractCompiler.Compile(source, TestCatalogue.Context with { IsRegistered = true }).Diagnostics);
    }

    private const string Back = """
        contract: back
        version: 1.0.0
        input: { type: object, required: [tracking], properties: { tracking: { type: string } } }
        initial: done
        states:
          done: { end: completed }
        """;

    private static string Ship(string keys) =>
        Order($"- {{ id: ship, saga: shipment, compensate: {{ none: a test }}{(keys.Length == 0 ? "" : ", ")}{keys} }}");

    private static string Order(string step, string next = "next: done") => $$"""
        contract: order
        version: 1.0.0
        input:
          type: object
          required: [id, count, lines]
          properties:
            id: { type: string }
            count: { type: integer }
            lines: { type: array, items: { type: object, required: [sku], properties: { sku: { type: string } } } }
        data: { tracking: { type: string?, initial: null } }
        initial: work
        states:
          work:
            steps:
              {{step}}
            {{next}}
          done: { end: completed, output: { tracking: "${data.tracking}" } }
        """;

    private static string Render(string order, params string[] others)
    {
        var directory = Directory.CreateTempSubdirectory("onex-");
        try
        {
            File.WriteAllText(Path.Combine(directory.FullName, "order.yaml"), order);
            others = others.Length == 0 ? [Shipment] : others;
            for (var index = 0; index < others.Length; index++)
            {
                File.WriteAllText(Path.Combine(directory.FullName, $"other-{index}.yaml"), others[index]);
            }

            return string.Concat(
                ContractCompiler.CompileDirectory(
                    directory.FullName, TestCatalogue.Context).Diagnostics.Select(diagnostic => diagnostic.Render()));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
