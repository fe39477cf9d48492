namespace Onex.Contracts.Messages;

/// <summary>Sizes in bytes up to which a value is part of a message.</summary>
public static class MessageSizes
{
    /// <summary>
    /// Arguments and results of steps. A larger one is in the database, where a role reads it. Clients cannot, so responses have no limit.
    /// </summary>
    public const int InlineMax = 64 * 1024;

    /// <summary>
    /// Arguments and results of remote workers. They have no access to the database, so a larger one fails its step. With the other fields
    /// the record stays below the usual limit of brokers, 1 MiB.
    /// </summary>
    public const int RemoteMax = 512 * 1024;

    /// <summary>
    /// The value in a dead letter of an event, or of a message that the broker rejects; a larger one is only in the index of dead letters.
    /// Even if escaping triples it, the record stays below the usual limit of brokers, 1 MiB.
    /// </summary>
    public const int DeadLetterValueMax = 256 * 1024;
}
