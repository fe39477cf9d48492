using System.Globalization;

namespace Onex.Tests.EndToEnd.Blocks;

/// <summary>An <c>each</c> over ten thousand items, on the broker and the database.</summary>
public sealed class ManyItemsTests
{
    private const int Items = 10_000;

    // Fewer items suffice for compensation.
    private const int CompensatedItems = 500;

    private const string Contract = """
        contract: stocktaking
        version: 1.0.0
        description: Seals every item of a long list.
        input:
          type: object
          required: [names, ends]
          properties: { names: { type: array, items: { type: string } }, ends: { type: string } }
        initial: sealing
        states:
          sealing:
            steps:
              - id: seal
                each: { item: input.names, at_once: 50, at_most: 20000 }
                compute: hash.sha256
                with: { text: "${item}" }
                compensate: { compute: hash.sha256, with: { text: "${result.hex}" } }
            choose:
              - { when: input.ends == "well", next: done }
              - { next: unwinding, fault: not_wanted }
          unwinding: { compensate: all, next: unwound }
          done: { end: completed, output: { sealed: "${steps.seal.completed}" } }
          unwound: { end: failed }
        on_failure: unwinding
        """;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Ten_thousand_items_keep_the_saga_row_small()
    {
        var contracts = Directory.CreateTempSubdirectory("onex-contracts-");
        await File.WriteAllTextAsync(Path.Combine(contracts.FullName, "stocktaking.yaml"), Contract);
        await using var stack = await OnexStack.CreateAsync();
        stack.Set("CONTRACTS_DIR", contracts.FullName);
        await stack.StartReadyAsync("main", "workers");

        var completing = await stack.RequestAsync("stocktaking", Payload("well", Items));
        var largest = 0;
        await Eventually.Async(
            async () =>
            {
                const string Sizes = "SELECT coalesce(max(pg_column_size(progress)), 0), count(ended_at) FROM onex.sagas";
                var row = (await stack.Database.QueryAsync(Sizes))[0].Split('|');
                largest = Math.Max(largest, int.Parse(row[0], CultureInfo.InvariantCulture));
                return row[1] == "1";
            },
            _within,
            () => "the saga has not ended");
        var response = await stack.Responses.ReadAsync(completing, _within);

        Assert.Equal(Items, response.Json.GetProperty("payload").GetProperty("sealed").GetInt32());
        Assert.InRange(largest, 1, 64 * 1024);
        Assert.Equal(
            [$"{Items}|completed"], await stack.Database.QueryAsync("SELECT count(*), status FROM onex.saga_items GROUP BY status"));

        var failing = await stack.RequestAsync("stocktaking", Payload("badly", CompensatedItems));
        Assert.Equal("not_wanted", (await stack.Responses.ReadAsync(failing, _within)).Field("code"));
        Assert.Equal(
            [$"{CompensatedItems}|compensated", $"{Items}|completed"],
            await stack.Database.QueryAsync("SELECT count(*), status FROM onex.saga_items GROUP BY status ORDER BY status"));
        contracts.Delete(recursive: true);
    }

    private static JsonObject Payload(string ends, int items) => new()
    {
        ["names"] = new JsonArray([.. Enumerable.Range(0, items).Select(item => (JsonNode)$"item {item}")]),
        ["ends"] = ends,
    };
}
