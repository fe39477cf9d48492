using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Onex.Benchmarks.EndToEnd;
using Onex.Contracts.Messages;
using Onex.Tests.Support;

namespace Onex.Benchmarks.Workers;

/// <summary>
/// How workers share computes, without an orchestrator: the throughput of a computation that needs a processor with 1, 2 and 4 workers; how
/// evenly many workers share computations that only wait, with few and with many partitions; and what an empty computation costs beside an
/// echo in place of the workers.
/// </summary>
internal static class WorkersBenchmark
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    public static async Task<int> RunAsync(string[] options)
    {
        var commands = options is ["--commands", var number] ? int.Parse(number, CultureInfo.InvariantCulture) : 400;
        Console.WriteLine($"{Environment.ProcessorCount} cores for everything; one computation at a time in each worker");
        var rows = string.Join(',', Enumerable.Range(0, 3_000).Select(row => $"{{\"a\":{row},\"g\":{row % 7}}}"));
        var busy = $$$$"""{"items":[{{{{rows}}}}],"by":{"g":"item.g"},"fields":{"total":{"sum":"item.a * 3 + index"}}}""";
        foreach (var workers in new[] { 1, 2, 4 })
        {
            await using var stack = await StartAsync(workers, partitions: 48);
            using var results = ResultStream.Of(stack);
            _ = await MeasureAsync(stack, results, "aggregate", busy, commands / 4);
            var took = await MeasureAsync(stack, results, "aggregate", busy, commands);
            Console.WriteLine($"aggregate over 3,000 items, {workers} workers: {commands / took,7:F1} per second");
        }

        const int Waiting = 160;
        foreach (var partitions in new[] { 4, 12, 48 })
        {
            await using var stack = await StartAsync(8, partitions);
            using var results = ResultStream.Of(stack);
            _ = await MeasureAsync(stack, results, "delay", """{"ms":1}""", 200);
            var took = await MeasureAsync(stack, results, "delay", """{"ms":200}""", Waiting);
            Console.WriteLine(
                $"delay of 200 ms, 8 workers on {partitions,2} partitions: {took,5:F1} s, "
                    + $"{Waiting * 0.2 / took,4:F1} workers busy on average");
        }

        await using var empty = await StartAsync(0, partitions: 48);
        await using (new EchoRole(empty.Broker.BootstrapServers, empty.Topic("worker-requests"), empty.Topic("worker-responses")))
        {
            await CompareAsync(empty, "echo");
        }

        await using var real = await StartAsync(1, partitions: 48);
        await CompareAsync(real, "worker");
        return 0;
    }

    private static async Task CompareAsync(OnexStack stack, string who)
    {
        const string Nothing = """{"values":{}}""";
        using var results = ResultStream.Of(stack);
        _ = await MeasureAsync(stack, results, "transform", Nothing, 5_000);
        var took = await MeasureAsync(stack, results, "transform", Nothing, 20_000);
        var alone = new List<double>();
        for (var i = 0; i < 300; i++)
        {
            alone.Add(await MeasureAsync(stack, results, "transform", Nothing, 1) * 1e3);
        }

        alone.Sort();
        Console.WriteLine($"empty computation, {who,6}: {20_000 / took,7:F0} per second, one at a time p50 {alone[150]:F1} ms");
    }

    private static async Task<OnexStack> StartAsync(int workers, int partitions)
    {
        var stack = await OnexStack.CreateAsync();
        stack.Set("CONTRACTS_DIR", Path.Combine(AppContext.BaseDirectory, "contracts"));
        stack.Set("ONEX_WORKER_PARTITIONS", partitions.ToString(CultureInfo.InvariantCulture));
        stack.Set("ONEX_WORKER_CONCURRENCY", "1");

        // The first one creates the topics.
        var first = await stack.StartReadyAsync([.. Enumerable.Repeat("workers", Math.Max(workers, 1))]);
        if (workers == 0)
        {
            await first[0].TerminateAsync();
        }

        return stack;
    }

    // The seconds from the first command to the last result.
    private static async Task<double> MeasureAsync(
        OnexStack stack, ResultStream results, string operation, string arguments, int count)
    {
        var json = RawJson.FromText(arguments);
        var sent = Enumerable.Range(0, count).Select(_ => Command(operation, json)).ToList();
        var wanted = sent.Select(command => command.CommandId.ToString()).ToHashSet(StringComparer.Ordinal);
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(sent.Select(command => stack.Writer.SendAsync(
            stack.Topic("worker-requests"), JsonSerializer.SerializeToUtf8Bytes(command, MessageJson.Default.StepCommand))));
        while (wanted.Count > 0)
        {
            if (await results.NextAsync() is { } id)
            {
                wanted.Remove(id);
            }
            else if (watch.Elapsed > _patience)
            {
                throw new TimeoutException($"{wanted.Count} of {count} commands have no result.");
            }
        }

        return watch.Elapsed.TotalSeconds;
    }

    private static StepCommand Command(string operation, RawJson arguments)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new StepCommand
        {
            CommandId = new(Guid.CreateVersion7(now)),
            Attempt = 1,
            SagaId = new(Guid.CreateVersion7(now)),
            CorrelationId = Guid.CreateVersion7(now),
            Contract = "bench",
            Step = "compute",
            Direction = StepDirections.Do,
            Operation = operation,
            Arguments = arguments,
            HomePartition = 0,
            TimeoutMs = 60_000,
            NotAfter = now.AddDays(1),
        };
    }
}
