using System.Diagnostics.CodeAnalysis;
using MassTransit;
using MassTransit.Metadata;
using MassTransit.Serialization;

namespace Onex.Orchestrator.Machines;

/// <summary>
/// Implements the members of MassTransit's contexts that concern transports: they are empty or throw. A state machine that only decides
/// needs none of them, so no transport objects are created for each message.
/// </summary>
[SuppressMessage("Naming", "CA1716:Identifiers should not match keywords", Justification = "The names are MassTransit's.")]
internal abstract class ContextWithoutTransport : ConsumeContext
{
    public CancellationToken CancellationToken => CancellationToken.None;

    public ReceiveContext ReceiveContext => throw Unused();

    public SerializerContext SerializerContext => throw Unused();

    public Task ConsumeCompleted => Task.CompletedTask;

    public IEnumerable<string> SupportedMessageTypes => [];

    public abstract Guid? MessageId { get; }

    public abstract Guid? CorrelationId { get; }

    public Guid? RequestId => null;

    public Guid? ConversationId => null;

    public Guid? InitiatorId => null;

    public DateTime? ExpirationTime => null;

    public DateTime? SentTime => null;

    public Uri? SourceAddress => null;

    public Uri? DestinationAddress => null;

    public Uri? ResponseAddress => null;

    public Uri? FaultAddress => null;

    public Headers Headers => EmptyHeaders.Instance;

    public HostInfo Host => HostMetadataCache.Empty;

    public bool HasPayloadType(Type payloadType) => false;

    public bool TryGetPayload<T>([NotNullWhen(true)] out T? payload)
        where T : class
    {
        payload = null;
        return false;
    }

    public T GetOrAddPayload<T>(PayloadFactory<T> payloadFactory)
        where T : class => throw Unused();

    public T AddOrUpdatePayload<T>(PayloadFactory<T> addFactory, UpdatePayloadFactory<T> updateFactory)
        where T : class => throw Unused();

    public bool HasMessageType(Type messageType) => throw Unused();

    public bool TryGetMessage<T>([NotNullWhen(true)] out ConsumeContext<T>? consumeContext)
        where T : class => throw Unused();

    public void AddConsumeTask(Task task) => throw Unused();

    public Task NotifyConsumed<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType)
        where T : class => throw Unused();

    public Task NotifyFaulted<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception)
        where T : class => throw Unused();

    public Task<ISendEndpoint> GetSendEndpoint(Uri address) => throw Unused();

    public ConnectHandle ConnectSendObserver(ISendObserver observer) => throw Unused();

    public ConnectHandle ConnectPublishObserver(IPublishObserver observer) => throw Unused();

    public void Respond<T>(T message)
        where T : class => throw Unused();

    public Task RespondAsync(object message) => throw Unused();

    public Task RespondAsync(object message, IPipe<SendContext> sendPipe) => throw Unused();

    public Task RespondAsync(object message, Type messageType) => throw Unused();

    public Task RespondAsync(object message, Type messageType, IPipe<SendContext> sendPipe) => throw Unused();

    public Task RespondAsync<T>(T message)
        where T : class => throw Unused();

    public Task RespondAsync<T>(T message, IPipe<SendContext<T>> sendPipe)
        where T : class => throw Unused();

    public Task RespondAsync<T>(T message, IPipe<SendContext> sendPipe)
        where T : class => throw Unused();

    public Task RespondAsync<T>(object values)
        where T : class => throw Unused();

    public Task RespondAsync<T>(object values, IPipe<SendContext<T>> sendPipe)
        where T : class => throw Unused();

    public Task RespondAsync<T>(object values, IPipe<SendContext> sendPipe)
        where T : class => throw Unused();

    public Task Publish(object message, CancellationToken cancellationToken = default) => throw Unused();

    public Task Publish(object message, IPipe<PublishContext> publishPipe, CancellationToken cancellationToken = default) =>
        throw Unused();

    public Task Publish(object message, Type messageType, CancellationToken cancellationToken = default) => throw Unused();

    public Task Publish(
        object message, Type messageType, IPipe<PublishContext> publishPipe, CancellationToken cancellationToken = default) =>
        throw Unused();

    public Task Publish<T>(T message, CancellationToken cancellationToken = default)
        where T : class => throw Unused();

    public Task Publish<T>(T message, IPipe<PublishContext<T>> publishPipe, CancellationToken cancellationToken = default)
        where T : class => throw Unused();

    public Task Publish<T>(T message, IPipe<PublishContext> publishPipe, CancellationToken cancellationToken = default)
        where T : class => throw Unused();

    public Task Publish<T>(object values, CancellationToken cancellationToken = default)
        where T : class => throw Unused();

    public Task Publish<T>(object values, IPipe<PublishContext<T>> publishPipe, CancellationToken cancellationToken = default)
        where T : class => throw Unused();

    public Task Publish<T>(object values, IPipe<PublishContext> publishPipe, CancellationToken cancellationToken = default)
        where T : class => throw Unused();

    protected static NotSupportedException Unused() => new("The state machine only decides; it must not send or publish.");
}
