namespace Onex.Contracts.Plans;

/// <summary>Starts a saga of a contract and does not wait for it: <c>saga</c> with <c>detached: true</c>.</summary>
public sealed class StartStep : StepPlan
{
    internal StartStep()
    {
    }

    /// <summary>The contract.</summary>
    public required string Contract { get; init; }

    /// <summary>Its input: a template for a map.</summary>
    public required Template Input { get; init; }
}
