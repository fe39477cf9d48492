using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Tests.Support;

namespace Onex.Benchmarks.Isolation;

/// <summary>
/// Measures what a connection that hangs costs two others: the latency and the throughput of their commands, in alternating rounds without
/// and with commands for the hanging one at the same rate. Then measures the memory of runtime-effects with many parked commands.
/// </summary>
internal sealed class IsolationBenchmark : IAsyncDisposable
{
    private const int Connections = 10;
    private const int WritesInFlight = 2_000;

    // The limit that a role sets in a container of 256 MB (Onex.Hosting.Running.MemoryLimit), in hexadecimal bytes.
    private const string HeapOfSmallContainer = "3E80000";

    private readonly OnexStack _stack;
    private readonly WebApplication _service;
    private readonly TopicReader _results;
    private readonly DirectoryInfo _directory;
    private readonly int _rate;
    private readonly TimeSpan _round;

    private IsolationBenchmark(OnexStack stack, WebApplication service, DirectoryInfo directory, int rate, TimeSpan round)
    {
        (_stack, _service, _directory, _rate, _round) = (stack, service, directory, rate, round);
        _results = new TopicReader(stack.Broker.BootstrapServers, stack.Topic("effect-responses"));
    }

    public static async Task<int> RunAsync(string[] options)
    {
        var rate = BenchmarkOptions.Number(options, "--rate", 100);
        var rounds = BenchmarkOptions.Number(options, "--rounds", 5);
        var parked = BenchmarkOptions.Number(options, "--parked", 100_000);
        await using var benchmark = await StartAsync(rate, TimeSpan.FromSeconds(BenchmarkOptions.Number(options, "--seconds", 10)));
        return await benchmark.MeasureAsync(rounds, parked);
    }

