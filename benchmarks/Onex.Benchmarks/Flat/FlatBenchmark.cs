using System.Diagnostics;
using System.Globalization;
using Onex.Benchmarks.EndToEnd;
using Onex.Tests.Support;

namespace Onex.Benchmarks.Flat;

/// <summary>
/// What must not cost throughput: full tables, many partitions, many contracts, a second orchestrator. Each case has a database and topics
/// of its own. The cases take turns, their order is reversed from round to round, and each round starts the roles again.
/// </summary>
internal static class FlatBenchmark
{
    private const int InFlight = 1_000;
    private const int SingleRequests = 300;
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(10);

    public static async Task<int> RunAsync(string[] options)
    {
        int Number(string name, int fallback) => BenchmarkOptions.Number(options, name, fallback);
        var (rounds, warmup, requests) = (Number("--rounds", 3), Number("--warmup", 6_000), Number("--requests", 6_000));
        var (ended, waiting) = (Number("--ended", 5_000_000), Number("--waiting", 500_000));
        Case[] chosen =
        [
            new("empty"),
            new("full") { Ended = ended, Waiting = waiting },
            new("48 partitions") { Partitions = 48 },
            new("96 partitions") { Partitions = 96 },
            new("1,000 contracts") { OtherContracts = 999 },
            new("2 orchestrators") { Roles = ["main", "effects", "main"] },
        ];
        if (BenchmarkOptions.Text(options, "--only") is { } only)
        {
            chosen = [.. chosen.Where(one => one.Name == "empty" || one.Name == only)];
        }

        await using var service = await EchoService.StartAsync();
        await using var postgres = await PostgresServer.StartDurableAsync();
        var broker = await KafkaBroker.SharedAsync();
        var sides = new List<Side>();
        try
        {
            foreach (var one in chosen)
            {
                sides.Add(await Side.CreateAsync(one, postgres, broker, service.Url));
            }

            Console.WriteLine(
                $"{requests} requests of 3 transitions after {warmup} to warm up, {InFlight} in flight, then {SingleRequests} one after "
                + "the other");
            Console.WriteLine($"full: {ended} ended and {waiting} waiting sagas; {Environment.ProcessorCount} cores for everything");
            for (var round = 0; round < rounds; round++)
            {
                foreach (var side in round % 2 == 0 ? sides : Enumerable.Reverse(sides))
                {
                    await side.MeasureAsync(warmup, requests);
                }
            }

            foreach (var line in Measurement.Table([.. sides.Select(side => (side.Case.Name, side.Rounds))]))
            {
                Console.WriteLine(line);
            }
        }
        finally
        {
            foreach (var side in sides)
            {
                await side.DisposeAsync();
            }
        }

        return 0;
    }

    /// <summary>What differs from the empty case.</summary>
    private sealed record Case(string Name)
    {
        public int Partitions { get; init; } = 12;

        public int OtherContracts { get; init; }

        public int Ended { get; init; }

        public int Waiting { get; init; }

        public string[] Roles { get; init; } = ["main", "effects"];
    }

    /// <summary>A case with its database, topics and contracts.</summary>
    private sealed class Side(Case one, OnexStack stack, DirectoryInfo contracts) : IAsyncDisposable
    {
        public Case Case => one;

        public List<Measurement> Rounds { get; } = [];

        public static async Task<Side> CreateAsync(Case one, PostgresServer postgres, KafkaBroker broker, string service)
        {
            var contracts = Directory.CreateTempSubdirectory("onex-bench-");
            var own = Path.Combine(AppContext.BaseDirectory, "contracts");
            var text = await File.ReadAllTextAsync(Path.Combine(own, "bench-order.yaml"));
            await File.WriteAllTextAsync(Path.Combine(contracts.FullName, "bench-order.yaml"), text);
            for (var i = 1; i <= one.OtherContracts; i++)
            {
                var name = $"bench-other-{i}";
                await File.WriteAllTextAsync(
                    Path.Combine(contracts.FullName, $"{name}.yaml"),
                    text.Replace("contract: bench-order", $"contract: {name}", StringComparison.Ordinal));
            }

            var connections = contracts.CreateSubdirectory("connections");
            foreach (var file in Directory.GetFiles(Path.Combine(own, "connections")))
            {
                File.Copy(file, Path.Combine(connections.FullName, Path.GetFileName(file)));
            }

            var stack = await OnexStack.CreateAsync(postgres, broker);
            stack.Set("CONTRACTS_DIR", contracts.FullName);
            stack.Set("ONEX_CONNECTION_ECHO_URL", service);
            stack.Set("ONEX_LOG_LEVEL", "WARNING");
            stack.Set("ONEX_PARTITIONS", one.Partitions.ToString(CultureInfo.InvariantCulture));
            var side = new Side(one, stack, contracts);
            await side.RunAsync(_ => Task.CompletedTask);
            await side.FillAsync();
            return side;
        }

