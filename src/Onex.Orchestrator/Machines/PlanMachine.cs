using Onex.Contracts.Plans;
using Onex.Engine;

namespace Onex.Orchestrator.Machines;

/// <summary>A plan and its state machine.</summary>
internal sealed class PlanMachine(Plan plan)
{
    private readonly ContractMachine _machine = new(plan);

    public Plan Plan { get; } = plan;

    /// <summary>
    /// The decision on a message for a saga. Null if the saga's state does not accept the message, or if there is no saga
    /// (<paramref name="saga"/> is null) and the message does not start it.
    /// </summary>
    public Decision? Decide(SagaState? saga, SagaEvent message, DateTimeOffset now)
    {
        if (saga is null && message is not SagaStarted)
        {
            return null;
        }

        var instance = new SagaInstance { CorrelationId = message.SagaId.Value, Saga = saga, Now = now };
        if (saga is not null)
        {
            instance.CurrentState = saga.State;
        }

        // The task is complete already, because nothing in the machine is asynchronous. If it has failed, this throws.
        _machine.RaiseAsync(instance, message).GetAwaiter().GetResult();
        return instance.Decision;
    }
}
