using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Runtime.Running;

/// <summary>The topics that contracts emit domain events to.</summary>
internal sealed class EmittedTopics(IEnumerable<Plan> plans)
{
    private readonly List<(Plan Plan, EmitStep Step)> _all =
        [.. plans.SelectMany(plan => plan.States.SelectMany(state => state.AllSteps).OfType<EmitStep>().Select(step => (plan, step)))];

    /// <summary>Their names.</summary>
    public IReadOnlyList<string> Names => [.. _all.Select(emitted => emitted.Step.Topic).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>
    /// What is wrong with them, a line each: the runtime's topics have the names that the settings give them, which the compiler does not know.
    /// </summary>
    public IEnumerable<string> Problems(Topics own)
    {
        var denied = own.All.Concat(own.All.Select(Topics.DeadLetter)).ToHashSet(StringComparer.Ordinal);
        return _all.Where(emitted => denied.Contains(emitted.Step.Topic)).Select(emitted =>
            $"contract '{emitted.Plan.Name}' {emitted.Plan.Version} emits to '{emitted.Step.Topic}' (step '{emitted.Step.Id}'), a topic of the runtime itself. "
            + "Name another topic under 'emit'; another contract is started with 'saga' and 'detached: true'.");
    }
}
