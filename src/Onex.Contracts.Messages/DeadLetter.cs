namespace Onex.Contracts.Messages;

/// <summary>What a <c>*.dlq</c> topic holds.</summary>
public sealed record DeadLetter
{
    /// <summary>The topic that the record was read from.</summary>
    public required string OriginalTopic { get; init; }

    /// <summary>The record as it was read.</summary>
    public required DeadLetterMessage OriginalMessage { get; init; }

    /// <summary>Why it could not be handled, for people.</summary>
    public required string FailureReason { get; init; }

    /// <summary>Why it could not be handled, as a code.</summary>
    public required string FailureCode { get; init; }

    /// <summary>When it was given up.</summary>
    public required DateTimeOffset FailureTimestamp { get; init; }

    /// <summary>The record's correlation id, where one can be read.</summary>
    public Guid? CorrelationId { get; init; }

    /// <summary>How often it was tried again.</summary>
    public required int RetryCount { get; init; }

    /// <summary>The kind of failure: <c>MalformedMessage</c>, <c>SchemaMismatch</c>, or an exception's type.</summary>
    public required string ErrorType { get; init; }
}

/// <summary>The record of a dead letter. What is not UTF-8 stands as base64 with <c>base64:</c> before it.</summary>
public sealed record DeadLetterMessage
{
    /// <summary>The record's key.</summary>
    public string? Key { get; init; }

    /// <summary>The record's value; absent when <see cref="ValueRef"/> is given.</summary>
    public string? Value { get; init; }

    /// <summary>Where a larger value is kept: the id of a row of <c>dead_letters</c>.</summary>
    public Guid? ValueRef { get; init; }

    /// <summary>The record's headers.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The partition it was read from.</summary>
    public required int Partition { get; init; }

    /// <summary>Its offset there.</summary>
    public required long Offset { get; init; }
}
