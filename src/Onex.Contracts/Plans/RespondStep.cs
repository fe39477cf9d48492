namespace Onex.Contracts.Plans;

/// <summary>Answers the request now; the saga goes on, and its end is not answered again.</summary>
public sealed class RespondStep : StepPlan
{
    internal RespondStep()
    {
    }

    /// <summary>The response's payload.</summary>
    public required Template Payload { get; init; }
}
