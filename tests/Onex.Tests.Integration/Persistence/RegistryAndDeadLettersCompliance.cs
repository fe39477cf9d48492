using System.Text.Json.Nodes;
using Onex.Contracts.Messages;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Registry;

namespace Onex.Tests.Integration.Persistence;

/// <summary>What every contract registry and every index of dead letters does. One class per implementation inherits it.</summary>
public abstract class RegistryAndDeadLettersCompliance
{
    private static readonly CancellationToken _none = CancellationToken.None;

    protected abstract IContractRegistry Registry { get; }

    protected abstract IDeadLetterIndex DeadLetters { get; }

    [Fact]
    public async Task A_registered_contract_is_found_by_its_hash()
    {
        var contract = Contract("1");

        Assert.Empty(await Registry.RegisterAsync([contract, Contract("1"), Contract("2")], mutable: false, _none));
        Assert.Empty(await Registry.RegisterAsync([contract], mutable: false, _none));

        var found = await Registry.FindAsync(contract.Hash, _none);
        Assert.Equal((contract.Name, contract.Version), (found?.Name, found?.Version));
        Assert.Equal("contract: x", (string?)JsonNode.Parse(found!.Source.ToString())!["file"]);
        Assert.Null(await Registry.FindAsync("unknown", _none));
    }

    [Fact]
    public async Task Other_content_of_a_registered_version_is_told_and_not_stored()
    {
        var first = Contract("1");
        var changed = first with { Hash = Rows.Key() };
        await Registry.RegisterAsync([first], mutable: false, _none);

        var conflict = Assert.Single(await Registry.RegisterAsync([changed, Contract("1")], mutable: false, _none));

        Assert.Equal((first.Name, "1", first.Hash), (conflict.Name, conflict.Version, conflict.Hash));
        Assert.Null(await Registry.FindAsync(changed.Hash, _none));
    }

    [Fact]
    public async Task Other_content_of_a_registered_version_is_stored_where_contracts_are_mutable()
    {
        var first = Contract("1");
        var changed = first with { Hash = Rows.Key() };
        await Registry.RegisterAsync([first], mutable: false, _none);

        await Registry.RegisterAsync([changed], mutable: true, _none);

        Assert.NotNull(await Registry.FindAsync(first.Hash, _none));
        Assert.NotNull(await Registry.FindAsync(changed.Hash, _none));
        Assert.Empty(await Registry.RegisterAsync([changed], mutable: false, _none));
    }

    [Fact]
    public async Task Two_mains_cannot_register_different_content_of_one_version()
    {
        var first = Contract("1");

        var conflicts = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(i => Registry.RegisterAsync([first with { Hash = $"{first.Hash}-{i}" }], mutable: false, _none)));

        Assert.Equal(1, conflicts.Count(told => told.Count == 0));
        Assert.Equal(["1"], await QueryAsync($"SELECT count(*) FROM {Schema}contracts WHERE name = '{first.Name}'"));
    }

    [Fact]
    public async Task A_dead_letter_is_added_once()
    {
        var letter = new DeadLetterRow(Rows.Id(), "requests", 3, 41, "ONEX3001", "not JSON: \0", null, [0, 1, 2], Rows.Now);

        await DeadLetters.AddAsync(letter, _none);
        await DeadLetters.AddAsync(letter with { CorrelationId = Rows.Id() }, _none);

        Assert.Equal(
            ["requests|3|41|ONEX3001||3"],
            await QueryAsync(
                $"SELECT topic, partition, record_offset, code, correlation_id, length(value) FROM {Schema}dead_letters WHERE id = '{letter.Id}'"));
    }

    /// <summary>What a table's name begins with.</summary>
    protected abstract string Schema { get; }

    /// <summary>Runs a query and gives each row as text.</summary>
    protected abstract Task<IReadOnlyList<string>> QueryAsync(string sql);

    private static RegisteredContract Contract(string version)
    {
        var name = Rows.Key();
        return new RegisteredContract($"hash-of-{name}", name, version, RawJson.FromText("""{"file":"contract: x"}"""));
    }
}