    public async ValueTask DisposeAsync()
    {
        await _results.DisposeAsync();
        await _stack.DisposeAsync();
        await _service.StopAsync(new CancellationToken(canceled: true));
        await _service.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private static async Task<IsolationBenchmark> StartAsync(int rate, TimeSpan round)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var service = builder.Build();
        var address = $"http://127.0.0.1:{FreePort.Next()}";
        service.Urls.Add(address);
        service.MapPost("/works", static async context =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
            await context.Response.WriteAsync("{}");
        });
        service.MapPost("/hangs", static context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted));
        await service.StartAsync();

        var directory = Directory.CreateTempSubdirectory("onex-isolation-");
        Directory.CreateDirectory(Path.Combine(directory.FullName, "connections"));
        var connections = Enumerable.Range(0, Connections).Select(i => $"  c{i}: {{ type: http, url: \"{address}\" }}");
        await File.WriteAllTextAsync(
            Path.Combine(directory.FullName, "connections", "all.yaml"), $"connections:\n{string.Join('\n', connections)}\n");
        await File.WriteAllTextAsync(
            Path.Combine(directory.FullName, "none.yaml"),
            "contract: none\nversion: 1.0.0\ninput: {}\ninitial: done\nstates: { done: { end: completed } }\n");
        var stack = await OnexStack.CreateAsync();
        stack.Set("CONTRACTS_DIR", directory.FullName);
        stack.Set("DOTNET_GCHeapHardLimit", HeapOfSmallContainer);

        // The orchestrator only creates the tables. It is stopped, because nothing waits for the results.
        var processes = await stack.StartReadyAsync("main", "effects");
        await processes[0].TerminateAsync();
        return new IsolationBenchmark(stack, service, directory, rate, round);
    }

    private async Task<int> MeasureAsync(int rounds, int parked)
    {
        Console.WriteLine(
            $"{_rate} commands per second for each of two connections that answer in 5 ms, and for a third that hangs; rounds of "
            + $"{_round.TotalSeconds:F0} s; {Environment.ProcessorCount} cores");
        await RoundAsync(withHanging: false);
        var measured = new List<(Round Without, Round With)>();
        for (var round = 0; round < rounds; round++)
        {
            measured.Add((await RoundAsync(withHanging: false), await RoundAsync(withHanging: true)));
            Console.WriteLine($"  without: {measured[^1].Without}; with: {measured[^1].With}");
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"with the third connection: throughput {Ratio(measured, round => round.PerSecond):P0}, median latency "
            + $"{Ratio(measured, round => round.Median):P0}, 99th percentile {Ratio(measured, round => round.Percentile99):P0} "
            + $"of those without it (medians of {rounds} rounds)"));

        var before = _stack.Processes.Single(process => process.Name == "effects").PeakBytes;
        await SendAsync("c2", "/hangs", parked, TimeSpan.Zero, []);
        await Eventually.Async(
            async () => await _stack.Database.ScalarAsync<long>(
                "SELECT count(*) FROM onex.effect_ledger WHERE parked_for IS NOT NULL") >= parked,
            TimeSpan.FromMinutes(10),
            () => "not all commands are parked");
        Console.WriteLine(
            $"{parked} commands of about 1 kB parked: peak memory of runtime-effects "
            + $"{_stack.Processes.Single(process => process.Name == "effects").PeakBytes >> 20} MiB ({before >> 20} MiB before)");
        return 0;
    }

    private async Task<Round> RoundAsync(bool withHanging)
    {
        var sent = new Dictionary<string, long>();
        var watch = Stopwatch.StartNew();
        var count = (int)(_rate * _round.TotalSeconds);
        List<Task> sending = [SendAsync("c0", "/works", count, _round, sent), SendAsync("c1", "/works", count, _round, sent)];
        if (withHanging)
        {
            sending.Add(SendAsync("c2", "/hangs", count, _round, []));
        }

        await Task.WhenAll(sending);
        var latencies = new Dictionary<string, double>();
        await Eventually.Async(
            () =>
            {
                foreach (var record in _results.Records)
                {
                    var id = record.Field("command_id")!;
                    if (sent.TryGetValue(id, out var at) && !latencies.ContainsKey(id))
                    {
                        latencies[id] = Stopwatch.GetElapsedTime(at, record.ReadAt).TotalMilliseconds;
                    }
                }

                return latencies.Count == sent.Count;
            },
            TimeSpan.FromMinutes(2),
            () => $"{latencies.Count} of {sent.Count} commands have a result");
        var ordered = latencies.Values.Order().ToList();
        return new Round(
            sent.Count / watch.Elapsed.TotalSeconds, ordered[ordered.Count / 2], ordered[(int)(ordered.Count * 0.99)]);
    }

    // Sends at a constant rate over that time, or at once if it is zero.
    private async Task SendAsync(string connection, string path, int count, TimeSpan over, Dictionary<string, long> sent)
    {
        var watch = Stopwatch.StartNew();
        var writes = new List<Task>();
        for (var i = 0; i < count; i++)
        {
            var early = (over * i / count) - watch.Elapsed;
            if (early > TimeSpan.Zero)
            {
                await Task.Delay(early, TimeProvider.System);
            }

            var now = TimeProvider.System.GetUtcNow();
            var command = new StepCommand
            {
                CommandId = new(Guid.CreateVersion7(now)),
                Attempt = 1,
                SagaId = new(Guid.CreateVersion7(now)),
                CorrelationId = Guid.CreateVersion7(now),
                Contract = "bench",
                Step = "call",
                Direction = StepDirections.Do,
                Operation = "http.post",
                Connection = connection,
                Arguments = RawJson.FromText($$"""{"path":"{{path}}","body":"{{new string('x', 1000)}}"}"""),
                HomePartition = 0,
                TimeoutMs = 2_000,
                NotAfter = now.AddDays(1),
            };
            // Two connections write to the same dictionary.
            lock (sent)
            {
                sent[command.CommandId.ToString()] = Stopwatch.GetTimestamp();
            }

            writes.Add(_stack.Writer.SendAsync(
                _stack.Topic("effect-requests"), Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(
                    command, MessageJson.Default.StepCommand)),
                command.CommandId.ToString(), null));
            if (writes.Count >= WritesInFlight)
            {
                await Task.WhenAll(writes);
                writes.Clear();
            }
        }

        await Task.WhenAll(writes);
    }

    private static double Ratio(List<(Round Without, Round With)> rounds, Func<Round, double> value) =>
        rounds.Select(round => value(round.With) / value(round.Without)).Order().ElementAt(rounds.Count / 2);

    private sealed record Round(double PerSecond, double Median, double Percentile99)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"{PerSecond:F0}/s, {Median:F1} ms, {Percentile99:F1} ms");
    }
}
