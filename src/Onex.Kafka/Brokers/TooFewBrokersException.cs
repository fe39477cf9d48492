namespace Onex.Kafka.Brokers;

/// <summary>A topic cannot be created while fewer brokers are up than it has replicas.</summary>
public sealed class TooFewBrokersException(string message, Exception? inner) : Exception(message, inner)
{
    /// <summary>With a general message.</summary>
    public TooFewBrokersException()
        : this("Too few brokers are up.", null)
    {
    }

    /// <summary>With a message.</summary>
    public TooFewBrokersException(string message)
        : this(message, null)
    {
    }
}