        /// <summary>Starts the roles, measures, and stops them in order.</summary>
        public Task MeasureAsync(int warmup, int requests) => RunAsync(async readySeconds =>
        {
            var measurement = new Measurement();
            using var driver = new LoadDriver(stack.Broker.BootstrapServers, stack.Topic("requests"), stack.Topic("responses"));
            await driver.KeepInFlightAsync(warmup, InFlight, _timeout);
            var (seconds, latencies) = await driver.KeepInFlightAsync(requests, InFlight, _timeout);
            measurement.Add("transitions/s", requests * 3 / seconds);
            measurement.AddLatency("under load", latencies);
            measurement.AddLatency("one at a time", await driver.SendOneAtATimeAsync(SingleRequests, _timeout));
            measurement.Add("start of the orchestrator to /ready, s", readySeconds);
            measurement.Add(
                "peak memory of the orchestrator, MiB", ProcessUsage.Read(stack.Processes[^one.Roles.Length].Pid).PeakMebibytes);
            Rounds.Add(measurement);
            await Console.Error.WriteLineAsync($"{one.Name}, round {Rounds.Count}: {measurement.Figures[0].Value:0} transitions/s");
        });

        public async ValueTask DisposeAsync()
        {
            await stack.DisposeAsync();
            contracts.Delete(recursive: true);
        }

        private async Task RunAsync(Func<double, Task> measure)
        {
            var clock = Stopwatch.StartNew();
            var main = await stack.Start(one.Roles[0]).ReadyAsync();
            var readySeconds = clock.Elapsed.TotalSeconds;
            OnexProcess[] running = [main, .. await stack.StartReadyAsync(one.Roles[1..])];
            await measure(readySeconds);
            foreach (var process in running)
            {
                await process.TerminateAsync();
            }
        }

        // The ids sort by age, as those of sagas do.
        private async Task FillAsync()
        {
            if (one.Ended + one.Waiting == 0)
            {
                return;
            }

            var clock = Stopwatch.StartNew();
            await ExecuteAsync(
                $$"""
                INSERT INTO onex.sagas (
                    id, contract, contract_version, contract_hash, correlation_id, request_id, business_key, source, state, status,
                    data, progress, home_partition, version, last_transition_id, started_at, updated_at, ended_at, next_wakeup_at, parked)
                SELECT (lpad(to_hex(1000000 + i), 12, '0') || substr(md5(i::text), 13))::uuid, 'bench-order', '1.0.0', 'abc',
                    gen_random_uuid(), (lpad(to_hex(1000000 + i), 12, '0') || substr(md5(i::text), 13))::uuid, 'order-' || i,
                    'requests/0/' || i,
                    CASE WHEN ended THEN 'done' ELSE 'charging' END, CASE WHEN ended THEN 'completed' ELSE 'waiting' END,
                    '{"reservation": "e-1"}', '{"waiting_for": ["card_updated"]}', i % {{one.Partitions}}, 3, gen_random_uuid(),
                    now() - interval '1 day', now() - interval '1 day', CASE WHEN ended THEN now() - interval '1 day' END,
                    CASE WHEN NOT ended THEN now() + interval '1 day' + i * interval '1 second' END, NOT ended
                FROM generate_series(1, {{one.Ended + one.Waiting}}) AS i
                CROSS JOIN LATERAL (SELECT i <= {{one.Ended}} AS ended) AS kind
                """);
            await ExecuteAsync(
                """
                INSERT INTO onex.timers (saga_id, name, home_partition, due_at)
                SELECT id, 'wakeup', home_partition, next_wakeup_at FROM onex.sagas WHERE parked
                """);
            await ExecuteAsync("VACUUM (ANALYZE) onex.sagas, onex.timers");
            await ExecuteAsync("CHECKPOINT");
            await Console.Error.WriteLineAsync($"{one.Name}: filled in {clock.Elapsed.TotalSeconds:0} s");
        }

        private async Task ExecuteAsync(string sql)
        {
            await using var command = stack.Database.Source.CreateCommand(sql);
            command.CommandTimeout = 3_600;
            await command.ExecuteNonQueryAsync();
        }
    }
}
