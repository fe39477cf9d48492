using System.Globalization;
using System.Text;
using Onex.Contracts.Plans;

namespace Onex.Tests.Unit.Engine.Generated;

/// <summary>
/// Contracts that nobody wrote: each of them compiles without a word, and whatever happens in whatever order to its saga, it ends, is never
/// faulted by a type, and has compensated what it must. <c>ONEX_SEED</c> repeats a run, <c>ONEX_GENERATED</c> says how many there are,
/// <c>ONEX_GENERATED_FIRST</c> with which to begin, <c>ONEX_GENERATED_FAILURES</c> how many kinds of failure end it, and
/// <c>ONEX_GENERATED_LOG</c> how many lines of the log are printed.
/// </summary>
public sealed class GeneratedContractsTests(ITestOutputHelper output)
{
    // About twenty seconds.
    private const int InGeneral = 1000;

    [Fact]
    public void A_generated_contract_that_compiles_runs()
    {
        var seed = Number("ONEX_SEED") ?? Environment.TickCount;
        var count = Number("ONEX_GENERATED") ?? InGeneral;
        var most = Number("ONEX_GENERATED_FAILURES") ?? 1;
        output.WriteLine($"ONEX_SEED={seed} ONEX_GENERATED={count}");
        var coverage = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var failures = new Dictionary<string, string>(StringComparer.Ordinal);
        var (done, moves) = (0, 0L);
        var first = Number("ONEX_GENERATED_FIRST") ?? 0;
        Parallel.For(
            first, first + count, new ParallelOptions { MaxDegreeOfParallelism = Number("ONEX_GENERATED_AT_ONCE") ?? 2 },
            (number, loop) =>
            {
                var random = new Random(unchecked((seed * 1_000_003) + number));
                var contract = GeneratedContract.Of(random);
                var script = Enumerable.Range(0, random.Next(10, 120)).Select(_ => random.Next(10_000)).ToArray();
                var failure = Try(contract, script, out var made);
                lock (coverage)
                {
                    done++;
                    moves += made;
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
                        if (failures.Count >= most)
                        {
                            loop.Stop();
                        }
                    }
                }
            });

        output.WriteLine(Table(coverage, done, moves));
        Assert.True(failures.Count == 0, string.Join("\n\n=====\n\n", failures.Values.OrderBy(text => text.Length)));
        Assert.All(
            coverage,
            construct => Assert.True(construct.Value * 20 >= done, $"Only {construct.Value} of {done} contracts have '{construct.Key}'."));
    }

    // Chance declares what nothing uses, and asks twice.
    private static bool IsSuperfluous(Onex.Contracts.Diagnostics.Diagnostic diagnostic) =>
        diagnostic.Severity == Onex.Contracts.Diagnostics.Severity.Warning && string.CompareOrdinal(diagnostic.Code, "ONEX1183") >= 0;

    private static string? Try(GeneratedContract contract, int[] script, out int moves)
    {
        FaultInjectionWorld? chaos = null;
        try
        {
            // A low limit, so that what goes round is blocked in a life as short as this.
            var compilation = SagaScenario.Compile(contract.Text, ContractLimits.Default with { IdleEntries = 1 + (script[0] % 30) });
            Assert.Equal(
                "",
                string.Concat(
                    compilation.Diagnostics.Where(diagnostic => !IsSuperfluous(diagnostic)).Select(diagnostic => diagnostic.Render())));
            CheckSchedule(compilation.Plans[0]);
            chaos = new FaultInjectionWorld(compilation.Plans[0], contract.Input)
            {
                ComparedMoves = 5,
                LogMax = Number("ONEX_GENERATED_LOG") ?? 80,
                HasUnusableAnswers = script.Length % 4 == 0,
            };
            chaos.Run(script);
            return null;
        }
        catch (Exception failure)
        {
            return $"{failure.Message}\n{failure.StackTrace}\n{chaos?.Report}";
        }
        finally
        {
            moves = chaos?.Moves ?? 0;
        }
    }

    // It starts with an input that fits, at times that follow one another.
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

    // The same thing wrong with other names and numbers is one thing wrong.
    private static string Kind(string failure)
    {
        var line = failure.Split('\n').FirstOrDefault(line => line.Length > 0) ?? "";
        return string.Concat(line.Where(character => !char.IsDigit(character))).Trim();
    }

    private static string Table(SortedDictionary<string, int> coverage, int done, long moves)
    {
        var table = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"{done} contracts, {moves} moves");
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
