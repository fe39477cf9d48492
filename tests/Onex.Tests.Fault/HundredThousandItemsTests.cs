using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Onex.Tests.Fault;

/// <summary>
/// An <c>each</c> of many items in little memory, and an aggregate over its stored items. <c>ONEX_FAULT_ITEMS</c> sets how many: the long
/// run has 100,000.
/// </summary>
public sealed class HundredThousandItemsTests(ITestOutputHelper output) : IDisposable
{
    private const long MiB = 1 << 20;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(20);

    private static readonly int _items =
        int.TryParse(Environment.GetEnvironmentVariable("ONEX_FAULT_ITEMS"), out var number) ? number
        : LongRun.IsEnabled ? 100_000
        : 2_000;

    private static readonly Dictionary<string, long> _limits = new() { ["main"] = 512 * MiB, ["workers"] = 256 * MiB };

    private readonly DirectoryInfo _contracts = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _contracts.Delete(recursive: true);

    [Fact]
    public Task Many_items_and_the_aggregate_over_them_run_within_the_memory_of_their_roles() => MemoryGroups.RunAsync(_limits, RunAsync);

    private async Task RunAsync(Dictionary<string, MemoryGroup> groups)
    {
        await File.WriteAllTextAsync(
            Path.Combine(_contracts.FullName, "counting.yaml"),
            """
            contract: counting
            version: 1.0.0
            input: { type: object, required: [n], properties: { n: { type: array, items: { type: integer } } } }
            initial: working
            states:
              working:
                steps:
                  - id: double
                    each: { item: input.n, at_once: 100, at_most: 100000 }
                    compute: transform
                    with: { values: { group: "${item % 10}" }, fields: { group: values.group, twice: "values.group * 2" } }
                next: counting
              counting:
                steps:
                  - id: count
                    compute: aggregate
                    timeout: 10m
                    with:
                      each: double
                      by: { group: item.group }
                      fields: { items: { count: "true" }, sum: { sum: item.twice } }
                next: done
              done:
                end: completed
                output: { completed: "${steps.double.completed}", total: "${steps.count.total}", groups: "${steps.count.groups}" }
            """);
        await using var stack = await OnexStack.CreateAsync();
        stack.Set("CONTRACTS_DIR", _contracts.FullName);
        stack.Set("ONEX_MAX_ITEMS", "100000");
        stack.Set("ONEX_MAX_REQUEST_BYTES", "2097152");
        var main = await stack.Start("main", memory: groups["main"]).ReadyAsync();
        var worker = await stack.Start("workers", memory: groups["workers"]).ReadyAsync();
        var watch = Stopwatch.StartNew();

        var id = await stack.RequestAsync("counting", new JsonObject
        {
            ["n"] = new JsonArray([.. Enumerable.Range(0, _items).Select(n => (JsonNode)n)]),
        });
        var response = await stack.Responses.ReadAsync(id, _within);
        Assert.True(response.Field("status") == "success", response.Text);
        var payload = response.Json.GetProperty("payload");

        output.WriteLine(
            $"{_items} items in {watch.Elapsed.TotalSeconds:0.0} s; peak main {main.PeakBytes / MiB} of 512 MiB, workers "
            + $"{worker.PeakBytes / MiB} of 256 MiB");
        output.WriteLine("rows inserted, updated and there: " + string.Join(", ", await stack.Database.QueryAsync(
            "SELECT relname, n_tup_ins, n_tup_upd, n_live_tup FROM pg_stat_user_tables WHERE n_tup_ins > 0 ORDER BY n_tup_ins DESC")));
        var total = payload.GetProperty("total");
        Assert.Equal(
            (_items, _items, _items * 9L, 10),
            (payload.GetProperty("completed").GetInt32(), total.GetProperty("items").GetInt32(), total.GetProperty("sum").GetInt64(),
                payload.GetProperty("groups").GetArrayLength()));
        Assert.Equal(
            [$"{_items}|completed"], await stack.Database.QueryAsync("SELECT count(*), status FROM onex.saga_items GROUP BY status"));
        Assert.True(main.IsRunning && worker.IsRunning, "a role has ended");
        stack.AssertNoLoggedErrors();
    }
}
