using Onex.Contracts.Plans;
using Onex.Orchestrator.Control;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Engine;

// PLACEHOLDER so that SagaControl compiles: the engine's own Waits replaces this file when the branches are merged.

/// <summary>What a saga waits for.</summary>
internal static class Waits
{
    /// <summary>In one sentence and in its parts.</summary>
    public static WaitReason Tell(Plan plan, SagaState saga, DateTimeOffset now) => new(
        $"It is {saga.Status.ToText()} in state '{saga.State}' of '{plan.Name}' at {now:O}.",
        saga.Status.ToText(), saga.State, saga.UpdatedAt, saga.NextWakeupAt, [], []);
}
