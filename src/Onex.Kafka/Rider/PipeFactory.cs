using System.Runtime.ExceptionServices;
using MassTransit;
using MassTransit.Configuration;
using MassTransit.Context;
using MassTransit.Serialization;
using MassTransit.Transports;

namespace Onex.Kafka.Rider;

/// <summary>Creates receive pipes of the bus for messages that are already objects, for the consumers of effects and workers.</summary>
internal sealed class PipeFactory(Func<IBusInstance> bus)
{
    // The bus's configuration objects are not thread-safe, and many threads build plans.
    private readonly Lock _lock = new();

    /// <summary>Creates a receive pipe without a transport, configured like any receive endpoint (sagas, consumers, filters).</summary>
    public IMessagePipe Create(string name, Action<IReceiveEndpointConfigurator> configure)
    {
        lock (_lock)
        {
            var context = Context(bus(), $"pipes/{name}", endpoint =>
            {
                configure(endpoint);

                // The caller handles failures: no error queue, no fault messages.
                endpoint.PublishFaults = false;
                endpoint.RethrowFaultedMessages();
                endpoint.ThrowOnSkippedMessages();
            });
            return new MessagePipe(context);
        }
    }

    /// <summary>The entry of a rider's endpoint in the health of the bus. Only its address matters.</summary>
    public static IReceiveEndpoint HealthEntry(IBusInstance bus, string path)
    {
        var context = Context(bus, path, _ => { });
        return new ReceiveEndpoint(new NoTransport(context), context);
    }

    private static PipeContext Context(IBusInstance bus, string path, Action<IReceiveEndpointConfigurator> configure)
    {
        var host = bus.HostConfiguration;
        var configuration = new PipeConfiguration(
            bus, host.CreateReceiveEndpointConfiguration(path, null), new Uri(host.HostAddress, path));
        configure(configuration);
        if (configuration.Validate().ToList() is { Count: > 0 } results)
        {
            results.ThrowIfContainsFailure($"The pipe '{path}' has an invalid configuration:");
        }

        return (PipeContext)configuration.CreateReceiveEndpointContext();
    }

    private sealed class PipeConfiguration(IBusInstance bus, IReceiveEndpointConfiguration configuration, Uri address)
        : ReceiveEndpointConfiguration(bus.HostConfiguration, configuration), IReceiveEndpointConfigurator
    {
        public override Uri HostAddress => bus.HostConfiguration.HostAddress;

        public override Uri InputAddress => address;

        public override ReceiveEndpointContext CreateReceiveEndpointContext()
        {
            ApplySpecifications(new ReceiveEndpointBuilder(this));
            return new PipeContext(bus, this);
        }
    }

    private sealed class PipeContext(IBusInstance bus, IReceiveEndpointConfiguration configuration)
        : BaseReceiveEndpointContext(bus.HostConfiguration, configuration)
    {
        public override void AddSendAgent(IAgent agent) => throw NoTransportHere();

        public override void AddConsumeAgent(IAgent agent) => throw NoTransportHere();

        public override Exception ConvertException(Exception exception, string message) => exception;

        protected override ISendEndpointProvider CreateSendEndpointProvider() => bus.Bus;

        protected override IPublishEndpointProvider CreatePublishEndpointProvider() => bus.Bus;

        protected override ISendTransportProvider CreateSendTransportProvider() => throw NoTransportHere();

        protected override IPublishTransportProvider CreatePublishTransportProvider() => throw NoTransportHere();

        private NotSupportedException NoTransportHere() => new($"{InputAddress} has no transport.");
    }

    private sealed class NoTransport(PipeContext context) : IReceiveTransport
    {
        public ReceiveTransportHandle Start() => throw new NotSupportedException($"{context.InputAddress} has no transport.");

        public void Probe(ProbeContext probe) => context.Probe(probe);

        public ConnectHandle ConnectReceiveObserver(IReceiveObserver observer) => context.ConnectReceiveObserver(observer);

        public ConnectHandle ConnectReceiveTransportObserver(IReceiveTransportObserver observer) =>
            context.ConnectReceiveTransportObserver(observer);

        public ConnectHandle ConnectPublishObserver(IPublishObserver observer) => context.ConnectPublishObserver(observer);

        public ConnectHandle ConnectSendObserver(ISendObserver observer) => context.ConnectSendObserver(observer);
    }

