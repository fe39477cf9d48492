using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Plans;
using Onex.Runtime.Running;
using Onex.Tests.Unit.Contracts;

namespace Onex.Tests.Unit.Runtime.Running;

public sealed class MissingOperationsTests
{
    private const string Plain = "contract: plain\nversion: 1.0.0\ninput: {}\ninitial: done\nstates:\n  done: { end: completed }\n";

    [Fact]
    public void A_contract_with_a_planned_operation_is_reported_at_start()
    {
        var connections = new Dictionary<string, ConnectionDescriptor> { ["vault"] = new("vault", "vault", null, null) };
        var context = TestCatalogue.OfTheExample with { Connections = connections };
        var compilation = ContractCompiler.Compile(
            new ContractSource(
                "announcing.yaml",
                """
                contract: announcing
                version: 1.0.0
                input: {}
                initial: working
                states:
                  working:
                    steps:
                      - { id: seal, compute: hash.sha256, with: { text: a } }
                      - id: announce
                        effect: vault.write_secret
                        connection: vault
                        with: { path: a, generate: [key] }
                        compensate: { effect: vault.delete_secret, connection: vault, with: { path: a }, when_unknown: run }
                    next: done
                  done: { end: completed }
                """,
                ImmutableSortedDictionary<string, string>.Empty),
            context);

        Assert.Empty(compilation.Diagnostics);
        Assert.Equal(
            [(compilation.Plans[0], "vault.write_secret (state 'working', step 'announce'), vault.delete_secret (state 'working', step "
                + "'announce.compensate')")],
            MissingOperations.Of([.. compilation.Plans, .. TestContracts.Check(Plain).Plans], context.Operations));
    }
}
