namespace Onex.Contracts.Plans;

/// <summary>Publishes a domain event with the commit: <c>emit</c>.</summary>
public sealed class EmitStep : StepPlan
{
    internal EmitStep()
    {
    }

    /// <summary>The full name of the topic.</summary>
    public required string Topic { get; init; }

    /// <summary>The record's key: a template for text; null for the saga's correlation id.</summary>
    public Template? Key { get; init; }

    /// <summary>The record's value.</summary>
    public required Template Value { get; init; }
}
