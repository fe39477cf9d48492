namespace Onex.Contracts.Messages;

/// <summary>The names of the Kafka headers that Onex reads and writes. Values are UTF-8 text.</summary>
public static class HeaderNames
{
    /// <summary>W3C trace context.</summary>
    public const string TraceParent = "traceparent";

    /// <summary>W3C trace context, vendor part.</summary>
    public const string TraceState = "tracestate";

    /// <summary>Always <c>application/json</c>.</summary>
    public const string ContentType = "content_type";

    /// <summary>The correlation id of the request that a message belongs to.</summary>
    public const string CorrelationId = "correlation_id";

    /// <summary>The identity of this logical message; every copy carries the same.</summary>
    public const string MessageId = "message_id";

    /// <summary>When the message was decided, ISO 8601.</summary>
    public const string Timestamp = "timestamp";

    /// <summary>The role that sent it: <c>onex-main</c>, <c>onex-effects</c>, <c>onex-workers</c>.</summary>
    public const string Source = "source";

    /// <summary>What the message is: see <see cref="EventTypes"/>.</summary>
    public const string EventType = "event_type";

    /// <summary>The version of the message's shape.</summary>
    public const string SchemaVersion = "schema_version";

    /// <summary>How often this record was tried before.</summary>
    public const string RetryCount = "retry_count";

    /// <summary>Of a domain event: the saga that emitted it.</summary>
    public const string SagaId = "saga_id";

    /// <summary>Of a domain event: that saga's contract.</summary>
    public const string Contract = "contract";

    /// <summary>Of a domain event: the step that emitted it.</summary>
    public const string Step = "step";

    /// <summary>The dead letter whose record this is once more: an operator sent it again.</summary>
    public const string Redrive = "onex-redrive";

    /// <summary>Of such a record: who it was when it was read first, so that it is no new one. See <c>RecordOrigin</c>.</summary>
    public const string Origin = "onex-origin";

    /// <summary>Headers in our own namespace; dropped when they come from outside.</summary>
    public const string OwnPrefix = "onex-";
}

/// <summary>Values of the header <see cref="HeaderNames.EventType"/>.</summary>
public static class EventTypes
{
    /// <summary>A client's request.</summary>
    public const string Request = "onex.request";

    /// <summary>A response to a client.</summary>
    public const string Response = "onex.response";

    /// <summary>A command to a role.</summary>
    public const string Command = "onex.command";

    /// <summary>A role's result.</summary>
    public const string Result = "onex.result";

    /// <summary>A domain event that a contract emits.</summary>
    public const string DomainEvent = "onex.domain-event";

    /// <summary>A dead letter.</summary>
    public const string DeadLetter = "onex.dead-letter";

    /// <summary>The version that <see cref="HeaderNames.SchemaVersion"/> carries today.</summary>
    public const string SchemaVersion = "1";
}
