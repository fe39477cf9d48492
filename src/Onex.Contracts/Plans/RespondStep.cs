namespace Onex.Contracts.Plans;

/// <summary>Responds to the request now. The saga continues, and its end sends no response.</summary>
public sealed class RespondStep : StepPlan
{
    internal RespondStep()
    {
    }

    /// <summary>The response's payload.</summary>
    public required Template Payload { get; init; }
}
