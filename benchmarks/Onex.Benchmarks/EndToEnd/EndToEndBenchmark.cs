using System.Diagnostics;
using System.Globalization;
using Confluent.Kafka;
using Onex.Tests.Support;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>
/// Runs an order of 3 transitions and 6 messages end to end, with a broker and a durable Postgres, all on this machine. One run has an
/// echo in place of runtime-effects, so it measures main alone. The other has real effects with the ledger. Builds that are
/// compared take turns, and every other round reverses their order.
/// </summary>
internal static class EndToEndBenchmark
{
    private const int TransitionsPerRequest = 3;
    private const int SingleRequests = 300;
    private static readonly string[] _runs = ["echo", "effects"];
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(10);

    public static async Task<int> RunAsync(EndToEndOptions options)
    {
        await using var postgres = await PostgresServer.StartDurableAsync();
        var broker = await KafkaBroker.SharedAsync();
        var first = options.Build is { } folder ? BuildUnderTest.Find(folder) : BuildUnderTest.Present;
        BuildUnderTest[] builds =
        [
            .. options.Telemetry ? BuildUnderTest.WithTelemetry(first)
                : options.Orchestrators > 1 ? BuildUnderTest.WithOrchestrators(first, options.Orchestrators)
                : [first],
            .. options.Against.Select(BuildUnderTest.Find),
        ];
        Console.WriteLine($"broker: {Describe(broker)}");
        Console.WriteLine($"database: {await DescribeAsync(postgres)}; {Environment.ProcessorCount} cores for everything");
        Console.WriteLine(
            $"{options.Requests} requests after {options.Warmup} to warm up, {options.InFlight} in flight; then {SingleRequests} one "
            + "after the other; "
            + (options.RateSeconds > 0 ? $"then {options.RateSeconds} s of each fixed rate" : "no fixed rates"));
        foreach (var build in builds)
        {
            await Console.Error.WriteLineAsync($"{build.Name}: {build.Assembly}");
        }

        foreach (var name in _runs.Where(name => options.Only is null || options.Only == name))
        {
            var measured = builds.Select(build => (Build: build, Rounds: new List<Measurement>())).ToList();
            for (var round = 0; round < options.Rounds; round++)
            {
                foreach (var (build, rounds) in round % 2 == 0 ? measured : Enumerable.Reverse(measured))
                {
                    var measurement = await MeasureAsync(build, options, postgres, broker, withEffects: name == "effects");
                    rounds.Add(measurement);
                    await Console.Error.WriteLineAsync(
                        $"{name}, round {round + 1}, {build.Name}: {measurement.Figures[0].Value:0} transitions/s");
                }
            }

            Console.WriteLine();
            Console.WriteLine($"{name}:");
            foreach (var line in Measurement.Table([.. measured.Select(entry => (entry.Build.Name, entry.Rounds))]))
            {
                Console.WriteLine(line);
            }

            Console.WriteLine();
        }

        return 0;
    }

