using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Plans;
using Onex.Effects;
using Onex.Orchestrator.Machines;
using Onex.Persistence.Sqlite;

namespace Onex.Tests.Integration.Orchestrator.Machines;

/// <summary>The log lines about live sagas whose contract or connection is not loaded.</summary>
public sealed class ContractsNotLoadedTests : IDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly CompilerContext _compiler = new(
        new OperationCatalogue(EffectOperations.Descriptors),
        new Dictionary<string, ConnectionDescriptor> { ["bank"] = new("bank", "http", Retry: null, TimeoutMs: null) });

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-not-loaded-");
    private readonly SqliteDatabase _database;
    private readonly SqliteContractRegistry _registry;
    private readonly Logs _logs = new();

    public ContractsNotLoadedTests()
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
    public async Task Live_sagas_whose_contract_or_connection_is_not_loaded_are_counted_in_the_log()
    {
        await _database.OpenAsync(_none);
        var (kept, newer, gone) = (Compile("kept", "1.0.0"), Compile("newer", "1.0.0"), Compile("gone", "1.0.0"));
        foreach (var plan in (Plan[])[kept, newer, gone])
        {
            await RegisteredPlans.RegisterAsync(_registry, [plan], _compiler, mutable: false, _none);
        }

        await StartAsync(kept.Name, kept.Hash, 1);
        await StartAsync(newer.Name, newer.Hash, 2);
        await StartAsync(gone.Name, gone.Hash, 3);
        await StartAsync("lost", "unknown", 4);
        var withoutConnections = _compiler with { Connections = new Dictionary<string, ConnectionDescriptor>() };

        await new ContractsNotLoaded(_registry, _logs).ReportAsync([kept, Compile("newer", "2.0.0")], withoutConnections, _none);

        Assert.Collection(
            _logs.Lines,
            line =>
                Assert.StartsWith(
                    "Warning Contract gone 1.0.0 has live sagas (3), but no version of it is loaded", line, StringComparison.Ordinal),
            line =>
                Assert.StartsWith(
                    "Warning Contract gone 1.0.0 has live sagas (3) and connections that are not loaded: bank.",
                    line,
                    StringComparison.Ordinal),
            line => Assert.StartsWith("Error Contract lost 1.0.0 (unknown) has live sagas (4)", line, StringComparison.Ordinal),
            line =>
                Assert.StartsWith("Information Contract newer 1.0.0 has live sagas (2) and is not loaded", line, StringComparison.Ordinal),
            line => Assert.StartsWith("Warning Contract newer 1.0.0 has live sagas (2) and connections that are not loaded: "
                + "bank.", line, StringComparison.Ordinal));
    }

    private static Plan Compile(string name, string version)
    {
        var text = $$$"""
            contract: {{{name}}}
            version: {{{version}}}
            input: { type: object }
            initial: asking
            states:
              asking:
                steps: [ { id: ask, effect: http.get, connection: bank, with: { path: /balance } } ]
                next: done
              done: { end: completed }
            """;
        return ContractCompiler.Compile(
            new ContractSource($"{name}.yaml", text, ImmutableSortedDictionary<string, string>.Empty), _compiler).Plans.Single();
    }

    private async Task StartAsync(string contract, string hash, int sagas) =>
        await new SqliteSagaStore(_database, TimeProvider.System).CommitAsync(
        new CommitBatch(
            [.. Enumerable.Range(0, sagas).Select(
                _ => Rows.Start(Rows.New() with { Contract = contract, ContractVersion = "1.0.0", ContractHash = hash }))], []),
        _none);

    private sealed class Logs : ILogger<ContractsNotLoaded>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add($"{logLevel} {formatter(state, exception)}");
    }
}
