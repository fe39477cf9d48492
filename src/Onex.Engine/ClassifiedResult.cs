using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Engine;

/// <summary>A classified result, with the contract's rules applied.</summary>
/// <param name="Outcome">Completed, rejected or failed.</param>
/// <param name="Value">The result. It has the declared types if completed without a <see cref="RuleProblem"/>.</param>
/// <param name="Code">The reason's code; empty if completed.</param>
/// <param name="Message">The reason for people; empty if completed.</param>
internal sealed record ClassifiedResult(StepOutcome Outcome, CelValue Value, string Code, string Message)
{
    /// <summary>Why a <c>reject</c> rule of the contract could not be evaluated, or null.</summary>
    public string? RuleProblem { get; init; }

    /// <summary>How far the attempt came.</summary>
    public AttemptReach Reach { get; init; }

    /// <summary>Why the arguments of the compensation cannot be evaluated from an unusable answer, or null.</summary>
    public string? ArgumentsProblem { get; init; }
}
