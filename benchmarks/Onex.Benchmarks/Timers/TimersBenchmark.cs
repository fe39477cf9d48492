using System.Diagnostics;
using Onex.Benchmarks.Store;
using Onex.Tests.Support;

namespace Onex.Benchmarks.Timers;

/// <summary>
/// Measures what long-waiting sagas cost the running ones: transitions per second in batches of a hundred, and the time of a sweep for
/// wake-ups, without and with a million parked sagas in the table. Each case has a database of its own. Rounds of both alternate, so that
/// changes of the machine's speed affect both alike.
/// </summary>
internal static class TimersBenchmark
{
    private const int BatchSize = 100;
    private const int SagasPerRound = 6_000;
    private const int Rounds = 5;

    public static async Task<int> RunAsync(string[] options)
    {
        var parked = BenchmarkOptions.Number(options, "--parked", 1_000_000);
        await using var server = await PostgresServer.StartDurableAsync();
        await using var without = await SagaDatabase.CreateAsync(server);
        await using var with = await SagaDatabase.CreateAsync(server);
        var filling = Stopwatch.StartNew();
        await with.ParkAsync(parked);
        Console.WriteLine($"{parked} parked sagas with their timers made in {filling.Elapsed.TotalSeconds:F0} s");
        Console.WriteLine(
            $"each round: {SagasPerRound} sagas of 3 transitions in batches of {BatchSize}, full durability; "
                + $"{Environment.ProcessorCount} cores");

        await TransitionsPerSecondAsync(without);
        await TransitionsPerSecondAsync(with);
        var rounds = new List<(double Without, double With, double SweepWithout, double SweepWith)>();
        for (var round = 0; round < Rounds; round++)
        {
            rounds.Add((
                await TransitionsPerSecondAsync(without),
                await TransitionsPerSecondAsync(with),
                await without.SweepMillisecondsAsync(),
                await with.SweepMillisecondsAsync()));
            var last = rounds[^1];
            Console.WriteLine(
                $"  transitions/s: {last.Without,7:F0} without, {last.With,7:F0} with parked sagas; "
                    + $"sweep: {last.SweepWithout:F2} ms, {last.SweepWith:F2} ms");
        }

        Console.WriteLine(
            $"commits: {Median(rounds.Select(round => round.With / round.Without)):P0} of the speed without parked sagas (median of "
                + $"{Rounds} rounds)");
        Console.WriteLine(
            $"sweep:   {Median(rounds.Select(round => round.SweepWithout)):F2} ms without, "
                + $"{Median(rounds.Select(round => round.SweepWith)):F2} ms with them");
        return 0;
    }

    private static async Task<double> TransitionsPerSecondAsync(SagaDatabase database)
    {
        var watch = Stopwatch.StartNew();
        await database.RunAsync(SagasPerRound, BatchSize);
        return SagasPerRound * 3 / watch.Elapsed.TotalSeconds;
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);
}
