using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Onex.Tests.Fault;

/// <summary>
/// Workers that are killed, stopped and cancelled while they compute. <c>ONEX_FAULT_COMPUTATIONS</c> sets the number of computations under
/// which workers are killed: the long run has 10,000.
/// </summary>
public sealed class KilledWorkersTests(ITestOutputHelper output) : IDisposable
{
    private const int Workers = 3;

    private static readonly TimeSpan _within = TimeSpan.FromSeconds(60);

    private static readonly int _computations =
        int.TryParse(Environment.GetEnvironmentVariable("ONEX_FAULT_COMPUTATIONS"), out var number) ? number
        : LongRun.IsEnabled ? 10_000
        : 1_000;

    // A run of at most 1,000 computations kills at most two workers. The other computations then run without a fault.
    private static readonly int _killsMax = _computations > 1_000 ? int.MaxValue : 2;

    private readonly DirectoryInfo _contracts = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _contracts.Delete(recursive: true);

    [Fact]
    public async Task Each_computation_completes_once_although_workers_are_killed()
    {
        var random = OrderLoad.Seeded(output);
        await using var stack = await StackAsync("""
            contract: computing
            version: 1.0.0
            input: { type: object, required: [n], properties: { n: { type: array, items: { type: integer } } } }
            initial: working
            states:
              working:
                steps:
                  - id: pause
                    each: { item: input.n, at_once: 100, at_most: 100000 }
                    compute: delay
                    with: { ms: 10 }
                    aggregate: { total: { sum: item } }
                next: done
              done: { end: completed, output: { completed: "${steps.pause.completed}", total: "${steps.pause.total}" } }
            """);
        stack.Set("ONEX_WORKER_CONCURRENCY", "4");
        var running = (await stack.StartReadyAsync(["main", .. Enumerable.Repeat("workers", Workers)])).Skip(1).ToList();
        var watch = Stopwatch.StartNew();
        var id = await stack.RequestAsync("computing", new JsonObject
        {
            ["n"] = new JsonArray([.. Enumerable.Range(1, _computations).Select(n => (JsonNode)n)]),
        });
        var kills = 0;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(2));
        await Eventually.Async(
            async () => await CompletedAsync(stack) > 0, _within, () => "no computation has completed");
        while (stack.Responses.For(id).Count == 0 && kills < _killsMax && watch.Elapsed < TimeSpan.FromMinutes(20))
        {
            // A worker that is still starting computes nothing, so its death would prove nothing.
            if (await ReadyAsync(running) is { Count: > 0 } ready)
            {
                var victim = ready[random.Next(ready.Count)];
                await running[victim].KillAsync();
                output.WriteLine(
                    $"{watch.Elapsed.TotalSeconds:0.0} s: killed one of {ready.Count} workers after {await CompletedAsync(stack)} of "
                        + $"{_computations} computations");
                running[victim] = stack.Start("workers");
                kills++;
            }

            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        var payload = (await stack.Responses.ReadAsync(id, _within)).Json.GetProperty("payload");
        output.WriteLine($"{_computations} computations under {kills} kills took {watch.Elapsed.TotalSeconds:0.0} s");
        var total = (long)_computations * (_computations + 1) / 2;
        Assert.Equal(
            (_computations, total), (payload.GetProperty("completed").GetInt32(), payload.GetProperty("total").GetInt64()));
        Assert.Equal(
            [$"{_computations}|{_computations}|completed"],
            await stack.Database.QueryAsync("SELECT count(*), count(DISTINCT index), status FROM onex.saga_items GROUP BY status"));
        Assert.True(kills > 0, "no worker was killed: nothing was proved");
    }

    [Fact]
    public async Task A_worker_finishes_on_SIGTERM_and_a_cancelled_computation_frees_its_place()
    {
        await using var stack = await StackAsync("""
            contract: computing
            version: 1.0.0
            input: { type: object, required: [ms], properties: { ms: { type: integer } } }
            initial: working
            events: { stop: {} }
            states:
              working:
                steps: [ { id: pause, compute: delay, with: { ms: "${input.ms}" }, timeout: 5m, heartbeat_timeout: 4m } ]
                on_event: [ { event: stop, next: stopped } ]
                next: done
              stopped: { end: failed }
              done: { end: completed }
            """);
        stack.Set("ONEX_WORKER_CONCURRENCY", "1");
        var worker = (await stack.StartReadyAsync("main", "workers"))[1];

        // The first computation holds the only slot. It has reported that it has begun.
        var first = await stack.RequestAsync("computing", new JsonObject { ["ms"] = 250_000 });
        await WaitUntilBegunAsync(stack);
        var second = await stack.RequestAsync("computing", new JsonObject { ["ms"] = 1 });
        await stack.Writer.SendAsync(
            stack.Topic("requests"),
            new JsonObject { ["operation"] = "computing.stop", ["correlation_id"] = first }.ToJsonString(), null, null);
        Assert.Equal("error", (await stack.Responses.ReadAsync(first, _within)).Field("status"));
        Assert.Equal("success", (await stack.Responses.ReadAsync(second, _within)).Field("status"));

        // When the worker must stop, one computation runs, and another waits for the slot.
        var third = await stack.RequestAsync("computing", new JsonObject { ["ms"] = 2_000 });
        await WaitUntilBegunAsync(stack);
        await stack.RequestAsync("computing", new JsonObject { ["ms"] = 250_000 });
        await Eventually.Async(
            async () => await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.sagas WHERE ended_at IS NULL") == 2,
            _within,
            () => "the fourth saga has not begun");
        Assert.Equal(0, await worker.TerminateAsync());
        Assert.Equal("success", (await stack.Responses.ReadAsync(third, _within)).Field("status"));
        Assert.DoesNotContain(worker.Output, line => line.Contains("were not completed", StringComparison.Ordinal));

        // The command of the waiting computation was returned unbegun, so the next worker runs it.
        stack.Start("workers");
        await WaitUntilBegunAsync(stack);
        stack.AssertNoLoggedErrors();
    }

    private static Task<TimeSpan> WaitUntilBegunAsync(OnexStack stack) => Eventually.Async(
        async () => await stack.Database.ScalarAsync<long>(
            "SELECT count(*) FROM onex.sagas WHERE ended_at IS NULL AND progress #>> '{outstanding,0,report,worker}' IS NOT NULL") == 1,
        _within,
        () => "no computation has reported that it has begun");

    // The indexes of the workers that are ready.
    private static async Task<List<int>> ReadyAsync(List<OnexProcess> workers)
    {
        var ready = await Task.WhenAll(workers.Select(worker => worker.IsReadyAsync()));
        return [.. Enumerable.Range(0, workers.Count).Where(i => ready[i])];
    }

    private static async Task<long> CompletedAsync(OnexStack stack) =>
        await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.saga_items");

    private async Task<OnexStack> StackAsync(string contract)
    {
        await File.WriteAllTextAsync(Path.Combine(_contracts.FullName, "computing.yaml"), contract);
        var stack = await OnexStack.CreateAsync();
        stack.Set("CONTRACTS_DIR", _contracts.FullName);
        stack.Set("ONEX_WORKER_PARTITIONS", "12");
        return stack;
    }
}
