using MassTransit;
using Onex.Engine;

namespace Onex.Orchestrator.Machines;

/// <summary>A message for a saga, as MassTransit's state machine sees it.</summary>
internal sealed class DecisionContext<TMessage>(ContractMachine machine, SagaInstance saga, Event<TMessage> @event, TMessage message)
    : ContextWithoutTransport, BehaviorContext<SagaInstance, TMessage>
    where TMessage : SagaEvent
{
    public SagaInstance Saga => saga;

    public TMessage Message => message;

    public Event<TMessage> Event => @event;

    public StateMachine<SagaInstance> StateMachine => machine;

    public bool IsCompleted => false;

    public override Guid? MessageId => message.CausedBy.Value;

    public override Guid? CorrelationId => message.SagaId.Value;

    Event BehaviorContext<SagaInstance>.Event => @event;

    TMessage BehaviorContext<SagaInstance, TMessage>.Data => message;

    SagaInstance BehaviorContext<SagaInstance>.Instance => saga;

    public Task SetCompleted() => throw Unused();

    public Task NotifyConsumed(TimeSpan duration, string consumerType) => throw Unused();

    public Task NotifyFaulted(TimeSpan duration, string consumerType, Exception exception) => throw Unused();

    public Task Raise(Event @event) => throw Unused();

    public Task Raise<T>(Event<T> @event, T data)
        where T : class => throw Unused();

    Task<SendTuple<T>> BehaviorContext<SagaInstance>.Init<T>(object values) => throw Unused();

    Task<SendTuple<T>> BehaviorContext<SagaInstance, TMessage>.Init<T>(object values) => throw Unused();

    public BehaviorContext<SagaInstance> CreateProxy(Event @event) => throw Unused();

    public BehaviorContext<SagaInstance, T> CreateProxy<T>(Event<T> @event, T data)
        where T : class => throw Unused();
}
