using MassTransit;
using Onex.Contracts.Plans;
using Onex.Engine;
using State = MassTransit.State;

namespace Onex.Orchestrator.Machines;

/// <summary>
/// The MassTransit state machine of one plan. Its states are those of the contract, and it declares which messages each state accepts. The
/// engine decides what follows from an accepted message. MassTransit allows one event per message type and machine, so the machine has an
/// event for each message type of the engine, not for each event of the contract.
/// </summary>
internal sealed class ContractMachine : MassTransitStateMachine<SagaInstance>
{
    private readonly Plan _plan;
    private readonly Event<SagaStarted> _started;
    private readonly Event<StepResultArrived> _result;
    private readonly Event<StepReportArrived> _report;
    private readonly Event<TimerFired> _timer;
    private readonly Event<RequestJoined> _joined;
    private readonly Event<ExternalEvent> _external;
    private readonly Event<OperatorRequested> _operatorRequested;
    private readonly Event<ResendRequested> _resend;
    private readonly Dictionary<string, HashSet<Event>> _accepted;

    public ContractMachine(Plan plan)
    {
        _plan = plan;
        Name(plan.Name);
        InstanceState(instance => instance.CurrentState);
        var states = plan.States.ToDictionary(state => state.Name, state => (State)State(state.Name), StringComparer.Ordinal);

        _started = Declare<SagaStarted>(nameof(EventKind.Started));
        _result = Declare<StepResultArrived>(nameof(EventKind.StepResult));
        _report = Declare<StepReportArrived>("StepReport");
        _timer = Declare<TimerFired>(nameof(EventKind.Timer));
        _joined = Declare<RequestJoined>(nameof(EventKind.Joined));
        _external = Declare<ExternalEvent>(nameof(EventKind.External));
        _operatorRequested = Declare<OperatorRequested>(nameof(EventKind.Operator));
        _resend = Declare<ResendRequested>("Resend");

        Initially(When(_started).ThenAsync(StoreDecisionAsync));
        foreach (var state in plan.States)
        {
            foreach (var kind in state.Accepts)
            {
                During(states[state.Name], kind switch
                {
                    EventKind.StepResult => [When(_result).ThenAsync(StoreDecisionAsync), When(_report).ThenAsync(StoreDecisionAsync)],
                    EventKind.Timer => [When(_timer).ThenAsync(StoreDecisionAsync)],
                    EventKind.Joined => [When(_joined).ThenAsync(StoreDecisionAsync)],
                    EventKind.External => [When(_external).ThenAsync(StoreDecisionAsync)],

                    // The runtime's own request to resend is accepted wherever an operator's command is.
                    EventKind.Operator =>
                        [When(_operatorRequested).ThenAsync(StoreDecisionAsync), When(_resend).ThenAsync(StoreDecisionAsync)],
                    _ =>
                        throw new InvalidOperationException(
                            $"State '{state.Name}' of '{plan.Name}' accepts {kind}, which only starts a saga."),
                });
            }
        }

        _accepted = plan.States.Select(state => state.Name).Append(Initial.Name).ToDictionary(
            state => state, state => ((StateMachine)this).NextEvents(GetState(state)).ToHashSet(), StringComparer.Ordinal);
    }

    /// <summary>Raises the event of a message. If the instance's state accepts the message, the instance then has the decision.</summary>
    public Task RaiseAsync(SagaInstance instance, SagaEvent message) => message switch
    {
        SagaStarted started => RaiseAsync(instance, _started, started),
        StepResultArrived result => RaiseAsync(instance, _result, result),
        StepReportArrived report => RaiseAsync(instance, _report, report),
        TimerFired timer => RaiseAsync(instance, _timer, timer),
        RequestJoined joined => RaiseAsync(instance, _joined, joined),
        ExternalEvent external => RaiseAsync(instance, _external, external),
        OperatorRequested request => RaiseAsync(instance, _operatorRequested, request),
        ResendRequested resend => RaiseAsync(instance, _resend, resend),
        _ => throw new InvalidOperationException($"No state machine accepts {message.GetType().Name}."),
    };

    private Task RaiseAsync<TMessage>(SagaInstance instance, Event<TMessage> @event, TMessage message)
        where TMessage : SagaEvent =>
        // A message that the state does not accept may simply be late. The router handles it, so it must not be an error here.
        _accepted[instance.CurrentState].Contains(@event)
            ? ((StateMachine<SagaInstance>)this).RaiseEvent(new DecisionContext<TMessage>(this, instance, @event, message))
            : Task.CompletedTask;

    private Event<TMessage> Declare<TMessage>(string name)
        where TMessage : SagaEvent =>
        Event<TMessage>(name, message =>
        {
            message.CorrelateById(context => context.Message.SagaId.Value);
            message.OnMissingInstance(missing => missing.Discard());
        });

    // The decision is stored in the instance, where PlanMachine takes it. Nothing is sent here.
    private Task StoreDecisionAsync<TMessage>(BehaviorContext<SagaInstance, TMessage> context)
        where TMessage : SagaEvent
    {
        var instance = context.Saga;
        var now = context.Message is SagaStarted started ? started.Facts.StartedAt : instance.Now;
        var decision = SagaEngine.Decide(_plan, instance.Saga, context.Message, now);
        instance.Decision = decision;
        instance.Saga = decision.State;

        // Sets the state instead of declaring the transition, because the engine chooses the next state at run time.
        return Accessor.Set(context, GetState(decision.State.State));
    }
}
