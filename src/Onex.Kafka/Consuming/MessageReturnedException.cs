namespace Onex.Kafka.Consuming;

/// <summary>
/// Thrown by a consumer of messages that has not begun one because the process stops: the next owner of the partition reads it again.
/// </summary>
public sealed class MessageReturnedException(string message) : Exception(message)
{
    /// <summary>With a general message.</summary>
    public MessageReturnedException()
        : this("The process stops, and has not begun the message.")
    {
    }

    /// <summary>With a message and a cause.</summary>
    public MessageReturnedException(string message, Exception inner)
        : this($"{message} ({inner.Message})")
    {
    }
}
