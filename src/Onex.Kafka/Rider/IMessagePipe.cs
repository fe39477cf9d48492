namespace Onex.Kafka.Rider;

/// <summary>A receive pipe for messages that are objects.</summary>
internal interface IMessagePipe
{
    /// <summary>
    /// Sends a message through the pipe without serializing it. Exceptions of the pipe reach the caller.
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
