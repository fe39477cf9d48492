using MassTransit;
using Onex.Contracts.Plans;
using Onex.Engine;
using State = MassTransit.State;

namespace Onex.Orchestrator.Machines;

/// <summary>
/// The MassTransit state machine of one plan. Its states are those of the contract, and it declares which messages a state accepts. The
/// engine decides what follows from an accepted message. MassTransit allows one event per message type and machine, so the events are those
/// of the engine.
/// </summary>
internal sealed class ContractMachine : MassTransitStateMachine<SagaInstance>
{
    private readonly Plan _plan;

    /// <summary>Builds the machine of a plan.</summary>
    public ContractMachine(Plan plan)
    {
        _plan = plan;
        Name(plan.Name);
        InstanceState(instance => instance.CurrentState);
        var states = plan.States.ToDictionary(state => state.Name, state => (State)State(state.Name), StringComparer.Ordinal);

        var started = Declare<SagaStarted>(nameof(EventKind.Started));
        var result = Declare<StepResultArrived>(nameof(EventKind.StepResult));
        var report = Declare<StepReportArrived>("StepReport");
        var timer = Declare<TimerFired>(nameof(EventKind.Timer));
        var joined = Declare<RequestJoined>(nameof(EventKind.Joined));
        var external = Declare<ExternalEvent>(nameof(EventKind.External));
        var asked = Declare<OperatorRequested>(nameof(EventKind.Operator));
        var resend = Declare<ResendRequested>("Resend");

        Initially(When(started).ThenAsync(DecideAsync));
        foreach (var state in plan.States)
        {
            foreach (var kind in state.Accepts)
            {
                During(states[state.Name], kind switch
                {
                    EventKind.StepResult => [When(result).ThenAsync(DecideAsync), When(report).ThenAsync(DecideAsync)],
                    EventKind.Timer => [When(timer).ThenAsync(DecideAsync)],
                    EventKind.Joined => [When(joined).ThenAsync(DecideAsync)],
                    EventKind.External => [When(external).ThenAsync(DecideAsync)],

                    // A request of the runtime itself is accepted wherever an operator's command is.
                    EventKind.Operator => [When(asked).ThenAsync(DecideAsync), When(resend).ThenAsync(DecideAsync)],
                    _ =>
                        throw new InvalidOperationException(
                            $"State '{state.Name}' of '{plan.Name}' accepts {kind}, which only starts a saga."),
                });
            }
        }

        // The router handles a message that the state does not accept; a late message is no error.
        OnUnhandledEvent(_ => Task.CompletedTask);
    }

    private Event<TMessage> Declare<TMessage>(string name)
        where TMessage : SagaEvent =>
        Event<TMessage>(name, message =>
        {
            message.CorrelateById(context => context.Message.SagaId.Value);
            message.OnMissingInstance(missing => missing.Discard());
        });

    private async Task DecideAsync<TMessage>(BehaviorContext<SagaInstance, TMessage> context)
        where TMessage : SagaEvent
    {
        var instance = context.Saga;
        var now = context.Message is SagaStarted started ? started.Facts.StartedAt : instance.Now;
        var decision = SagaEngine.Decide(_plan, instance.Saga, context.Message, now);
        instance.Decision = decision;
        instance.Saga = decision.State;

        // The engine chooses the next state at run time, so the machine sets it instead of declaring the transition.
        await Accessor.Set(context, GetState(decision.State.State));
    }
}
