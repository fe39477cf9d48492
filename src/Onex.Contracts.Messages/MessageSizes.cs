namespace Onex.Contracts.Messages;

/// <summary>
/// Sizes in bytes up to which a value is part of a message. A larger one is stored in the database, and the message refers to it, unless
/// its receiver or sender is a remote worker.
/// </summary>
public static class MessageSizes
{
    /// <summary>Arguments, results and outputs.</summary>
    public const int InlineMax = 64 * 1024;

    /// <summary>
    /// Arguments and results of remote workers, which have no database: a larger one fails its step. With the other fields the record stays
    /// below the usual limit of brokers, 1 MiB.
    /// </summary>
    public const int RemoteMax = 512 * 1024;

    /// <summary>
    /// The original message in a dead letter. Escaped twice and with the other fields it stays below the usual limit of brokers, 1 MiB.
    /// </summary>
    public const int DeadLetterValueMax = 256 * 1024;
}