    private static async Task<Measurement> MeasureAsync(
        BuildUnderTest build, EndToEndOptions options, PostgresServer postgres, KafkaBroker broker, bool withEffects)
    {
        await using var service = await EchoService.StartAsync();
        await using var stack = await OnexStack.CreateAsync(postgres, broker);
        stack.Assembly = build.Assembly;
        stack.Set("CONTRACTS_DIR", Path.Combine(AppContext.BaseDirectory, "contracts"));
        stack.Set("ONEX_CONNECTION_ECHO_URL", service.Url);
        stack.Set("ONEX_LOG_LEVEL", "WARNING");
        if (build.Traces is { } share)
        {
            // A collector that reads nothing, so that only the cost of the processes is measured.
            stack.Set("OTEL_EXPORTER_OTLP_ENDPOINT", service.Url);
            stack.Set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
            stack.Set("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
            stack.Set("OTEL_TRACES_SAMPLER_ARG", share.ToString(CultureInfo.InvariantCulture));
        }

        stack.Set("ONEX_PARTITIONS", "12");
        string[] names = [.. Enumerable.Repeat("main", build.Orchestrators), .. withEffects ? ["effects"] : Array.Empty<string>()];
        var roles = await stack.StartReadyAsync(names);
        await using var echo = withEffects
            ? null
            : new EchoRole(stack.Broker.BootstrapServers, stack.Topic("effect-requests"), stack.Topic("effect-responses"));
        using var driver = new LoadDriver(stack.Broker.BootstrapServers, stack.Topic("requests"), stack.Topic("responses"));
        await driver.KeepInFlightAsync(options.Warmup, options.InFlight, _timeout);

        var measurement = new Measurement();
        var throughput = await MeasureLoadAsync(measurement, options, driver, stack, roles, broker);
        measurement.AddLatency("one at a time", await driver.SendOneAtATimeAsync(SingleRequests, _timeout));
        if (options.RateSeconds > 0)
        {
            foreach (
                var (name, rate) in new[] { ("100/s", 100), ("50 % of maximum", throughput / 2), ("80 % of maximum", throughput * 0.8) })
            {
                measurement.AddLatency(name, await driver.KeepRateAsync(rate, options.RateSeconds, _timeout));
            }
        }

        return measurement;
    }

    /// <summary>Runs the closed loop, and adds what every process used meanwhile.</summary>
    /// <returns>Requests per second.</returns>
    private static async Task<double> MeasureLoadAsync(
        Measurement measurement, EndToEndOptions options, LoadDriver driver, OnexStack stack, IReadOnlyList<OnexProcess> roles,
        KafkaBroker broker)
    {
        var postgresPid = ProcessUsage.FindListener(stack.Database.Server.Port);
        var brokerPid = ProcessUsage.FindListener(int.Parse(broker.BootstrapServers.Split(',')[0].Split(':')[^1], null));
        (string Name, Func<double> CpuSeconds)[] processes =
        [
            .. roles.GroupBy(NameOf).Select(alike =>
                (alike.Key, (Func<double>)(() => alike.Sum(role => ProcessUsage.Read(role.Pid).CpuSeconds)))),
            ("Postgres", () => postgresPid is { } pid ? ProcessUsage.CpuSecondsOfTree(pid) : double.NaN),
            ("broker", () => brokerPid is { } pid ? ProcessUsage.Read(pid).CpuSeconds : double.NaN),
            ("driver", () => Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds),
        ];
        var counters = roles.Select(role => new RuntimeCounters(role.Pid)).ToList();
        var databaseBefore = await DatabaseUsage.ReadAfterPauseAsync(stack.Database);
        counters.ForEach(counter => counter.Take());
        var before = processes.Select(process => process.CpuSeconds()).ToList();
        var (seconds, latencies) = await driver.KeepInFlightAsync(options.Requests, options.InFlight, _timeout);
        var cpu = processes.Zip(before, (process, secondsBefore) => (process.Name, Seconds: process.CpuSeconds() - secondsBefore)).ToList();
        var database = await DatabaseUsage.ReadAfterPauseAsync(stack.Database) - databaseBefore;
        var runtime = counters.Select(counter => counter.Take()).ToList();
        foreach (var counter in counters)
        {
            await counter.DisposeAsync();
        }

        double transitions = options.Requests * TransitionsPerRequest;
        measurement.Add("transitions/s", transitions / seconds);
        measurement.AddLatency("under load", latencies);
        foreach (var (name, used) in cpu)
        {
            measurement.Add($"CPU of {name}, us/transition", used / transitions * 1e6);
        }

        measurement.Add("CPU of all, us/transition", cpu.Sum(process => process.Seconds) / transitions * 1e6);
        foreach (var alike in roles.Zip(runtime).GroupBy(entry => NameOf(entry.First)))
        {
            var name = alike.Key;
            measurement.Add($"allocated by {name}, bytes/transition", alike.Sum(entry => entry.Second.AllocatedBytes) / transitions);
            measurement.Add($"time of {name} in collections, %", alike.Average(entry => entry.Second.PausedShare) * 100);
            measurement.Add($"compiling by {name}, us/transition", alike.Sum(entry => entry.Second.CompiledSeconds) / transitions * 1e6);
            measurement.Add($"peak memory of {name}, MiB", alike.Max(entry => ProcessUsage.Read(entry.First.Pid).PeakMebibytes));
        }

        measurement.Add("transitions/transaction of Postgres", transitions / database.Commits);
        database.AddRowsTo(measurement, transitions);
        return options.Requests / seconds;
    }

    private static string NameOf(OnexProcess role) => role.Name == "main" ? "orchestrator" : role.Name;

    private static string Describe(KafkaBroker broker)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.BootstrapServers }).Build();
        var nodes = admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers;
        return $"{(broker.IsMock ? "a simulated one" : "a real one")} of {nodes.Count} node{(nodes.Count == 1 ? "" : "s")}";
    }

    private static async Task<string> DescribeAsync(PostgresServer postgres)
    {
        await using var database = await postgres.CreateDatabaseAsync();
        return "PostgreSQL " + await database.ScalarAsync<string>(
            "SELECT concat_ws(', ', split_part(current_setting('server_version'), ' ', 1), "
            + "'fsync ' || current_setting('fsync'), 'synchronous_commit ' || current_setting('synchronous_commit'))");
    }
}
