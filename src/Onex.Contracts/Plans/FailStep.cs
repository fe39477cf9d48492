namespace Onex.Contracts.Plans;

/// <summary>Fails with a code of the contract's own, as a step that is rejected does.</summary>
public sealed class FailStep : StepPlan
{
    internal FailStep()
    {
    }

    /// <summary>The fault's code.</summary>
    public required string Code { get; init; }

    /// <summary>The fault's message for people: a template that gives text.</summary>
    public required Template Message { get; init; }
}
