using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Plans;
using Onex.Orchestrator.Machines;
using Onex.Persistence.Sqlite;

namespace Onex.Tests.Integration.Orchestrator.Machines;

/// <summary>The registration of contract versions, over a real registry.</summary>
public sealed class RegisteredPlansTests : IDisposable
{
    private const string Contract = """
        contract: nap
        version: 1.0.0
        input: { type: object }
        initial: resting
        states:
          resting: { timeout: { after: 1h, next: done } }
          done: { end: completed }
        """;

    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly CompilerContext _compiler = new(new OperationCatalogue([]), Connections: null);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-registry-");
    private readonly SqliteDatabase _database;
    private readonly SqliteContractRegistry _registry;

    public RegisteredPlansTests()
    {
        _database = new SqliteDatabase(new SqliteStoreSettings(Path.Combine(_directory.FullName, "onex.db")));
        _registry = new SqliteContractRegistry(_database, TimeProvider.System);
    }

    public void Dispose()
    {
        _database.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Content_that_was_registered_under_another_hash_is_found_under_both_hashes()
    {
        await _database.OpenAsync(_none);
        var plan = Compile(Contract);
        await _registry.RegisterAsync([RegisteredPlans.ToRow(plan) with { Hash = "older" }], mutable: false, _none);
        var withComment = Compile("# Short.\n" + Contract);

        Assert.Empty(await RegisteredPlans.RegisterAsync(_registry, [withComment], _compiler, mutable: false, _none));

        Assert.Equal(plan.Hash, (await RegisteredPlans.FindAsync(_registry, "older", _compiler, _none))!.Hash);
        Assert.Equal(plan.Hash, (await RegisteredPlans.FindAsync(_registry, plan.Hash, _compiler, _none))!.Hash);
        Assert.Empty(await RegisteredPlans.RegisterAsync(_registry, [plan], _compiler, mutable: false, _none));
    }

    [Fact]
    public async Task Content_with_a_different_meaning_is_rejected_and_not_stored()
    {
        await _database.OpenAsync(_none);
        await _registry.RegisterAsync([RegisteredPlans.ToRow(Compile(Contract))], mutable: false, _none);
        var longer = Compile(Contract.Replace("1h", "2h", StringComparison.Ordinal));

        Assert.Single(await RegisteredPlans.RegisterAsync(_registry, [longer], _compiler, mutable: false, _none));
        Assert.Null(await RegisteredPlans.FindAsync(_registry, longer.Hash, _compiler, _none));
    }

    private static Plan Compile(string text)
    {
        var compilation = ContractCompiler.Compile(
            new ContractSource("nap.yaml", text, ImmutableSortedDictionary<string, string>.Empty), _compiler);
        Assert.Empty(compilation.Diagnostics);
        return compilation.Plans.Single();
    }
}
