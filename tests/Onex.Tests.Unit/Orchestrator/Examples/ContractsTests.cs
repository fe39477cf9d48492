using System.Collections.Immutable;
using Onex.Contracts;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Plans;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Orchestrator.Examples;
using Onex.Tests.Support;
using Onex.Workers;

namespace Onex.Tests.Unit.Orchestrator.Examples;

/// <summary>The contracts that come with Onex: their examples hold, and leave nothing of them out.</summary>
public sealed class ContractsTests
{
    private static readonly ImmutableArray<Plan> _plans = Compile();

    public static TheoryData<string> Names => [.. _plans.Select(plan => plan.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_examples_of_a_contract_hold_and_cover_all_of_it(string name)
    {
        var report = ContractExamples.Run(_plans.Single(plan => plan.Name == name));

        Assert.NotEmpty(report.Examples);
        Assert.Empty(report.Examples.SelectMany(example => example.Problems));
        Assert.Empty(report.Coverage.States.Missing);
        Assert.Empty(report.Coverage.Transitions.Missing);
        Assert.Empty(report.Coverage.Guards.Missing);
        Assert.Empty(report.Coverage.Compensations.Missing);
    }

    private static ImmutableArray<Plan> Compile()
    {
        var directory = Repository.At("contracts");
        var connections = ConnectionsReader.Read(Path.Combine(directory, "connections"), new Dictionary<string, string>(), resolveSecrets: false);
        var catalogue = new OperationCatalogue([.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors]);
        var compilation = ContractCompiler.CompileDirectory(directory, new CompilerContext(catalogue, connections.Describe()));
        Assert.Empty(compilation.Diagnostics);
        return [.. compilation.Plans];
    }
}
