using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Onex.Benchmarks.EndToEnd;
using Onex.Tests.Support;

namespace Onex.Benchmarks.Items;

/// <summary>
/// Measures, for several numbers of items, the time of an <c>each</c> that completes and of one that is compensated; and for both together
/// the orchestrator's peak memory and CPU time, and the largest size of the column <c>progress</c>. Each number of items has new processes,
/// because peak memory never falls.
/// </summary>
internal static class ItemsBenchmark
{
    private static readonly int[] _itemCounts = [100, 1_000, 10_000, 40_000];
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(10);

    public static async Task<int> RunAsync(string[] options)
    {
        var numbers = options is ["--items", var only] ? [int.Parse(only, CultureInfo.InvariantCulture)] : _itemCounts;
        await using var postgres = await PostgresServer.StartDurableAsync();
        var broker = await KafkaBroker.SharedAsync();
        Console.WriteLine(
            $"an each over N items, 50 at once, and again with all of them compensated; {Environment.ProcessorCount} cores for everything");
        foreach (var items in numbers)
        {
            await MeasureAsync(items, postgres, broker);
        }

        return 0;
    }

    private static async Task MeasureAsync(int items, PostgresServer postgres, KafkaBroker broker)
    {
        await using var stack = await OnexStack.CreateAsync(postgres, broker);
        stack.Set("CONTRACTS_DIR", Path.Combine(AppContext.BaseDirectory, "contracts"));
        stack.Set("ONEX_LOG_LEVEL", "WARNING");
        var processes = await stack.StartReadyAsync("main", "workers");

        // Warm-up.
        await RunAsync(stack, 10, "compensated");
        var completed = await RunAsync(stack, items, "completed");
        var compensated = await RunAsync(stack, items, "compensated");

        // One call per item in the first run; a call and its compensation in the second.
        var calls = 3.0 * items;
        var main = ProcessUsage.Read(processes[0].Pid);
        Console.WriteLine(
            $"{items,7:N0} items: {completed.Seconds,6:F1} s, compensated {compensated.Seconds,6:F1} s; "
            + $"main {main.PeakMebibytes,4:F0} MiB at most, {main.CpuSeconds * 1e6 / calls,5:F0} us CPU per call; "
            + $"progress at most {Math.Max(completed.ProgressBytesMax, compensated.ProgressBytesMax):N0} bytes");
    }

    private static async Task<(double Seconds, int ProgressBytesMax)> RunAsync(OnexStack stack, int items, string ends)
    {
        var watch = Stopwatch.StartNew();
        var request = await stack.RequestAsync("bench-items", new JsonObject
        {
            ["names"] = new JsonArray([.. Enumerable.Range(0, items).Select(item => (JsonNode)$"item {item}")]),
            ["ends"] = ends,
        });
        var progressBytesMax = 0;
        using var stop = new CancellationTokenSource();
        var sampling = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var bytes = await stack.Database.ScalarAsync<int>("SELECT coalesce(max(pg_column_size(progress)), 0) FROM onex.sagas");
                progressBytesMax = Math.Max(progressBytesMax, bytes);
                await Task.Delay(50, CancellationToken.None);
            }
        });
        await stack.Responses.ReadAsync(request, _timeout);
        await stop.CancelAsync();
        await sampling;
        return (watch.Elapsed.TotalSeconds, progressBytesMax);
    }
}
