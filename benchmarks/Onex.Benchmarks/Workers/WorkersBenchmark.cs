using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Onex.Benchmarks.EndToEnd;
using Onex.Contracts.Messages;
using Onex.Tests.Support;

namespace Onex.Benchmarks.Workers;

/// <summary>
/// Measures how workers share computes. Throughput: a computation that needs a processor, with 1, 2 and 4 workers. Shares: how evenly eight
/// workers share computations that only wait, with few and with many partitions, and behind a long one. Takeover: how long a kill delays
/// the commands of the killed worker. Empty and sagas: an empty computation compared with an echo in place of the workers, alone and in
/// sagas of two. Only for the sagas an orchestrator runs. The rounds of cases that are compared alternate.
/// </summary>
internal static class WorkersBenchmark
{
    private const int ShortMs = 200;
    private const int LongMs = 10_000;
    private const int Delays = 160;
    private const int SharingWorkers = 8;
    private const int EmptyCommands = 30_000;
    private const int Sagas = 5_000;

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(5);

    public static async Task<int> RunAsync(string[] options)
    {
        var rounds = BenchmarkOptions.Number(options, "--rounds", 3);
        var commands = BenchmarkOptions.Number(options, "--commands", 400);
        var only = BenchmarkOptions.Text(options, "--only");
        Console.WriteLine($"{Environment.ProcessorCount} cores for everything; one computation at a time in each worker; load {Load()}");
        if (only is null or "throughput")
        {
            await ThroughputAsync(rounds, commands);
        }

        if (only is null or "shares")
        {
            await SharesAsync(rounds);
        }

        if (only is null or "takeover")
        {
            await TakeoverAsync(rounds);
        }

        if (only is null or "empty")
        {
            await EmptyAsync(rounds, BenchmarkOptions.Text(options, "--against"));
        }

        if (only is null or "sagas")
        {
            await SagasAsync(rounds);
        }

        return 0;
    }

    private static async Task ThroughputAsync(int rounds, int commands)
    {
        // A small message and some milliseconds of a processor, so that the workers are measured and not the broker.
        var items = string.Join(',', Enumerable.Range(0, 400));
        var busy = $$$"""{"values":{"a":[{{{items}}}]},"fields":{"pairs":"values.a.map(x, values.a.map(y, x * y).size()).size()"}}""";
        var stacks = new List<(int Workers, OnexStack Stack, ResultStream Results, List<double> Rates, List<double> Cpu)>();
        foreach (var workers in new[] { 1, 2, 4 })
        {
            var stack = await StartAsync(workers, partitions: 48);
            stacks.Add((workers, stack, ResultStream.Create(stack), [], []));
        }

        foreach (var (workers, stack, results, _, _) in stacks)
        {
            _ = await MeasureAsync(stack, results, Commands("transform", busy, commands * workers));
        }

        for (var round = 0; round < rounds; round++)
        {
            foreach (var (_, stack, results, rates, cpu) in stacks)
            {
                var before = CpuSeconds(stack);
                rates.Add(commands / await MeasureAsync(stack, results, Commands("transform", busy, commands)));
                cpu.Add((CpuSeconds(stack) - before) / commands);
            }
        }

        foreach (var (workers, stack, results, rates, cpu) in stacks)
        {
            Console.WriteLine(
                $"160,000 products, {workers} workers: {Median(rates),7:F1} per second, "
                    + $"{Median([.. rates.Zip(stacks[0].Rates, (rate, one) => rate / one)]):F2} times that of one worker, "
                    + $"{Median(cpu) * 1e3:F2} ms of their CPU each, "
                    + $"{Median([.. rates.Zip(cpu, (rate, each) => rate * each)]):F2} cores busy; "
                    + $"load {Load()}");
            results.Dispose();
            await stack.DisposeAsync();
        }
    }

    private static double CpuSeconds(OnexStack stack) =>
        stack.Processes.Where(process => process.IsRunning).Sum(process => ProcessUsage.Read(process.Pid).CpuSeconds);

    private static async Task SharesAsync(int rounds)
    {
        foreach (var partitions in new[] { 4, 12, 48 })
        {
            await using var stack = await StartAsync(SharingWorkers, partitions);
            using var results = ResultStream.Create(stack);
            _ = await MeasureAsync(stack, results, Commands("delay", Delay(1), 200));
            var (equal, behind) = (new List<double>(), new List<double>());
            for (var round = 0; round < rounds; round++)
            {
                equal.Add(await MeasureAsync(stack, results, Commands("delay", Delay(ShortMs), Delays)));

                // The first command lasts ten seconds. Measures until the last of the short ones ends.
                var shorts = Commands("delay", Delay(ShortMs), Delays);
                behind.Add(await MeasureAsync(stack, results, [.. Commands("delay", Delay(LongMs), 1), .. shorts], shorts));
            }

            const double LeastSeconds = Delays * ShortMs / 1e3;
            Console.WriteLine(
                $"{Delays} delays of {ShortMs} ms, {SharingWorkers} workers on {partitions,2} partitions: {Median(equal),5:F1} s, "
                    + $"{LeastSeconds / Median(equal),4:F1} workers busy on average; behind a delay of {LongMs / 1e3:F0} s: "
                    + $"{Median(behind),5:F1} s; load {Load()}");
        }
    }

