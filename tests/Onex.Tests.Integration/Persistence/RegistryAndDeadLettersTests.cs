using Onex.Contracts.Messages;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Registry;

namespace Onex.Tests.Integration.Persistence;

public sealed class RegistryAndDeadLettersTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly ContractRegistry _registry = new(database.DataSource);

    [Fact]
    public async Task A_registered_contract_is_found_by_its_hash()
    {
        var contract = Contract("1");

        Assert.Empty(await _registry.RegisterAsync([contract, Contract("1"), Contract("2")], mutable: false, _none));
        Assert.Empty(await _registry.RegisterAsync([contract], mutable: false, _none));

        Assert.Equal((contract.Name, contract.Version), await _registry.FindAsync(contract.Hash, _none) is { } found ? (found.Name, found.Version) : default);
        Assert.Null(await _registry.FindAsync("unknown", _none));
    }

    [Fact]
    public async Task Other_content_of_a_registered_version_is_told_and_not_stored()
    {
        var first = Contract("1");
        var changed = first with { Hash = Rows.Key() };
        await _registry.RegisterAsync([first], mutable: false, _none);

        var conflict = Assert.Single(await _registry.RegisterAsync([changed, Contract("1")], mutable: false, _none));

        Assert.Equal((first.Name, "1", first.Hash), (conflict.Name, conflict.Version, conflict.Hash));
        Assert.Null(await _registry.FindAsync(changed.Hash, _none));
    }

    [Fact]
    public async Task Other_content_of_a_registered_version_is_stored_where_contracts_are_mutable()
    {
        var first = Contract("1");
        var changed = first with { Hash = Rows.Key() };
        await _registry.RegisterAsync([first], mutable: false, _none);

        await _registry.RegisterAsync([changed], mutable: true, _none);

        Assert.NotNull(await _registry.FindAsync(first.Hash, _none));
        Assert.NotNull(await _registry.FindAsync(changed.Hash, _none));
        Assert.Empty(await _registry.RegisterAsync([changed], mutable: false, _none));
    }

    [Fact]
    public async Task Two_mains_cannot_register_different_content_of_one_version()
    {
        var first = Contract("1");

        var conflicts = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(i => _registry.RegisterAsync([first with { Hash = $"{first.Hash}-{i}" }], mutable: false, _none)));

        Assert.Equal(1, conflicts.Count(told => told.Count == 0));
        Assert.Equal(1L, await database.Database.ScalarAsync<long>($"SELECT count(*) FROM onex.contracts WHERE name = '{first.Name}'"));
    }

    [Fact]
    public async Task A_dead_letter_is_added_once()
    {
        var index = new DeadLetterIndex(database.DataSource);
        var letter = new DeadLetterRow(Rows.Id(), "requests", 3, 41, "ONEX3001", "not JSON: \0", null, [0, 1, 2], Rows.Now);

        await index.AddAsync(letter, _none);
        await index.AddAsync(letter with { CorrelationId = Rows.Id() }, _none);

        Assert.Equal(
            ["requests|3|41|ONEX3001||3"],
            await database.Database.QueryAsync(
                $"SELECT topic, partition, record_offset, code, correlation_id, length(value) FROM onex.dead_letters WHERE id = '{letter.Id}'"));
    }

    private static RegisteredContract Contract(string version)
    {
        var name = Rows.Key();
        return new RegisteredContract($"hash-of-{name}", name, version, RawJson.FromText("""{"file":"contract: x"}"""));
    }
}
