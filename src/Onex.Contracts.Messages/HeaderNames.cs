namespace Onex.Contracts.Messages;

/// <summary>The names of the Kafka headers that Onex reads and writes. Values are UTF-8 text.</summary>
public static class HeaderNames
{
    /// <summary>W3C trace context.</summary>
    public const string TraceParent = "traceparent";

    /// <summary>The vendor part of the W3C trace context.</summary>
    public const string TraceState = "tracestate";

    /// <summary><c>application/json</c>; on a record of <c>kafka.produce</c>, <c>text/plain</c> for text, or what the step sets.</summary>
    public const string ContentType = "content_type";

    /// <summary>The correlation id of the request that a message belongs to.</summary>
    public const string CorrelationId = "correlation_id";

    /// <summary>The identity of the message, the same in every copy.</summary>
    public const string MessageId = "message_id";

    /// <summary>When Onex decided to send the message, in ISO 8601.</summary>
    public const string Timestamp = "timestamp";

    /// <summary>
    /// The role that sent the record: <c>onex-main</c>, <c>onex-effects</c>, <c>onex-workers</c>; <c>onex-all</c> on a dead letter of a
    /// process that has all roles.
    /// </summary>
    public const string Source = "source";

    /// <summary>What the message is. The values are listed below.</summary>
    public const string EventType = "event_type";

    /// <summary>The version of the message's format: <c>1</c> today.</summary>
    public const string SchemaVersion = "schema_version";

    /// <summary>How often the handling of this record was retried before.</summary>
    public const string RetryCount = "retry_count";

    /// <summary>On a domain event: the saga that emitted it.</summary>
    public const string SagaId = "saga_id";

    /// <summary>On a domain event: the contract of that saga.</summary>
    public const string Contract = "contract";

    /// <summary>On a domain event: the step that emitted it.</summary>
    public const string Step = "step";

    /// <summary>
    /// On a redriven record, and on the dead letter of a redriven event: the id of the dead letter. Ignored on a record whose topic, value
    /// or origin is not that of the dead letter.
    /// </summary>
    public const string Redrive = "onex-redrive";

    /// <summary>
    /// On a redriven record: its original identity, so that it counts as a duplicate and not as a new record. Read only on a record that
    /// has <c>onex-redrive</c> too.
    /// </summary>
    public const string Origin = "onex-origin";

    /// <summary>
    /// On a command, a cancellation, a report or a result, if traces are recorded: the span that sent it, as W3C trace context. The span
    /// that handles it is linked to that span.
    /// </summary>
    public const string SenderSpan = "onex-sender-span";

    /// <summary>The prefix of Onex's own headers, which are not copied from a request.</summary>
    public const string OwnPrefix = "onex-";
}

/// <summary>Values of the header <see cref="HeaderNames.EventType"/>.</summary>
public static class EventTypes
{
    /// <summary>A client's request.</summary>
    public const string Request = "onex.request";

    /// <summary>A response to a client.</summary>
    public const string Response = "onex.response";

    /// <summary>A command to a role or a remote worker, or a parent saga's call of a child.</summary>
    public const string Command = "onex.command";

    /// <summary>The result of a command or of a child.</summary>
    public const string Result = "onex.result";

    /// <summary>A report on a running attempt, from a worker or the effects role.</summary>
    public const string Report = "onex.report";

    /// <summary>The cancellation of a command.</summary>
    public const string Cancel = "onex.cancel";

    /// <summary>A domain event that a contract emits.</summary>
    public const string DomainEvent = "onex.domain-event";

    /// <summary>A dead letter.</summary>
    public const string DeadLetter = "onex.dead-letter";
}
