using System.Collections.Frozen;
using Onex.Contracts.Schemas;

namespace Onex.Tests.Unit.Engine;

/// <summary>Plans that declare events.</summary>
internal static class PlansWithEvents
{
    private const string Contract = """
        contract: orders
        version: 1.0.0
        description: Something that events are for.
        input: { type: object, required: [order], properties: { order: { type: string } } }
        key: input.order
        initial: working
        states:
          working:
            steps: [{ id: seal, compute: hash.sha256, with: { text: x } }]
            next: done
          done: { end: completed }
        """;

    /// <summary>The events <c>cancel</c> (with a reason and a time) and <c>ping</c>; only <c>cancel</c> may arrive early.</summary>
    public static Plan Orders { get; } = With(
        new EventPlan("cancel", Fields(("reason", CelKind.String), ("at", CelKind.Timestamp)), TimeSpan.FromMinutes(10)),
        new EventPlan("ping", Fields(), null));

    /// <summary>The same contract with other events.</summary>
    public static Plan With(params EventPlan[] events)
    {
        var plan = new SagaScenario(Contract).Plan;
        return new Plan
        {
            Name = plan.Name,
            Version = plan.Version,
            Description = plan.Description,
            Hash = plan.Hash,
            Source = plan.Source,
            BufferedEventsMax = plan.BufferedEventsMax,
            IdleEntriesMax = plan.IdleEntriesMax,
            Input = plan.Input,
            Key = plan.Key,
            OnDuplicate = plan.OnDuplicate,
            Data = plan.Data,
            Events = events.ToFrozenDictionary(declared => declared.Name, StringComparer.Ordinal),
            Initial = plan.Initial,
            States = plan.States,
            StatesByName = plan.StatesByName,
            OnFailure = plan.OnFailure,
            CancelState = plan.CancelState,
        };
    }

    /// <summary>A type with these fields.</summary>
    public static DataType Fields(params (string Name, CelKind Kind)[] fields) =>
        new DataType.Fields([.. fields.Select(field => KeyValuePair.Create(field.Name, (DataType)new DataType.Basic(field.Kind)))]);
}
