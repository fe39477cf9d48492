namespace Onex.Kafka.Brokers;

/// <summary>No broker can be reached.</summary>
public sealed class BrokerUnavailableException(string message, Exception? inner) : Exception(message, inner)
{
    /// <summary>With a general message.</summary>
    public BrokerUnavailableException()
        : this("No broker can be reached.", null)
    {
    }

    /// <summary>With a message.</summary>
    public BrokerUnavailableException(string message)
        : this(message, null)
    {
    }
}
