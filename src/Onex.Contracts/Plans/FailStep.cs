namespace Onex.Contracts.Plans;

/// <summary>Fails with a code of the contract, like a rejected step.</summary>
public sealed class FailStep : StepPlan
{
    internal FailStep()
    {
    }

    /// <summary>The fault's code.</summary>
    public required string Code { get; init; }

    /// <summary>The fault's message: a template for text.</summary>
    public required Template Message { get; init; }
}
