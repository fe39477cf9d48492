using System.Diagnostics;
using Onex.Benchmarks.EndToEnd;
using Onex.Tests.Support;

namespace Onex.Benchmarks.Store;

/// <summary>
/// Measures the commits of sagas alone, without a broker and without decisions: CPU of the server and of this process, rows and
/// write-ahead log per transition, for commits of few and of many sagas. Rounds of the sizes alternate.
/// </summary>
internal static class StoreBenchmark
{
    private const int TransitionsPerSaga = 3;
    private static readonly int[] _sagasPerCommit = [1, 25, 200];

    public static async Task<int> RunAsync(string[] options)
    {
        var rounds = BenchmarkOptions.Number(options, "--rounds", 5);
        var sagas = BenchmarkOptions.Number(options, "--sagas", 10_000);
        await using var server = await PostgresServer.StartDurableAsync();
        await using var database = await SagaDatabase.CreateAsync(server);
        Console.WriteLine(
            $"{sagas} sagas of {TransitionsPerSaga} transitions in each round (a tenth if each has a commit of its own), full durability; "
            + $"{Environment.ProcessorCount} cores");
        await database.RunAsync(sagas, perCommit: 25);

        var measured = _sagasPerCommit.Select(size => (Size: size, Rounds: new List<Measurement>())).ToList();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (size, results) in round % 2 == 0 ? measured : Enumerable.Reverse(measured))
            {
                results.Add(await MeasureAsync(database, server, size == 1 ? sagas / 10 : sagas, size));
            }
        }

        foreach (var line in Measurement.Table([.. measured.Select(entry => ($"{entry.Size} a commit", entry.Rounds))]))
        {
            Console.WriteLine(line);
        }

        return 0;
    }

    private static async Task<Measurement> MeasureAsync(SagaDatabase database, PostgresServer server, int sagas, int perCommit)
    {
        var pid = ProcessUsage.FindListener(server.Port)!.Value;
        var before = await database.UsageAsync();
        var (serverBefore, ownBefore) = (ProcessUsage.CpuSecondsOfTree(pid), OwnCpuSeconds());
        var watch = Stopwatch.StartNew();
        await database.RunAsync(sagas, perCommit);
        var seconds = watch.Elapsed.TotalSeconds;
        var (serverSeconds, ownSeconds) = (ProcessUsage.CpuSecondsOfTree(pid) - serverBefore, OwnCpuSeconds() - ownBefore);
        var used = await database.UsageAsync() - before;

        double transitions = sagas * TransitionsPerSaga;
        var measurement = new Measurement();
        measurement.Add("transitions/s", transitions / seconds);
        measurement.Add("CPU of Postgres, us/transition", serverSeconds / transitions * 1e6);
        measurement.Add("CPU of the store, us/transition", ownSeconds / transitions * 1e6);
        used.AddRowsTo(measurement, transitions);
        return measurement;
    }

    private static double OwnCpuSeconds() => ProcessUsage.Read(Environment.ProcessId).CpuSeconds;
}
