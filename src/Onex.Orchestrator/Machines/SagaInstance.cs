using MassTransit;
using Onex.Engine;

namespace Onex.Orchestrator.Machines;

/// <summary>What MassTransit's state machine works on: its own view (id, state's name) and the engine's.</summary>
internal sealed class SagaInstance : SagaStateMachineInstance
{
    /// <summary>The saga's id; MassTransit's name for it.</summary>
    public Guid CorrelationId { get; set; }

    /// <summary>The current state, by the contract's own name.</summary>
    public string CurrentState { get; set; } = "Initial";

    /// <summary>The engine's view; null before the start.</summary>
    public SagaState? Saga { get; set; }

    /// <summary>The database's time at which the message in hand is decided.</summary>
    public DateTimeOffset Now { get; set; }

    /// <summary>What followed from the message in hand; null if the state does not accept it.</summary>
    public Decision? Decision { get; set; }
}
