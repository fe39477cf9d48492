using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;

namespace Onex.Engine.Examples;

/// <summary>Runs the examples of contracts in the engine that runs their sagas, in virtual time: no infrastructure, and always with the same result.</summary>
public static class ContractExamples
{
    // What may happen in one example, and in all of a contract: an `each` of a thousand items stays below, what goes round in circles does not.
    private const int DecisionsPerExample = 20_000;
    private const int DecisionsPerContract = 100_000;

    /// <summary>Runs every example of a plan.</summary>
    public static ExamplesReport Run(Plan plan)
    {
        var coverage = new CoverageObserver(plan);
        var results = new List<ExampleResult>();
        var left = DecisionsPerContract;
        foreach (var example in plan.Examples)
        {
            results.Add(ExampleRun.Run(plan, example, coverage, Math.Min(left, DecisionsPerExample), out var decisions));
            left = Math.Max(0, left - decisions);
        }

        return new ExamplesReport(plan, results, coverage.Report());
    }

    /// <summary>What is wrong with the examples of a plan; for the compiler.</summary>
    public static IEnumerable<ExampleProblem> Problems(Plan plan) => Run(plan).Examples.SelectMany(example => example.Problems);
}

/// <summary>What came of a plan's examples.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Examples">Each of them, in the order of the file.</param>
/// <param name="Coverage">What all of them together have gone through.</param>
public sealed record ExamplesReport(Plan Plan, IReadOnlyList<ExampleResult> Examples, Coverage Coverage);

/// <summary>What came of one example.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Problems">What does not hold; empty if it holds.</param>
public sealed record ExampleResult(string Name, IReadOnlyList<ExampleProblem> Problems);

/// <summary>What examples have gone through.</summary>
/// <param name="States">The states that were entered.</param>
/// <param name="Transitions">The ways that were taken: choices, events, time limits, failures.</param>
/// <param name="Guards">The guards, each counted twice: it held, it did not.</param>
/// <param name="Compensations">The steps that were taken back.</param>
public sealed record Coverage(CoveredPart States, CoveredPart Transitions, CoveredPart Guards, CoveredPart Compensations);

/// <summary>How much of one kind was covered.</summary>
/// <param name="Covered">How many.</param>
/// <param name="All">Of how many.</param>
/// <param name="Missing">The others, for people.</param>
public sealed record CoveredPart(int Covered, int All, IReadOnlyList<string> Missing);
