using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;

namespace Onex.Engine.Examples;

/// <summary>Runs the examples of contracts in the engine, in virtual time, without infrastructure. The result is always the same.</summary>
public static class ContractExamples
{
    // The limits end an example with an endless cycle, and are enough for an `each` of a thousand items.
    private const int DecisionsPerExample = 20_000;
    private const int DecisionsPerContract = 100_000;

    /// <summary>Runs every example of a plan.</summary>
    public static ExamplesReport Run(Plan plan)
    {
        var coverage = new CoverageObserver(plan);
        var results = new List<ExampleResult>();
        var remaining = DecisionsPerContract;
        foreach (var example in plan.Examples)
        {
            results.Add(ExampleRun.Run(plan, example, coverage, Math.Min(remaining, DecisionsPerExample), out var decisions));
            remaining = Math.Max(0, remaining - decisions);
        }

        return new ExamplesReport(plan, results, coverage.Report());
    }

    /// <summary>The problems of all examples of a plan, for the compiler to report.</summary>
    public static IEnumerable<ExampleProblem> Problems(Plan plan) => Run(plan).Examples.SelectMany(example => example.Problems);
}

/// <summary>The results of a plan's examples.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Examples">The results of the examples, in the order of the file.</param>
/// <param name="Coverage">The parts of the plan that all examples together cover.</param>
public sealed record ExamplesReport(Plan Plan, IReadOnlyList<ExampleResult> Examples, Coverage Coverage);

/// <summary>The result of one example.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Problems">What failed; empty if the example passes.</param>
public sealed record ExampleResult(string Name, IReadOnlyList<ExampleProblem> Problems);

/// <summary>The parts of a plan that examples cover.</summary>
/// <param name="States">The states that were entered.</param>
/// <param name="Transitions">The transitions that were taken: choices, events, timeouts, failures.</param>
/// <param name="Guards">The guards. Each counts twice: true and false.</param>
/// <param name="Compensations">The steps that were compensated.</param>
public sealed record Coverage(CoveredPart States, CoveredPart Transitions, CoveredPart Guards, CoveredPart Compensations);

/// <summary>How many parts of one kind are covered.</summary>
/// <param name="Covered">How many.</param>
/// <param name="All">How many there are.</param>
/// <param name="Missing">The parts that are not covered, for people.</param>
public sealed record CoveredPart(int Covered, int All, IReadOnlyList<string> Missing);
