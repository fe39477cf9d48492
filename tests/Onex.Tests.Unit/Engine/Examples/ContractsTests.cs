using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Engine.Examples;
using Onex.Workers;

namespace Onex.Tests.Unit.Engine.Examples;

/// <summary>The contracts shipped with Onex: their examples pass and cover the whole contract.</summary>
public sealed class ContractsTests
{
    private static readonly ImmutableArray<Plan> _plans = Compile();

    public static TheoryData<string> Names => [.. _plans.Select(plan => plan.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_examples_of_a_contract_hold_and_cover_it(string name)
    {
        var report = ContractExamples.Run(_plans.Single(plan => plan.Name == name));

        Assert.NotEmpty(report.Examples);
        Assert.Empty(report.Examples.SelectMany(example => example.Problems));
        Assert.Empty(report.Coverage.States.Missing);
        Assert.Empty(report.Coverage.Transitions.Missing);
        Assert.Empty(report.Coverage.Guards.Missing);
        Assert.Empty(report.Coverage.Compensations.Missing);
    }

    // The file has its schedule in a comment, because the contract must not start by itself in a trial installation.
    [Fact]
    public void The_nightly_batch_contract_compiles_with_its_schedule_enabled()
    {
        var text = File.ReadAllText(Repository.At("contracts", "nightly-settlement.yaml"));
        var enabled = text.Replace("\n# schedule:", "\nschedule:", StringComparison.Ordinal);

        var compilation = ContractCompiler.Compile(
            new ContractSource("nightly-settlement.yaml", enabled, ImmutableSortedDictionary<string, string>.Empty), Context());

        Assert.Empty(compilation.Diagnostics);
        Assert.NotNull(compilation.Plans.Single().Schedule);
        Assert.All(_plans, plan => Assert.Null(plan.Schedule));
    }

    private static ImmutableArray<Plan> Compile()
    {
        var compilation = ContractCompiler.CompileDirectory(Repository.At("contracts"), Context());
        Assert.Empty(compilation.Diagnostics);
        return [.. compilation.Plans];
    }

    private static CompilerContext Context()
    {
        var connections = ConnectionsReader.Read(
            Repository.At("contracts", "connections"), new Dictionary<string, string>(), resolveSecrets: true);
        Assert.Empty(connections.Diagnostics);
        return new CompilerContext(
            new OperationCatalogue([.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors]), connections.Describe());
    }
}
