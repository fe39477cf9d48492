using Confluent.Kafka;
using Onex.Tests.Support;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>
/// An order of 3 transitions and 6 messages, end to end on a real broker and a real Postgres with full durability, all on this machine:
/// once with an echo in place of runtime-effects, which leaves main alone, and once through real effects with the ledger.
/// </summary>
internal static class EndToEndBenchmark
{
    private const int TransitionsPerRequest = 3;
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(10);

    public static async Task<int> RunAsync(EndToEndOptions options)
    {
        await using var postgres = await PostgresServer.StartDurableAsync();
        var broker = await KafkaBroker.SharedAsync();
        Console.WriteLine($"broker: {Describe(broker)}");
        Console.WriteLine($"database: {await DescribeAsync(postgres)}; {Environment.ProcessorCount} cores for everything");
        Console.WriteLine(
            $"{options.Requests} requests after {options.Warmup} to warm up, {options.InFlight} in flight; then the latency of one after "
                + $"the other");
        if (options.Only is null or "echo")
        {
            await MeasureAsync("echo", options, postgres, broker, withEffects: false);
        }

        if (options.Only is null or "effects")
        {
            await MeasureAsync("effects", options, postgres, broker, withEffects: true);
        }

        return 0;
    }

    private static async Task MeasureAsync(
        string name, EndToEndOptions options, PostgresServer postgres, KafkaBroker broker, bool withEffects)
    {
        await using var service = await EchoService.StartAsync();
        await using var stack = await OnexStack.CreateAsync(postgres, broker);
        stack.Set("CONTRACTS_DIR", Path.Combine(AppContext.BaseDirectory, "contracts"));
        stack.Set("ONEX_CONNECTION_ECHO_URL", service.Url);
        stack.Set("ONEX_LOG_LEVEL", "WARNING");
        stack.Set("ONEX_PARTITIONS", "12");
        var processes = await stack.StartReadyAsync(withEffects ? ["main", "effects"] : ["main"]);
        await using var echo = withEffects
            ? null
            : new EchoRole(stack.Broker.BootstrapServers, stack.Topic("effect-requests"), stack.Topic("effect-responses"));

        var driver = new LoadDriver(stack.Broker.BootstrapServers, stack.Topic("requests"), stack.Topic("responses"));
        await driver.RunAsync(options.Warmup, options.InFlight, _patience);

        var before = processes.Select(process => ProcessUsage.Of(process.Pid)).ToList();
        var (seconds, loaded) = await driver.RunAsync(options.Requests, options.InFlight, _patience);
        var after = processes.Select(process => ProcessUsage.Of(process.Pid)).ToList();
        var (_, single) = await driver.RunAsync(Math.Min(300, options.Requests), 1, _patience);

        var transitions = options.Requests * TransitionsPerRequest;
        Console.WriteLine();
        Console.WriteLine($"{name}: {options.Requests / seconds:F0} requests/s, {transitions / seconds:F0} transitions/s");
        Console.WriteLine($"  under load     {Percentiles(loaded)}");
        Console.WriteLine($"  one at a time  {Percentiles(single)}");
        foreach (var ((process, then), now) in processes.Zip(before).Zip(after))
        {
            Console.WriteLine(
                $"  {process.Name,-8} {(now.CpuSeconds - then.CpuSeconds) / transitions * 1e6,6:F0} us CPU per transition, peak "
                    + $"{now.PeakMegabytes:F0} MB");
        }
    }

    private static string Describe(KafkaBroker broker)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.BootstrapServers }).Build();
        var nodes = admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers;
        return $"{broker.BootstrapServers}, a real one of {nodes.Count} node{(nodes.Count == 1 ? "" : "s")}";
    }

    private static async Task<string> DescribeAsync(PostgresServer postgres)
    {
        await using var database = await postgres.CreateDatabaseAsync();
        return "PostgreSQL " + await database.ScalarAsync<string>(
            "SELECT concat_ws(', ', split_part(current_setting('server_version'), ' ', 1), "
            + "'fsync ' || current_setting('fsync'), 'synchronous_commit ' || current_setting('synchronous_commit'))");
    }

    private static string Percentiles(double[] sorted) =>
        $"p50 {At(sorted, 0.50):F1} ms, p95 {At(sorted, 0.95):F1} ms, p99 {At(sorted, 0.99):F1} ms";

    private static double At(double[] sorted, double share) => sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
}
