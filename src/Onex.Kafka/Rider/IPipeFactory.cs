using MassTransit;

namespace Onex.Kafka.Rider;

/// <summary>
/// Makes receive pipes of the bus for messages that are already objects: main builds one for each plan, and effects and workers one for
/// their consumer. Resolved from the rider.
/// </summary>
public interface IPipeFactory
{
    /// <summary>A receive pipe of its own, configured like any receive endpoint (sagas, consumers, filters), without a transport.</summary>
    IMessagePipe Create(string name, Action<IReceiveEndpointConfigurator> configure);
}

/// <summary>A receive pipe that is fed with objects.</summary>
public interface IMessagePipe
{
    /// <summary>
    /// Sends a message through the pipe with own receive and consume contexts, nothing being serialized. What the pipe throws is thrown.
    /// </summary>
    /// <param name="message">The message; its type must have a namespace.</param>
    /// <param name="messageId">Its identity.</param>
    /// <param name="correlationId">Its correlation id, or null.</param>
    /// <param name="payload">An object that filters and repositories find with <c>TryGetPayload</c>.</param>
    /// <param name="cancellation">Ends the work.</param>
    Task SendAsync<TMessage, TPayload>(
        TMessage message, Guid messageId, Guid? correlationId, TPayload payload, CancellationToken cancellation)
        where TMessage : class
        where TPayload : class;
}
