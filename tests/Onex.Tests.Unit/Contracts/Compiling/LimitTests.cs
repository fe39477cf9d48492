namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>The configurable limits that the compiler checks: docs/contract-language.md#limits.</summary>
public sealed class LimitTests
{
    private const string Contract = """
        contract: small
        version: 1.0.0
        input: { type: object, properties: { names: { type: array, items: { type: string } } }, required: [names] }
        initial: first
        states:
          first:
            steps:
              - parallel:
                  branches:
                    - { id: a, compute: hash.sha256, with: { text: a } }
                    - { id: b, compute: hash.sha256, with: { text: b } }
                    - { id: c, compute: hash.sha256, with: { text: c } }
              - { id: d, each: { item: input.names, at_most: 50 }, compute: hash.sha256, with: { text: "${item}" } }
            choose:
              - { when: "input.names.exists(n, n == 'x')", next: second }
              - { next: done }
          second: { next: done }
          done: { end: completed }
        """;

    public static TheoryData<string, ContractLimits, string> Exceeded => new()
    {
        { "states", ContractLimits.Default with { States = 2 }, "ONEX1020" },
        { "steps", ContractLimits.Default with { Steps = 4 }, "ONEX1020" },
        { "depth", ContractLimits.Default with { Depth = 5 }, "ONEX1006" },
        { "branches", ContractLimits.Default with { Branches = 2 }, "ONEX1020" },
        { "items", ContractLimits.Default with { Items = 49 }, "ONEX1049" },
        { "cost of an expression", ContractLimits.Default with { ExpressionCost = 20 }, "ONEX1078" },
    };

    [Theory]
    [MemberData(nameof(Exceeded))]
    public void A_contract_beyond_a_limit_has_only_that_error(string what, ContractLimits limits, string code)
    {
        Assert.Empty(Compile(TestCatalogue.Context).Diagnostics);
        Assert.Equal(
            [(what, code)],
            Compile(TestCatalogue.Context with { Limits = limits }).Diagnostics.Select(diagnostic => (what, diagnostic.Code)));
    }

    [Theory]
    [MemberData(nameof(Exceeded))]
    public void A_contract_that_was_registered_before_a_limit_was_lowered_stays_valid(string what, ContractLimits limits, string code)
    {
        var compilation = Compile(TestCatalogue.Context with { Limits = limits, IsRegistered = true });

        Assert.True(
            compilation.Plans.Count == 1,
            $"{what} {code}: {string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render()))}");
    }

    [Fact]
    public void An_evaluation_may_use_the_allowed_budget_and_no_more()
    {
        var names = string.Join(", ", Enumerable.Range(0, 300).Select(number => $"'{number}'"));
        var text = "contract: small\nversion: 1.0.0\ninput: {}\ninitial: done\nstates:\n"
            + $"  done: {{ end: completed, output: {{ all: \"${{dyn([{names}]).all(a, dyn([{names}]).all(b, "
            + "a != 'x' && b != 'y'))}\" } }\n";

        Assert.True(Output(ContractLimits.Default).IsError);
        Assert.False(Output(ContractLimits.Highest).IsError);

        // A registered contract is not rejected because of the estimated cost, so it can be evaluated.
        CelValue Output(ContractLimits limits) => Compile(TestCatalogue.Context with { Limits = limits, IsRegistered = true }, text)
            .Plans.Single().State("done").Output!.Evaluate(new Onex.Tests.Unit.Contracts.Expressions.Scope([]));
    }

    private static Compilation Compile(CompilerContext context, string text = Contract) =>
        ContractCompiler.Compile(new ContractSource("small.yaml", text, ImmutableSortedDictionary<string, string>.Empty), context);
}
