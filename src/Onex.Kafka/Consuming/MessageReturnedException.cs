namespace Onex.Kafka.Consuming;

/// <summary>
/// Thrown by a handler that has not begun its message because the process stops: the next owner of the partition reads the message again.
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
