using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Runtime.Running;

/// <summary>The topics to which contracts write, with <c>emit</c> and <c>kafka.produce</c>.</summary>
internal sealed class EmittedTopics(IEnumerable<Plan> plans)
{
    private readonly List<(Plan Plan, string Step, string Verb, string Topic, bool IsOnRuntimeBroker)> _all =
    [
        .. from plan in plans
           from state in plan.States
           from written in state.AllSteps.OfType<EmitStep>().Select(step => (step.Id, Verb: "emits", step.Topic, IsOnRuntimeBroker: true))
               .Concat(Produced(state))
           select (plan, written.Id, written.Verb, written.Topic, written.IsOnRuntimeBroker),
    ];

    /// <summary>The names of the topics that are on the runtime's own broker.</summary>
    public IReadOnlyList<string> Names =>
    [
        .. _all.Where(written => written.IsOnRuntimeBroker).Select(written => written.Topic).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>
    /// A line for each step whose topic has the name of one of the runtime's, even on another broker. The compiler cannot report
    /// these, because settings name them.
    /// </summary>
    public IEnumerable<string> Problems(Topics runtimeTopics)
    {
        var reserved = runtimeTopics.All.Concat(runtimeTopics.All.Select(Topics.DeadLetterTopicOf)).ToHashSet(StringComparer.Ordinal);
        return _all.Where(written => reserved.Contains(written.Topic)).Select(written =>
            $"contract '{written.Plan.Name}' {written.Plan.Version} {written.Verb} to '{written.Topic}' (step '{written.Step}'), the "
            + "name of a topic of the runtime itself. "
            + $"Name another topic under '{(written.Verb == "emits" ? "emit" : "topic")}'; another contract is started with 'saga' and "
            + "'detached: true'.");
    }

    // The topic is a constant, so it is known before any saga runs.
    private static IEnumerable<(string Id, string Verb, string Topic, bool IsOnRuntimeBroker)> Produced(StatePlan state) =>
        from call in state.Calls
        from invocation in new[] { call.Invocation, call.Compensation?.Invocation }
        where invocation is { Operation: "kafka.produce" }
        from argument in (invocation.Arguments as Template.Map)?.Entries ?? []
        where argument is { Key: "topic", Value: Template.Constant { Value.Kind: Contracts.Expressions.CelKind.String } }
        select (call.Id, "produces", ((Template.Constant)argument.Value).Value.AsString(), invocation.Connection is null);
}
