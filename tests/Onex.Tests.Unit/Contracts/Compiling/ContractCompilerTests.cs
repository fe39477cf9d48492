namespace Onex.Tests.Unit.Contracts.Compiling;

public sealed class ContractCompilerTests
{
    private static readonly EventKind[] _acceptedWhileAlive =
        [EventKind.StepResult, EventKind.Timer, EventKind.Joined, EventKind.External, EventKind.Operator];

    private static readonly Plan _order = CompileOrder();

    [Fact]
    public void The_order_contract_compiles_without_diagnostics()
    {
        var compilation = ContractCompiler.CompileDirectory(
            Repository.At("tests", "contracts", "valid", "order-fulfilment"), TestCatalogue.Context);

        Assert.Equal("", string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));
        var plan = compilation.Plans.Single();
        Assert.Equal(("order-fulfilment", "1.2.0"), (plan.Name, plan.Version));
    }

    [Fact]
    public void States_keep_the_order_of_the_file()
    {
        Assert.Equal(
            ["reserving", "packing", "charging", "sealing", "confirming", "unwinding", "done", "unwound"],
            _order.States.Select(state => state.Name));
        Assert.Equal("reserving", _order.Initial);
        Assert.Equal("unwinding", _order.OnFailure);
        Assert.Equal(["confirming"], _order.States.Where(state => state.Pivot).Select(state => state.Name));
        Assert.DoesNotContain(_order.States, state => state.Implicit);
    }

    [Fact]
    public void A_state_accepts_the_messages_of_its_kind()
    {
        Assert.Equivalent(_acceptedWhileAlive, _order.State("packing").Accepts, strict: true);
        Assert.Equivalent(_acceptedWhileAlive, _order.State("unwinding").Accepts, strict: true);
        Assert.Equivalent(new[] { EventKind.Joined }, _order.State("done").Accepts, strict: true);
    }

    [Fact]
    public void A_step_has_every_property_of_the_file()
    {
        var charge = Call("charging");

        Assert.Equal(
            ("charge", CallRole.Effect, "http.post", "payments"),
            (charge.Id, charge.Role, charge.Invocation.Operation, charge.Invocation.Connection));
        Assert.Equal(
            new RetryPolicy(5, TimeSpan.FromMilliseconds(200), 2, TimeSpan.FromSeconds(20), Jitter.Full, TimeSpan.FromMinutes(2)),
            charge.Retry);
        Assert.Equal(TimeSpan.FromSeconds(10), charge.Timeout);
        Assert.Equal("result.status_code == 402", charge.Reject.Single().When.Text);
        Assert.Equal("card_declined", charge.Reject.Single().Code);
        Assert.Equal(
            ("payment", "string?", "result.body.ref"),
            (charge.Save.Single().Field, charge.Save.Single().Type.ToString(), charge.Save.Single().Value.Text));
        Assert.True(charge.Catch.Single().Covers("card_declined"));
        Assert.False(charge.Catch.Single().Covers("step_failed"));
        Assert.Equal("{ body: { ref: string } }", charge.Returns!.ToString());
        Assert.Equal("{ status_code: int, headers: map(string), body: any }", charge.ResultType.ToString());
        Assert.Equal("http.post", charge.Compensation!.Invocation.Operation);
    }

    [Fact]
    public void A_step_setting_falls_back_to_the_connection_and_then_to_the_default()
    {
        var reserve = Call("reserving");
        var pack = Call("packing");

        Assert.Equal((3, TimeSpan.FromSeconds(7)), (reserve.Retry.Attempts, reserve.Timeout));
        Assert.Equal((3, TimeSpan.FromSeconds(7)), (reserve.Compensation!.Retry.Attempts, reserve.Compensation.Timeout));
        Assert.Equal((RetryPolicy.Default, TimeSpan.FromSeconds(30)), (pack.Retry, pack.Timeout));
        Assert.Equal(TimeSpan.FromSeconds(5), pack.Compensation!.Timeout);
    }

    [Fact]
    public void Only_results_read_by_an_expression_are_stored()
    {
        Assert.Equal(
            ["pack", "seal"],
            _order.States.SelectMany(state => state.Steps).OfType<CallStep>().Where(step => step.ResultIsRead).Select(step => step.Id));
        Assert.Equal(["body.weight"], Call("packing").ResultPaths.Select(path => string.Join('.', path)));
        Assert.Equal(["hex"], Call("sealing").ResultPaths.Select(path => string.Join('.', path)));
    }

    [Fact]
    public void A_path_is_percent_encoded_and_a_single_value_elsewhere_keeps_its_type()
    {
        var arguments = (Template.Map)Call("packing").Invocation.Arguments;
        var path = Assert.IsType<Template.Text>(arguments.Entries.Single(entry => entry.Key == "path").Value);
        var body = Assert.IsType<Template.Map>(arguments.Entries.Single(entry => entry.Key == "body").Value);

        Assert.True(path.PercentEncoded);
        Assert.Equal(["/orders/", "input.order_id", "/parcels"], path.Parts.Select(part => part.Literal ?? part.Expression!.Text));
        Assert.Equal("data.reservation", Assert.IsType<Template.Single>(body.Entries.Single().Value).Expression.Text);
    }

    [Fact]
    public void The_initial_value_of_a_field_has_the_type_of_the_field()
    {
        var attempts = _order.Data.Single(field => field.Name == "attempts");

        Assert.Equal(("int", 0L), (attempts.Type.ToString(), attempts.Initial!.Value.AsInt()));
        Assert.Null(_order.Data.Single(field => field.Name == "payment").Initial);
    }

    [Fact]
    public void A_choice_that_leads_to_a_compensating_state_sets_the_fault()
    {
        Assert.Equal(
            [("steps.pack.body.weight > 30.0", "unwinding", "too_heavy"), (null, "charging", null)],
            _order.State("packing").Choices.Select(choice => (choice.When?.Text, choice.Next, choice.Fault)));
    }

    [Fact]
    public void The_source_of_a_plan_compiles_to_the_same_plan_without_files()
    {
        var recompiled = ContractCompiler.Compile(_order.Source, TestCatalogue.Context);

        Assert.Empty(recompiled.Diagnostics);
        Assert.Equal(_order.Hash, recompiled.Plans.Single().Hash);
        Assert.Equal(["schemas/order.json", "schemas/receipt.json"], _order.Source.References.Keys);
        Assert.Equal("order-fulfilment.yaml", _order.Source.Path);
    }

    [Fact]
    public void A_contract_compiles_without_a_list_of_connections()
    {
        Assert.Empty(ContractCompiler.Compile(_order.Source, TestCatalogue.Context with { Connections = null }).Diagnostics);
    }

    [Fact]
    public void The_hash_covers_the_content_and_not_the_path()
    {
        var elsewhere = _order.Source with { Path = "elsewhere.yaml" };
        var changed = _order.Source with { References = _order.Source.References.SetItem("schemas/order.json", "{ }") };

        Assert.Equal(64, _order.Hash.Length);
        Assert.Equal(_order.Hash, ContractCompiler.Compile(elsewhere, TestCatalogue.Context).Plans.Single().Hash);
        Assert.NotEqual(_order.Hash, ContractCompiler.Compile(changed, TestCatalogue.Context).Plans.Single().Hash);
    }

    private const string Greeting = """
        contract: greeting
        version: 1.0.0
        description: Says hello.
        input: { type: object, required: [name, age], properties: { name: { type: string }, age: { type: integer } } }
        data: { text: string? }
        initial: working
        states:
          working:
            steps:
              - id: seal
                compute: hash.sha256
                with: { text: "Dear ${input.name} and all" }
                save: { text: "result.hex + 'a b'" }
            choose:
              - when: input.age > 17 && input.name != ""
                next: done
              - next: other
          done: { end: completed }
          other: { end: completed }
        """;

    [Theory]
    [InlineData("version: 1.0.0", "# A comment\nversion: 1.0.0    # and another one")]
    [InlineData("version: 1.0.0", "version: '1.0.0'\n\n")]
    [InlineData("description: Says hello.", "description: Says hello to somebody.")]
    [InlineData("{ name: { type: string }", "{   name:   {type: string }")]
    [InlineData("input.age > 17 && input.name", "input.age>17  &&  input.name")]
    [InlineData("result.hex + 'a b'", "result.hex+ 'a b'")]
    [InlineData("${input.name}", "${ input.name }")]
    [InlineData("next: done", "next: \"done\"")]
    public void Comments_whitespace_and_descriptions_do_not_change_the_identity_of_a_contract(string from, string to) =>
        Assert.Equal(HashOf(Greeting), HashOf(Greeting.Replace(from, to, StringComparison.Ordinal)));

    [Theory]
    [InlineData("input.age > 17", "input.age > 18")]
    [InlineData("'a b'", "'a  b'")]
    [InlineData("Dear ${input.name}", "Dear  ${input.name}")]
    [InlineData(" and all", "")]
    [InlineData("version: 1.0.0", "version: 1.0.1")]
    [InlineData("string? }", "{ type: string?, initial: a } }")]
    [InlineData("compute: hash.sha256", "timeout: 1m\n        compute: hash.sha256")]
    [InlineData("done: { end: completed }", "done: { end: completed, output: { age: 1 } }")]
    public void A_change_of_meaning_changes_the_identity_of_a_contract(string from, string to) =>
        Assert.NotEqual(HashOf(Greeting), HashOf(Greeting.Replace(from, to, StringComparison.Ordinal)));

    [Fact]
    public void A_number_and_its_text_are_different_content() => Assert.NotEqual(
        HashOf(Greeting.Replace("done: { end: completed }", "done: { end: completed, output: { age: 1 } }", StringComparison.Ordinal)),
        HashOf(Greeting.Replace("done: { end: completed }", "done: { end: completed, output: { age: \"1\" } }", StringComparison.Ordinal)));

    [Fact]
    public void A_registered_contract_compiles_despite_a_newer_compiler_rule()
    {
        var source = new ContractSource(
            "greeting.yaml", Greeting.Replace(
                "compute: hash.sha256\n", "compute: hash.sha256\n        retry: { attempts: 3, first: 10d }\n", StringComparison.Ordinal),
            ImmutableSortedDictionary<string, string>.Empty);

        Assert.Equal(
            ["ONEX1150"], ContractCompiler.Compile(source, TestCatalogue.Context).Diagnostics.Select(diagnostic => diagnostic.Code));
        Assert.Single(ContractCompiler.Compile(source, TestCatalogue.Context with { IsRegistered = true }).Plans);
    }

    [Theory]
    [InlineData(@"\Ah\x{69}\z")]
    [InlineData(@"^*^\u{68}(?i)I$")]
    [InlineData(@"^[\w-h]i$|a{|\@")]
    public void A_registered_contract_may_have_a_pattern_with_syntax_that_ecma_262_lacks(string pattern)
    {
        var source = new ContractSource(
            "greeting.yaml", Greeting.Replace("{ type: string }", $"{{ type: string, pattern: '{pattern}' }}", StringComparison.Ordinal),
            ImmutableSortedDictionary<string, string>.Empty);

        Assert.Equal(
            ["ONEX1053"], ContractCompiler.Compile(source, TestCatalogue.Context).Diagnostics.Select(diagnostic => diagnostic.Code));
        var input = ContractCompiler.Compile(source, TestCatalogue.Context with { IsRegistered = true }).Plans.Single().Input;
        Assert.Equal([true, false], new[] { "hi", "a hi" }.Select(name => input.Validate(
            CelValue.Map([KeyValuePair.Create("name", CelValue.String(name)), KeyValuePair.Create("age", CelValue.Int(18))]), out _)
            .Count == 0));
    }

    [Theory]
    [InlineData("input.many.filter(n, n != '')", "", false)]
    [InlineData("input.many.filter(n, n != '')", ", at_most: 50", true)]
    [InlineData("input.many.map(n, n + '!')", "", false)]
    [InlineData("input.few + input.many.map(n, n + '!')", "", false)]
    [InlineData("input.few.filter(n, n != '')", "", true)]
    [InlineData("input.few.map(n, n + '!') + input.few", "", true)]
    public void A_list_whose_size_is_only_assumed_needs_at_most(string list, string atMost, bool isValid) =>
        Assert.Equal(
            isValid ? [] : ["ONEX1068"],
            ContractCompiler.Compile(Each(list, atMost), TestCatalogue.Context).Diagnostics.Select(diagnostic => diagnostic.Code));

    [Theory]
    [InlineData("input.many.filter(n, n != '')", 32)]
    [InlineData("input.many.map(n, n + '!') + input.many.map(n, n)", 64)]
    [InlineData("input.few.map(n, n + '!') + input.few", 80)]
    public void A_registered_each_keeps_the_bound_that_was_assumed_for_its_list(string list, int atMost)
    {
        var compilation = ContractCompiler.Compile(Each(list, ""), TestCatalogue.Context with { IsRegistered = true });

        Assert.Empty(compilation.Diagnostics);
        Assert.Equal(atMost, Assert.IsType<EachStep>(compilation.Plans.Single().State("work").Steps[0]).AtMost);
    }

    private static ContractSource Each(string list, string atMost) => new("small.yaml", $$$"""
        contract: small
        version: 1.0.0
        input:
          type: object
          required: [many, few]
          properties:
            many: { type: array, items: { type: string } }
            few: { type: array, maxItems: 40, items: { type: string } }
        initial: work
        states:
          work:
            steps:
              - { id: seal, each: { item: "{{{list}}}"{{{atMost}}} }, compute: hash.sha256, with: { text: "${item}" } }
            next: done
          done: { end: completed }
        """, ImmutableSortedDictionary<string, string>.Empty);

    private static string HashOf(string text)
    {
        var compilation = ContractCompiler.Compile(
            new ContractSource("greeting.yaml", text, ImmutableSortedDictionary<string, string>.Empty), TestCatalogue.Context);
        Assert.Empty(compilation.Diagnostics);
        return compilation.Plans.Single().Hash;
    }

    [Fact]
    public void Without_on_failure_a_contract_compensates_and_fails()
    {
        var plan = TestContracts.Compile("initial: work\nstates:\n  work: { next: done }\n  done: { end: completed }\n");

        Assert.Equal("compensating", plan.OnFailure);
        Assert.Equal(["compensating", "failed"], plan.States.Where(state => state.Implicit).Select(state => state.Name));
        Assert.Equal("failed", plan.State("compensating").Choices.Single().Next);
        Assert.Equal(EndKind.Failed, plan.State("failed").End);
        Assert.Equivalent(_acceptedWhileAlive, plan.State("work").Accepts, strict: true);
    }

    [Fact]
    public void A_user_state_called_failed_keeps_its_name()
    {
        var plan = TestContracts.Compile(
            "initial: work\nstates:\n  work: { choose: [{ when: input.a == 1, next: failed }, { next: done }] }\n"
                + "  done: { end: completed }\n  failed: { end: failed }\n");

        Assert.False(plan.State("failed").Implicit);
        Assert.Equal("compensation_done", plan.State("compensating").Choices.Single().Next);
        Assert.Equal(EndKind.Failed, plan.State("compensation_done").End);
    }

    [Fact]
    public void No_compensation_is_required_past_the_pivot_or_with_a_reason()
    {
        TestContracts.Compile(
            """
            initial: first
            states:
              first:
                steps: [{ id: a, effect: http.post, connection: stock, with: { path: /a }, compensate: { none: nobody minds } }]
                next: pivot
              pivot:
                pivot: true
                steps: [{ id: b, effect: http.post, connection: stock, with: { path: /b } }]
                next: after
              after:
                steps: [{ id: c, effect: http.post, connection: stock, with: { path: /c } }]
                next: done
              done: { end: completed }
            """);
    }

    [Fact]
    public void An_escaped_placeholder_is_text()
    {
        var plan = TestContracts.Compile(
            "initial: done\nstates:\n  done: { end: completed, output: { a: '$${x}', b: 'a$${x}${input.y}', c: \"${{'k': '}'}.k}\" } }\n");
        var output = (Template.Map)plan.State("done").Output!;

        Assert.Equal("${x}", Assert.IsType<Template.Constant>(output.Entries[0].Value).Value.AsString());
        Assert.Equal(
            ["a${x}", "input.y"],
            Assert.IsType<Template.Text>(output.Entries[1].Value).Parts.Select(part => part.Literal ?? part.Expression!.Text));
        Assert.Equal("{'k': '}'}.k", Assert.IsType<Template.Single>(output.Entries[2].Value).Expression.Text);
    }

    [Fact]
    public void Constants_keep_their_types()
    {
        var plan = TestContracts.Compile(
            "initial: done\nstates:\n  done: { end: completed, output: [1, -2.5, true, null, text, '1', 0x10, 1e3, yes, 08] }\n");
        var values = ((Template.List)plan.State("done").Output!).Items.Select(item => ((Template.Constant)item).Value);

        Assert.Equal(
            [
                CelKind.Int, CelKind.Double, CelKind.Bool, CelKind.Null, CelKind.String, CelKind.String, CelKind.Int, CelKind.Double,
                CelKind.String, CelKind.Int,
            ],
            values.Select(value => value.Kind));
    }

    [Theory]
    [InlineData("string(input.n)", null)]
    [InlineData("int(input.n)", null)]
    [InlineData("uint(input.n)", "a key must be a string or an int, but this is uint.")]
    [InlineData("double(input.n)", "a key must be a string or an int, but this is double.")]
    public void A_key_has_a_type_that_requests_may_have(string key, string? problem)
    {
        var compilation = TestContracts.Check(TestContracts.Head + $"key: {key}\ninitial: done\nstates:\n  done: {{ end: completed }}\n");

        Assert.Equal(problem, compilation.Diagnostics.SingleOrDefault()?.Problem);
    }

    private static Plan CompileOrder() => ContractCompiler
        .CompileDirectory(Repository.At("tests", "contracts", "valid", "order-fulfilment"), TestCatalogue.Context)
        .Plans
        .Single();

    private static CallStep Call(string state) => (CallStep)_order.State(state).Steps.Single();
}
