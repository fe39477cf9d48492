using System.Globalization;

namespace Onex.Tests.Unit.Engine.Generated;

/// <summary>
/// Generated contracts compile with harmless warnings at most, and whatever their sagas receive, each saga ends, never fails with a type
/// error, and compensates what it must. <c>ONEX_SEED</c> repeats a run, <c>ONEX_GENERATED</c> sets the number of contracts,
/// <c>ONEX_GENERATED_FIRST</c> the first one, <c>ONEX_GENERATED_FAILURES</c> the number of distinct failures that ends the run,
/// <c>ONEX_GENERATED_AT_ONCE</c> the number of contracts in parallel, and <c>ONEX_GENERATED_LOG</c> the number of printed log lines.
/// </summary>
public sealed class GeneratedContractsTests(ITestOutputHelper output)
{
    // Takes about twenty seconds.
    private const int DefaultCount = 1000;

    [Fact]
    public void A_generated_contract_that_compiles_runs()
    {
        var seed = Number("ONEX_SEED") ?? Environment.TickCount;
        var count = Number("ONEX_GENERATED") ?? DefaultCount;
        var failuresMax = Number("ONEX_GENERATED_FAILURES") ?? 1;
        output.WriteLine($"ONEX_SEED={seed} ONEX_GENERATED={count}");
        var coverage = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var failures = new Dictionary<string, string>(StringComparer.Ordinal);
        var (done, decisions) = (0, 0L);
        var first = Number("ONEX_GENERATED_FIRST") ?? 0;
        Parallel.For(
            first, first + count, new ParallelOptions { MaxDegreeOfParallelism = Number("ONEX_GENERATED_AT_ONCE") ?? 2 },
            (number, loop) =>
            {
                var random = new Random(unchecked((seed * 1_000_003) + number));
                var contract = GeneratedContract.Create(random);
                var script = Enumerable.Range(0, random.Next(10, 120)).Select(_ => random.Next(10_000)).ToArray();
                var failure = Run(contract, script, out var decisionsOfContract);
                lock (coverage)
                {
                    done++;
                    decisions += decisionsOfContract;
                    foreach (var construct in contract.Constructs)
                    {
                        coverage[construct] = coverage.GetValueOrDefault(construct) + 1;
                    }

                    if (failure is not null)
                    {
                        var text =
                            $"Contract {number} of ONEX_SEED={seed}:\n{failure}\n\n{contract.Text}\ninput: {contract.Input}\nscript: "
                                + $"[{string.Join(", ", script)}]";
                        var kind = Kind(failure);
                        failures[kind] = failures.TryGetValue(kind, out var shorter) && shorter.Length < text.Length ? shorter : text;
                        if (failures.Count >= failuresMax)
                        {
                            loop.Stop();
                        }
                    }
                }
            });

        output.WriteLine(Table(coverage, done, decisions));
        Assert.True(failures.Count == 0, string.Join("\n\n=====\n\n", failures.Values.OrderBy(text => text.Length)));
        // Each construct that occurs is in at least one contract in twenty.
        Assert.All(
            coverage,
            construct => Assert.True(construct.Value * 20 >= done, $"Only {construct.Value} of {done} contracts have '{construct.Key}'."));
    }

    // The warnings from ONEX1183 on are about declarations and entries without effect, which generated contracts contain.
    private static bool IsSuperfluous(Onex.Contracts.Diagnostics.Diagnostic diagnostic) =>
        diagnostic.Severity == Onex.Contracts.Diagnostics.Severity.Warning && string.CompareOrdinal(diagnostic.Code, "ONEX1183") >= 0;

    private static string? Run(GeneratedContract contract, int[] script, out int decisions)
    {
        FaultInjectionWorld? world = null;
        try
        {
            // A low limit, so that cycles are blocked within these short runs.
            var compilation = SagaScenario.Compile(contract.Text, ContractLimits.Default with { IdleEntries = 1 + (script[0] % 30) });
            Assert.Equal(
                "",
                string.Concat(
                    compilation.Diagnostics.Where(diagnostic => !IsSuperfluous(diagnostic)).Select(diagnostic => diagnostic.Render())));
            CheckSchedule(compilation.Plans[0]);
            world = new FaultInjectionWorld(compilation.Plans[0], contract.Input)
            {
                CompareEvery = 5,
                LogMax = Number("ONEX_GENERATED_LOG") ?? 80,
                HasInvalidResults = script.Length % 4 == 0,
            };
            world.Run(script);
            return null;
        }
        catch (Exception failure)
        {
            return $"{failure.Message}\n{failure.StackTrace}\n{world?.Report}";
        }
        finally
        {
            decisions = world?.Decisions ?? 0;
        }
    }

    // The input of a schedule is valid, and the schedule's times increase.
    private static void CheckSchedule(Plan plan)
    {
        if (plan.Schedule is not { } schedule)
        {
            return;
        }

        Assert.Empty(plan.Input.Validate(schedule.Input, out _));
        var begin = new DateTimeOffset(2026, 11, 24, 8, 0, 0, TimeSpan.Zero);
        var until = begin.AddDays(4000);
        var latest = schedule.Latest(begin, until);
        Assert.True(latest > begin && latest <= until && schedule.After(latest.Value) > until);
        var next = schedule.After(begin);
        for (var times = 0; times < 20 && next is { } time; times++)
        {
            next = schedule.After(time);
            Assert.True(next is null || next > time);
        }
    }

    // Failures that differ only in numbers are the same failure.
    private static string Kind(string failure)
    {
        var line = failure.Split('\n').FirstOrDefault(line => line.Length > 0) ?? "";
        return string.Concat(line.Where(character => !char.IsDigit(character))).Trim();
    }

    private static string Table(SortedDictionary<string, int> coverage, int done, long decisions)
    {
        var table = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"{done} contracts, {decisions} decisions");
        foreach (var (construct, count) in coverage.OrderBy(construct => construct.Value))
        {
            table.AppendLine(CultureInfo.InvariantCulture, $"{100.0 * count / Math.Max(done, 1),5:0.0} % {construct}");
        }

        return table.ToString();
    }

    private static int? Number(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