    private static async Task TakeoverAsync(int rounds)
    {
        await using var stack = await StartAsync(2, partitions: 48);
        using var results = ResultStream.Create(stack);
        _ = await MeasureAsync(stack, results, Commands("delay", Delay(1), 200));
        var (withoutRestart, withRestart) = (new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (times, restarts) in new[] { (withRestart, true), (withoutRestart, false) })
            {
                // Two seconds of work for each worker.
                var victim = stack.Processes.Last(process => process.IsRunning);
                var measuring = MeasureAsync(stack, results, Commands("delay", Delay(ShortMs), 20));
                await Task.Delay(TimeSpan.FromMilliseconds(ShortMs), TimeProvider.System);
                await victim.KillAsync();
                var next = restarts ? stack.Start("workers") : null;
                times.Add(await measuring);
                await (next ?? stack.Start("workers")).ReadyAsync();
            }
        }

        Console.WriteLine(
            $"two seconds of work for each of two workers, one killed in the middle: {Median(withoutRestart):F1} s "
                    + $"(at most {withoutRestart.Max():F1} s), "
                + $"and {Median(withRestart):F1} s (at most {withRestart.Max():F1} s) if it is started again at once; load {Load()}");
    }

    private static async Task EmptyAsync(int rounds, string? against)
    {
        await using var empty = await StartAsync(0, partitions: 48);
        await using var echo = new EchoRole(
            empty.Broker.BootstrapServers, empty.Topic("worker-requests"), empty.Topic("worker-responses"));
        await using var real = await StartAsync(1, partitions: 48);
        var build = against is null ? null : BuildUnderTest.Find(against);
        await using var other = build is null ? null : await StartAsync(1, partitions: 48, build.Assembly);
        var sides = new List<AnsweringStack> { new("echo", empty), new("worker", real) };
        if (other is not null)
        {
            sides.Add(new AnsweringStack(build!.Name, other));
        }

        foreach (var side in sides)
        {
            _ = await MeasureAsync(side.Stack, side.Results, Empty(2 * EmptyCommands));
        }

        for (var round = 0; round < rounds; round++)
        {
            foreach (var side in sides)
            {
                var before = CpuOf(side);
                side.BatchTimes.Add(await MeasureAsync(side.Stack, side.Results, Empty(EmptyCommands)) * 1e3 / EmptyCommands);
                side.Cpu += CpuOf(side) - before;
                for (var i = 0; i < 100; i++)
                {
                    side.SingleTimes.Add(await MeasureAsync(side.Stack, side.Results, Empty(1)) * 1e3);
                }
            }
        }

        foreach (var side in sides)
        {
            Console.WriteLine(
                $"empty computation, {side.Name,6}: {1 / Median(side.BatchTimes) * 1e3,7:F0} per second, one at a time p50 "
                    + $"{Median(side.SingleTimes):F1} ms; "
                    + $"{Median([.. side.BatchTimes.Zip(sides[0].BatchTimes, (mine, echo) => mine / echo)]):F2} and "
                    + $"{Median(side.SingleTimes) / Median(sides[0].SingleTimes):F2} times the time of the echo; CPU of the worker "
                    + $"{side.Cpu * 1e6 / (rounds * EmptyCommands):F0} us; load {Load()}");
            side.Results.Dispose();
        }
    }

    private static async Task SagasAsync(int rounds)
    {
        await using var empty = await StartAsync(0, partitions: 48, withMain: true);
        await using var echo = new EchoRole(
            empty.Broker.BootstrapServers, empty.Topic("worker-requests"), empty.Topic("worker-responses"));
        await using var real = await StartAsync(1, partitions: 48, withMain: true);
        var sides = new[] { ("echo", empty), ("worker", real) }
            .Select(side => (Name: side.Item1, BatchTimes: new List<double>(), SingleTimes: new List<double>(), Driver: new LoadDriver(
                side.Item2.Broker.BootstrapServers, side.Item2.Topic("requests"), side.Item2.Topic("responses"), "bench-computes")))
            .ToList();
        for (var round = -1; round < rounds; round++)
        {
            foreach (var (_, many, alone, driver) in sides)
            {
                // The first round warms up.
                var (seconds, _) = await driver.KeepInFlightAsync(round < 0 ? 4 * Sagas : Sagas, 1_000, _timeout);
                var latencies = await driver.SendOneAtATimeAsync(100, _timeout);
                if (round >= 0)
                {
                    many.Add(seconds);
                    alone.AddRange(latencies);
                }
            }
        }

        foreach (var (who, many, alone, driver) in sides)
        {
            Console.WriteLine(
                $"sagas of two empty computations, {who,6}: {Sagas / Median(many),6:F0} per second, one at a time p50 "
                    + $"{Median(alone):F1} ms; {Median([.. many.Zip(sides[0].BatchTimes, (mine, echo) => mine / echo)]):F2} and "
                    + $"{Median(alone) / Median(sides[0].SingleTimes):F2} times the time of the echo; load {Load()}");
            driver.Dispose();
        }
    }

    private static double CpuOf(AnsweringStack side) =>
        side.Stack.Processes.LastOrDefault(process => process.IsRunning) is { } worker ? ProcessUsage.Read(worker.Pid).CpuSeconds : 0;

    private static async Task<OnexStack> StartAsync(int workers, int partitions, string? assembly = null, bool withMain = false)
    {
        var stack = await OnexStack.CreateAsync();
        stack.Assembly = assembly ?? stack.Assembly;
        stack.Set("CONTRACTS_DIR", Path.Combine(AppContext.BaseDirectory, "contracts"));
        stack.Set("ONEX_WORKER_PARTITIONS", partitions.ToString(CultureInfo.InvariantCulture));
        stack.Set("ONEX_WORKER_CONCURRENCY", "1");

        // The orchestrator creates the tables and topics. Without it nothing reads the results.
        var started = await stack.StartReadyAsync("main");
        if (!withMain)
        {
            await started[0].TerminateAsync();
        }

        await stack.StartReadyAsync([.. Enumerable.Repeat("workers", workers)]);
        return stack;
    }

    // Returns the seconds from the first command to the last result of the timed ones, after all commands have a result.
    private static async Task<double> MeasureAsync(
        OnexStack stack, ResultStream results, List<StepCommand> commands, IReadOnlyList<StepCommand>? timed = null)
    {
        var ids = (IEnumerable<StepCommand> list) => list.Select(command => command.CommandId.ToString()).ToHashSet(StringComparer.Ordinal);
        var (all, timedIds) = (ids(commands), ids(timed ?? commands));
        var partitions = int.Parse(stack.Settings["ONEX_WORKER_PARTITIONS"], CultureInfo.InvariantCulture);

        // Spreads the commands over partitions as the orchestrator does with those of one batch of its producer.
        var perPartition = Math.Clamp((commands.Count + 15) / 16, 1, 4);
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(commands.Select((command, i) => stack.Writer.SendAsync(
            stack.Topic("worker-requests"),
            JsonSerializer.SerializeToUtf8Bytes(command, MessageJson.Default.StepCommand),
            partition: i / perPartition % partitions)));
        var seconds = 0.0;
        while (true)
        {
            if (await results.NextAsync() is { } id)
            {
                all.Remove(id);
                if (timedIds.Remove(id) && timedIds.Count == 0)
                {
                    seconds = watch.Elapsed.TotalSeconds;
                }

                if (all.Count == 0)
                {
                    return seconds;
                }
            }
            else if (watch.Elapsed > _timeout)
            {
                throw new TimeoutException($"{all.Count} of {commands.Count} commands have no result.");
            }
        }
    }

    private static List<StepCommand> Empty(int count) => Commands("transform", """{"values":{}}""", count);

    private static string Delay(int ms) => $$"""{"ms":{{ms}}}""";

    private static List<StepCommand> Commands(string operation, string arguments, int count)
    {
        var now = TimeProvider.System.GetUtcNow();
        var json = RawJson.FromText(arguments);
        return [.. Enumerable.Range(0, count).Select(_ => new StepCommand
        {
            CommandId = new(Guid.CreateVersion7(now)),
            Attempt = 1,
            SagaId = new(Guid.CreateVersion7(now)),
            CorrelationId = Guid.CreateVersion7(now),
            Contract = "bench",
            Step = "compute",
            Direction = StepDirections.Do,
            Operation = operation,
            Arguments = json,
            HomePartition = 0,
            TimeoutMs = 60_000,
            NotAfter = now.AddDays(1),
        })];
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    // A stack that answers empty computations, and its times in milliseconds: of many at once, per command, and of single commands.
    private sealed record AnsweringStack(string Name, OnexStack Stack)
    {
        public ResultStream Results { get; } = ResultStream.Create(Stack);

        public List<double> BatchTimes { get; } = [];

        public List<double> SingleTimes { get; } = [];

        public double Cpu { get; set; }
    }
}