    private sealed class MessagePipe(PipeContext endpoint) : IMessagePipe
    {
        public async Task SendAsync<TMessage, TPayload>(
            TMessage message, Guid messageId, Guid? correlationId, TPayload payload, CancellationToken cancellation)
            where TMessage : class
            where TPayload : class
        {
            LogContext.Current = endpoint.LogContext;
            using var receive = new ObjectReceiveContext(endpoint, payload, cancellation);
            var consume = new ObjectConsumeContext<TMessage>(receive, message, messageId, correlationId, endpoint.InputAddress);
            receive.AddOrUpdatePayload<ConsumeContext>(() => consume, _ => consume);
            try
            {
                await endpoint.ReceivePipe.Send(receive);
            }
            catch (NotAcceptedStateMachineException e) when (e.InnerException is UnhandledEventException unhandled)
            {
                // The state machine's exception, without MassTransit's wrapper.
                ExceptionDispatchInfo.Throw(unhandled);
            }

            await receive.ReceiveCompleted;
        }
    }

    private sealed class ObjectReceiveContext(ReceiveEndpointContext endpoint, object payload, CancellationToken cancellation)
        : BaseReceiveContext(false, endpoint, payload)
    {
        public override CancellationToken CancellationToken => cancellation;

        public override MessageBody Body => EmptyMessageBody.Instance;

        protected override IHeaderProvider HeaderProvider => NoHeaders.Instance;

        // The caller gets the exception and decides what it means. MassTransit would log each as an error, also those that are retried.
        public override Task NotifyFaulted(Exception exception) => Task.CompletedTask;
    }

    private sealed class ObjectConsumeContext<TMessage>(
        ReceiveContext receive, TMessage message, Guid messageId, Guid? correlationId, Uri address)
        : DeserializerConsumeContext(receive, NoSerializer.Instance), ConsumeContext<TMessage>
        where TMessage : class
    {
        public TMessage Message => message;

        public override Guid? MessageId => messageId;

        public override Guid? CorrelationId => correlationId;

        public override Guid? RequestId => null;

        public override Guid? ConversationId => null;

        public override Guid? InitiatorId => null;

        public override DateTime? ExpirationTime => null;

        public override Uri SourceAddress => null!;

        public override Uri DestinationAddress => address;

        public override Uri ResponseAddress => null!;

        public override Uri FaultAddress => null!;

        public override DateTime? SentTime => null;

        public override Headers Headers => EmptyHeaders.Instance;

        public override HostInfo Host => MassTransit.Metadata.HostMetadataCache.Empty;

        public override IEnumerable<string> SupportedMessageTypes => MessageTypeCache<TMessage>.MessageTypeNames;

        public override bool HasMessageType(Type messageType) => messageType.IsAssignableFrom(typeof(TMessage));

        public override bool TryGetMessage<T>(out ConsumeContext<T> consumeContext)
        {
            if (this is ConsumeContext<T> own)
            {
                consumeContext = own;
                return true;
            }

            if (message is T other)
            {
                consumeContext = new MessageConsumeContext<T>(this, other);
                return true;
            }

            consumeContext = null!;
            return false;
        }

        public Task NotifyConsumed(TimeSpan duration, string consumerType) => NotifyConsumed(this, duration, consumerType);

        public Task NotifyFaulted(TimeSpan duration, string consumerType, Exception exception) =>
            NotifyFaulted(this, duration, consumerType, exception);

        // As above: the caller gets the exception.
        public override Task NotifyFaulted<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception) =>
            Task.CompletedTask;

        protected override Task GenerateFault<T>(ConsumeContext<T> context, Exception exception) => Task.CompletedTask;
    }

    private sealed class NoHeaders : IHeaderProvider
    {
        public static NoHeaders Instance { get; } = new();

        public IEnumerable<KeyValuePair<string, object>> GetAll() => [];

        public bool TryGetHeader(string key, out object value)
        {
            value = null!;
            return false;
        }
    }

    // MassTransit requires a serializer, although no bytes are read here.
    private sealed class NoSerializer : BaseSerializerContext
    {
        private NoSerializer()
            : base(SystemTextJsonMessageSerializer.Instance, null!, [])
        {
        }

        public static NoSerializer Instance { get; } = new();

        public override bool TryGetMessage<T>(out T? message)
            where T : class
        {
            message = null;
            return false;
        }

        public override bool TryGetMessage(Type messageType, out object message)
        {
            message = null!;
            return false;
        }

        public override IMessageSerializer GetMessageSerializer() => SystemTextJsonMessageSerializer.Instance;

        public override IMessageSerializer GetMessageSerializer<T>(MessageEnvelope envelope, T message) =>
            SystemTextJsonMessageSerializer.Instance;

        public override IMessageSerializer GetMessageSerializer(object message, string[] messageTypes) =>
            SystemTextJsonMessageSerializer.Instance;

        public override Dictionary<string, object> ToDictionary<T>(T? message)
            where T : class => [];
    }
}
