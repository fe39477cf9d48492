namespace Onex.Contracts.Messages;

/// <summary>The value of a record on a <c>*.dlq</c> topic.</summary>
public sealed record DeadLetter
{
    /// <summary>The topic that the record was read from, or to which it could not be sent.</summary>
    public required string OriginalTopic { get; init; }

    /// <summary>The record. What looks like a secret is masked.</summary>
    public required DeadLetterMessage OriginalMessage { get; init; }

    /// <summary>Why the record could not be handled, for people.</summary>
    public required string FailureReason { get; init; }

    /// <summary>The code of that reason.</summary>
    public required string FailureCode { get; init; }

    /// <summary>When Onex stopped trying to handle the record; of a message that could not be sent, when Onex decided to send it.</summary>
    public required DateTimeOffset FailureTimestamp { get; init; }

    /// <summary>The record's correlation id, if one can be read.</summary>
    public Guid? CorrelationId { get; init; }

    /// <summary>How often the handling of the record was retried.</summary>
    public required int RetryCount { get; init; }

    /// <summary>The kind of failure: <c>MalformedMessage</c>, <c>SchemaMismatch</c> and others, or the type of an exception.</summary>
    public required string ErrorType { get; init; }
}

/// <summary>The original record of a dead letter. Text that is not UTF-8 is written as <c>base64:</c> and its bytes in base64.</summary>
public sealed record DeadLetterMessage
{
    /// <summary>The record's key.</summary>
    public string? Key { get; init; }

    /// <summary>The record's value. Absent if it has none, or if it is too large for a record.</summary>
    public string? Value { get; init; }

    /// <summary>The id of the row of <c>dead_letters</c> that stores a value that is too large for a record.</summary>
    public Guid? ValueRef { get; init; }

    /// <summary>The record's headers.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The partition that the record was read from or was sent to; -1 if it has none.</summary>
    public required int Partition { get; init; }

    /// <summary>The record's offset there; -1 if it has none.</summary>
    public required long Offset { get; init; }
}
