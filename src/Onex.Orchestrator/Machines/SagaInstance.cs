using MassTransit;
using Onex.Engine;

namespace Onex.Orchestrator.Machines;

/// <summary>The saga as MassTransit's state machine sees it: its id, the state's name, and the engine's state.</summary>
internal sealed class SagaInstance : SagaStateMachineInstance
{
    /// <summary>The saga's id, under the name that MassTransit requires.</summary>
    public Guid CorrelationId { get; set; }

    /// <summary>The name of the current state in the contract; before the start, MassTransit's <c>Initial</c>.</summary>
    public string CurrentState { get; set; } = "Initial";

    /// <summary>The engine's state; null before the start.</summary>
    public SagaState? Saga { get; set; }

    /// <summary>The database's time at which the current message is decided.</summary>
    public DateTimeOffset Now { get; set; }

    /// <summary>The decision on the current message; null if the state does not accept it.</summary>
    public Decision? Decision { get; set; }
}
